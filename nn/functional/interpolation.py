"""Images made larger or smaller. Every way is a weighted sum of a few places along one axis after the other."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

MODES = {  # the numbers of axes of space
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "lanczos": (2,),
}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample (N, C, L), (N, C, H, W) or (N, C, D, H, W) to a size, or by factors.

    `mode` is nearest, nearest-exact, area, linear (bilinear, trilinear), bicubic, or lanczos (antialiased alone).
    With `align_corners` the centres of the outermost pixels keep their places, else the edges. `antialias` widens the
    filter where the image shrinks.

    >>> import autodiff as ad
    >>> interpolate(ad.tensor([[[0.0, 1.0]]]), 4, mode="linear").tolist()
    [[[0.0, 0.25, 0.75, 1.0]]]
    """
    targets, factors = _targets(input, size, scale_factor, recompute_scale_factor)
    _check_mode(input, mode, align_corners, antialias)
    lengths = input.shape[2:]
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[input.ndim - 3](input, targets)
    if 0 in input.shape[1:] or min(targets) < 1:
        raise ArgumentError(
            f"interpolate: input and output sizes should be greater than 0, but got an input of shape {input.shape} "
            f"and an output of size {targets}"
        )
    if input.dtype.kind not in "fc" and not mode.startswith("nearest"):
        raise NotImplementedError(f"interpolate: mode={mode!r} is not defined for {input.dtype}; cast with .float()")
    half = input.dtype == np.float16
    output = input.astype(np.float32) if half else input
    axes = sorted(range(len(targets)), key=lambda i: targets[i] / lengths[i])  # those that shrink first
    for i in axes:
        options = (mode.removeprefix("bi").removeprefix("tri"), bool(align_corners), antialias)
        places, weights = sources(lengths[i], targets[i], factors[i], *options)
        output = _summed(output, places, weights, i + 2)
    return output.astype(np.float16) if half else output


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """Resample to a size or by factors: `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Repeat pixels: `interpolate` by "nearest"."""
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Resample linearly with the corners kept: `interpolate` by "bilinear" with `align_corners`."""
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _summed(x: Tensor, places: Any, weights: Any, axis: int) -> Tensor:
    """Return the weighted sums of some places along an axis."""
    if weights is None:
        nearest: Tensor = np.take(x, places[0], axis)
        return nearest
    shape = (-1, *[1] * (x.ndim - 1 - axis))
    parts = (np.take(x, p, axis) * w.astype(x.dtype).reshape(shape) for p, w in zip(places, weights, strict=True))
    total: Tensor = functools.reduce(np.add, parts)
    return total


# --- what is asked for -----------------------------------------------------------------------------------------------


def _targets(input: Tensor, size: Any, scale_factor: Any, recompute: bool | None) -> tuple[Any, Any]:
    """Return the size of the output, and the factor of each axis or None where the sizes alone say it."""
    axes = input.ndim - 2
    if not 1 <= axes <= 3:
        raise NotImplementedError(f"interpolate: expected an input of 3, 4 or 5 axes, got shape {input.shape}")
    if (size is None) == (scale_factor is None):
        which = "either" if size is None else "only one of"
        raise ArgumentError(f"interpolate: {which} size or scale_factor should be defined")
    word, given = ("size", size) if size is not None else ("scale_factor", scale_factor)
    listed = tuple(given) if isinstance(given, (tuple, list)) else (given,) * axes
    if len(listed) != axes:
        raise ArgumentError(
            f"interpolate: an input of shape {input.shape} has {axes} axes of space, but {word}={given!r} has "
            f"{len(listed)} numbers"
        )
    if size is not None:
        if recompute:
            raise ArgumentError("interpolate: recompute_scale_factor is not meaningful with an explicit size.")
        if not all(isinstance(n, (int, np.integer)) for n in listed):
            raise TypeError(f"interpolate: size must be an integer or a tuple of integers, got {size!r}")
        return tuple(int(n) for n in listed), (None,) * axes
    factors = tuple(float(f) for f in listed)
    targets = tuple(int(n * f) for n, f in zip(input.shape[2:], factors, strict=True))
    return targets, (None,) * axes if recompute else factors


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    axes = input.ndim - 2
    if mode not in MODES:
        raise NotImplementedError(f"interpolate: mode is one of {list(MODES)}, got {mode!r}")
    if axes not in MODES[mode]:
        raise NotImplementedError(
            f"interpolate: got an input of shape {input.shape}, but mode={mode!r} needs {MODES[mode][0] + 2} axes"
        )
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ArgumentError(
            "interpolate: align_corners can only be set with the interpolating modes linear, bilinear, bicubic and "
            f"trilinear, not with {mode!r}"
        )
    if antialias and mode not in ("bilinear", "bicubic", "lanczos"):
        raise ArgumentError(f"interpolate: antialias is for the modes bilinear, bicubic and lanczos, not for {mode!r}")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ArgumentError("interpolate: mode='lanczos' needs antialias=True and no align_corners")


# --- where the values of an axis come from ---------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def sources(n: int, m: int, factor: float | None, kind: str, align_corners: bool, antialias: bool) -> tuple[Any, Any]:
    """Return, for m values resampled from n, the places (taps, m) that each comes from, and their weights or None."""
    if align_corners:
        scale = (n - 1) / (m - 1) if m > 1 else 0.0
    else:
        scale = 1 / factor if factor is not None and factor > 0 else n / m
    at = np.arange(m)
    if kind.startswith("nearest"):
        exact = 0.5 if kind == "nearest-exact" else 0.0
        found = np.floor(((at + exact) * scale).astype(np.float32)).astype(np.int64)  # 2.9999999999 is 3
        return np.minimum(found, n - 1)[None], None
    if antialias:
        return _antialiased(n, m, scale, kind)
    where = at * scale if align_corners else (at + 0.5) * scale - 0.5
    if kind == "linear":
        where = np.asarray(at, float) if n == m else np.maximum(where, 0)
        first = np.minimum(where.astype(np.int64), n - 1)
        share = np.clip(where - first, 0, 1)
        return np.stack([first, np.minimum(first + 1, n - 1)]), np.stack([1 - share, share])
    first = np.minimum(np.floor(where).astype(np.int64), n - 1)
    share = np.clip(where - first, 0, 1)
    taps = np.arange(-1, 3)[:, None]
    return np.clip(first + taps, 0, n - 1), keys(share - taps, -0.75)


def _antialiased(n: int, m: int, scale: float, kind: str) -> tuple[Any, Any]:
    """Return places and weights of a filter that is as wide as what one value stands for, and cut off at the ends."""
    reach, response = FILTERS[kind]
    wide = max(scale, 1.0)
    support, centre = reach * wide, scale * (np.arange(m) + 0.5)
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + support + 0.5).astype(np.int64), n)
    places = first + np.arange(math.ceil(support) * 2 + 1)[:, None]
    weights = np.where(places < last, response((places - centre + 0.5) / wide), 0.0)
    used = weights.any(axis=1)
    return np.where(places < last, places, first)[used], (weights / weights.sum(axis=0))[used]


def keys(x: Any, a: float) -> Any:
    """Return Keys' cubic kernel, whose slope at 1 is a: doi:10.1109/TASSP.1981.1163711."""
    x = np.abs(x)
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    outer = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0))


FILTERS: dict[str, tuple[float, Callable[[Any], Any]]] = {  # how far they reach, and their shapes
    "linear": (1.0, lambda x: np.maximum(1 - np.abs(x), 0)),
    "cubic": (2.0, lambda x: keys(x, -0.5)),
    "lanczos": (3.0, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}
