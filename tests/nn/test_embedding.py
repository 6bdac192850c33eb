"""Embedding and EmbeddingBag: torch's rows, gradients, options and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.kernels import compiled
from autodiff.kernels.embedding import embedding
from nn import functional

OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding_idx": 2},
    {"padding_idx": -1, "max_norm": 1.0},
    {"max_norm": 0.5, "norm_type": 1.0},
    {"scale_grad_by_freq": True},
    {"padding_idx": 0, "scale_grad_by_freq": True},
]


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (400, 3)])
@pytest.mark.parametrize("features", [1, 16])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_embedding_is_torchs(torch, options, features, shape, fast) -> None:
    rng = np.random.default_rng(0)
    ours, theirs = nn.Embedding(5, features, **options), torch.nn.Embedding(5, features, **options)
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict({"weight": torch.tensor(ours.weight.detach().numpy())})
    ids = rng.integers(0, 5, size=shape)
    g = rng.normal(size=(*shape, features)).astype("f")
    with compiled.without() if not fast else np.errstate():
        y = ours(ids)
        y.backward(ad.as_tensor(g))
    z = theirs(torch.tensor(ids))
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-6)


def test_rows_start_normal_and_the_padding_row_at_zero() -> None:
    layer = nn.Embedding(200, 100, padding_idx=-1, generator=ad.random.Generator(0))
    values = layer.weight.detach().numpy()
    assert layer.padding_idx == 199
    assert not values[199].any()
    assert values[:199].mean() == pytest.approx(0, abs=0.02)
    assert values[:199].std() == pytest.approx(1, abs=0.02)
    again = nn.Embedding(200, 100, padding_idx=-1, generator=ad.random.Generator(0))
    assert again.weight.tolist() == layer.weight.tolist()


def test_a_given_table_is_frozen_unless_asked() -> None:
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table, padding_idx=0)
    assert layer(ad.tensor([2, 0])).tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match=r"expected to be 2-dimensional, got shape \(2,\)"):
        nn.Embedding.from_pretrained(np.ones(2))


def test_a_table_that_is_the_output_layer_too_gets_both_gradients(torch) -> None:
    ids, targets = np.array([0, 2, 2, 4]), np.array([1, 2, 3, 0])
    w = nn.Embedding(5, 3).weight
    nn.CrossEntropyLoss()(functional.linear(functional.embedding(ids, w), w), targets).backward()
    u = torch.tensor(w.detach().numpy(), requires_grad=True)
    logits = torch.nn.functional.linear(torch.nn.functional.embedding(torch.tensor(ids), u), u)
    torch.nn.functional.cross_entropy(logits, torch.tensor(targets)).backward()
    np.testing.assert_allclose(w.grad.numpy(), u.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: functional.embedding([3], w), IndexError, "the table has 3 rows; got numbers 3 to 3"),
        (lambda w: functional.embedding([-1], w), IndexError, "the table has 3 rows; got numbers -1 to -1"),
        (lambda w: functional.embedding([1.0], w), TypeError, "rows are numbered by integers; got float64"),
        (
            lambda w: functional.embedding([0], w[0]),
            ValueError,
            r"must have shape \(rows, features\), got \(2,\)",
        ),
        (lambda w: functional.embedding([0], w, padding_idx=3), ValueError, "padding_idx must be within the 3 rows"),
        (lambda w: nn.Embedding(3, 2, padding_idx=-4), ValueError, "padding_idx must be within the 3 rows"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(ad.ones(3, 2, requires_grad=True))


# --- bags ------------------------------------------------------------------------------------------------------------


def both(torch, ids, offsets, **options):
    """Return the sums of our bags and of torch's, and the gradients of both tables and of the factors."""
    table = np.random.default_rng(0).normal(size=(5, 3))
    factors = options.pop("factors", None)
    w, u = ad.tensor(table).requires_grad_(), torch.tensor(table, requires_grad=True)
    ours = {"offsets": offsets}
    theirs = {"offsets": None if offsets is None else torch.tensor(offsets, dtype=torch.long)}
    if factors is not None:
        ours["per_sample_weights"] = ad.tensor(np.array(factors, float)).requires_grad_()
        theirs["per_sample_weights"] = torch.tensor(factors, dtype=torch.float64, requires_grad=True)
    y = functional.embedding_bag(ids, w, **ours, **options)
    z = torch.nn.functional.embedding_bag(torch.tensor(ids, dtype=torch.long), u, **theirs, **options)
    (y * y).sum().backward()
    (z * z).sum().backward()
    numbers = [(y, z), (w.grad, u.grad)]
    if factors is not None:
        numbers.append((ours["per_sample_weights"].grad, theirs["per_sample_weights"].grad))
    return [(a.detach().numpy(), b.detach().numpy()) for a, b in numbers]


@pytest.mark.parametrize(
    ("ids", "offsets", "options"),
    [
        ([0, 1, 1, 4], [0, 0, 3, 4], {"mode": "sum"}),
        ([0, 1, 1, 4], [0, 0, 3, 4], {"mode": "mean"}),
        ([0, 1, 1, 4], [0, 0, 3, 4], {"mode": "max"}),
        ([0, 1, 2], [0, 2, 3], {"mode": "sum", "include_last_offset": True}),
        ([1, 1, 2, 1], [0, 1], {"mode": "mean", "padding_idx": 1}),
        ([1, 1, 2, 1], [0, 1], {"mode": "max", "padding_idx": -4}),
        ([1, 1, 2, 1], [0, 1], {"mode": "sum", "padding_idx": 1, "factors": [1, 2, 3, 4]}),
        ([1, 2, 2, 1], [0, 1], {"mode": "sum", "scale_grad_by_freq": True}),  # torch mixes up unequal frequencies
        ([1, 1, 2, 1], [0, 1], {"mode": "mean", "max_norm": 0.5}),
        ([[1, 2], [3, 3]], None, {"mode": "sum", "factors": [[1, 2], [3, 4]]}),
        ([[1, 2], [3, 3]], None, {"mode": "max"}),
        ([], [0, 0], {"mode": "max"}),
        ([], [0, 0], {"mode": "mean"}),
    ],
)
def test_bags_are_torchs(torch, ids, offsets, options) -> None:
    for ours, theirs in both(torch, ids, offsets, **options):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_bags_of_no_length_and_of_another_dtype() -> None:
    layer = nn.EmbeddingBag(5, 3, dtype=np.float16)
    assert layer(np.zeros((2, 0), int)).tolist() == [[0.0] * 3] * 2
    assert layer(np.zeros((0, 2), int)).shape == layer([0, 1], offsets=[]).shape == (0, 3)
    for mode in ("sum", "mean", "max"):
        layer.mode = mode
        assert layer([[1, 2]]).dtype == np.float16
    assert layer(ad.tensor([[4, 4]]).astype(np.int32)).tolist() == [layer.weight[4].tolist()]


def test_a_replay_of_bags_follows_their_numbers() -> None:
    for mode in ("sum", "mean", "max"):
        layer = nn.EmbeddingBag(6, 3, mode=mode, padding_idx=0)
        graph = ad.trace(layer)(ad.tensor([1, 2, 3, 0]), ad.tensor([0, 2]))
        inputs = [v for v in graph.sources if v.role == "input"]
        other = np.array([0, 5, 4, 2]), np.array([0, 3])
        replayed = graph.replay(dict(zip(inputs, other, strict=True)))[graph.outputs[0]]
        np.testing.assert_array_equal(replayed, layer(*other).detach().numpy())


def test_bags_show_their_options_as_torch_does(torch) -> None:
    for options in (
        {},
        {"mode": "sum", "max_norm": 1.0, "norm_type": 1.0, "padding_idx": -1, "include_last_offset": True},
    ):
        assert repr(nn.EmbeddingBag(3, 2, **options)) == repr(torch.nn.EmbeddingBag(3, 2, **options))


def test_bags_of_a_given_table() -> None:
    layer = nn.EmbeddingBag.from_pretrained(np.arange(6.0).reshape(3, 2), mode="sum", padding_idx=-1)
    assert layer([[0, 1]]).tolist() == [[2.0, 4.0]]
    assert layer.padding_idx == 2
    assert not layer.weight.requires_grad
    assert nn.EmbeddingBag.from_pretrained(np.ones((3, 2)), freeze=False).weight.requires_grad


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input": [0], "offsets": None}, ValueError, r"offsets for an input of shape \(1,\) must say where"),
        ({"input": [[0]], "offsets": [0]}, ValueError, r"shape \(1, 1\) must be None, for bags of one length"),
        ({"input": 3}, ValueError, r"must be \(bags, length\) or one axis, got shape \(\)"),
        ({"input": [0], "offsets": [[0]]}, ValueError, r"offsets must have one axis, got shape \(1, 1\)"),
        ({"mode": "product"}, ValueError, "mode must be 'sum', 'mean' or 'max', got 'product'"),
        ({"mode": "max", "scale_grad_by_freq": True}, ValueError, "does not support scale_grad_by_freq"),
        ({"offsets": [1]}, ValueError, "offsets must begin with 0, never decrease and end at most at 2"),
        ({"offsets": [0, 2, 1]}, ValueError, "never decrease"),
        ({"offsets": [0, 3]}, ValueError, "end at most at 2"),
        ({"offsets": [0, 1], "include_last_offset": True}, ValueError, "the last of the offsets must be 2"),
        ({"offsets": [0.0]}, TypeError, "bags begin at integers; got float64"),
        ({"offsets": [], "include_last_offset": True}, RuntimeError, "needs at least one offset"),
        ({"per_sample_weights": ad.ones(2)}, NotImplementedError, "for mode 'sum', got mode 'mean'"),
        ({"mode": "sum", "per_sample_weights": ad.ones(3)}, ValueError, r"per_sample_weights \(3,\) and input \(2,\)"),
        (
            {"mode": "sum", "per_sample_weights": ad.ones(2, dtype=float)},
            RuntimeError,
            "per_sample_weights are float64, the table float32; cast with",
        ),
        ({"input": [0, 7]}, IndexError, "the table has 3 rows; got numbers 0 to 7"),
        ({"padding_idx": 3}, ValueError, "padding_idx must be within the 3 rows"),
        ({"weight": ad.ones(3)}, ValueError, r"embedding_bag: weight must have shape \(rows, features\), got \(3,\)"),
    ],
)
def test_bags_that_do_not_fit_are_refused(options, error, message) -> None:
    with pytest.raises(error, match=message):
        functional.embedding_bag(**({"input": [0, 1], "offsets": [0], "weight": ad.ones(3, 2)} | options))


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(IndexError, match="a table has rows; got one number"):
        embedding(np.array(1.0), np.array([0]))
    with pytest.raises(ValueError, match=r"the table given has shape \(2, 2\); expected \(3, 2\)"):
        nn.Embedding(3, 2, _weight=ad.ones(2, 2))
    with pytest.raises(ValueError, match="EmbeddingBag: mode must be"):
        nn.EmbeddingBag(3, 2, mode="x")
    assert not nn.Embedding(3, 2, _weight=ad.ones(3, 2), _freeze=True).weight.requires_grad
