"""Depthwise convolution: every channel by itself, an element of the kernel at a time.

Without a stride, a row of the result and of the image are each one run in memory, multiplied by the weights repeated
for every place: 32x32x32, 3x3, batch 32, one thread: 4.0 against 6.7 ms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels.convolution.columns import padded
from autodiff.kernels.convolution.geometry import Geometry
from autodiff.summation import total

BLOCK = 1 << 16  # elements of an image's block: it, the result and a product stay in cache


def forward(x: Any, w: Any, bias: Any, y: Any, sizes: Geometry) -> None:
    """Write the convolution of x (n, *size, c) with w (c, 1, *kernel), plus a bias or None, into y (n, *out, c)."""
    runs = _runs(y, sizes)
    places = sizes.out[-1] if runs else 1
    by = np.tile(np.moveaxis(w[:, 0], 0, -1), places)
    shift = None if bias is None else np.tile(bias, places)
    for block, windows in _blocks(x, sizes, runs):
        made, product = _joined(y[block], runs), None
        for tap, window in windows:
            if product is None:
                np.multiply(window, by[tap], out=made)
                product = np.empty_like(window)
            else:
                np.multiply(window, by[tap], out=product)
                np.add(made, product, out=made)
        if shift is not None:
            np.add(made, shift, out=made)


def weight(x: Any, y: Any, sizes: Geometry) -> Any:
    """Return the adjoint by w: (c, 1, *kernel)."""
    w = np.zeros((*sizes.kernel, sizes.channels), x.dtype)
    runs = _runs(y, sizes)
    for block, windows in _blocks(x, sizes, runs):
        g = _joined(y[block], runs)
        product = np.empty(g.shape, g.dtype)
        for tap, window in windows:
            np.multiply(window, g, out=product)
            w[tap] += total(product.reshape(-1, sizes.channels), 0)
    return np.moveaxis(w, -1, 0)[:, None]


def _runs(y: Any, sizes: Geometry) -> bool:
    """Say whether rows of the image and of the result lie in one piece."""
    return sizes.stride[-1] == 1 and y.strides[-1] == y.itemsize and y.strides[-2] == y.itemsize * y.shape[-1]


def _joined(x: Any, runs: bool) -> Any:
    """Return a view whose last axis is a row of places and their channels."""
    return x.reshape(*x.shape[:-2], -1) if runs else x


def _blocks(x: Any, sizes: Geometry, runs: bool) -> Iterator[tuple[slice, Iterator[tuple[tuple[int, ...], Any]]]]:
    """Yield parts of the batch, each with the elements of the kernel and the parts of the images that they meet."""
    step = min(sizes.batch, max(1, BLOCK // (math.prod(sizes.padded) * sizes.channels)))
    whole, inside, outside = padded(step, x, sizes)
    for start in range(0, sizes.batch, step):
        block = slice(start, min(start + step, sizes.batch))
        inside[: block.stop - start] = outside[block]
        yield block, _windows(whole[: block.stop - start], sizes, runs)


def _windows(x: Any, sizes: Geometry, runs: bool) -> Iterator[tuple[tuple[int, ...], Any]]:
    for tap in itertools.product(*map(range, sizes.kernel)):
        steps = zip(tap, sizes.dilation, sizes.stride, sizes.out, strict=True)
        place = (slice(None), *[slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, s, o in steps])
        yield tap, _joined(x[place], runs)
