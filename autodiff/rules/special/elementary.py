"""Logistic functions, powers and other elementary functions that SciPy adds to NumPy's, and some of NumPy's again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.quotients import exp_quotient
from autodiff.primitive import alias, linear, zero
from autodiff.rules.special.forms import elementwise

elementwise(special.expit, lambda g, y: g * (y - y * y))
elementwise(special.logit, lambda g, x: ratio(g, x * (1 - x)), domain="open unit")
elementwise(special.log_expit, lambda g, x: g * special.expit(-x))
elementwise(special.exp10, lambda g, y: g * (y * math.log(10)))
elementwise(special.exprel, lambda g, x: g * exp_quotient(x, order=1))
elementwise(special.cosm1, lambda g, x: -g * np.sin(x))
elementwise(special.powm1, lambda g, a, b: product(g, product(b, np.power(a, b - 1))),
            lambda g, a, b, y: product(g, product(y + 1, np.log(a))), domain=("positive", None))  # fmt: skip
alias(special.cbrt, np.cbrt)
alias(special.exp2, np.exp2)
alias(special.expm1, np.expm1)
alias(special.log1p, np.log1p)
zero(special.round, kinks=("halves",))

_DEGREE = math.pi / 180
elementwise(special.sindg, lambda g, x: g * special.cosdg(x) * _DEGREE)
elementwise(special.cosdg, lambda g, x: g * special.sindg(x) * -_DEGREE)
elementwise(special.tandg, lambda g, y: product(g, y * y + 1) * _DEGREE)
elementwise(special.cotdg, lambda g, y: product(g, product(y, y) + 1) * -_DEGREE, domain="nonzero")
linear(special.radian, lambda g: g * _DEGREE, lambda g: g * (_DEGREE / 60), lambda g: g * (_DEGREE / 3600))

# by lambda: log(x)**2 times the derivative of (exp(u) - 1) / u at u = lambda log(x), which is exact at lambda 0 too
elementwise(special.boxcox, lambda g, a, b: product(g, np.power(a, b - 1)),
            lambda g, a, b: product(g, _bend(np.log(a), b)), domain=("positive", None))  # fmt: skip
elementwise(special.boxcox1p, lambda g, a, b: product(g, np.power(a + 1, b - 1)),
            lambda g, a, b: product(g, _bend(np.log1p(a), b)), domain=("above minus one", None))  # fmt: skip
elementwise(special.inv_boxcox, lambda g, b, y: product(g, np.power(y, 1 - b)),
            lambda g, b, y: -product(product(g, _bend(np.log(y), b)), np.power(y, 1 - b)),
            domain=("order", "order"))  # fmt: skip
elementwise(special.inv_boxcox1p, lambda g, b, y: product(g, np.power(y + 1, 1 - b)),
            lambda g, b, y: -product(product(g, _bend(np.log1p(y), b)), np.power(y + 1, 1 - b)),
            domain=("order", "order"))  # fmt: skip


def _bend(log: Any, power: Any) -> Any:
    return product(product(log, log), exp_quotient(product(power, log), order=1))
