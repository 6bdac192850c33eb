"""Norms, unpooling and windows at random places: closed forms, edges, dtypes, draws, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from nn import functional as F

rng = np.random.default_rng(0)
X = ad.ones(1, 4, 4, 4)
Y, AT = F.max_pool2d(ad.as_tensor(rng.normal(size=(1, 4, 4, 4))), 2, return_indices=True)


def test_norms_over_windows() -> None:
    x = ad.tensor([[3.0, 4.0, -6.0, 8.0]])
    assert F.lp_pool1d(x, 2, 2).tolist() == [[5.0, 10.0]]
    assert F.lp_pool1d(x, math.inf, 2).tolist() == [[4.0, 8.0]]
    assert F.lp_pool1d(x, -math.inf, 2).tolist() == [[3.0, 6.0]]


def test_a_norm_of_zeros_has_no_slope_and_half_precision_does_not_overflow() -> None:
    x = ad.zeros(1, 2, requires_grad=True)
    F.lp_pool1d(x, 2, 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 0.0]]
    y = F.lp_pool1d(ad.full((1, 2), 300.0, dtype=np.float16), 2, 2)
    assert y.dtype == np.float16
    assert y.item() == pytest.approx(424.26, rel=1e-3)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_undoes_pooling_but_for_what_was_not_the_largest(n: int) -> None:
    x = ad.as_tensor(rng.normal(size=(2, 3, *(5, 4, 6)[:n])))
    pool, unpool = (getattr(nn, f"Max{kind}{n}d") for kind in ("Pool", "Unpool"))
    y, places = pool(2, return_indices=True)(x)
    back = unpool(2)(y, places, output_size=x.shape)
    assert back.shape == x.shape
    np.testing.assert_array_equal(np.sort(back.numpy()[back.numpy() != 0]), np.sort(y.numpy().ravel()))
    np.testing.assert_array_equal(back.numpy()[back.numpy() != 0], x.numpy()[back.numpy() != 0])
    assert (pool(2)(back) == np.maximum(y, 0)).all()


def test_of_equal_places_one_element_stays_and_gets_the_gradient() -> None:
    x = ad.tensor([[1.0, 2.0]], requires_grad=True)
    y = F.max_unpool1d(x, ad.tensor([[1, 1]]), 1)
    y.sum().backward()
    assert y.tolist() == [[0.0, 2.0]]
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 1.0]]


def test_empty_batches_and_dtypes() -> None:
    assert F.max_unpool2d(Y[:0], AT[:0], 2).shape == (0, 4, 4, 4)
    assert F.lp_pool2d(X[:0], 2, 2).shape == (0, 4, 2, 2)
    assert F.fractional_max_pool2d(X[:0], 2, 3).shape == (0, 4, 3, 3)
    for dtype in (np.float16, np.float32):
        assert F.max_unpool2d(Y.to(dtype), AT, 2).dtype == dtype
        assert F.fractional_max_pool2d(X.to(dtype), 2, 3).dtype == dtype
        assert F.lp_pool2d(X.to(dtype), 3, 2).dtype == dtype


# --- windows at random places ----------------------------------------------------------------------------------------


def test_windows_are_drawn_anew_for_each_plane_and_again_from_a_seed() -> None:
    x = ad.arange(100.0).reshape(1, 1, 10, 10)
    drawn = {tuple(F.fractional_max_pool2d(x, 2, 6).numpy().ravel()) for _ in range(30)}
    assert len(drawn) > 4
    first, again = (nn.FractionalMaxPool2d(2, 6, generator=ad.random.Generator(3))(x) for _ in range(2))
    assert (first == again).all()


def test_windows_are_where_they_should_be_and_pass_the_gradient_to_the_largest() -> None:
    x = ad.as_tensor(rng.normal(size=(2, 9, 8))).requires_grad_()
    y, places = nn.FractionalMaxPool2d((2, 3), output_ratio=(0.6, 0.5), return_indices=True)(x)
    assert y.shape == places.shape == (2, 5, 4)
    chosen = np.take_along_axis(x.detach().numpy().reshape(2, -1), places.numpy().reshape(2, -1), 1)
    np.testing.assert_array_equal(chosen, y.detach().numpy().reshape(2, -1))
    assert (np.diff(places.numpy() // 8, axis=1) >= 0).all()
    y.sum().backward()
    assert x.grad is not None
    counts = np.zeros((2, 72))
    for plane, at in zip(counts, places.numpy().reshape(2, -1), strict=True):
        np.add.at(plane, at, 1)
    np.testing.assert_array_equal(x.grad.numpy().reshape(2, -1), counts)


def test_second_derivatives() -> None:
    x = ad.as_tensor(rng.uniform(1, 2, size=(1, 4)))
    assert gradcheck(lambda x: F.lp_pool1d(x, 3, 2, 1), x, order=2)
    assert gradcheck(lambda x: F.max_unpool1d(x, ad.tensor([[3, 0, 5, 1]]), 2) ** 2, x, order=2)


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("LPPool1d", (2, 3), {}),
    ("LPPool2d", (2.0, (2, 3), 1, True), {}),
    ("MaxUnpool1d", (2,), {}),
    ("MaxUnpool2d", (2, 1, 1), {}),
    ("MaxUnpool3d", ((2, 1, 1),), {}),
    ("FractionalMaxPool2d", (2, 3), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), LAYERS, ids=str)
def test_layers_are_written_as_torchs(torch: Any, name: str, args: Any, options: Any) -> None:
    assert repr(getattr(nn, name)(*args, **options)) == repr(getattr(torch.nn, name)(*args, **options))


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: F.lp_pool2d(X, 0, 2), ValueError, "lp_pool2d: norm_type must not be 0"),
    (lambda: F.lp_pool2d(X, 2, 5), ValueError, "too small"),
    (lambda: F.max_unpool2d(Y, AT + 20, 2), RuntimeError, r"invalid max index, \d\d; the output has size \(4, 4\)"),
    (lambda: F.max_unpool2d(Y, AT - 20, 2), RuntimeError, r"invalid max index, -\d+; .* indices are 0 to 15"),
    (lambda: F.max_unpool2d(Y, AT.int(), 2), RuntimeError, "indices must be int64, as max_pool2d returns them"),
    (lambda: F.max_unpool2d(Y, AT[..., :1], 2), RuntimeError, r"indices have shape \(1, 4, 2, 1\), the input"),
    (lambda: F.max_unpool2d(Y[0, 0], AT[0, 0], 2), RuntimeError, r"expected an input of shape \(N, C, L, L\) or"),
    (lambda: F.max_unpool2d(Y, AT, 2, output_size=(6, 5)), ValueError, r"invalid output_size \(6, 5\); .*\[3, 3\]"),
    (lambda: F.max_unpool2d(Y, AT, 2, output_size=(6,)), ValueError, "output_size has 2 or 4 numbers"),
    (lambda: F.fractional_max_pool2d(X, 2), ValueError, "requires specifying either an output_size or"),
    (lambda: F.fractional_max_pool2d(X, 2, 4), RuntimeError, r"a length of 4 gives at most 3 windows of 2"),
    (lambda: F.fractional_max_pool2d(X[0, 0], 2, 3), RuntimeError, r"expected an input of shape \(N, C, L, L\) or"),
    (lambda: F.fractional_max_pool2d(X, 2, 3, _random_samples=ad.zeros(1)), RuntimeError, r"must have shape \(1, 4, 2"),
    (lambda: nn.FractionalMaxPool2d(2), ValueError, "either output_size or output_ratio should be given"),
    (lambda: nn.FractionalMaxPool2d(2, 3, 0.5), ValueError, "only one of output_size or output_ratio"),
    (lambda: nn.FractionalMaxPool3d(2, output_ratio=1.0), ValueError, r"must be between 0 and 1 \(got 1.0\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_what_cannot_be_is_refused_with_the_reason(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
