"""Sums and products as the engine takes them: float16 is accumulated in float32, for arrays as for tensors."""

from __future__ import annotations

from typing import Any

import numpy as np


def wide(fun: Any, a: Any, **keywords: Any) -> Any:
    """Return a reduction or scan of an array, float16 accumulated in float32; of a tensor, the function itself."""
    if a.dtype != np.float16 or type(a) is not np.ndarray:
        return fun(a, **keywords)
    return np.asarray(fun(a, dtype=np.float32, **keywords)).astype(np.float16)


def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over axes: of a tensor np.sum, of an array what np.sum of a tensor computes."""
    return wide(np.add.reduce, x, axis=axis, keepdims=keepdims)
