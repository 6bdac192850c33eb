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
# both -inf: 0; both inf: shared evenly
elementwise(np.logaddexp, lambda g, a, b, y: g * _share(a, b, y), lambda g, a, b, y: g * _share(b, a, y))
elementwise(np.logaddexp2, lambda g, a, b, y: g * _share2(a, b, y), lambda g, a, b, y: g * _share2(b, a, y))


def _share(a: Any, b: Any, y: Any) -> Any:
    return np.exp(-np.logaddexp(_gap(a, b), 0)) * (y > -np.inf)


def _share2(a: Any, b: Any, y: Any) -> Any:
    return np.exp2(-np.logaddexp2(_gap(a, b), 0)) * (y > -np.inf)


def _gap(a: Any, b: Any) -> Any:
    return np.where(np.isinf(a) & np.equal(a, b), 0, b - a)
