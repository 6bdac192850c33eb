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
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autodiff.kernels.convolution import loops
from autodiff.kernels.convolution.geometry import Geometry

BLOCK = 1 << 18  # elements of columns at a time, 1 MiB of float32; a half to four times as many make no difference


def forward(x: Any, w: Any, bias: Any, y: Any, sizes: Geometry) -> None:
    """Write the convolution of x (n, *size, c) with w (f, c, *kernel), plus a bias or None, into y (n, *out, f)."""
    planes, f = _planes(sizes), len(w)
    matrix = w.reshape(f, -1).T if planes else np.moveaxis(w, (0, 1), (-1, -2)).reshape(-1, f)
    row = None if bias is None else np.tile(bias, sizes.out[-1])  # added to whole rows: 28x28x6 70 against 500 us
    whole = y.flags.c_contiguous
    for block, columns in _blocks(x, sizes, planes):
        made = np.matmul(columns, matrix, out=y[block].reshape(-1, f) if whole else None)
        if row is not None:
            run = row[: made.size]
            lines = made.reshape(-1, len(run))
            np.add(lines, run, out=lines)
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
    looped = loops.usable(y)
    n, f, planes = sizes.batch, sizes.features, _planes(sizes) and not looped
    matrix = w.reshape(f, -1) if planes else np.moveaxis(w, 1, -1).reshape(f, -1)
    per = matrix.shape[1] * math.prod(sizes.out)
    step = min(n, max(1, BLOCK // per))
    whole, inside, outside = padded(step, x, sizes, planes)
    add = _compiled_adder(whole, sizes) if looped else _adder(whole, sizes, planes)
    space = np.empty(step * per, y.dtype)
    if outside.size < x.size:
        x[...] = 0  # where no window reaches
    for start in range(0, n, step):
        block = slice(start, min(start + step, n))
        m = block.stop - start
        rows, columns = y[block].reshape(-1, f), space[: m * per]
        if planes:
            np.matmul(matrix.T, rows.T, out=columns.reshape(matrix.shape[1], -1))
        else:
            np.matmul(rows, matrix, out=columns.reshape(-1, matrix.shape[1]))
        whole[...] = 0
        add(columns, m)
        outside[block] = inside[:m]


def _compiled_adder(whole: Any, sizes: Geometry) -> Callable[[Any, int], None]:
    """Return what adds columns of so many images up; a row of the kernel, if it is one run in memory, at once."""
    run = sizes.dilation[-1] == 1
    starts = places(whole, sizes.out, sizes.stride, len(whole))
    offsets = places(whole, (*sizes.kernel[:-1], 1) if run else sizes.kernel, sizes.dilation)
    length = whole.shape[-1] * (sizes.kernel[-1] if run else 1)
    return lambda columns, m: loops.spread(
        columns.reshape(-1, len(offsets), length), starts, offsets, whole.reshape(-1)
    )  # fmt: skip


def _adder(whole: Any, sizes: Geometry, planes: bool) -> Callable[[Any, int], None]:
    """Return the same in NumPy: parts that do not overlap, an element of the kernel or a row of it at places apart."""
    windows = _windows(whole, sizes, planes)
    parts: list[tuple[Any, ...]] = []
    if planes:
        parts = [(slice(None), *tap) for tap in itertools.product(*map(range, sizes.kernel))]
    else:
        apart = -(-((sizes.kernel[-1] - 1) * sizes.dilation[-1] + 1) // sizes.stride[-1])
        for *row, first in itertools.product(*map(range, sizes.kernel[:-1]), range(apart)):
            parts.append((..., slice(first, None, apart), *row, slice(None), slice(None)))

    def add(columns: Any, m: int) -> None:
        some = windows[(slice(None),) * ((len(sizes.kernel) + 1) * planes) + (slice(m),)]
        columns = columns.reshape(some.shape)
        for part in parts:
            np.add(some[part], columns[part], out=some[part])

    return add


def _planes(sizes: Geometry) -> bool:
    """Say whether columns are copied plane by plane: where a row of the result is longer than a row of the kernel."""
    return sizes.taps > 1 and sizes.channels * sizes.kernel[-1] * 3 <= sizes.out[-1] * 2


def _blocks(x: Any, sizes: Geometry, planes: bool) -> Iterator[tuple[Any, Any]]:
    """Yield parts of the batch, or of one large image, each with its windows as a matrix (out, kernel * channels)."""
    n, deep, rest = sizes.batch, sizes.out[0], math.prod(sizes.out[1:])
    images = np.moveaxis(x, -1, 0) if planes else x
    line = sizes.taps * sizes.channels * rest
    direct = images.strides[-1] == x.itemsize and all(pair == (0, 0) for pair in sizes.padding)
    if direct and sizes.pointwise and x.flags.c_contiguous:
        yield slice(n), x.reshape(n * deep * rest, -1)
        return
    step = min(n, max(1, BLOCK // (line * deep)))
    lines = deep if step > 1 else min(deep, max(1, BLOCK // line))
    if not direct:
        whole, inside, outside = padded(step, x, sizes, planes)
    windows = _windows(images if direct else whole, sizes, planes)
    space = np.empty(step * lines * line, x.dtype)
    batch = (slice(None),) * ((len(sizes.kernel) + 1) * planes)  # the axes in front of the batch's
    for start in range(0, n, step):
        block = slice(start, min(start + step, n))
        m = block.stop - start
        if not direct:
            inside[:m] = outside[block]
        for first in range(0, deep, lines):
            part = slice(first, min(first + lines, deep))
            given = windows[(*batch, block if direct else slice(m), part)]
            columns = space[: given.size].reshape(given.shape)
            np.copyto(columns, given)
            count = m * (part.stop - first) * rest
            yield (block, part), columns.reshape(-1, count).T if planes else columns.reshape(count, -1)


def places(images: Any, counts: tuple[int, ...], apart: tuple[int, ...], batch: int = 1) -> Any:
    """Return where so many elements lie in contiguous images (n, *size, c), so many apart along each axis."""
    steps = [stride // images.itemsize for stride in images.strides[:-1]]
    found = steps[0] * np.arange(batch)
    for count, step, each in zip(counts, steps[1:], apart, strict=True):
        found = found[..., None] + step * each * np.arange(count)
    return found.reshape(-1)


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
