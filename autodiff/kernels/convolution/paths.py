"""Which way a convolution is computed: one function that picks by shape, for each of the three maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels import onednn
from autodiff.kernels.convolution import columns
from autodiff.kernels.convolution.geometry import Geometry

BLOCK = 1 << 18  # elements of columns at a time, so that they stay in cache


def forward(x: Any, w: Any, bias: Any, sizes: Geometry) -> Any:
    """Return the convolution of x with w, plus a bias or None."""
    if onednn.available() and sizes.batch:
        y = onednn.convolution(x, w, bias, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if y is not None:
            return y
    x = np.moveaxis(x, 1, -1)
    y = np.empty((sizes.batch, *sizes.out, sizes.features), x.dtype)
    for c, f, group in groups(sizes):
        for block in blocks(sizes):
            y[block][..., f] = columns.forward(x[block][..., c], w[f], group)
    if bias is not None:
        y += bias
    return np.moveaxis(y, -1, 1)


def transpose(y: Any, w: Any, sizes: Geometry) -> Any:
    """Return the adjoint by images."""
    if onednn.available() and sizes.batch:
        shape = (sizes.batch, sizes.channels, *sizes.size)
        x = onednn.backward_data(y, w, shape, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if x is not None:
            return x
    y = np.moveaxis(y, 1, -1)
    x = np.empty((sizes.batch, *sizes.size, sizes.channels), y.dtype)
    for c, f, group in groups(sizes):
        for block in blocks(sizes):
            x[block][..., c] = columns.transpose(y[block][..., f], w[f], group)
    return np.moveaxis(x, -1, 1)


def weight(x: Any, y: Any, sizes: Geometry) -> Any:
    """Return the adjoint by weights."""
    shape = (sizes.features, sizes.channels // sizes.groups, *sizes.kernel)
    if onednn.available() and sizes.batch:
        w = onednn.backward_weights(x, y, shape, sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
        if w is not None:
            return w
    x, y = np.moveaxis(x, 1, -1), np.moveaxis(y, 1, -1)
    w = np.zeros(shape, x.dtype)
    for c, f, group in groups(sizes):
        for block in blocks(sizes):
            part = columns.weight(x[block][..., c], y[block][..., f], group)
            w[f] += np.moveaxis(part.reshape(*sizes.kernel, shape[1], -1), (-1, -2), (0, 1))
    return w


def channel_sum(x: Any) -> Any:
    """Return the sums over all axes but the second: a matrix-vector product over rows of channels."""
    return np.add.reduce(x, (0, *range(2, x.ndim)), dtype=np.float32 if x.dtype == np.float16 else None).astype(x.dtype)


def groups(sizes: Geometry) -> Iterator[tuple[slice, slice, Geometry]]:
    """Yield the channels and the features of each group, and its sizes."""
    c, f = sizes.channels // sizes.groups, sizes.features // sizes.groups
    one = sizes._replace(channels=c, features=f, groups=1)
    for i in range(sizes.groups):
        yield slice(i * c, (i + 1) * c), slice(i * f, (i + 1) * f), one


def blocks(sizes: Geometry) -> Iterator[slice]:
    """Cut the batch so that a block's columns stay in cache."""
    each = sizes.taps * sizes.channels // sizes.groups * int(np.prod(sizes.out))
    step = max(1, BLOCK // max(each, 1))
    return (slice(i, i + step) for i in range(0, sizes.batch, step))
