"""Exponential, trigonometric and elliptic integrals, and hypergeometric functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.quotients import sine_quotient
from autodiff.kernels.special import exponential_integral
from autodiff.primitive import unsupported
from autodiff.rules.special.bessel import both
from autodiff.rules.special.forms import elementwise, outputs

_TURN = math.pi / 2

elementwise(special.expi, lambda g, x: ratio(product(g, np.exp(x)), x), domain="nonzero", analytic=False, complex=True)
elementwise(special.exp1, lambda g, x: -ratio(product(g, np.exp(-x)), x), domain="positive")
elementwise(special.expn, None, lambda g, a, b: -product(g, exponential_integral(a - 1, b)), domain=(None, "positive"))
elementwise(special.spence, lambda g, x: -product(g, _log_quotient(x)), domain="positive")
# analytic, but SciPy's at complex numbers is off by 3e-13
outputs(special.fresnel, lambda g, x: both(g, np.sin(x * x * _TURN), np.cos(x * x * _TURN)), analytic=False,
        complex=True)  # fmt: skip
outputs(special.sici, lambda g, x: both(g, sine_quotient(x, order=0), np.cos(x) / x), domain="positive", analytic=False,
        complex=True)  # fmt: skip
outputs(special.shichi, lambda g, x: both(g, np.sinh(x) / x, np.cosh(x) / x), domain="positive", analytic=False,
        complex=True)  # fmt: skip
elementwise(special.wrightomega, lambda g, y: g * np.reciprocal(np.reciprocal(y) + 1))

# complete: K = pi/2 F(1/2, 1/2; 1; m) and E = pi/2 F(-1/2, 1/2; 1; m), whose derivatives are F's too
elementwise(special.ellipk, lambda g, x: ratio(product(g, special.hyp2f1(0.5, 0.5, 2, x)), 1 - x) * (math.pi / 8),
            domain="below one")  # fmt: skip
elementwise(special.ellipkm1, lambda g, x: ratio(product(g, special.hyp2f1(0.5, 0.5, 2, 1 - x)), x) * (-math.pi / 8),
            domain="positive")  # fmt: skip
elementwise(special.ellipe, lambda g, x: product(g, special.hyp2f1(0.5, 1.5, 2, x)) * (-math.pi / 8),
            domain="below one")  # fmt: skip
# by the amplitude; by the parameter there is no rule
elementwise(special.ellipkinc, lambda g, a, b: ratio(g, np.sqrt(1 - b * np.square(np.sin(a)))), None,
            domain=(None, "fraction"))  # fmt: skip
elementwise(special.ellipeinc, lambda g, a, b: product(g, np.sqrt(1 - b * np.square(np.sin(a)))), None,
            domain=(None, "fraction"))  # fmt: skip
outputs(special.ellipj, lambda g, b, y:
        both(g, product(y[1], y[2]), -product(y[0], y[2]), -product(b * y[0], y[1]), y[2]), None,
        domain=(None, "fraction"))  # fmt: skip

elementwise(special.hyp0f1, None, lambda g, a, b: product(g, special.hyp0f1(a + 1, b)) / a,
            domain=("well above one", None), complex=True)  # fmt: skip
elementwise(special.hyp1f1, None, None, lambda g, a, b, c: product(g, special.hyp1f1(a + 1, b + 1, c)) * (a / b),
            domain=("order", "well above one", None), analytic=True)  # fmt: skip
# analytic, but SciPy's at complex numbers is off by 5e-13
elementwise(special.hyp2f1, None, None, None, lambda g, a, b, c, d:
            product(g, special.hyp2f1(a + 1, b + 1, c + 1, d) * (a * b / c)),
            domain=("fraction", "fraction", "well above one", "fraction"), analytic=False, complex=True)  # fmt: skip
elementwise(special.hyperu, None, None, lambda g, a, b, c: -product(g, special.hyperu(a + 1, b + 1, c)) * a,
            domain=("order", "well above one", "above a quarter"))  # fmt: skip
unsupported(
    special._ufuncs._lambertw, reason="SciPy calls it with a branch and a tolerance", instead="ad.special.lambertw"
)


def _log_quotient(x: Any) -> Any:
    """Return log(x) / (x - 1), which of real numbers SciPy knows at 1 too."""
    return np.log(x) / (x - 1) if x.dtype.kind == "c" else special.hyp2f1(1, 1, 2, 1 - x)
