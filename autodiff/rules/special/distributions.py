"""Distribution functions and quantiles: their derivatives by the value are densities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.special import beta_kernel, gamma_kernel
from autodiff.rules.special.forms import elementwise

_CHI: Any = {"domain": ("above a quarter", "positive")}
_GAMMA: Any = {"domain": ("above a quarter", "above a quarter", "positive")}
_QUANTILE: Any = {"domain": ("well above one", "open unit")}
_F_QUANTILE: Any = {"domain": ("well above one", "well above one", "open unit")}
_COUNT: Any = {"domain": ("fraction", "above a quarter")}  # a count stands still between whole numbers

elementwise(special.chdtr, None, lambda g, a, b: product(g, _chi(b, a)), **_CHI)
elementwise(special.chdtrc, None, lambda g, a, b: -product(g, _chi(b, a)), **_CHI)
elementwise(special.chdtri, None, lambda g, a, y: -ratio(g, _chi(y, a)), domain=("above a quarter", "fraction"))
elementwise(
    special.gdtr,
    lambda g, a, b, c: product(g, c * _gamma(a * c, b)),
    None,
    lambda g, a, b, c: product(g, a * _gamma(a * c, b)),
    **_GAMMA,
)
elementwise(
    special.gdtrc,
    lambda g, a, b, c: -product(g, c * _gamma(a * c, b)),
    None,
    lambda g, a, b, c: -product(g, a * _gamma(a * c, b)),
    **_GAMMA,
)
elementwise(special.pdtr, None, lambda g, a, b: -product(g, _gamma(b, np.floor(a) + 1)), **_COUNT)
elementwise(special.pdtrc, None, lambda g, a, b: product(g, _gamma(b, np.floor(a) + 1)), **_COUNT)
elementwise(special.stdtr, None, lambda g, a, b: g * _student(b, a), domain=("above a quarter", None))
elementwise(special.stdtrit, None, lambda g, a, y: ratio(g, _student(y, a)), **_QUANTILE)
elementwise(special.fdtr, None, None, lambda g, a, b, c: product(g, _f(c, a, b)), **_GAMMA)
elementwise(special.fdtrc, None, None, lambda g, a, b, c: -product(g, _f(c, a, b)), **_GAMMA)
elementwise(special.fdtri, None, None, lambda g, a, b, y: ratio(g, _f(y, a, b)), **_F_QUANTILE)


def _gamma(x: Any, shape: Any) -> Any:
    return gamma_kernel(x, shape - 1, special.gammaln(shape))


def _chi(x: Any, freedom: Any) -> Any:
    return _gamma(x * 0.5, freedom * 0.5) * 0.5


def _student(t: Any, freedom: Any) -> Any:
    scale = np.exp(-special.betaln(0.5, freedom * 0.5)) / np.sqrt(freedom)
    return product(np.power(product(t, t) / freedom + 1, (freedom + 1) * -0.5), scale)


def _f(x: Any, a: Any, b: Any) -> Any:
    total = a * x + b
    density = beta_kernel(a * x / total, a * 0.5 - 1, b * 0.5 - 1, special.betaln(a * 0.5, b * 0.5))
    return density * (a * b) / (total * total)
