"""Pooling: the largest element or the sum of windows that slide over images (N, C, ...), and their adjoints.

NumPy takes all windows at once, one pass for each of their elements ("tap"), never one for each window. Windows are
given by a tuple (count, kernel, stride, padding, dilation) for each axis that they slide along.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels import compiled, images, pooling_loops
from autodiff.primitive import linear, outputs

Windows = tuple[tuple[int, int, int, int, int], ...]
BITS = {2: np.int16, 4: np.int32, 8: np.int64, 16: np.int64}


def windows(
    lengths: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool = False
) -> Windows:
    """Return the windows along axes of some lengths; with `ceil_mode` the last may hang over the end.

    >>> windows((5,), (2,), (2,), (0,), (1,)), windows((5,), (2,), (2,), (0,), (1,), ceil_mode=True)
    (((2, 2, 2, 0, 1),), ((3, 2, 2, 0, 1),))
    """
    found = []
    for n, k, s, p, d in zip(lengths, kernel, stride, padding, dilation, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        count = -(-free // s) + 1 if ceil_mode else free // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        found.append((count, k, s, p, d))
    return tuple(found)


def _counts(windows: Windows) -> tuple[int, ...]:
    return tuple(w[0] for w in windows)


def _reach(window: tuple[int, ...], tap: int, length: int) -> tuple[slice, slice]:
    """Return which windows have an element of a number inside the image, and where these elements are."""
    count, _, stride, padding, dilation = window
    shift = tap * dilation - padding
    first = max(-(shift // stride), 0)
    last = min((length - 1 - shift) // stride + 1, count)
    begin = first * stride + shift
    return slice(first, max(last, first)), slice(begin, begin + max(last - first, 0) * stride, stride)


def _taps(windows: Windows, lengths: tuple[int, ...]) -> Iterator[tuple[int, Any, Any]]:
    """Yield the number of each element of a window, the windows that have it inside, and where it is in the image."""
    reaches = [[_reach(w, tap, n) for tap in range(w[1])] for w, n in zip(windows, lengths, strict=True)]
    for number, pairs in enumerate(itertools.product(*reaches)):
        yield number, (..., *(to for to, _ in pairs)), (..., *(at for _, at in pairs))


def _tiling(windows: Windows, lengths: tuple[int, ...]) -> bool:
    """Say whether every element of an image is in exactly one window."""
    return all(w[1] == w[2] and w[3:] == (0, 1) and w[0] * w[1] == n for w, n in zip(windows, lengths, strict=True))


# --- the largest -----------------------------------------------------------------------------------------------------


def _is_halved(windows: Windows, lengths: tuple[int, ...]) -> bool:
    return len(windows) == 2 and all(
        w[1:] == (2, 2, 0, 1) and 2 * w[0] <= n for w, n in zip(windows, lengths, strict=True)
    )


def _deep(x: Any, last: bool) -> Any:
    """Return images as (N, D, H, W, C) for the loops, and images with channels first as so many of one channel."""
    a = images.in_memory(x, last)
    n, c, *pixels = x.shape
    ones = (1,) * (3 - len(pixels))
    return a.reshape(n, *ones, *pixels, c) if last else a.reshape(n * c, *ones, *pixels, 1)


def _geometry(windows: Windows) -> list[Any]:
    """Return kernel, stride, padding and dilation of three axes for the loops."""
    three = ((1, 1, 1, 0, 1),) * (3 - len(windows)) + windows
    return [tuple(w[i] for w in three) for i in range(1, 5)]


def _in_loops(x: Any, windows: Windows) -> bool:
    return compiled.available() and x.dtype in (np.float32, np.float64) and len(windows) <= 3 and x.size > 0


@outputs(
    lambda g, y1, s, windows: None if g[0] is None else unpool(g[0], y1, windows=windows, lengths=s.shape[2:]),  # type: ignore[has-type]
    kinks=("tie",),
)
def max_pool(x: Any, *, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window of images (N, C, ...), and which of the window's elements it is.

    Of equal elements the first is chosen and gets the gradient; NaN is larger than all. Padding is never chosen.
    """
    shape, last = (*x.shape[:2], *_counts(windows)), images.channels_last(x)
    small = math.prod(w[1] for w in windows) <= 256
    y, which = images.empty(shape, x.dtype, last), images.empty(shape, np.uint8 if small else np.int32, last)
    if not _in_loops(x, windows) or not y.size:
        _largest(x, windows, y, which)
    elif _is_halved(windows, x.shape[2:]):
        pooling_loops.halved(_deep(x, last), _deep(y, last), _deep(which, last))
    else:
        pooling_loops.pooled(_deep(x, last), *_geometry(windows), _deep(y, last), _deep(which, last))
    return y, which


def _largest(x: Any, windows: Windows, y: Any, which: Any) -> None:
    """Find the largest elements, tap by tap."""
    lengths = x.shape[2:]
    place = np.zeros((), np.intp)
    for w in windows:  # of windows of -inf alone the first element inside
        place = place[..., None] * w[1] + np.maximum(-((np.arange(w[0]) * w[2] - w[3]) // w[4]), 0)
    which[...] = place
    y[...] = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    for number, to, at in _taps(windows, lengths):
        value, best = x[at], y[to]
        np.maximum(which[to], np.multiply(value > best, number, dtype=which.dtype), out=which[to])
        np.maximum(best, value, out=best)
    if x.dtype.kind == "f" and np.isnan(y).any():  # of NaN, as in PyTorch, the last
        for number, to, at in _taps(windows, lengths):
            np.copyto(which[to], number, where=np.isnan(x[at]))


@linear(lambda g, which, windows: pick(g, which, windows=windows), None)  # type: ignore[has-type]
def unpool(x: Any, which: Any, *, windows: Windows, lengths: tuple[int, ...]) -> Any:
    """Return images of some lengths, zero but for the chosen elements of windows: to these x is added."""
    if x.shape != which.shape or x.shape[2:] != _counts(windows):
        raise ValueError(f"unpool: {x.shape} numbers and {which.shape} places for {_counts(windows)} windows.")
    shape, last = (*x.shape[:2], *lengths), images.channels_last(which)  # as the images that were pooled
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    y = images.empty(shape, wide.dtype, last)
    if not _in_loops(wide, windows) or not y.size:
        _scattered(wide, which, windows, y)
    elif _is_halved(windows, lengths) and _tiling(windows, lengths):
        pooling_loops.doubled(_deep(wide, last), _deep(which, last), _deep(y, last))
    else:
        y[...] = 0
        pooling_loops.unpooled(_deep(wide, last), _deep(which, last), *_geometry(windows), _deep(y, last))
    return y.astype(x.dtype, copy=False)


def _scattered(x: Any, which: Any, windows: Windows, y: Any) -> None:
    """Add chosen elements, tap by tap; those not chosen are masked bit by bit, which leaves infinity no NaN behind."""
    y[...] = 0
    if x.dtype.kind == "c" or x.dtype.itemsize not in (4, 8):
        for number, to, at in _taps(windows, y.shape[2:]):
            y[at] += np.where(which[to] == number, x[to], 0)
        return
    bits = BITS[x.dtype.itemsize]
    for number, to, at in _taps(windows, y.shape[2:]):
        chosen = np.negative((which[to] == number).view(np.int8)).astype(bits)  # all bits set, or none
        y[at] += np.bitwise_and(x[to].view(bits), chosen).view(x.dtype)


@linear(lambda g, s, which, windows: unpool(g, which, windows=windows, lengths=s.shape[2:]), None)
def pick(x: Any, which: Any, *, windows: Windows) -> Any:
    """Return the chosen elements of the windows of images: the adjoint of unpool."""
    y = images.empty(which.shape, x.dtype, images.channels_last(x))
    y[...] = 0
    for number, to, at in _taps(windows, x.shape[2:]):
        np.copyto(y[to], x[at], where=which[to] == number)
    return y


def places(which: Any, windows: Windows, lengths: tuple[int, ...]) -> Any:
    """Return which element of the whole image is chosen, as PyTorch numbers them: row by row."""
    tap: Any = np.astype(which, np.int64)
    found, step = np.zeros_like(tap), 1
    for i in range(len(windows))[::-1]:
        count, kernel, stride, padding, dilation = windows[i]
        begin = np.reshape(np.arange(count) * stride - padding, (count,) + (1,) * (len(windows) - 1 - i))
        found = found + (tap % kernel * dilation + begin) * step
        tap, step = tap // kernel, step * lengths[i]
    return found


# --- the sum ---------------------------------------------------------------------------------------------------------


def _whole(windows: Windows, lengths: tuple[int, ...]) -> bool:
    return _tiling(windows, lengths) and all(w[0] == 1 for w in windows)


@linear(
    lambda g, s, windows, scale: spread_pool(g, windows=windows, lengths=s.shape[2:], scale=scale)  # type: ignore[has-type]
)
def sum_pool(x: Any, *, windows: Windows, scale: float = 1.0) -> Any:
    """Return the sums of the windows of images (N, C, ...), times a number; padding is 0."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    last, lengths = images.channels_last(x), x.shape[2:]
    y = images.empty((*x.shape[:2], *_counts(windows)), wide.dtype, last)
    if _whole(windows, lengths):  # a product with numbers: BLAS runs at the memory's speed
        a, size = images.in_memory(wide, last), math.prod(lengths)
        ones = np.full(size, scale, wide.dtype)
        n, c = x.shape[:2]
        total = np.matmul(ones, a.reshape(n, size, c)) if last else np.matmul(a.reshape(n, c, size), ones)
        y[...] = total.reshape(y.shape)
    else:
        y[...] = 0
        for _, to, at in _taps(windows, lengths):
            np.add(y[to], wide[at], out=y[to])
        np.multiply(y, scale, out=y)
    return y.astype(x.dtype, copy=False)


@linear(lambda g, windows, scale: sum_pool(g, windows=windows, scale=scale))
def spread_pool(x: Any, *, windows: Windows, lengths: tuple[int, ...], scale: float = 1.0) -> Any:
    """Return images whose elements sum x over the windows they are in, times a number: the adjoint of sum_pool."""
    wide = np.multiply(x, scale, dtype=np.float32) if x.dtype == np.float16 else np.multiply(x, scale)
    y = images.empty((*x.shape[:2], *lengths), wide.dtype, images.channels_last(x))
    if _tiling(windows, lengths):
        for _, to, at in _taps(windows, lengths) if not _whole(windows, lengths) else [(0, ..., ...)]:
            y[at] = wide[to]
    else:
        y[...] = 0
        for _, to, at in _taps(windows, lengths):
            np.add(y[at], wide[to], out=y[at])
    return y.astype(x.dtype, copy=False)
