"""Embedding: torch's rows, gradients, options and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.kernels import compiled
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
