"""How images (N, C, ...) lie in memory: channels first, or last under the same shape; kernels keep what they find."""

from __future__ import annotations

from typing import Any

import numpy as np


def channels_last(x: Any) -> bool:
    """Say whether the channels of images are last in memory; where both can be said, as of 1x1 images, they are."""
    first = x.flags.c_contiguous
    return bool(x.transpose(_order(x.ndim)).flags.c_contiguous and (x.shape[1] > 1 or not first))


def in_memory(x: Any, last: bool) -> Any:
    """Return images as a contiguous array (N, ..., C) or (N, C, ...), copied only if they lie otherwise."""
    return np.ascontiguousarray(x.transpose(_order(x.ndim)) if last else x)


def empty(shape: tuple[int, ...], dtype: Any, last: bool) -> Any:
    """Return new images of a shape (N, C, ...)."""
    if not last:
        return np.empty(shape, dtype)
    strides, step = [0] * len(shape), np.dtype(dtype).itemsize
    for axis in (1, *range(len(shape) - 1, 1, -1), 0):
        strides[axis], step = step, step * max(shape[axis], 1)
    made: Any = np.ndarray(
        shape, dtype, strides=strides
    )  # an array of its own, not a view: it can be added to in place
    return made


def _order(ndim: int) -> tuple[int, ...]:
    return (0, *range(2, ndim), 1)
