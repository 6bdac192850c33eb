"""Images read at the points of a grid: closed forms, edges, dtypes, errors. Torch's numbers: test_parity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import gradcheck
from nn import functional as F

rng = np.random.default_rng(0)
X, G = ad.ones(1, 4, 4, 4), ad.ones(1, 3, 3, 2)
THETA = ad.ones(2, 2, 3)
UNIT = ad.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=np.float64)


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_identity_gives_the_image_and_a_flip_its_mirror(mode: str, align: bool) -> None:
    x = ad.as_tensor(rng.normal(size=(1, 2, 3, 5)))
    for sign in (1, -1):
        grid = F.affine_grid(UNIT * sign, x.shape, align_corners=align)
        y = F.grid_sample(x, grid, mode, align_corners=align)
        np.testing.assert_allclose(y.numpy(), x.numpy()[..., ::sign, ::sign], atol=1e-12)


def test_sampling_resamples_as_interpolation_does() -> None:
    x = ad.as_tensor(rng.normal(size=(1, 2, 3, 4, 5)))
    theta = ad.as_tensor(np.eye(3, 4)[None])
    grid = F.affine_grid(theta, (1, 2, 5, 3, 7), align_corners=True)
    y = F.grid_sample(x, grid, align_corners=True)
    np.testing.assert_allclose(
        y.numpy(), F.interpolate(x, (5, 3, 7), mode="trilinear", align_corners=True).numpy(), atol=1e-12
    )


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_points_without_sense_give_numbers(mode: str, padding: str) -> None:
    x = ad.as_tensor(rng.normal(size=(1, 1, 3, 3)))
    far = [[np.nan, 0], [np.inf, 0], [-np.inf, 1e300], [1e9, -1e9]]
    grid = ad.as_tensor(np.array(far)[None, None]).requires_grad_()
    y = F.grid_sample(x, grid, mode, padding, align_corners=False)
    (slope,) = ad.grad(y.sum(), grid)
    assert np.isfinite(y.detach().numpy()).all()
    assert np.isfinite(slope.numpy()).all()
    nan = F.grid_sample(x, ad.tensor([[[[-1.0, 0.0]]]], dtype=float), mode, padding, align_corners=False)
    assert y[..., 0].item() == nan.item()


def test_what_is_outside_does_not_reach_inside() -> None:
    x = np.full((1, 1, 2, 2), np.nan)
    x[..., 1] = 1
    y = F.grid_sample(ad.as_tensor(x), ad.tensor([[[[1.5, 0.0], [9.0, 9.0]]]], dtype=float), align_corners=True)
    assert y.tolist() == [[[[0.75, 0.0]]]]


def test_empty_batches_and_grids_and_half_precision() -> None:
    assert F.grid_sample(X[:0], G[:0]).shape == (0, 4, 3, 3)
    assert F.grid_sample(X, G[:, :0]).shape == (1, 4, 0, 3)
    assert F.grid_sample(X.half(), G.half() / 2).dtype == np.float16
    assert F.affine_grid(UNIT.half(), (1, 1, 2, 2)).dtype == np.float16
    assert F.grid_sample(X, G).dtype == np.float32


def test_second_derivatives() -> None:
    x, grid = ad.as_tensor(rng.normal(size=(1, 1, 2, 2))), ad.as_tensor(np.array([[[[0.1, -0.3]]]]))
    assert gradcheck(lambda x, g: F.grid_sample(x, g, align_corners=True), x, grid, order=2)


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: F.grid_sample(X, G, "cubic"), ValueError, "mode is 'bilinear', 'nearest' or 'bicubic', got 'cubic'"),
    (lambda: F.grid_sample(X, G, padding_mode="wrap"), ValueError, "padding_mode is 'zeros', .* got 'wrap'"),
    (lambda: F.grid_sample(X, G[..., :1]), RuntimeError, r"an input of shape \(1, 4, 4, 4\) and a grid of shape"),
    (lambda: F.grid_sample(X, ad.ones(2, 3, 3, 2)), RuntimeError, r"and a grid of shape \(2, 3, 3, 2\)"),
    (lambda: F.grid_sample(X[..., :0], G), RuntimeError, "are empty"),
    (lambda: F.grid_sample(X[None], ad.ones(1, 3, 3, 3, 3), "bicubic"), RuntimeError, "mode='bicubic' takes an input"),
    (lambda: F.grid_sample(X, G.double()), RuntimeError, "the input is float32 and the grid float64; cast"),
    (lambda: F.grid_sample(X.long(), G), NotImplementedError, "not defined for int64"),
    (lambda: F.affine_grid(THETA.long(), (2, 1, 3, 4)), ValueError, "theta must have a floating dtype, got int64"),
    (lambda: F.affine_grid(THETA, (2, 1, 3)), NotImplementedError, r"size is \(N, C, H, W\) or \(N, C, D, H, W\)"),
    (lambda: F.affine_grid(THETA, (2, 1, 3, 4, 5)), ValueError, r"matrices \(N, 3, 4\), got \(2, 2, 3\)"),
    (lambda: F.affine_grid(THETA, (3, 1, 3, 4)), RuntimeError, "differ in the batch"),
    (lambda: F.affine_grid(THETA, (2, 1, 0, 4)), ValueError, "size must be positive"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_what_cannot_be_is_refused_with_the_reason(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
