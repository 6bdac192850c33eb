"""SciPy's special functions; this chapter is loaded when the first of them meets a Tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import ratio
from autodiff.primitive import elementwise

elementwise(special.erf, lambda g, x: g * np.exp(-x * x) * (2 / math.sqrt(math.pi)))
elementwise(special.erfc, lambda g, x: g * np.exp(-x * x) * (-2 / math.sqrt(math.pi)))
elementwise(special.expit, lambda g, y: g * (y - y * y))
elementwise(special.logit, lambda g, x: ratio(g, x - x * x), domain="open unit")
elementwise(special.log_expit, lambda g, x: g * special.expit(-x))
elementwise(special.gammaln, lambda g, x: g * special.digamma(x), domain="positive")
elementwise(special.gamma, lambda g, x, y: g * y * special.digamma(x), domain="positive")
elementwise(special.digamma, lambda g, x: g * special.zeta(2.0, x), domain="positive", complex=False)
elementwise(
    special._ufuncs._zeta, None, lambda g, a, b: -g * a * special.zeta(a + 1, b), domain=("above one", "positive")
)  # what special.zeta(x, q) calls
elementwise(
    special.xlogy,
    lambda g, a, b: g * special.xlogy(_kept(a, b), b),
    lambda g, a, b: ratio(g * a, b),
    domain=(None, "positive"),
)
elementwise(
    special.xlog1py,
    lambda g, a, b: g * special.xlog1py(_kept(a, b + 1), b),
    lambda g, a, b: ratio(g * a, b + 1),
    domain=(None, "above minus one"),
)
elementwise(special.entr, lambda g, x: -g * (special.xlogy(_kept(x, x), x) + _kept(x, x)), domain="positive")


def _kept(x: Any, y: Any) -> Any:
    """Return 1, but 0 where x log y is 0 log 0: there the gradient is 0."""
    return (np.not_equal(x, 0) | np.greater(y, 0)) * np.ones_like(x)
