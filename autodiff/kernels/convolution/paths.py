"""Which way a convolution is computed: one function that picks by shape, for each of the three maps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels import onednn
from autodiff.kernels.convolution import columns, loops, taps
from autodiff.kernels.convolution.geometry import Geometry
from autodiff.kernels.convolution.phases import transpose as by_phases
from autodiff.summation import total


def forward(x: Any, w: Any, bias: Any, sizes: Geometry) -> Any:
    """Return the convolution of x with w, plus a bias or None."""
    some = x.size and w.size
    if some and onednn.available():
        y = onednn.convolution(x, w, bias, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if y is not None:
            return y
    x = np.moveaxis(x, 1, -1)
    y = np.empty((sizes.batch, *sizes.out, sizes.features), x.dtype)
    if not some:
        y[...] = 0 if bias is None else bias
    else:
        for c, f, group in _groups(sizes):
            way = taps if group.depthwise else columns
            way.forward(x[..., c], w[f], None if bias is None else bias[f], y[..., f], group)
    return np.moveaxis(y, -1, 1)


def transpose(y: Any, w: Any, sizes: Geometry) -> Any:
    """Return the adjoint by images."""
    some = y.size and w.size
    if some and onednn.available():
        shape = (sizes.batch, sizes.channels, *sizes.size)
        x = onednn.backward_data(y, w, shape, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if x is not None:
            return x
    y = np.moveaxis(y, 1, -1)
    x = np.empty((sizes.batch, *sizes.size, sizes.channels), y.dtype)
    if not some:
        x[...] = 0
    else:
        for i, (c, f, group) in enumerate(_groups(sizes)):
            if not group.depthwise:
                _dense_transpose(y[..., f], w[f], x[..., c], group)
            elif i == 0:
                by_phases(taps.forward, y[..., f], np.swapaxes(w[f], 0, 1), x, group)
            else:  # another feature of the same channels
                part = np.empty_like(x)
                by_phases(taps.forward, y[..., f], np.swapaxes(w[f], 0, 1), part, group)
                x += part
    return np.moveaxis(x, -1, 1)


# Milliseconds, one thread: by phases; by adding columns up, slice by slice; by adding them up in a compiled loop.
#     to  1x28x28 from  6 features, 5x5, batch 64    2.0   1.4   1.1
#     to  6x14x14 from 16, 5x5                       2.5   1.6   0.7
#     to  3x32x32 from 16, 3x3, batch 32             2.2   1.3   0.7
#     to  3x64x64 from 64, 7x7, stride 2, batch 16    20   6.9   4.1
#     to  8x32x32 from 16, 3x3, batch 32             2.0   3.1   1.3
#     to 16x32x32 from 16                            2.6   4.8   2.4
#     to 16x32x32 from 32, stride 2                  1.6   2.0   1.0
#     to 32x16x16 from 32                            2.0   3.2   1.9
#     to 64x8x8   from 64                            1.7   2.3   1.8
def _dense_transpose(y: Any, w: Any, x: Any, sizes: Geometry) -> None:
    few = 32 if loops.usable(y) else min(8, sizes.features // 2 + 1)
    chosen = sizes.channels < few or (few == 32 and max(sizes.stride) > 1 and sizes.taps > 1)
    if chosen and sizes.taps * sizes.channels * math.prod(sizes.out) <= 8 * columns.BLOCK:  # the columns of an image
        columns.transpose(y, w, x, sizes)
    else:
        by_phases(columns.forward, y, w, x, sizes)


def weight(x: Any, y: Any, sizes: Geometry) -> Any:
    """Return the adjoint by weights."""
    shape = (sizes.features, sizes.channels // sizes.groups, *sizes.kernel)
    some = x.size and y.size
    if some and onednn.available():
        w = onednn.backward_weights(x, y, shape, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if w is not None:
            return w
    x, y = np.moveaxis(x, 1, -1), np.moveaxis(y, 1, -1)
    w = np.empty(shape, x.dtype)
    if not some:
        w[...] = 0
    else:
        for c, f, group in _groups(sizes):
            way = taps if group.depthwise else columns
            w[f] = way.weight(x[..., c], y[..., f], group)
    return w


def channel_sum(x: Any) -> Any:
    """Return the sums over all axes but the second: rows of channels times a vector of ones."""
    rows = np.moveaxis(x, 1, -1)
    return total(rows, tuple(range(rows.ndim - 1)))


def _groups(sizes: Geometry) -> Iterator[tuple[slice, slice, Geometry]]:
    """Yield channels, their features and the sizes of a convolution of them: group by group, or a feature of each."""
    c, f = sizes.channels // sizes.groups, sizes.features // sizes.groups
    if c == 1 and sizes.groups > 1:
        for i in range(f):
            yield slice(None), slice(i, None, f), sizes._replace(features=sizes.channels)
    else:
        one = sizes._replace(channels=c, features=f, groups=1)
        for i in range(sizes.groups):
            yield slice(i * c, (i + 1) * c), slice(i * f, (i + 1) * f), one
