"""Sums as the engine takes them, of arrays as of tensors: through BLAS where it reads memory in order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LONGEST_ROW = 1024  # up to here the rounding of a product with ones is no worse than that of pairwise sums
SMALL = 256  # elements: below this, finding out costs more than it saves
KEPT = 1 << 16

_ones: dict[Any, Any] = {}


def wide(fun: Any, a: Any, **keywords: Any) -> Any:
    """Return a reduction or scan of an array, float16 accumulated in float32; of a tensor, the function itself."""
    if a.dtype != np.float16 or type(a) is not np.ndarray:
        return fun(a, **keywords)
    return np.asarray(fun(a, dtype=np.float32, **keywords)).astype(np.float16)


# A sum over the first or the last axes is a product with ones. np.add.reduce and this, us on 2 Zen 5 cores, float32:
# by rows 64x10 4.0, 0.5; 768x128 27, 4.8; 16384x16 277, 26; by columns 768x128 20, 4.2; 16384x16 284, 14.
def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over axes: of a tensor np.sum, of an array what np.sum of a tensor computes."""
    if axis is not None and by_columns(x):
        axes = _neighbours(axis, x.ndim)
        count = len(axes)
        if axes and count < x.ndim and (axes[0] == 0 or axes[-1] == x.ndim - 1):
            y = columns(x, count) if axes[0] == 0 else _rows(x, count)
            return y.reshape([1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else y
    return wide(np.add.reduce, x, axis=axis, keepdims=keepdims)


def by_columns(x: Any) -> bool:
    """Say whether a sum is better taken as a product with ones."""
    return type(x) is np.ndarray and x.size >= SMALL and x.dtype.char in "fd" and x.flags.c_contiguous


def columns(x: Any, count: int) -> Any:
    """Return the sum over the first `count` axes of a contiguous array of floats."""
    if count == 1 and x.ndim == 2:
        return ones(x.shape[0], x.dtype).dot(x)
    rows, rest = math.prod(x.shape[:count]), x.shape[count:]
    y = ones(rows, x.dtype).dot(np.reshape(x, (rows, -1)))
    return y if len(rest) == 1 else np.reshape(y, rest)


def _rows(x: Any, count: int) -> Any:
    """Return the sum over the last `count` axes of a contiguous array of floats."""
    kept, n = x.shape[:-count], math.prod(x.shape[-count:])
    if n > LONGEST_ROW:
        return np.add.reduce(np.reshape(x, (*kept, n)), -1)
    y = np.reshape(x, (-1, n)).dot(ones(n, x.dtype))
    return y if len(kept) == 1 else np.reshape(y, kept)


def ones(n: int, dtype: Any) -> Any:
    """Return n ones that nobody may write to."""
    if n > KEPT:
        return np.ones(n, dtype)
    kept = _ones.get(dtype)
    if kept is None or kept.size < n:
        kept = np.ones(max(n, 1024), dtype)
        kept.flags.writeable = False
        _ones[dtype] = kept
    return kept[:n]


def _neighbours(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return axes that lie side by side, from the front; none where they do not, or where NumPy will refuse them."""
    if type(axis) is int:
        return (axis % ndim,) if -ndim <= axis < ndim else ()
    if type(axis) is not tuple or not all(type(i) is int and -ndim <= i < ndim for i in axis):
        return ()
    axes = sorted({i % ndim for i in axis})
    return tuple(axes) if axes and len(axes) == len(axis) == axes[-1] - axes[0] + 1 else ()
