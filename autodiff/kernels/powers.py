"""Powers by a few small exponents without the general algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# 768x512 float32, us on a Zen 5: np.power 430; the cube by products 78, the root 124, the reciprocal 69
_SHORT: dict[float, Callable[[Any], Any]] = {
    -2: lambda x: np.reciprocal(np.square(x)),
    -1: np.reciprocal,
    -0.5: lambda x: np.reciprocal(np.sqrt(x)),
    0.5: np.sqrt,
    1: np.positive,
    2: np.square,
    3: lambda x: x * x * x,
    4: lambda x: np.square(np.square(x)),
}


def power(a: Any, b: Any) -> Any:
    """Return a**b: of tensors np.power, of an array by a Python number what that computes.

    An exponent of 0.5 is a square root, as for NumPy's own operator: NaN at -inf, where np.power's is infinite.
    """
    short = _SHORT.get(b) if type(a) is np.ndarray and type(b) in (int, float) and a.dtype.kind in "fc" else None
    return np.power(a, b) if short is None else short(a)
