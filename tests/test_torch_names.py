"""PyTorch's functions and methods under its names: with `import autodiff as torch` the lines of tutorials run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.functions import METHODS

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
Y = RNG.normal(size=(3, 4))
TIES = np.array([[2.0, 1.0, 2.0, 0.0], [1.0, 1.0, 3.0, 3.0], [5.0, 4.0, 5.0, 5.0]])

LINES = [  # each is run under both, with T the library, x, y, ties floating matrices and k integers
    "T.max(x)", "T.max(x, 1).values", "T.max(x, 0).indices", "T.max(x, 1, keepdim=True)[0]", "T.max(x, dim=-1)[1]",
    "T.max(x, y)", "T.min(x)", "T.min(x, 1).values", "T.min(x, 0)[1]", "T.min(x, y)", "T.sort(x).values",
    "T.sort(x, 0).indices", "T.sort(ties, stable=True).indices", "T.sort(x[0, 0]).indices",
    "T.sort(x, dim=0, descending=True).values",
    "T.sort(ties, dim=1, descending=True, stable=True)[1]", "T.transpose(x, 0, 1)", "T.permute(x, (1, 0))",
    "T.swapaxes(x, 0, 1)", "T.t(x)", "T.meshgrid(x[0], x[:, 0], indexing='ij')[1]",
    "T.meshgrid(x[0], x[:, 0], indexing='xy')[0]", "T.add(x, y, alpha=2)", "T.sub(x, y, alpha=2)", "T.mul(x, y)",
    "T.div(x, y)", "T.pow(x, 2)", "T.neg(x)", "T.remainder(x, y)", "T.fmod(x, y)", "T.clamp(x, -0.5, 0.5)",
    "T.clamp(x, min=0)", "T.rsqrt(T.exp(x))", "T.mm(x, y.t())", "T.bmm(x[None], y.t()[None])", "T.mv(x, y[0])",
    "T.dot(x[0], y[0])", "T.kron(x, y)", "T.outer(x[0], y[0])", "T.vdot(x[0], y[0])", "T.diagonal(x, 1)", "T.norm(x)",
    "T.tril(x, -1)", "T.triu(x, diagonal=1)", "T.linspace(0, 1, steps=5)", "T.cat([x, y], dim=1)", "T.concat([x, y])",
    "T.concatenate([x, y], dim=1)", "T.hstack([x, y])", "T.vstack([x, y])", "T.chunk(x, 2, dim=1)[1]",
    "T.split(x, 3, dim=1)[0]", "T.unbind(x, dim=1)[2]", "T.narrow(x, 1, 1, 2)", "T.select(x, 1, 2)",
    "T.index_select(x, 1, k[0])", "T.gather(x, 1, k)", "T.scatter(x, 1, k, y)", "T.scatter_add(x, 1, k, y)",
    "T.masked_fill(x, x > 0, 0.5)", "T.masked_select(x, x > 0)", "T.flip(x, (0,))", "T.flip(x, [0, 1])",
    "T.roll(x, 1)", "T.roll(x, 1, 0)", "T.roll(x, (1, 2), (0, 1))", "T.tile(x, (2, 1))", "T.repeat_interleave(x, 2)",
    "T.repeat_interleave(x, 2, dim=1)", "T.unflatten(x, 1, (2, -1))", "T.squeeze(x[None], 0)", "T.unsqueeze(x, -1)",
    "T.clone(x)", "T.cumsum(x, dim=1)", "T.mean(x, dim=0, keepdim=True)", "T.prod(x, 1)", "x.flip(1)", "x.flip(0, 1)",
    "x.roll(2, dims=1)", "x.narrow(0, 1, 2)", "x.select(0, 1)", "T.exp(x).rsqrt()", "x.unflatten(-1, (2, 2))",
    "x.repeat_interleave(3, dim=0)", "x.reshape_as(y.t())", "x.new_zeros(2, 3, device=x.device)", "x.new_ones((2,))",
    "x.new_full((2, 2), 1.5)", "T.eq(x, y)", "T.ne(x, x)", "T.lt(x, y)", "T.le(x, y)", "T.gt(x, y)", "T.ge(x, x)",
    "T.numel(x)", "T.is_tensor(x)", "T.is_tensor(3)", "T.allclose(x, x)", "T.isclose(x, y)",
    "x.device == T.device('cpu')", "x.to(T.device('cpu'))", "T.zeros(2, 3, device='cpu')",
    "T.arange(3, device=x.device)", "T.zeros_like(x, device='cpu')", "T.tensor([1.0], device='cpu')",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_gives_what_it_gives_under_torch(torch: Any, line: str) -> None:
    """Values and the gradients of both operands."""
    found = []
    for lib in (ad, torch):
        x, y = (lib.tensor(v).requires_grad_() for v in (X, Y))
        names = {"T": lib, "x": x, "y": y, "ties": lib.tensor(TIES), "k": lib.tensor(np.argsort(Y) % 4)}
        out = eval(line, names)
        if getattr(out, "requires_grad", False):
            (out * out).sum().backward()
        arrays = [None if t is None else np.asarray(t.detach()) for t in (x.grad, y.grad)]
        found.append([np.asarray(out.detach() if hasattr(out, "detach") else out), *arrays])
    for ours, theirs in zip(*found, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_place_is_along_one_axis() -> None:
    with pytest.raises(TypeError, match=r"dim is one axis, got \(0, 1\); amax and amin"):
        ad.ones(2, 2).max(dim=(0, 1))
    assert ad.ones(2, 2).amax(dim=(0, 1)).item() == 1.0


def test_an_axis_may_be_numpys_integer() -> None:
    x = ad.tensor([[1.0, 3.0], [5.0, 2.0]])
    assert ad.max(x, np.int64(1)).values.tolist() == [3.0, 5.0]
    assert ad.max(x, np.full((2, 2), 2.5)).tolist() == [[2.5, 3.0], [5.0, 2.5]]
    with pytest.raises(TypeError, match="dim is one axis, got 2.5"):
        ad.max(x, 2.5)


def test_what_is_no_function_of_numpys_is_no_attribute() -> None:
    for name in ("typecodes", "sctypeDict", "nowhere"):
        assert not hasattr(ad, name)


def test_draws_in_place_have_all_digits_of_the_dtype() -> None:
    x = ad.zeros(8, dtype=np.float64)
    for drawn in (x.normal_(), x.clone().uniform_()):
        assert (drawn.numpy() != drawn.numpy().astype(np.float32)).any()


def test_every_method_listed_is_one() -> None:
    assert not [name for name in METHODS.split() if not hasattr(ad.Tensor, name)]


@pytest.mark.parametrize("name", ["std", "var", "nonzero", "median", "equal"])
def test_where_the_libraries_disagree_neither_is_guessed(name: str) -> None:
    with pytest.raises(AttributeError, match="PyTorch's"):
        getattr(ad, name)
    with pytest.raises(AttributeError, match=r"histogram'.*write np.histogram"):
        _ = ad.histogram


def test_programs_that_look_for_a_device_find_the_cpu() -> None:
    device = ad.device("cuda:0" if ad.cuda.is_available() else "cpu")
    assert device == ad.device(None) == ad.ones(2).to(device).device == "cpu" == device.type
    assert not ad.accelerator.is_available()
    assert ad.cuda.device_count() == 0
    for make in (ad.device, lambda d: ad.zeros(2, device=d), lambda d: ad.randn(2, device=d), ad.ones(2).to):
        with pytest.raises(ValueError, match="'cuda:1'.*the only device is 'cpu'"):
            make("cuda:1")


# --- draws ---------------------------------------------------------------------------------------------------------


def test_multinomial_draws_by_weight() -> None:
    weights, rng = np.array([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]]), ad.random.Generator(0)
    drawn = ad.multinomial(ad.tensor(weights), 20_000, replacement=True, generator=rng).numpy()
    assert drawn.shape == (2, 20_000)
    assert drawn.dtype == np.int64
    for row, w in zip(drawn, weights, strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / row.size, w / w.sum(), atol=0.015)
    assert not (drawn[0] == 1).any()
    assert not (drawn[1] == 2).any()


def test_multinomial_without_replacement_draws_each_place_once() -> None:
    rng = ad.random.Generator(0)
    assert sorted(ad.multinomial([0.5, 0.2, 0.3], 3, generator=rng).tolist()) == [0, 1, 2]
    pairs = np.array([ad.multinomial([3.0, 1.0, 0.0, 2.0], 2, generator=rng).numpy() for _ in range(4000)])
    first = np.bincount(pairs[:, 0], minlength=4) / 4000
    np.testing.assert_allclose(first, [1 / 2, 1 / 6, 0, 1 / 3], atol=0.03)
    after = np.bincount(pairs[pairs[:, 0] == 0, 1], minlength=4)  # what is left is drawn by its own weights
    np.testing.assert_allclose(after / after.sum(), [0, 1 / 3, 0, 2 / 3], atol=0.04)


@pytest.mark.parametrize(
    ("weights", "count", "message"),
    [
        ([0.5, -0.5], 1, "at least 0"),
        ([0.5, np.nan], 1, "finite"),
        ([[0.0, 0.0], [1.0, 1.0]], 1, "0 weights above 0"),
        ([1.0, 0.0], 2, "2 samples asked of 1 weights above 0.*replacement=True"),
        ([1.0, 1.0], 0, "at least one"),
        ([[[1.0]]], 1, r"vector or a matrix.*\(1, 1, 1\)"),
        ([], 1, "vector or a matrix"),
    ],
)
def test_multinomial_refuses_what_are_no_weights(weights: Any, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ad.multinomial(weights, count)


def test_integers_and_permutations_are_drawn_as_torch_spells_them() -> None:
    rng = ad.random.Generator(0)
    assert ad.randint(3, (50,), generator=rng).tolist() != ad.randint(3, (50,), generator=rng).tolist()
    assert {*ad.randint(5, 8, (200,), generator=rng).tolist()} == {5, 6, 7}
    assert sorted(ad.randperm(6, generator=rng).tolist()) == list(range(6))


def test_draws_in_place_keep_shape_dtype_and_memory() -> None:
    x, rng = ad.zeros(4000, dtype=np.float64), ad.random.Generator(0)
    memory = x.data
    with ad.no_grad():
        assert x.normal_(3, 2, generator=rng) is x
        assert abs(x.mean().item() - 3) < 0.2 > abs(x.std().item() - 2)
        assert x.uniform_(-1, 0, generator=rng).max().item() <= 0
        assert {*x.bernoulli_(0.3, generator=rng).tolist()} == {0.0, 1.0}
    assert x.data is memory
    with pytest.raises(ad.AutodiffError, match="in place while recording"):
        ad.ones(2, requires_grad=True).normal_()
