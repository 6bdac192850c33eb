"""Exponentials and logarithms. Constants are Python floats, which leave float32 as it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.division import ratio
from autodiff.primitive import elementwise

elementwise(np.exp, lambda g, y: g * y)
elementwise(np.exp2, lambda g, y: g * (y * math.log(2)))
elementwise(np.expm1, lambda g, y: g * y + g)
elementwise(np.log, lambda g, x: ratio(g, x), domain="positive")
elementwise(np.log2, lambda g, x: ratio(g, x * math.log(2)), domain="positive")
elementwise(np.log10, lambda g, x: ratio(g, x * math.log(10)), domain="positive")
elementwise(np.log1p, lambda g, x: ratio(g, x + 1), domain="above minus one")
elementwise(np.logaddexp, lambda g, a, y: g * _share(a, y), lambda g, b, y: g * _share(b, y))
elementwise(np.logaddexp2, lambda g, a, y: g * _share2(a, y), lambda g, b, y: g * _share2(b, y))


def _share(a: Any, y: Any) -> Any:
    return np.exp(a - np.where(y == -np.inf, 0, y))  # 0, not NaN, where both are -inf


def _share2(a: Any, y: Any) -> Any:
    return np.exp2(a - np.where(y == -np.inf, 0, y))
