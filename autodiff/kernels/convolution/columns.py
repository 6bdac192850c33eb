"""Convolution by columns (im2col): every window copied into a row of a matrix, a block of images at a time.

Images are (batch, *size, channels) here, and each function does one block: it answers with a new array.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels.convolution.geometry import Geometry


def forward(x: Any, w: Any, sizes: Geometry) -> Any:
    """Return the convolution of x (n, *size, c) with w (f, c, *kernel): (n, *out, f)."""
    return np.matmul(columns(x, sizes), matrix(w)).reshape(len(x), *sizes.out, len(w))


def transpose(y: Any, w: Any, sizes: Geometry) -> Any:
    """Return its adjoint by x."""
    spread = np.matmul(y.reshape(-1, len(w)), matrix(w).T).reshape(*y.shape[:-1], *sizes.kernel, -1)
    whole = np.zeros((len(y), *sizes.padded, spread.shape[-1]), spread.dtype)
    for tap, place in taps(sizes):
        whole[place] += spread[(..., *tap, slice(None))]
    return cropped(whole, sizes)


def weight(x: Any, y: Any, sizes: Geometry) -> Any:
    """Return its adjoint by w, as a matrix (kernel * c, f)."""
    return np.matmul(columns(x, sizes).T, y.reshape(-1, y.shape[-1]))


def matrix(w: Any) -> Any:
    """Return weights (f, c, *kernel) as (kernel * c, f)."""
    return np.moveaxis(w, (0, 1), (-1, -2)).reshape(-1, len(w))


def columns(x: Any, sizes: Geometry) -> Any:
    """Return the windows of x as rows (n * out, kernel * c)."""
    x = padded(x, sizes)
    inner = x.strides[1:-1]
    outer = [step * s for step, s in zip(inner, sizes.stride, strict=True)]
    within = [step * d for step, d in zip(inner, sizes.dilation, strict=True)]
    shape = (len(x), *sizes.out, *sizes.kernel, x.shape[-1])
    windows = np.lib.stride_tricks.as_strided(x, shape, (x.strides[0], *outer, *within, x.strides[-1]))
    return windows.reshape(-1, sizes.taps * x.shape[-1])


def padded(x: Any, sizes: Geometry) -> Any:
    """Return x with zeros around it, cut to what the windows reach."""
    if all(pair == (0, 0) for pair in sizes.padding):
        return x
    whole = np.zeros((len(x), *sizes.padded, x.shape[-1]), x.dtype)
    inside, outside = common(sizes)
    whole[inside] = x[outside]
    return whole


def cropped(whole: Any, sizes: Geometry) -> Any:
    """Return what `padded` pads: zeros where no window reaches."""
    if all(pair == (0, 0) for pair in sizes.padding):
        return whole
    inside, outside = common(sizes)
    x = np.zeros((len(whole), *sizes.size, whole.shape[-1]), whole.dtype)
    x[outside] = whole[inside]
    return x


def common(sizes: Geometry) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where the image lies in the padded one, and which part of it does."""
    inside, outside = [slice(None)], [slice(None)]
    for size, (low, high) in zip(sizes.size, sizes.padding, strict=True):
        inside.append(slice(max(low, 0), max(low, 0) + max(0, size + min(low, 0) + min(high, 0))))
        outside.append(slice(max(-low, 0), max(size + min(high, 0), 0)))
    return tuple(inside), tuple(outside)


def taps(sizes: Geometry) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """Yield the elements of a kernel, each with the part of the padded image that it meets."""
    for tap in itertools.product(*map(range, sizes.kernel)):
        steps = zip(tap, sizes.dilation, sizes.stride, sizes.out, strict=True)
        yield tap, (slice(None), *[slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, s, o in steps])
