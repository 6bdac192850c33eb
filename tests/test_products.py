"""Products and contractions: what einsum means, what it refuses, and how it is carried out."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.kernels.contraction import _steps, contract, written_out
from tests.numeric import check

RNG = np.random.default_rng(3)


def leaf(*shape: int, dtype: Any = np.float64) -> ad.Tensor:
    return ad.as_tensor(RNG.normal(size=shape).astype(dtype)).requires_grad_()


# --- subscripts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "written"),
    [
        (("ij,jk", np.ones((2, 3)), np.ones((3, 4))), "ij,jk->ik"),
        (("ba", np.ones((2, 3))), "ba->ab"),
        (("ii", np.ones((2, 2))), "ii->"),
        ((" i j -> j i ", np.ones((2, 3))), "ij->ji"),
        (("...i,i...->...", np.ones((5, 2, 3)), np.ones((3, 2))), "ABi,iB->AB"),
        (("i...", np.ones((2, 3))), "iA->Ai"),
        (("...,...", np.ones(3), 2.0), "A,->A"),
        ((np.ones((2, 3)), [7, 3]), "HD->DH"),
        ((np.ones((2, 3)), [51, ...], [..., 51]), "zA->Az"),
    ],
)
def test_subscripts_are_written_out(args: Any, written: str) -> None:
    assert written_out(args)[0] == written
    assert np.einsum(*args).shape == contract(written, *[a for a in args if not isinstance(a, (str, list))]).shape


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("ij,jk", leaf(2, 3), leaf(2, 3)), "index 'j' of 'ij,jk' has lengths 3 and 2"),
        (("ii", leaf(2, 3)), "index 'i' of 'ii' has lengths 2 and 3"),
        (("ii", leaf(2, 1)), "index 'i' of 'ii' has lengths 2 and 1"),
        (("ij,jk", leaf(2, 3)), "names 2 operands; 1 were given"),
        (("i", leaf(2, 3)), "'i' of 'i' names 1 axes; operand 0 has 2"),
        (("ijk...", leaf(2, 3)), "names 3 axes; operand 0 has 2"),
        (("ij->k", leaf(2, 3)), "names 'k', which no operand has"),
        (("ij->iji", leaf(2, 3)), "names 'i' twice"),
        (("i1", leaf(2, 3)), "holds '1'; expected letters"),
        (("i..j", leaf(2, 3)), r"holds '\.'"),
        (("...->", leaf(2, 3)), "the output names none; add '...'"),
        ((leaf(2, 3), [0, 52]), "expected integers from 0 to 51"),
        ((leaf(2, 3), [0, "a"]), "expected integers from 0 to 51"),
        ((leaf(2, 3),), "expected subscripts and operands"),
    ],
)
def test_subscripts_that_mean_nothing_are_refused(args: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"einsum.*{message}"):
        np.einsum(*args)


@pytest.mark.parametrize("how", ["fast", ["einsum_path", (0, 5)], 7])
def test_an_order_that_is_none_is_refused(how: Any) -> None:
    with pytest.raises(ValueError, match="orders no contraction of 3 operands; expected True, False, 'greedy'"):
        np.einsum("ij,jk,kl", leaf(2, 3), leaf(3, 2), leaf(2, 2), optimize=how)


def test_keywords_of_einsum() -> None:
    x = leaf(2, 3)
    for dtype, casting in ((np.float32, "same_kind"), (np.complex128, "safe")):
        y = np.einsum("ij->i", x, dtype=dtype, casting=casting)
        assert y.dtype == dtype
        assert ad.grad(y, x, np.ones(2, dtype))[0].dtype == np.float64
    out = ad.zeros(2, dtype=np.float64)
    np.einsum("ij->i", x, out=out)
    assert ad.grad(out.sum(), x)[0].tolist() == np.ones((2, 3)).tolist()
    array = np.zeros(2)
    with ad.no_grad():
        assert np.einsum("ij->i", x, out=array) is array
    np.testing.assert_allclose(array, x.detach().numpy().sum(1))
    for given, message in (
        ({"order": "C"}, "does not support order='C'"),
        ({"dtype": np.float32}, "cannot cast float64 to dtype=float32 with casting='safe'"),
        ({"out": np.zeros(2)}, "gradient history"),
        ({"optimise": True}, "optimise"),
    ):
        with pytest.raises(TypeError, match=message):
            np.einsum("ij->i", x, **given)


def test_an_order_found_for_arrays_serves_tensors() -> None:
    xs = [leaf(2, 3), leaf(3, 4), leaf(4, 2)]
    path, _ = np.einsum_path("ij,jk,kl", *xs, optimize="optimal")
    assert path == np.einsum_path("ij,jk,kl", *[x.detach().numpy() for x in xs], optimize="optimal")[0]
    y = np.einsum("ij,jk,kl", *xs, optimize=path)
    np.testing.assert_allclose(y.detach().numpy(), (xs[0] @ xs[1] @ xs[2]).detach().numpy())


# --- values that NumPy's own kernels get wrong, or lose --------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 2])
@pytest.mark.parametrize("m", [0, 3])
def test_a_diagonal_of_nothing_is_nothing(n: int, m: int) -> None:
    x = leaf(n, m, n)
    y = np.einsum("kik->ik", x)
    np.testing.assert_array_equal(y.detach().numpy(), np.diagonal(x.detach().numpy(), axis1=0, axis2=2))
    (g,) = ad.grad(y.sum(), x)
    np.testing.assert_array_equal(g.numpy(), np.broadcast_to(np.eye(n)[:, None], (n, m, n)))


def test_a_sum_over_no_elements_is_zero() -> None:
    a, b = leaf(2, 0), leaf(0, 3)
    y = np.einsum("ij,jk->ik", a, b)
    assert y.tolist() == np.zeros((2, 3)).tolist()
    assert [g.shape for g in ad.grad(y.sum(), (a, b))] == [(2, 0), (0, 3)]


def test_halves_are_accumulated_in_single_precision() -> None:
    """Beside 2048 a float16 has no place for 1."""
    ones, row = np.ones((10_000, 2), np.float16), leaf(2, dtype=np.float16)
    for y in (np.einsum("ij,j->i", ones, row), np.einsum("ij,j->ij", ones, row), ones * row):
        (g,) = ad.grad(y, row, np.ones(y.shape, np.float16))
        assert (g.dtype, g.tolist()) == (np.float16, [10_000, 10_000])
    assert np.einsum("ij->j", ad.tensor(ones)).tolist() == [10_000, 10_000]
    assert np.einsum("ij,ij->j", ad.tensor(ones), ones).tolist() == [10_000, 10_000]


@pytest.mark.parametrize("dtype", [np.bool_, np.int64, np.float32, np.complex64])
def test_a_contraction_keeps_the_dtype(dtype: Any) -> None:
    a, b = np.ones((3, 2), dtype), np.ones((2, 4), dtype)
    for subscripts in ("ij,jk->ik", "ij,jk->", "ij,jk->ijk"):
        expected = np.einsum(subscripts, a, b)
        y = contract(subscripts, a, b)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y, expected)
    assert contract("ij->i", a).dtype == dtype


def test_a_number_beside_a_float32_stays_weak() -> None:
    x = leaf(2, 3, dtype=np.float32)
    y = np.einsum(",ij->i", 2.0, x)
    assert y.dtype == np.float32
    assert ad.grad(y.sum(), x)[0].dtype == np.float32


# --- how it is carried out -------------------------------------------------------------------------------------------


def test_plans_are_made_once() -> None:
    before = _steps.cache_info().misses
    for _ in range(3):
        contract("uv,vw->uw", np.ones((7, 5)), np.ones((5, 3)))
    assert _steps.cache_info().misses == before + 1


@pytest.mark.parametrize(
    "subscripts", ["bhqd,bhkd->bhqk", "bhqk,bhkd->bqhd", "bqhd,bkhd->bhqk", "btd,dhk->bthk", "bthk,hkd->btd"]
)
def test_attentions_contractions_are_written_where_they_belong(subscripts: str) -> None:
    """The result is an array of its own in C order, so that nothing copies it again."""
    sizes = dict(zip("bhqkdt", (2, 3, 4, 5, 6, 7), strict=True))
    terms = subscripts.partition("->")[0].split(",")
    y = contract(subscripts, *[RNG.normal(size=[sizes[c] for c in term]) for term in terms])
    assert y.base is None
    assert y.flags.c_contiguous


def test_a_contraction_never_answers_with_its_operand() -> None:
    x = RNG.normal(size=(2, 3))
    assert contract("ij->ij", x) is not x


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("bhqd,bhkd->bhqk", [(2, 1, 3, 2), (2, 1, 2, 2)]),
        ("iij,jk->ik", [(2, 2, 3), (3, 2)]),
        ("ij,jk,ki->", [(2, 3), (3, 2), (2, 2)]),
        ("ij,jk->ik", [(2, 1), (3, 2)]),
    ],
)
def test_contractions_have_third_derivatives(subscripts: str, shapes: Any) -> None:
    check(lambda *xs: np.einsum(subscripts, *xs) ** 2, *[RNG.normal(size=shape) for shape in shapes], order=3)


# --- other products --------------------------------------------------------------------------------------------------


def test_one_matrix_for_a_stack_gets_its_gradient_from_one_product() -> None:
    x, w = leaf(4, 5, 3), leaf(3, 2)
    seed = RNG.normal(size=(4, 5, 2))
    (g,) = ad.grad(x @ w, w, seed)
    np.testing.assert_allclose(g.numpy(), np.einsum("btm,btd->md", x.detach().numpy(), seed))
    check(lambda x, w: (x @ w) ** 2, x.detach().numpy(), w.detach().numpy(), order=3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: np.matmul(t, t.T, axes=[(0, 1)] * 3), TypeError, "matmul.*does not support axes="),
        (lambda t: np.vecdot(t, t, keepdims=True), TypeError, "vecdot.*does not support keepdims="),
        (lambda t: np.vdot(t, t[0]), ValueError, r"vdot: .*\(2, 3\) and \(3,\); expected as many elements"),
        (lambda t: np.inner(t, t.T), ValueError, "inner: axes .* expected equal lengths"),
        (lambda t: np.tensordot(t, t, 1), ValueError, "tensordot: axes .* expected equal lengths"),
        (lambda t: np.tensordot(t, t, ((5,), (0,))), ValueError, "axis 5 is out of bounds"),
        (lambda t: np.tensordot(t, t, 4), ValueError, "out of bounds"),
        (lambda t: np.linalg.outer(t, t), ValueError, "expected two vectors. np.outer flattens"),
        (lambda t: np.linalg.multi_dot([t]), ValueError, "1 arrays .* expected at least two"),
        (lambda t: np.linalg.multi_dot([t, t[0], t]), ValueError, r"\[2, 1, 2\] axes"),
        (lambda t: np.linalg.matrix_power(t, 2), np.linalg.LinAlgError, "expected a square matrix"),
        (lambda t: np.linalg.matrix_power(t @ t.T, 0.5), TypeError, "expected an integer"),
        (lambda t: np.linalg.matrix_power(t @ t.T * 0, -1), np.linalg.LinAlgError, "Singular"),
    ],
)
def test_bad_products_are_refused_by_name(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(leaf(2, 3))


def test_the_chain_is_multiplied_in_the_cheapest_order() -> None:
    xs = [leaf(10, 100), leaf(100, 5), leaf(5, 50)]
    y = np.linalg.multi_dot(xs)
    assert sorted(y.grad_fn.saved_shapes) == [(5, 50), (10, 5)]


def test_a_power_of_zero_is_the_identity_and_does_not_lose_its_operand() -> None:
    x = ad.tensor([[np.inf, 1.0], [0.0, 2.0]], requires_grad=True)
    y = np.linalg.matrix_power(x, 0)
    assert y.tolist() == [[1, 0], [0, 1]]
    assert ad.grad(y.sum(), x)[0].tolist() == [[0, 0], [0, 0]]


def test_products_that_conjugate_follow_torch_to_second_order(torch: ModuleType) -> None:
    a, b, m = (RNG.normal(size=s) + 1j * RNG.normal(size=s) for s in ((3,), (3,), (3, 3)))
    for ours, theirs in (
        (lambda a, b, m: np.vdot(a, b), lambda a, b, m: torch.vdot(a, b)),
        (lambda a, b, m: np.vecdot(a, b), lambda a, b, m: torch.linalg.vecdot(a, b)),
        (lambda a, b, m: np.vecmat(a, m) @ b, lambda a, b, m: (a.conj() @ m) @ b),
        (lambda a, b, m: np.matvec(m, a) @ b, lambda a, b, m: (m @ a) @ b),
    ):
        if {"vecmat", "matvec"} & {*ours.__code__.co_names} and not hasattr(np, "matvec"):
            continue
        xs = [ad.tensor(v, requires_grad=True) for v in (a, b, m)]
        us = [torch.tensor(v, requires_grad=True) for v in (a, b, m)]
        y, z = abs(ours(*xs)) ** 2, theirs(*us).abs() ** 2
        gs = ad.grad(y, xs[:2], create_graph=True)
        hs = torch.autograd.grad(z, us[:2], create_graph=True)
        norms = sum((abs(g) ** 2).sum() for g in gs), sum((h.abs() ** 2).sum() for h in hs)
        seconds = ad.grad(norms[0], xs[:2]), torch.autograd.grad(norms[1], us[:2])
        for g, h in zip((*gs, *seconds[0]), (*hs, *seconds[1]), strict=True):
            np.testing.assert_allclose(g.detach().numpy(), h.detach().resolve_conj().numpy(), rtol=1e-10)
