"""Gamma and beta functions, complete and incomplete, and zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.special import beta_kernel, gamma_kernel, polygamma
from autodiff.primitive import elementwise, zero

_BOTH: Any = {"domain": ("positive", "positive")}
_ZETA: Any = {"domain": ("above one", "positive")}
_PARAMETERS: Any = {"domain": ("above a quarter", "open unit")}

elementwise(special.gamma, lambda g, x, y: product(product(g, y), special.digamma(x)), domain="positive")
elementwise(special.gammaln, lambda g, x: product(g, special.digamma(x)), domain="positive")
elementwise(special.loggamma, lambda g, x: product(g, special.digamma(x)), domain="positive")
elementwise(special.rgamma, lambda g, x: product(g, _rgamma_slope(x)))
elementwise(special.digamma, lambda g, x: product(g, polygamma(1, x)), domain="positive")
zero(special.gammasgn, domain="positive", singular=())
elementwise(
    special.beta,
    lambda g, a, b, y: product(product(g, y), special.digamma(a) - special.digamma(a + b)),
    lambda g, a, b, y: product(product(g, y), special.digamma(b) - special.digamma(a + b)),
    **_BOTH,
)
elementwise(
    special.betaln,
    lambda g, a, b: product(g, special.digamma(a) - special.digamma(a + b)),
    lambda g, a, b: product(g, special.digamma(b) - special.digamma(a + b)),
    **_BOTH,
)
elementwise(
    special.binom,
    lambda g, a, b, y: product(product(g, y), special.digamma(a + 1) - special.digamma(a - b + 1)),
    lambda g, a, b, y: product(product(g, y), special.digamma(a - b + 1) - special.digamma(b + 1)),
    domain=("above one", "order"), singular=(),
)  # fmt: skip
elementwise(
    special.poch,
    lambda g, a, b, y: product(product(g, y), special.digamma(a + b) - special.digamma(a)),
    lambda g, a, b, y: product(product(g, y), special.digamma(a + b)),
    domain=("above a quarter", "order"),
)
# what special.zeta(x, q) calls; its derivative by x is no function of SciPy's
elementwise(special._ufuncs._zeta, None, lambda g, a, b: -product(g, a * special.zeta(a + 1, b)), **_ZETA)

# by the last operand: the densities of the gamma and beta distributions
elementwise(special.gammainc, None, lambda g, a, b: product(g, gamma_kernel(b, a - 1, special.gammaln(a))), **_BOTH)
elementwise(special.gammaincc, None, lambda g, a, b: -product(g, gamma_kernel(b, a - 1, special.gammaln(a))), **_BOTH)
elementwise(special.gammaincinv, None, lambda g, a, y: ratio(g, gamma_kernel(y, a - 1, special.gammaln(a))),
            **_PARAMETERS)  # fmt: skip
elementwise(special.gammainccinv, None, lambda g, a, y: -ratio(g, gamma_kernel(y, a - 1, special.gammaln(a))),
            **_PARAMETERS)  # fmt: skip
