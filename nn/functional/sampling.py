"""Images read at the points of a grid, and the grids of affine maps. From Jaderberg et al., arXiv:1506.02025."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.errors import ArgumentError
from nn.functional.interpolation import keys

MODES = "bilinear", "nearest", "bicubic"
PADDINGS = "zeros", "border", "reflection"


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Return where affine maps (N, 2, 3) or (N, 3, 4) send the pixels of images of a size (N, C, [D,] H, W).

    Points are (x, y[, z]) as `grid_sample` takes them: (N, [D,] H, W, 2 or 3).

    >>> import autodiff as ad
    >>> affine_grid(ad.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2)).tolist()
    [[[[0.0, 0.0], [1.0, 0.0]]]]
    """
    size = tuple(int(n) for n in size)
    axes = len(size) - 2
    if theta.dtype.kind != "f":
        raise ArgumentError(f"affine_grid: theta must have a floating dtype, got {theta.dtype}; cast it with .float()")
    if axes not in (2, 3):
        raise NotImplementedError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), got {size}")
    if theta.ndim != 3 or theta.shape[1:] != (axes, axes + 1):
        raise ArgumentError(
            f"affine_grid: for size {size} theta is a batch of matrices (N, {axes}, {axes + 1}), got {theta.shape}"
        )
    if min(size) < 1:
        raise ArgumentError(f"affine_grid: size must be positive, got {size}")
    if theta.shape[0] != size[0]:
        raise ArgumentError(f"affine_grid: theta of shape {theta.shape} and size {size} differ in the batch, axis 0")
    lines = [np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n) if n > 1 else np.zeros(1) for n in size[2:]]
    places = [*np.meshgrid(*lines, indexing="ij")][::-1]
    base = np.stack([*places, np.ones(size[2:])], axis=-1).reshape(-1, axes + 1).astype(theta.dtype)
    grid: Tensor = np.matmul(as_tensor(base), theta.mT)
    return grid.reshape(size[0], *size[2:], axes)  # type: ignore[no-any-return]


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read images (N, C, [D,] H, W) at points (N, [d,] h, w, 2 or 3): (N, C, [d,] h, w).

    A point is (x, y[, z]); -1 and 1 are the edges of the image, or with `align_corners` the centres of its outermost
    pixels. `mode` is bilinear, nearest or bicubic (of images alone); `padding_mode` says what lies outside: zeros, the
    border, or the image's reflection. A NaN reads as -1. The gradient by a point on the border, or beyond it, is 0.

    >>> import autodiff as ad
    >>> image = ad.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(image, ad.tensor([[[[0.0, 0.0], [1.0, -1.0]]]]), align_corners=True).tolist()
    [[[[2.5, 2.0]]]]
    """
    _check(input, grid, mode, padding_mode)
    if input.dtype == np.float16:
        wide: Any = grid_sample(input.astype(np.float32), grid.astype(np.float32), mode, padding_mode, align_corners)
        output: Tensor = wide.astype(np.float16)
        return output
    n, c, *lengths = input.shape
    axes = len(lengths)
    points: Any = grid.reshape(n, math.prod(grid.shape[1:-1]), axes)
    senseless = np.logical_not(np.isfinite(points)) if padding_mode == "reflection" else np.isnan(points)
    points = np.where(senseless, -1, points)
    taps = [
        _taps(points[..., axes - 1 - i], length, mode, padding_mode, bool(align_corners))
        for i, length in enumerate(lengths)
    ]
    rows = input.transpose(0, *range(2, axes + 2), 1).reshape(n * math.prod(lengths), c)
    first = np.arange(n)[:, None] * math.prod(lengths)
    parts = (_part(rows, first, chosen, lengths) for chosen in itertools.product(*taps))
    total: Any = functools.reduce(np.add, parts)
    if mode == "nearest":
        total = np.where(np.ones((), bool), total, points[..., :1])  # a gradient of 0, where there would be none
    images: Tensor = total.reshape(n, *grid.shape[1:-1], c).transpose(0, axes + 1, *range(1, axes + 1))
    return images


def _taps(point: Any, length: int, mode: str, padding: str, align: bool) -> list[tuple[Any, Any]]:
    """Return the places along an axis that make up the values of points, each with its weights or None."""
    at = (point + 1) * ((length - 1) / 2) if align else ((point + 1) * length - 1) / 2
    if padding != "reflection":
        at = np.clip(at, -3, length + 2)  # finite; further out nothing changes
    if mode == "bicubic":
        low = np.floor(at)
        return [(_inside(low + k, length, padding, align), keys(at - low - k, -0.75)) for k in range(-1, 3)]
    at = _inside(at, length, padding, align)
    if mode == "nearest":
        return [(np.rint(at), None)]
    low = np.floor(at)
    return [(low, low + 1 - at), (low + 1, at - low)]


def _part(rows: Any, first: Any, chosen: Any, lengths: list[int]) -> Any:
    """Return the values of pixels, 0 outside of the image, times their weights."""
    place: Any = 0
    within: Any = True
    for (at, _), length in zip(chosen, lengths, strict=True):
        within = np.logical_and(within, np.logical_and(at >= 0, at <= length - 1))
        place = place * length + np.clip(at, 0, length - 1).astype(np.int64)
    value = np.where(within[..., None], np.take(rows, first + place, 0), 0)
    weights = [weight for _, weight in chosen if weight is not None]
    return value * functools.reduce(np.multiply, weights)[..., None] if weights else value


def _inside(at: Any, length: int, padding: str, align: bool) -> Any:
    """Return places brought into the image."""
    if padding == "zeros":
        return at
    if padding == "reflection":
        low, span = (0.0, length - 1) if align else (-0.5, length)
        if not span:
            return at * 0
        far = np.where(at < low, low - at, at - low)
        flips = np.floor(far / span)
        rest = far - flips * span
        at = np.where(flips % 2 == 0, rest + low, span - rest + low)
    return np.where(at <= 0, 0, np.where(at >= length - 1, length - 1, at))  # the slope at the border is 0


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in MODES:
        raise ArgumentError(f"grid_sample: mode is 'bilinear', 'nearest' or 'bicubic', got {mode!r}")
    if padding_mode not in PADDINGS:
        raise ArgumentError(f"grid_sample: padding_mode is 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    axes = input.ndim - 2
    if axes not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != axes or grid.shape[0] != input.shape[0]:
        raise ArgumentError(
            "grid_sample: expected an input (N, C, H, W) and a grid (N, h, w, 2), or (N, C, D, H, W) and "
            f"(N, d, h, w, 3); got an input of shape {input.shape} and a grid of shape {grid.shape}"
        )
    if 0 in input.shape[2:]:
        raise ArgumentError(f"grid_sample: the images of an input of shape {input.shape} are empty")
    if mode == "bicubic" and axes == 3:
        raise ArgumentError(f"grid_sample: mode='bicubic' takes an input (N, C, H, W), got shape {input.shape}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f"grid_sample: not defined for {input.dtype}; cast the input with .float()")
    if input.dtype != grid.dtype:
        raise ArgumentError(
            f"grid_sample: the input is {input.dtype} and the grid {grid.dtype}; cast the grid with .to(input.dtype)"
        )
