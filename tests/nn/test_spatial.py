"""Blocks, shuffles and resampling: closed forms, edges, dtypes, errors; torch's numbers are test_parity's matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from nn import functional as F

X = ad.ones(1, 4, 4, 4)
rng = np.random.default_rng(0)


def test_fold_undoes_unfold_but_for_how_often_a_pixel_is_met() -> None:
    x = ad.as_tensor(rng.normal(size=(2, 3, 5, 6)))
    options: dict[str, Any] = {"kernel_size": (2, 3), "dilation": (2, 1), "padding": 1, "stride": (1, 2)}
    often = F.fold(F.unfold(ad.ones_like(x), **options), (5, 6), **options)
    np.testing.assert_allclose(F.fold(F.unfold(x, **options), (5, 6), **options).numpy(), (x * often).numpy())


def test_a_product_with_unfolded_blocks_is_a_convolution() -> None:
    x, w = ad.as_tensor(rng.normal(size=(2, 3, 5, 6))), ad.as_tensor(rng.normal(size=(4, 3, 3, 2)))
    y = (w.reshape(4, -1) @ F.unfold(x, (3, 2), padding=1)).reshape(2, 4, 5, 7)
    np.testing.assert_allclose(y.numpy(), F.conv2d(x, w, padding=1).numpy())


def test_shuffles_are_undone_by_their_opposites() -> None:
    x = ad.as_tensor(rng.normal(size=(2, 12, 2, 3)))
    assert (F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) == x).all()
    assert (F.channel_shuffle(F.channel_shuffle(x, 3), 4) == x).all()
    assert (F.native_channel_shuffle(x, 3) == F.channel_shuffle(x, 3)).all()


MODES = ["nearest", "nearest-exact", "area", "bilinear", "bicubic", "lanczos"]


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_image_stays_constant_and_its_dtype_too(mode: str) -> None:
    for dtype in (np.float16, np.float32, np.float64):
        x = ad.as_tensor(np.full((1, 2, 7, 5), 3, dtype))
        y = F.interpolate(x, (3, 9), mode=mode, antialias=mode == "lanczos")
        assert y.dtype == dtype
        np.testing.assert_allclose(y.numpy(), 3, rtol=1e-3)


@pytest.mark.parametrize("mode", MODES[:-1])
def test_an_empty_batch_and_any_layout(mode: str) -> None:
    x = rng.normal(size=(3, 2, 4, 5))
    assert F.interpolate(ad.as_tensor(x[:0]), 6, mode=mode).shape == (0, 2, 6, 6)
    a = F.interpolate(ad.as_tensor(x[::2, :, ::-1].swapaxes(2, 3)), 6, mode=mode)
    b = F.interpolate(ad.as_tensor(np.ascontiguousarray(x[::2, :, ::-1].swapaxes(2, 3))), 6, mode=mode)
    np.testing.assert_allclose(a.numpy(), b.numpy())


def test_a_nan_or_an_infinity_stays_where_it_is() -> None:
    x = np.zeros((1, 1, 8, 8))
    x[0, 0, 1, 1], x[0, 0, 6, 6] = np.nan, np.inf
    y = F.interpolate(ad.as_tensor(x), 16, mode="bilinear").numpy()[0, 0]
    assert np.isfinite(y[:, 6:10]).all()
    assert np.isnan(y[2, 2])
    assert y[12, 12] == np.inf


def test_a_linear_ramp_keeps_its_corners() -> None:
    x = ad.arange(4.0).reshape(1, 1, 4)
    assert F.interpolate(x, 7, mode="linear", align_corners=True).tolist() == [[[0, 0.5, 1, 1.5, 2, 2.5, 3]]]
    assert F.upsample(x, 2).tolist() == [[[0.0, 2.0]]]


def test_integers_are_repeated_but_not_averaged() -> None:
    assert F.interpolate(ad.tensor([[[1, 2]]]), 4).tolist() == [[[1, 1, 2, 2]]]
    with pytest.raises(NotImplementedError, match=r"mode='linear' is not defined for int64; cast with"):
        F.interpolate(ad.tensor([[[1, 2]]]), 4, mode="linear")


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("shape", [(17, 13), (40, 50), (64, 5)])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_large_images_are_torchs_in_single_precision(torch: Any, mode: str, shape: Any, antialias: bool) -> None:
    x = rng.normal(size=(1, 2, 31, 37)).astype(np.float32)
    ours = F.interpolate(ad.as_tensor(x), shape, mode=mode, antialias=antialias)
    theirs = torch.nn.functional.interpolate(torch.tensor(x), shape, mode=mode, antialias=antialias)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-5)


def test_second_derivatives() -> None:
    x = ad.as_tensor(rng.normal(size=(1, 1, 3, 3)))
    assert gradcheck(lambda x: F.fold(F.unfold(x, 2) ** 2, (3, 3), 2), x, order=2)
    assert gradcheck(lambda x: F.interpolate(x, (5, 2), mode="bicubic") ** 2, x, order=2)


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Unfold", (3,), {}),
    ("Unfold", ((2, 3),), {"padding": 1}),
    ("Fold", ((4, 5), 2, 1, 0, 2), {}),
    ("PixelShuffle", (2,), {}),
    ("PixelUnshuffle", (2,), {}),
    ("ChannelShuffle", (2,), {}),
    ("Upsample", (), {"scale_factor": 2}),
    ("Upsample", (4,), {"mode": "bilinear", "align_corners": True}),
    ("Upsample", (), {"scale_factor": (2, 1.5)}),
    ("UpsamplingNearest2d", (3,), {}),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}),
]


@pytest.mark.parametrize(("name", "args", "options"), LAYERS, ids=str)
def test_layers_are_written_as_torchs(torch: Any, name: str, args: Any, options: Any) -> None:
    assert repr(getattr(nn, name)(*args, **options)) == repr(getattr(torch.nn, name)(*args, **options))


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: F.pixel_shuffle(X, 3), RuntimeError, "the 4 channels of an input .* divisible by upscale_factor² = 9"),
    (lambda: F.pixel_shuffle(X, 0), RuntimeError, "upscale_factor must be positive, got 0"),
    (lambda: F.pixel_shuffle(X, 2.0), TypeError, "upscale_factor must be an integer, got 2.0"),
    (lambda: F.pixel_unshuffle(X, 3), RuntimeError, "height and width .* divisible by downscale_factor=3"),
    (lambda: F.pixel_unshuffle(X[0, 0], 2), RuntimeError, "at least 3 axes, got shape"),
    (lambda: F.channel_shuffle(X, 3), RuntimeError, "the 4 channels .* divisible by groups=3"),
    (lambda: F.unfold(X, 5), RuntimeError, "too small for kernel_size=5, dilation=1, padding=0: 0 x 0 blocks"),
    (lambda: F.unfold(X[:, :0], 2), RuntimeError, "unfold: expected an input of shape"),
    (lambda: F.unfold(X, 2, padding=-1), ValueError, "unfold: padding must be at least 0, got -1"),
    (lambda: F.fold(X, 3, 2), RuntimeError, "fold: expected an input of shape"),
    (lambda: F.fold(X[0, 0, :3], 3, 2), RuntimeError, "must be divisible by the 4 elements of kernel_size=2"),
    (lambda: F.fold(X[0, 0, :, :3], 3, 2), RuntimeError, "has 2 x 2 blocks .* the input has 3"),
    (lambda: F.interpolate(X), ValueError, "either size or scale_factor should be defined"),
    (lambda: F.interpolate(X, 4, 2), ValueError, "only one of size or scale_factor should be defined"),
    (lambda: F.interpolate(X, (4, 4, 4)), ValueError, "has 2 axes of space, but size=.* has 3 numbers"),
    (lambda: F.interpolate(X, (2.5, 3)), TypeError, "size must be an integer or a tuple of integers"),
    (lambda: F.interpolate(X, 4, align_corners=True), ValueError, "align_corners can only be set with"),
    (lambda: F.interpolate(X, 4, recompute_scale_factor=True), ValueError, "not meaningful with an explicit size"),
    (lambda: F.interpolate(X, 4, mode="linear"), NotImplementedError, "mode='linear' needs 3 axes"),
    (lambda: F.interpolate(X, 4, mode="cubic"), NotImplementedError, "mode is one of .*'bicubic'.* got 'cubic'"),
    (lambda: F.interpolate(X[0, 0], 4), NotImplementedError, "expected an input of 3, 4 or 5 axes"),
    (lambda: F.interpolate(X, 0), RuntimeError, "sizes should be greater than 0"),
    (lambda: F.interpolate(X, 4, antialias=True), ValueError, "antialias is for the modes"),
    (lambda: F.interpolate(X, 4, mode="lanczos"), ValueError, "needs antialias=True"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_what_cannot_be_is_refused_with_the_reason(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
