"""Convolution by columns (im2col): the windows are copied into a matrix, a block of images at a time, and multiplied.

A block's columns stay in the second-level cache, where copying them costs a third of the product that follows, so that
no more memory is needed than one block. Two layouts, chosen by what is longer in memory (microseconds, one thread, copy
+ product, forward):

                                        rows (out, kernel, c)    planes (c, kernel, out)
    4 x 1x28x28, 6 features, 5x5              65 + 16                  16 + 13
    4 x 3x32x32, 16 features, 3x3             52 + 29                  19 + 38
    8 x 6x14x14, 16 features, 5x5             20 + 27                  47 + 30
    2 x 16x32x32, 16 features, 3x3            33 + 65                  55 + 119

Shifted products that accumulate in place, the other way to spare memory, take 1.0 to 1.9 times as long: 3x3 over
16x32x32, 32x16x16, 64x8x8 (batch 32), 128x14x14 (16): 1.6, 1.2, 1.5, 7.1 ms against 1.8, 1.2, 0.9, 5.6.

Images are (batch, *size, channels) here, views of any strides.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autodiff.kernels.convolution.geometry import Geometry

BLOCK = 1 << 17  # elements of columns at a time: 512 KiB of float32


def forward(x: Any, w: Any, bias: Any, y: Any, sizes: Geometry) -> None:
    """Write the convolution of x (n, *size, c) with w (f, c, *kernel), plus a bias or None, into y (n, *out, f)."""
    planes, f = _planes(sizes), len(w)
    matrix = w.reshape(f, -1).T if planes else np.moveaxis(w, (0, 1), (-1, -2)).reshape(-1, f)
    row = None if bias is None else np.tile(bias, sizes.out[-1])  # added to whole rows: 28x28x6 70 against 500 us
    whole = y.flags.c_contiguous
    for block, columns in _blocks(x, sizes, planes):
        made = np.matmul(columns, matrix, out=y[block].reshape(-1, f) if whole else None)
        if row is not None:
            lines = made.reshape(-1, len(row))
            np.add(lines, row, out=lines)
        if not whole:
            y[block] = made.reshape(y[block].shape)


def weight(x: Any, y: Any, sizes: Geometry) -> Any:
    """Return the adjoint by w: (f, c, *kernel)."""
    planes, total = _planes(sizes), None
    for block, columns in _blocks(x, sizes, planes):
        part = np.matmul(columns.T, y[block].reshape(-1, y.shape[-1]))
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # there is an image
    if planes:
        return total.T.reshape(sizes.features, sizes.channels, *sizes.kernel)
    return np.moveaxis(total.reshape(*sizes.kernel, sizes.channels, sizes.features), (-1, -2), (0, 1))


def transpose(y: Any, w: Any, x: Any, sizes: Geometry) -> None:
    """Write the adjoint by x for y (n, *out, f) into x (n, *size, c): columns are made by a product, then added up."""
    n, f, planes = sizes.batch, sizes.features, _planes(sizes)
    matrix = w.reshape(f, -1) if planes else np.moveaxis(w, 1, -1).reshape(f, -1)
    out, per = math.prod(sizes.out), matrix.shape[1] * math.prod(sizes.out)
    step = min(n, max(1, BLOCK // per))
    whole, inside, outside = padded(step, x, sizes, planes)
    windows, space = _windows(whole, sizes, planes), np.empty(step * per, y.dtype)
    places = list(_apart(sizes, planes))
    if outside.size < x.size:
        x[...] = 0  # where no window reaches
    for start in range(0, n, step):
        block = slice(start, min(start + step, n))
        m = block.stop - start
        rows, columns = y[block].reshape(-1, f), space[: m * per]
        if planes:
            np.matmul(matrix.T, rows.T, out=columns.reshape(-1, m * out))
        else:
            np.matmul(rows, matrix, out=columns.reshape(m * out, -1))
        part = windows[(slice(None),) * ((len(sizes.kernel) + 1) * planes) + (slice(m),)]
        columns = columns.reshape(part.shape)
        whole[...] = 0
        for place in places:
            np.add(part[place], columns[place], out=part[place])
        outside[block] = inside[:m]


def _apart(sizes: Geometry, planes: bool) -> Iterator[tuple[Any, ...]]:
    """Yield parts of the windows that do not overlap: one element of the kernel, or a row of it at places apart."""
    if planes:
        for tap in itertools.product(*map(range, sizes.kernel)):
            yield (slice(None), *tap)
    else:
        apart = -(-((sizes.kernel[-1] - 1) * sizes.dilation[-1] + 1) // sizes.stride[-1])
        for *row, first in itertools.product(*map(range, sizes.kernel[:-1]), range(apart)):
            yield (..., slice(first, None, apart), *row, slice(None), slice(None))


def _planes(sizes: Geometry) -> bool:
    """Say whether columns are copied plane by plane: where a row of the result is longer than a row of the kernel."""
    return sizes.taps > 1 and sizes.channels * sizes.kernel[-1] * 3 <= sizes.out[-1] * 2


def _blocks(x: Any, sizes: Geometry, planes: bool) -> Iterator[tuple[slice, Any]]:
    """Yield parts of the batch, each with its windows as a matrix (out, kernel * channels)."""
    n, out = sizes.batch, math.prod(sizes.out)
    images = np.moveaxis(x, -1, 0) if planes else x
    per = sizes.taps * sizes.channels * out
    direct = images.strides[-1] == x.itemsize and all(pair == (0, 0) for pair in sizes.padding)
    if direct and sizes.pointwise and x.flags.c_contiguous:
        yield slice(n), x.reshape(n * out, -1)
        return
    step = min(n, max(1, BLOCK // per))
    if not direct:
        whole, inside, outside = padded(step, x, sizes, planes)
    windows = _windows(images if direct else whole, sizes, planes)
    space = np.empty(step * per, x.dtype)
    batch = (slice(None),) * ((len(sizes.kernel) + 1) * planes)  # the axes in front of the batch's
    for start in range(0, n, step):
        block = slice(start, min(start + step, n))
        m = block.stop - start
        if not direct:
            inside[:m] = outside[block]
        given = windows[(*batch, block if direct else slice(m))]
        columns = space[: m * per].reshape(given.shape)
        np.copyto(columns, given)
        yield block, columns.reshape(-1, m * out).T if planes else columns.reshape(m * out, -1)


def padded(step: int, x: Any, sizes: Geometry, planes: bool = False) -> tuple[Any, Any, Any]:
    """Return zeros for so many padded images (or planes of them), the part where images lie, and what lies there."""
    inside, outside = [slice(None)], [slice(None)]
    for size, (low, high) in zip(sizes.size, sizes.padding, strict=True):  # negative padding cuts the image
        length = max(0, size + min(low, 0) + min(high, 0))
        inside.append(slice(max(low, 0), max(low, 0) + length))
        outside.append(slice(max(-low, 0), max(-low, 0) + length))
    if planes:
        whole = np.zeros((x.shape[-1], step, *sizes.padded), x.dtype)
        return whole, np.moveaxis(whole, 0, -1)[tuple(inside)], x[tuple(outside)]
    whole = np.zeros((step, *sizes.padded, x.shape[-1]), x.dtype)
    return whole, whole[tuple(inside)], x[tuple(outside)]


def _windows(x: Any, sizes: Geometry, planes: bool) -> Any:
    """Return the windows as a view (n, *out, *kernel, c), or of planes (c, *kernel, n, *out)."""
    first = 2 if planes else 1
    inner = x.strides[first : first + len(sizes.out)]
    outer = [step * s for step, s in zip(inner, sizes.stride, strict=True)]
    within = [step * d for step, d in zip(inner, sizes.dilation, strict=True)]
    if planes:
        shape = (x.shape[0], *sizes.kernel, x.shape[1], *sizes.out)
        return as_strided(x, shape, (x.strides[0], *within, x.strides[1], *outer))
    shape = (x.shape[0], *sizes.out, *sizes.kernel, x.shape[-1])
    return as_strided(x, shape, (x.strides[0], *outer, *within, x.strides[-1]))
