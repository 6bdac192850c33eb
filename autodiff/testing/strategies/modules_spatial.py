"""Layers and functions that move, resample or sample pixels, with any of their options."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.kernels import pooling
from autodiff.testing.strategies.arrays import GRID, distinct
from autodiff.testing.strategies.modules_images import Layer, _batch, _pixels

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


def lp_pool(n: int) -> Layer:
    """Return what draws norms over windows; the sums whose odd root has no value are left out."""

    def layer(d: Any, nn: Any) -> Any:
        kernel, p = d.integer(1, 2), d.choice(2, 3, 1, 1.5, math.inf) if d.smooth else 2
        made = getattr(nn, f"LPPool{n}d")(p, kernel, d.choice(None, 1, 2), d.choice(False, True))
        shape = _batch(d, (d.integer(1, 2), *_pixels(d, n, 2)))
        x = distinct(d.draw, [shape])[0] if d.smooth else d.values(shape, GRID[:3])
        return made, as_tensor(x - x.min() + 0.5 if d.smooth else x)

    return layer


def max_unpool(n: int) -> Layer:
    """Return what draws elements and their places, of which none are equal."""

    def layer(d: Any, nn: Any) -> Any:
        kernel, padding = d.integer(2, 3), d.integer(0, 1)
        made = getattr(nn, f"MaxUnpool{n}d")(kernel, d.choice(None, 2, 3), padding)
        shape = _batch(d, (d.integer(1, 2), *_pixels(d, n, 2)))
        count, lead = math.prod(shape[-n:]), shape[:-n]
        total = math.prod(
            (m - 1) * s + k - 2 * p
            for m, s, k, p in zip(shape[-n:], made.stride, made.kernel_size, made.padding, strict=True)
        )
        shuffled = np.random.default_rng(d.integer(0, 9)).permuted(
            np.broadcast_to(np.arange(total), (*lead, total)), axis=-1
        )
        return made, (d.tensor(shape), as_tensor(shuffled[..., :count].reshape(shape)))

    return layer


def fractional_pool(n: int) -> Layer:
    """Return what draws windows that begin where drawn numbers say."""

    def layer(d: Any, nn: Any) -> Any:
        kernel = _several(d, n, 1, 2)
        shape = (d.integer(1, 2), 4 - n, *(d.integer(4, 7 - n) for _ in range(n)))
        samples = d.tensor((*shape[:2], n), np.arange(16) / 16)
        options: dict[str, Any] = {"output_size": _several(d, n, 1, 3)}
        if d.chance():
            options = {"output_ratio": d.choice(0.5, tuple(d.choice(0.5, 0.25, 0.7) for _ in range(n)))}
        options |= {"return_indices": d.choice(False, True), "_random_samples": samples}
        x = distinct(d.draw, [shape])[0] if d.smooth else d.values(shape, GRID[:3])
        return getattr(nn, f"FractionalMaxPool{n}d")(kernel, **options), as_tensor(x)

    return layer


def _several(d: Any, n: int, low: int, high: int) -> Any:
    """Draw one number for n axes, or one for each."""
    return d.choice(d.integer(low, high), tuple(d.integer(low, high) for _ in range(n)))


def with_indices(name: str, n: int) -> Case:
    """Return what draws images, without ties if `smooth`, for a function that returns places too."""

    def case(d: Any) -> tuple[dict[str, Any], list[Any]]:
        options: dict[str, Any] = {"kernel_size": d.integer(1, 2), "stride": d.choice(None, 1, 2)}
        if name.startswith("adaptive"):
            options = {"output_size": d.integer(1, 3)}
        shape = _batch(d, (d.integer(1, 2), *_pixels(d, n, 3)))
        if name.startswith("fractional"):
            shape = shape if len(shape) == n + 2 else (1, *shape)
            options = {"kernel_size": 2, "output_size": d.integer(1, 2)}
            options["_random_samples"] = d.tensor((*shape[:2], n), np.arange(16) / 16)
        x = distinct(d.draw, [shape])[0] if d.smooth else d.values(shape, GRID[:3])
        return options, [as_tensor(x)]

    return case


def conv_tbc(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw sequences whose time comes first, a kernel and a bias."""
    kernel, inside, outside, pad = d.integer(1, 3), d.integer(1, 2), d.integer(1, 2), d.integer(0, 1)
    x = d.tensor((kernel + d.integer(0, 1), d.integer(1, 2), inside))
    return {"pad": pad}, [x, d.tensor((kernel, inside, outside)), d.tensor((outside,))]


LAYERS: dict[str, Layer] = {
    **{f"LPPool{n}d": lp_pool(n) for n in (1, 2, 3)},
    **{f"MaxUnpool{n}d": max_unpool(n) for n in (1, 2, 3)},
    **{f"FractionalMaxPool{n}d": fractional_pool(n) for n in (2, 3)},
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
    **{
        f"{kind}_pool{n}d_with_indices": with_indices(kind, n)
        for kind in ("max", "adaptive_max", "fractional_max")
        for n in (1, 2, 3)
        if (kind, n) != ("fractional_max", 1)
    },
    "affine_grid": affine_grid,
    "conv_tbc": conv_tbc,
    "grid_sample": grid_sample,
    "interpolate": interpolate,
    "native_channel_shuffle": shuffled,
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest": upsample_nearest,
}
