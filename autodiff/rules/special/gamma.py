"""Gamma and beta functions, complete and incomplete, and zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product, ratio
from autodiff.kernels.special import beta_kernel, gamma_kernel, polygamma
from autodiff.primitive import unsupported, zero
from autodiff.rules.special.forms import elementwise

_BOTH: Any = {"domain": ("positive", "positive")}
_ZETA: Any = {"domain": ("above one", "positive")}
_GAMMA: Any = {"domain": ("above a quarter", "positive")}
_QUANTILE: Any = {"domain": ("well above one", "open unit")}

elementwise(special.gamma, lambda g, x, y: product(product(g, y), special.digamma(x)), domain="positive")
elementwise(special.gammaln, lambda g, x: product(g, special.digamma(x)), domain="positive")
elementwise(special.loggamma, lambda g, x: product(g, special.digamma(x)), domain="positive")
elementwise(special.rgamma, lambda g, x: product(g, _rgamma_slope(x)), analytic=False, complex=True)
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
    domain=("well above one", "order"),
)
elementwise(
    special.poch,
    lambda g, a, b, y: product(product(g, y), special.digamma(a + b) - special.digamma(a)),
    lambda g, a, b, y: product(product(g, y), special.digamma(a + b)),
    domain=("above a quarter", "order"),
)
# what special.zeta(x, q) calls; its derivative by x is no function of SciPy's
elementwise(special._ufuncs._zeta, None, lambda g, a, b: -product(g, a * special.zeta(a + 1, b)), name="zeta",
            **_ZETA)  # fmt: skip
unsupported(special._ufuncs._riemann_zeta, special.zetac, instead="scipy.special.zeta(s, q), of a tensor q",
            reason="the derivative of Riemann's zeta function is no function of SciPy's")  # fmt: skip

# by the last operand: the densities of the gamma and beta distributions
elementwise(special.gammainc, None, lambda g, a, b: product(g, gamma_kernel(b, a - 1, special.gammaln(a))), **_GAMMA)
elementwise(special.gammaincc, None, lambda g, a, b: -product(g, gamma_kernel(b, a - 1, special.gammaln(a))), **_GAMMA)
elementwise(special.gammaincinv, None, lambda g, a, y: ratio(g, gamma_kernel(y, a - 1, special.gammaln(a))),
            **_QUANTILE)  # fmt: skip
elementwise(special.gammainccinv, None, lambda g, a, y: -ratio(g, gamma_kernel(y, a - 1, special.gammaln(a))),
            **_QUANTILE)  # fmt: skip
_BETA: Any = {"domain": ("above a quarter", "above a quarter", "open unit")}
_BETA_QUANTILE: Any = {"domain": ("well above one", "well above one", "open unit")}
elementwise(special.betainc, None, None, lambda g, a, b, c: product(g, _beta(c, a, b)), **_BETA)
elementwise(special.betaincc, None, None, lambda g, a, b, c: -product(g, _beta(c, a, b)), **_BETA)
elementwise(special.betaincinv, None, None, lambda g, a, b, y: ratio(g, _beta(y, a, b)), **_BETA_QUANTILE)
elementwise(special.betainccinv, None, None, lambda g, a, b, y: -ratio(g, _beta(y, a, b)), **_BETA_QUANTILE)


def _beta(x: Any, a: Any, b: Any) -> Any:
    return beta_kernel(x, a - 1, b - 1, special.betaln(a, b))


def _rgamma_slope(x: Any) -> Any:
    """Return the derivative of 1 / gamma; left of 1/2 by Euler's reflection, as digamma is infinite at its zeros."""
    left = np.real(x) < 0.5
    low, high = np.where(left, 1 - x, 1.5), np.where(left, 1.5, x)
    turn = np.where(left, x, 0.25) * math.pi
    reflected = special.gamma(low) * (np.cos(turn) - np.sin(turn) * special.digamma(low) / math.pi)
    return np.where(left, reflected, -product(special.rgamma(high), special.digamma(high)))
