"""The error function, the normal distribution and their relatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.erf import erf
from autodiff.kernels.special import bell, erfcinv_slope, erfinv_slope, faddeeva, hazard, ndtri_slope
from autodiff.rules.special.forms import elementwise

TWO_OVER_ROOT_PI, ROOT_HALF = 2 / math.sqrt(math.pi), math.sqrt(0.5)
NORMAL = 1 / math.sqrt(2 * math.pi)  # the largest density

elementwise(special.erf, lambda g, x: g * bell(x, order=0) * TWO_OVER_ROOT_PI, kernel=erf)
elementwise(special.erfc, lambda g, x: g * bell(x, order=0) * -TWO_OVER_ROOT_PI)
elementwise(special.erfi, lambda g, x: g * np.exp(x * x) * TWO_OVER_ROOT_PI)
elementwise(special.erfcx, lambda g, x, y: product(g, _erfcx_slope(x, y)))
elementwise(special.erfinv, lambda g, x: ratio(g, erfinv_slope(x)), domain="unit")
elementwise(special.erfcinv, lambda g, x: ratio(g, erfcinv_slope(x)), domain="double unit")
elementwise(special.wofz, lambda g, x: g * faddeeva(x, order=1), analytic=False, complex=True)
elementwise(special.dawsn, lambda g, x, y: _dawsn(g, x, y))

elementwise(special.ndtr, lambda g, x: g * bell(x * ROOT_HALF, order=0) * NORMAL)
elementwise(special.log_ndtr, lambda g, x: g * hazard(x, order=0))
elementwise(special.ndtri, lambda g, x: ratio(g, ndtri_slope(x)), domain="open unit")
elementwise(special.ndtri_exp, lambda g, y: ratio(g, hazard(y, order=0)), domain="negative")
elementwise(
    special.owens_t,
    lambda g, a, b: g * bell(a * ROOT_HALF, order=0) * special.erf(a * b * ROOT_HALF) * (-NORMAL / 2),
    lambda g, a, b: g * bell(a * ROOT_HALF * np.hypot(b, 1), order=0) / ((b * b + 1) * (2 * math.pi)),
)
elementwise(
    special.voigt_profile,
    lambda g, a, b, c: g * np.real(_voigt(a, b, c)) / (b * b) * (NORMAL * ROOT_HALF),
    lambda g, a, b, c, y: -g * (y + np.real(_voigt(a, b, c) * (a + c * 1j)) / (b * b) * (NORMAL * ROOT_HALF)) / b,
    lambda g, a, b, c: g * np.real(_voigt(a, b, c) * 1j) / (b * b) * (NORMAL * ROOT_HALF),
    domain=(None, "above a quarter", "above a quarter"),
)


def _erfcx_slope(x: Any, y: Any) -> Any:
    """Return 2 x y - 2 / sqrt(pi), of which little is left where x is large."""
    if x.dtype.kind == "c":
        return faddeeva(x * 1j, order=1) * 1j
    right = np.imag(faddeeva(np.maximum(x, -1) * 1j, order=1))
    return np.where(x < 0, product(x, y) * 2 - TWO_OVER_ROOT_PI, -right)


def _dawsn(g: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind == "c":
        return g * (1 - 2 * x * y)
    return g * np.imag(faddeeva(x, order=1)) * (1 / TWO_OVER_ROOT_PI)


def _voigt(x: Any, sigma: Any, gamma: Any) -> Any:
    return faddeeva((x + gamma * 1j) * ROOT_HALF / sigma, order=1)
