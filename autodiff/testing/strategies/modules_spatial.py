"""Layers and functions that move, resample or sample pixels, with any of their options."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import pooling
from autodiff.testing.strategies.modules_images import Layer, _batch

Case = Callable[[Any], tuple[dict[str, Any], list[Any]]]  # options, and what the function is given


def _pair(d: Any, low: int, high: int) -> Any:
    """Draw one number for two axes, or one for each."""
    one = d.integer(low, high)
    return d.choice(one, (one, d.integer(low, high)))


def _both(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)


def blocks(d: Any) -> tuple[dict[str, Any], tuple[int, ...], int]:
    """Draw the options of Unfold, a size of images, and the number of their blocks."""
    options = {"kernel_size": _pair(d, 1, 2), "dilation": _pair(d, 1, 2)}
    options |= {"padding": _pair(d, 0, 1), "stride": _pair(d, 1, 2)}
    kernel, dilation, padding, stride = map(_both, options.values())
    size = tuple(
        max(e * (k - 1) + 1 - 2 * p, 1) + d.integer(0, 2) for k, e, p in zip(kernel, dilation, padding, strict=True)
    )
    return options, size, math.prod(w[0] for w in pooling.windows(size, kernel, stride, padding, dilation))


def unfold(d: Any, nn: Any) -> Any:
    """Draw images, or one."""
    options, size, _ = blocks(d)
    return nn.Unfold(**options), d.tensor(_batch(d, (d.integer(1, 2), *size)))


def fold(d: Any, nn: Any) -> Any:
    """Draw the blocks of images, or of one."""
    options, size, count = blocks(d)
    channels = d.integer(1, 2) * math.prod(_both(options["kernel_size"]))
    return nn.Fold(size[0] if size[0] == size[1] else size, **options), d.tensor(_batch(d, (channels, count)))


def pixel_shuffle(d: Any, nn: Any) -> Any:
    """Draw images whose channels hold pixels."""
    r = d.integer(1, 2)
    return nn.PixelShuffle(r), d.tensor(
        (*d.shape(max_dims=2), r * r * d.integer(1, 2), d.integer(0, 2), d.integer(1, 2))
    )


def pixel_unshuffle(d: Any, nn: Any) -> Any:
    """Draw images whose sides are divisible; of none torch keeps the shape."""
    r = d.integer(1, 2)
    return nn.PixelUnshuffle(r), d.tensor((*d.shape(sides=1, max_dims=2), d.integer(1, 2), r * d.integer(1, 2), r))


def shuffled(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw groups of channels."""
    groups = d.integer(1, 3)
    return {"groups": groups}, [d.tensor((d.integer(1, 2), groups * d.integer(1, 3), *d.shape(1)[:2]))]


def channel_shuffle(d: Any, nn: Any) -> Any:
    """Draw groups of channels."""
    options, (x,) = shuffled(d)
    return nn.ChannelShuffle(**options), x


FACTORS = 2.0, 0.5, 1.5, 2.5, 0.75


def _resized(d: Any, axes: int, least: int = 2, to: int = 1) -> tuple[dict[str, Any], Any]:
    """Draw a size or factors, and images."""
    x = d.tensor((d.integer(0, 2), d.integer(1, 2), *(d.integer(least, max(5 - axes, least)) for _ in range(axes))))
    if d.chance():
        size = d.integer(to, 5)
        return {"size": d.choice(size, (size, *(d.integer(to, 5) for _ in range(axes - 1))))}, x
    factor = d.choice(*FACTORS)
    return {"scale_factor": d.choice(factor, (factor, *(d.choice(*FACTORS) for _ in range(axes - 1))))}, x


def resampling(d: Any) -> tuple[dict[str, Any], Any]:
    """Draw any options of Upsample, and images."""
    axes = d.choice(1, 2, 3)
    mode = d.choice("nearest", *["linear", "bilinear", "trilinear"][axes - 1 : axes], "area", "nearest-exact")
    if axes == 2 and d.chance():
        mode = "bicubic"
    options, x = _resized(d, axes)
    options["mode"] = mode
    if "linear" in mode or "cubic" in mode:
        options["align_corners"] = d.choice(None, False, True)
    if "size" not in options and not mode.startswith("nearest"):  # torch's gradient of these is of other factors
        options["recompute_scale_factor"] = d.choice(None, False, True)
    return options, x


def upsample(d: Any, nn: Any) -> Any:
    """Draw a layer with any options."""
    options, x = resampling(d)
    return nn.Upsample(**options), x


def upsampling(name: str) -> Layer:
    """Return what draws a size or factors."""

    def layer(d: Any, nn: Any) -> Any:
        options, x = _resized(d, 2)
        return getattr(nn, name)(**options), x

    return layer


def interpolate(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw what Upsample takes, or a filter against aliasing."""
    if d.chance():
        options, x = _resized(d, 2, 4, to=2)  # to a width of 1 torch gives the first row alone
        options |= {"mode": d.choice("bilinear", "bicubic", "lanczos"), "antialias": True}
        if options["mode"] != "lanczos":
            options["align_corners"] = d.choice(None, True)
        return options, [x]
    options, x = resampling(d)
    return options, [x]


def upsample_nearest(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a size or factors."""
    options, x = _resized(d, d.choice(1, 2, 3))
    return options, [x]


def upsample_bilinear(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a size or factors."""
    options, x = _resized(d, 2)
    return options, [x]


def affine_grid(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw affine maps of images or volumes, and a size."""
    n, axes = d.integer(1, 2), d.choice(2, 3)
    size = (n, 1, *(d.integer(1, 3) for _ in range(axes)))
    return {"size": size, "align_corners": d.choice(None, True)}, [d.tensor((n, axes, axes + 1))]


def grid_sample(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw images or volumes, and points within and outside of them; the kinks are where pixels begin and end."""
    n, axes = d.integer(0, 2), d.choice(2, 3)
    mode = d.choice("bilinear", "nearest", *["bicubic"][: 3 - axes])
    x = d.tensor((n, d.integer(1, 2), *(d.integer(1, 3) for _ in range(axes))))
    shape = (n, *(d.integer(1, 2) for _ in range(axes)), axes)
    # for up to 3 pixels the kinks are at multiples of 1/6
    among = np.array([0.25, -0.25, 0.75, 1.0625, -1.25, 2.25, -2.75]) if d.smooth else np.arange(-12, 13) / 4
    options = {"mode": mode, "padding_mode": d.choice("zeros", "border", "reflection")}
    return options | {"align_corners": d.choice(None, True)}, [x, d.tensor(shape, among + d.smooth / 64)]


LAYERS: dict[str, Layer] = {
    "ChannelShuffle": channel_shuffle,
    "Fold": fold,
    "PixelShuffle": pixel_shuffle,
    "PixelUnshuffle": pixel_unshuffle,
    "Unfold": unfold,
    "Upsample": upsample,
    "UpsamplingBilinear2d": upsampling("UpsamplingBilinear2d"),
    "UpsamplingNearest2d": upsampling("UpsamplingNearest2d"),
}
FUNCTIONS: dict[str, Case] = {
    "affine_grid": affine_grid,
    "grid_sample": grid_sample,
    "interpolate": interpolate,
    "native_channel_shuffle": shuffled,
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest": upsample_nearest,
}
