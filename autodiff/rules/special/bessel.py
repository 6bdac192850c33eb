"""Bessel functions: by their argument, the mean of the two neighbouring orders. By the order there is no rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.bessel import bessel_i, scaled_bessel_i
from autodiff.kernels.division import product, ratio
from autodiff.rules.special.forms import elementwise, outputs

_ANY: Any = {"domain": ("order", "positive"), "analytic": True}
_UNSTEADY: Any = {"domain": ("order", "positive"), "complex": True}  # too rough for a complex step
_WHOLE: Any = {"domain": (None, "above a quarter")}
_REAL: Any = {"domain": ("order", "positive")}  # scaled by the size of the argument's real or imaginary part

elementwise(special.j0, lambda g, x: -g * special.j1(x))
elementwise(special.j1, lambda g, x: g * 0.5 * (special.j0(x) - special.jv(2, x)))
elementwise(special.y0, lambda g, x: -product(g, special.y1(x)), domain="positive")
elementwise(special.y1, lambda g, x: product(g, special.y0(x) - special.yv(2, x)) * 0.5, domain="positive")
elementwise(special.i0, lambda g, x: g * special.i1(x))
elementwise(special.i1, lambda g, x: g * 0.5 * (special.i0(x) + bessel_i(x, order=2)))
elementwise(special.k0, lambda g, x: -product(g, special.k1(x)), domain="positive")
elementwise(special.k1, lambda g, x, y: -product(g, special.k0(x) + ratio(y, x)), domain="positive")
elementwise(special.i0e, lambda g, x, y: g * (special.i1e(x) - np.sign(x) * y), kinks=(0.0,))
elementwise(special.i1e, lambda g, x, y: g * (0.5 * (special.i0e(x) + scaled_bessel_i(x, order=2)) - np.sign(x) * y))
elementwise(special.k0e, lambda g, x, y: product(g, y - special.k1e(x)), domain="positive")
elementwise(special.k1e, lambda g, x, y: product(g, y - special.k0e(x) - ratio(y, x)), domain="positive")

elementwise(special.jv, None, lambda g, a, b: product(g, _fall(special.jv, a, b)), **_UNSTEADY)
elementwise(special.yv, None, lambda g, a, b: product(g, _fall(special.yv, a, b)), **_UNSTEADY)
elementwise(special.iv, None, lambda g, a, b: product(g, _mean(special.iv, a, b)), **_ANY)
elementwise(special.kv, None, lambda g, a, b: -product(g, _mean(special.kv, a, b)), **_ANY)
elementwise(special.yn, None, lambda g, a, b: product(g, _fall(special.yv, a, b)), **_WHOLE)
elementwise(special.kn, None, lambda g, a, b: -product(g, _mean(special.kv, a, b)), **_WHOLE)
elementwise(special.jve, None, lambda g, a, b: product(g, _fall(special.jve, a, b)), **_REAL)
elementwise(special.yve, None, lambda g, a, b: product(g, _fall(special.yve, a, b)), **_REAL)
elementwise(special.ive, None, lambda g, a, b, y: product(g, _mean(special.ive, a, b) - np.sign(b) * y), **_REAL)
elementwise(special.kve, None, lambda g, a, b, y: product(g, y - _mean(special.kve, a, b)), **_ANY)
elementwise(special.hankel1, None, lambda g, a, b: product(g, _fall(special.hankel1, a, b)), **_UNSTEADY)
elementwise(special.hankel1e, None, lambda g, a, b, y: product(g, _fall(special.hankel1e, a, b) - 1j * y), **_UNSTEADY)
elementwise(special.hankel2, None, lambda g, a, b: product(g, _fall(special.hankel2, a, b)), **_UNSTEADY)
elementwise(special.hankel2e, None, lambda g, a, b, y: product(g, _fall(special.hankel2e, a, b) + 1j * y), **_UNSTEADY)

outputs(special.airy, lambda g, x, y: both(g, y[1], x * y[0], y[3], x * y[2]), analytic=False, complex=True)
outputs(special.itj0y0, lambda g, x: both(g, special.j0(x), special.y0(x)), domain="positive")
outputs(special.iti0k0, lambda g, x: both(g, special.i0(x), special.k0(x)), domain="positive")


def both(g: Any, *slopes: Any) -> Any:
    """Add up the gradients through each of several outputs, given their derivatives."""
    return sum(product(part, slope) for part, slope in zip(g, slopes, strict=True) if part is not None)


def _fall(fun: Any, order: Any, x: Any) -> Any:
    return (fun(order - 1, x) - fun(order + 1, x)) * 0.5


def _mean(fun: Any, order: Any, x: Any) -> Any:
    return (fun(order - 1, x) + fun(order + 1, x)) * 0.5
