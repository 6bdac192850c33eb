"""Arithmetic, powers, rounding, steps and the parts of complex numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.division import cosine, product, ratio
from autodiff.kernels.powers import power
from autodiff.primitive import (
    alias,
    bilinear,
    boolean,
    composite,
    constant,
    elementwise,
    linear,
    outputs,
    plain,
    primitive,
    register,
    values,
    zero,
)

linear(np.add, lambda g: g, lambda g: g)
linear(np.subtract, lambda g: g, lambda g: -g)
linear(np.negative, lambda g: -g)
linear(np.positive, lambda g: g)
bilinear(np.multiply, lambda g, b: g * b, lambda g, a: g * a)
elementwise(np.divide, lambda g, b: ratio(g, b), lambda g, y, b: -ratio(product(g, y), b), domain=(None, "nonzero"))
elementwise(np.reciprocal, lambda g, y: -product(product(g, y), y), domain="nonzero")
elementwise(np.square, lambda g, x: g * x * 2)
for _power, _kernel in ((np.power, power), (np.float_power, np.float_power)):
    elementwise(  # x**0 and x**n at 0: exact; 0**y: 0 for y >= 0, as in torch
        _power,
        lambda g, a, b: product(g, product(b, power(a, b - 1))),
        lambda g, a, b, y: product(g, product(y, np.log(np.where(np.equal(a, 0) & np.equal(b, 0), 1, a)))),
        kernel=_kernel,
        domain=("positive", None),
    )
elementwise(np.sqrt, lambda g, y: ratio(g, y * 2), domain="positive")
elementwise(np.cbrt, lambda g, y: ratio(g, y * y * 3), domain="nonzero")
elementwise(np.absolute, lambda g, x, y: _abs(g, x, y), kinks=(0.0,), complex=True)  # at 0: 0
elementwise(np.fabs, lambda g, x: g * np.sign(x), kinks=(0.0,))
elementwise(np.hypot, lambda g, a, b: g * cosine(a, b), lambda g, a, b: g * cosine(b, a), kinks=("origin",))  # there: 0
_WHOLE: dict[str, Any] = {"domain": (None, "nonzero"), "kinks": ("quotient",)}
elementwise(np.remainder, lambda g: g, lambda g, a, b: -product(g, np.floor_divide(a, b)), **_WHOLE)
elementwise(np.fmod, lambda g: g, lambda g, a, b: -product(g, np.trunc(ratio(a, b))), **_WHOLE)
elementwise(
    np.copysign,
    lambda g, a, b: g * np.sign(a) * np.copysign(np.ones_like(b), b),
    lambda g: np.zeros_like(g),
    kinks=(0.0,),
)
primitive(np.sign, lambda g, x, y: _sign(g, x, y), kinks=(0.0,), complex=True)  # x / |x|; a step where x is real
elementwise(  # at 0 the second operand is the value
    np.heaviside, lambda g: np.zeros_like(g), lambda g, a: np.where(np.equal(a, 0), g, 0), kinks=("step",)
)
zero(np.floor, np.ceil, np.trunc, kinks=("integers",))
zero(np.rint, kinks=("halves",))
zero(np.floor_divide, **_WHOLE)
zero(np.spacing)  # of the size of rounding, and so are its steps
register(np.round, lambda g: np.zeros_like(g), kind="zero", sig="a; decimals=0, out=None", kinks=("halves",))
register(np.fix, lambda g: np.zeros_like(g), kind="zero", sig="x; out=None", kinks=("integers",))
alias(np.around, np.round)
linear(np.ldexp, lambda g, b: np.ldexp(g, b), None)
elementwise(np.nextafter, lambda g: g, lambda g: np.zeros_like(g))
elementwise(np.nan_to_num, lambda g, x: np.where(np.isfinite(x), g, 0),
            sig="x; copy=True, nan=0.0, posinf=None, neginf=None",
            kernel=lambda x, copy, nan, posinf, neginf: _finite(x, copy, nan, posinf, neginf),
            analytic=True)  # fmt: skip
boolean(
    np.signbit, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert, np.left_shift,
    np.right_shift, np.gcd, np.lcm,
)  # fmt: skip
constant(np.isposinf, "x; out=None")
constant(np.isneginf, "x; out=None")
plain(np.isnat)
outputs(np.modf, lambda g: g[0], sig="x;", kinks=("integers",))
outputs(np.frexp, lambda g, y: None if g[0] is None else np.ldexp(g[0], -y[1]), sig="x;", kinks=("binades",))
outputs(np.divmod, lambda g: g[1], lambda g, a, b: None if g[1] is None else -product(g[1], np.floor_divide(a, b)),
        sig="a, b;", **_WHOLE)  # fmt: skip

linear(np.conjugate, lambda g: np.conjugate(g), analytic=False, complex=True)
linear(np.real, lambda g: g, sig="val;", analytic=False, complex=True)
linear(np.imag, lambda g: g * -1j, sig="val;", analytic=False, complex=True)
elementwise(np.angle, lambda g, x, deg: _angle(g, x) * (180 / math.pi if deg else 1), sig="z; deg=False",
            domain="nonzero", kinks=("cut",), complex=True)  # fmt: skip


@composite(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    close = np.isrealobj(np.real_if_close(values(a), tol))
    return np.real(a) if close else np.positive(a)


def conj(x: Any) -> Any:
    """Return the conjugate of a complex value, and a real value itself."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def _abs(g: Any, x: Any, y: Any) -> Any:
    return product(g, ratio(np.conjugate(x), y)) if x.dtype.kind == "c" else g * np.sign(x)


def _angle(g: Any, x: Any) -> Any:
    return product(g, ratio(ratio(np.conjugate(x), np.abs(x)), np.abs(x))) * -1j


def _sign(g: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind != "c":
        return np.zeros_like(g)
    return ratio(g, np.abs(x)) - product(np.real(product(g, y)), ratio(np.conjugate(y), np.abs(x)))


def _finite(x: Any, copy: bool, nan: Any, posinf: Any, neginf: Any) -> Any:
    if not copy:
        raise TypeError("nan_to_num of a Tensor does not support copy=False, which works in place; assign the result.")
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
