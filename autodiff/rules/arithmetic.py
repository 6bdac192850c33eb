"""Arithmetic, rounding and the parts of complex numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.division import product, ratio
from autodiff.primitive import bilinear, boolean, elementwise, linear, outputs, zero

linear(np.add, lambda g: g, lambda g: g)
linear(np.subtract, lambda g: g, lambda g: -g)
linear(np.negative, lambda g: -g)
linear(np.positive, lambda g: g)
bilinear(np.multiply, lambda g, b: g * b, lambda g, a: g * a)
elementwise(np.divide, lambda g, b: ratio(g, b), lambda g, y, b: -ratio(product(g, y), b), domain=(None, "nonzero"))
elementwise(np.reciprocal, lambda g, y: -product(product(g, y), y), domain="nonzero")
elementwise(np.square, lambda g, x: g * x * 2)
elementwise(
    np.power,
    lambda g, a, b: product(g, product(b, np.power(a, b - 1))),
    lambda g, a, y: product(g, product(y, np.log(a))),
    domain=("positive", None),
)  # x**0 at 0: 0
elementwise(
    np.float_power,
    lambda g, a, b: product(g, product(b, np.power(a, b - 1))),
    lambda g, a, y: product(g, product(y, np.log(a))),
    domain=("positive", None),
)
elementwise(np.sqrt, lambda g, y: ratio(g, y * 2), domain="positive")
elementwise(np.cbrt, lambda g, y: ratio(g, y * y * 3), domain="nonzero")
elementwise(np.absolute, lambda g, x, y: _abs(g, x, y), kinks=(0.0,), complex=True)  # at 0: 0
elementwise(np.fabs, lambda g, x: g * np.sign(x), kinks=(0.0,))
elementwise(np.hypot, lambda g, a, y: g * ratio(a, y), lambda g, b, y: g * ratio(b, y), kinks=("origin",))  # there: 0
_WHOLE: dict[str, Any] = {"domain": (None, "nonzero"), "kinks": ("quotient",)}
elementwise(np.remainder, lambda g: g, lambda g, a, b: -g * np.floor_divide(a, b), **_WHOLE)
elementwise(np.fmod, lambda g: g, lambda g, a, b: -g * np.trunc(ratio(a, b)), **_WHOLE)
elementwise(
    np.copysign,
    lambda g, a, b: g * np.sign(a) * np.copysign(np.ones_like(b), b),
    lambda g: np.zeros_like(g),
    kinks=(0.0,),
)
zero(np.sign, kinks=(0.0,))
zero(np.floor, np.ceil, np.trunc, kinks=("integers",))
zero(np.rint, kinks=("halves",))
zero(np.floor_divide, **_WHOLE)
elementwise(np.round, lambda g: np.zeros_like(g), sig="a; decimals=0, out=None", kinks=("halves",))
boolean(
    np.signbit, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm
)
outputs(np.modf, lambda g: g[0], sig="x;", kinks=("integers",))
outputs(np.divmod, lambda g: g[1], lambda g, a, b: None if g[1] is None else -g[1] * np.floor_divide(a, b),
        sig="a, b;", **_WHOLE)  # fmt: skip

linear(np.conjugate, lambda g: np.conjugate(g), analytic=False, complex=True)
linear(np.real, lambda g: g, sig="val;", analytic=False, complex=True)
linear(np.imag, lambda g: g * -1j, sig="val;", analytic=False, complex=True)
elementwise(np.angle, lambda g, x, deg: _angle(g, x) * (180 / math.pi if deg else 1), sig="z; deg=False",
            domain="nonzero", kinks=("cut",), complex=True)  # fmt: skip


def conj(x: Any) -> Any:
    """Return the conjugate of a complex value, and a real value itself."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def _abs(g: Any, x: Any, y: Any) -> Any:
    return ratio(g * np.conjugate(x), y) if x.dtype.kind == "c" else g * np.sign(x)


def _angle(g: Any, x: Any) -> Any:
    return ratio(g * -1j * np.conjugate(x), np.square(np.abs(x)))
