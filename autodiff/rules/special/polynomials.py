"""Orthogonal polynomials, by their argument: the derivative is one of a lower degree. By the degree there is no rule.

Gegenbauer's C(n, a), whose derivative is 2 a C(n - 1, a + 1), are Legendre's for a = 1/2 and Chebyshev's U for a = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from autodiff.rules.special.forms import elementwise

C, U, P = special.eval_gegenbauer, special.eval_chebyu, special.eval_jacobi
_ONE: Any = {"domain": (None, "fraction"), "analytic": True}
_TWO: Any = {"domain": (None, "above a quarter", "fraction"), "analytic": True}

elementwise(special.eval_gegenbauer, None, None, lambda g, a, b, c: g * C(a - 1, b + 1, c) * (2 * b), **_TWO)
elementwise(special.eval_legendre, None, lambda g, a, b: g * C(a - 1, 1.5, b), **_ONE)
elementwise(special.eval_chebyt, None, lambda g, a, b: g * U(a - 1, b) * a, **_ONE)
elementwise(special.eval_chebyu, None, lambda g, a, b: g * C(a - 1, 2.0, b) * 2, **_ONE)
elementwise(special.eval_chebyc, None, lambda g, a, b: g * U(a - 1, b * 0.5) * a, **_ONE)
elementwise(special.eval_chebys, None, lambda g, a, b: g * C(a - 1, 2.0, b * 0.5), **_ONE)
elementwise(special.eval_sh_legendre, None, lambda g, a, b: g * C(a - 1, 1.5, b * 2 - 1) * 2, **_ONE)
elementwise(special.eval_sh_chebyt, None, lambda g, a, b: g * U(a - 1, b * 2 - 1) * a * 2, **_ONE)
elementwise(special.eval_sh_chebyu, None, lambda g, a, b: g * C(a - 1, 2.0, b * 2 - 1) * 4, **_ONE)
elementwise(special.eval_laguerre, None, lambda g, a, b: -g * special.eval_genlaguerre(a - 1, 1.0, b), **_ONE)
elementwise(special.eval_genlaguerre, None, None, lambda g, a, b, c:
            -g * special.eval_genlaguerre(a - 1, b + 1, c), **_TWO)  # fmt: skip
elementwise(special.eval_jacobi, None, None, None, lambda g, a, b, c, d:
            g * P(a - 1, b + 1, c + 1, d) * (a + b + c + 1) * 0.5,
            domain=(None, "above a quarter", "above a quarter", "fraction"), analytic=True)  # fmt: skip
elementwise(special.eval_hermite, None, lambda g, a, b: g * special.eval_hermite(np.maximum(a - 1, 0), b) * (2 * a))
elementwise(special.eval_hermitenorm, None, lambda g, a, b: g * special.eval_hermitenorm(np.maximum(a - 1, 0), b) * a)
