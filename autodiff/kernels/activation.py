"""Activation functions of one array, in few passes: of float32 in blocks or compiled loops (`blocks.py`).

The derivative of each costly one is a registered function `..._backward(a, b)`, a times the derivative at b, itself
differentiable to any order.
"""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.blocks import BLOCK, Scratch, in_float32, mapped
from autodiff.kernels.compiled import loop
from autodiff.kernels.erf import exponent
from autodiff.kernels.scalars import CUBE, HALF, ONE, ROOT_HALF, SLOPE, TEN, THREE_CUBES, ZERO
from autodiff.kernels.scalars import gelu_slope as gelu_slope_of_one
from autodiff.kernels.scalars import ndtr as ndtr_of_one
from autodiff.kernels.scalars import sigmoid as sigmoid_of_one
from autodiff.kernels.scalars import tanh as tanh_of_one
from autodiff.primitive import elementwise

NONE = np.zeros(BLOCK, np.float32)
DENSITY = 1 / math.sqrt(2 * math.pi)
_two, _three = Scratch(2), Scratch(3)


@elementwise(lambda g, y: relu_backward(y, g), kinks=(0.0,))  # at 0: 0
def relu(x: Any) -> Any:
    """Return the positive part of x."""
    if type(x) is not np.ndarray or x.dtype != np.float32 or x.size < 1024:
        return np.maximum(x, np.zeros((), x.dtype)) if isinstance(x, np.ndarray) else np.maximum(x, 0)
    return mapped(_relu, _relu_loop, None, x)


def _relu(y: Any, x: Any) -> None:
    np.maximum(x, NONE[: x.size], out=y)  # an array: 64x512 take 2.4 us, against 10 with a number


@loop
def _relu_loop(y: Any, x: Any) -> None:
    for i in range(x.size):
        y[i] = max(x[i], ZERO)


@elementwise(lambda g: np.zeros_like(g), lambda g, a: relu_backward(a, g), domain=("nonzero", None), kinks=("step",),
             singular=())  # fmt: skip
def relu_backward(a: Any, b: Any) -> Any:
    """Return b where a is positive, else 0."""
    looped = type(a) is np.ndarray and a.dtype == np.float32 and a.size >= 1024 and compiled.available()
    if not looped or getattr(b, "dtype", None) != a.dtype:
        return np.multiply(b, np.greater(a, 0))
    return mapped(_relu_backward_loop, _relu_backward_loop, None, a, b)


@loop
def _relu_backward_loop(y: Any, x: Any, g: Any) -> None:
    for i in range(x.size):
        y[i] = g[i] if x[i] > ZERO else ZERO


@elementwise(lambda g, y: g * (y - y * y), analytic=True)
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), through tanh: it does not overflow, and NumPy's tanh is its fastest function."""
    y = np.tanh(np.multiply(x, 0.5))
    y *= 0.5
    y += 0.5
    return y


# --- gelu ----------------------------------------------------------------------------------------------------------


def _erf(x: Any) -> Any:
    from scipy import special

    return special.erf(x)


@elementwise(lambda g, x: gelu_backward(g, x), analytic=True)
def gelu(x: Any) -> Any:
    """Return x times the normal distribution function at x (Hendrycks and Gimpel, 2016).

    float32: 0.15 ns an element in a compiled loop, 1.4 in NumPy.
    """
    return _gelu(x)


@in_float32(lambda x: 0.5 * x * (1 + _erf(x * math.sqrt(0.5))))
def _gelu(x: Any) -> Any:
    return mapped(_gelu_form, _gelu_loop, _three, x)


def _gelu_form(y: Any, x: Any, t: Any, q: Any, u: Any) -> None:
    np.multiply(x, ROOT_HALF, u)
    np.tanh(exponent(u, t, y, q), y)
    np.add(y, ONE, y)
    np.multiply(x, HALF, u)
    np.multiply(y, u, y)


@loop
def _gelu_loop(y: Any, x: Any) -> None:
    for i in range(x.size):
        y[i] = x[i] * ndtr_of_one(x[i])


@elementwise(
    lambda g, b: gelu_backward(g, b), lambda g, a, b: g * a * ((2 - b * b) * np.exp(b * b * -0.5) * DENSITY),
    analytic=True,
)  # fmt: skip
def gelu_backward(a: Any, b: Any) -> Any:
    """Return a times the derivative of gelu at b."""
    return _gelu_backward(b, a)


@in_float32(lambda x, g: g * (0.5 + 0.5 * _erf(x * math.sqrt(0.5)) + x * np.exp(x * x * -0.5) * DENSITY))
def _gelu_backward(x: Any, g: Any) -> Any:
    return mapped(_gelu_backward_form, _gelu_backward_loop, _three, x, g)


def _gelu_backward_form(y: Any, x: Any, g: Any, t: Any, q: Any, u: Any) -> None:
    np.multiply(x, ROOT_HALF, u)
    np.tanh(exponent(u, t, y, q), y)
    np.add(y, ONE, y)
    np.multiply(y, HALF, y)
    np.multiply(u, u, t)
    np.negative(t, t)
    np.exp(t, t)
    np.multiply(t, u, t)
    np.multiply(t, np.float32(1 / math.sqrt(math.pi)), t)
    np.add(y, t, y)
    np.multiply(y, g, y)


@loop
def _gelu_backward_loop(y: Any, x: Any, g: Any) -> None:
    for i in range(x.size):
        y[i] = g[i] * gelu_slope_of_one(x[i])


def _cubic(x: Any) -> Any:
    return x * (SLOPE_OF + SLOPE_OF * CUBE_OF * (x * x))


SLOPE_OF, CUBE_OF = math.sqrt(2 / math.pi), 0.044715


@elementwise(lambda g, x: gelu_tanh_backward(g, x), analytic=True)
def gelu_tanh(x: Any) -> Any:
    """Return GELU's approximation x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3)))."""
    return _gelu_tanh(x)


@in_float32(lambda x: 0.5 * x * (1 + np.tanh(_cubic(x))))
def _gelu_tanh(x: Any) -> Any:
    return mapped(_gelu_tanh_form, _gelu_tanh_loop, None, x)


def _gelu_tanh_form(y: Any, x: Any) -> None:
    np.multiply(x, x, y)
    np.multiply(y, CUBE, y)
    np.add(y, SLOPE, y)
    np.multiply(y, x, y)
    np.tanh(y, y)
    np.add(y, ONE, y)
    np.multiply(y, x, y)
    np.multiply(y, HALF, y)


@loop
def _gelu_tanh_loop(y: Any, x: Any) -> None:
    for i in range(x.size):
        v = x[i]
        y[i] = HALF * v * (ONE + tanh_of_one(v * (SLOPE + CUBE * v * v)))


def _gelu_tanh_curvature(x: Any) -> Any:
    u, up = np.tanh(_cubic(x)), SLOPE_OF + 3 * SLOPE_OF * CUBE_OF * (x * x)
    return (1 - u * u) * (up + 0.5 * x * (6 * SLOPE_OF * CUBE_OF * x - 2 * u * up * up))


@elementwise(
    lambda g, b: gelu_tanh_backward(g, b), lambda g, a, b: g * a * _gelu_tanh_curvature(b), analytic=True
)  # fmt: skip
def gelu_tanh_backward(a: Any, b: Any) -> Any:
    """Return a times the derivative of gelu_tanh at b."""
    return _gelu_tanh_backward(b, a)


def _gelu_tanh_wide(x: Any, g: Any) -> Any:
    u = np.tanh(_cubic(x))
    return g * (0.5 * (1 + u) + 0.5 * x * (1 - u * u) * (SLOPE_OF + 3 * SLOPE_OF * CUBE_OF * (x * x)))


@in_float32(_gelu_tanh_wide)
def _gelu_tanh_backward(x: Any, g: Any) -> Any:
    return mapped(_gelu_tanh_backward_form, _gelu_tanh_backward_loop, _two, x, g)


def _gelu_tanh_backward_form(y: Any, x: Any, g: Any, t: Any, u: Any) -> None:
    """Write g / 2 (1 + u) (1 + (1 - u) x slope), u the tanh."""
    np.clip(x, -TEN, TEN, out=t)  # beyond it 1 - u is 0, or 1 + u, and x**3 may be infinite
    np.multiply(t, t, y)
    np.multiply(y, THREE_CUBES, y)
    np.add(y, SLOPE, y)
    np.multiply(t, y, t)
    np.multiply(x, x, y)
    np.multiply(y, CUBE, u)
    np.add(u, SLOPE, u)
    np.multiply(u, x, u)
    np.tanh(u, u)
    np.subtract(ONE, u, y)
    np.multiply(t, y, t)
    np.add(t, ONE, t)
    np.add(u, ONE, u)
    np.multiply(t, u, t)
    np.multiply(t, g, y)
    np.multiply(y, HALF, y)


@loop
def _gelu_tanh_backward_loop(y: Any, x: Any, g: Any) -> None:
    for i in range(x.size):
        v = x[i]
        u = tanh_of_one(v * (SLOPE + CUBE * v * v))
        v = TEN if v > TEN else (max(v, -TEN))  # 1 - u is 0 there; v**3 may be infinite
        y[i] = g[i] * HALF * (ONE + u) * (ONE + (ONE - u) * v * (SLOPE + THREE_CUBES * v * v))


# --- silu ----------------------------------------------------------------------------------------------------------


@elementwise(lambda g, x: silu_backward(g, x), analytic=True)
def silu(x: Any) -> Any:
    """Return x sigmoid(x)."""
    return _silu(x)


@in_float32(lambda x: x * sigmoid(x))
def _silu(x: Any) -> Any:
    return mapped(_silu_form, _silu_loop, None, x)


def _silu_form(y: Any, x: Any) -> None:
    np.multiply(x, HALF, y)
    np.tanh(y, y)
    np.add(y, ONE, y)
    np.multiply(y, x, y)
    np.multiply(y, HALF, y)


@loop
def _silu_loop(y: Any, x: Any) -> None:
    for i in range(x.size):
        y[i] = x[i] * sigmoid_of_one(x[i])


def _silu_curvature(x: Any) -> Any:
    s = sigmoid(x)
    return (s - s * s) * (2 + x * (1 - 2 * s))


@elementwise(lambda g, b: silu_backward(g, b), lambda g, a, b: g * a * _silu_curvature(b), analytic=True)
def silu_backward(a: Any, b: Any) -> Any:
    """Return a times the derivative of silu at b."""
    return _silu_backward(b, a)


def _silu_wide(x: Any, g: Any) -> Any:
    s = sigmoid(x)
    return g * (s + x * (s - s * s))


@in_float32(_silu_wide)
def _silu_backward(x: Any, g: Any) -> Any:
    return mapped(_silu_backward_form, _silu_backward_loop, _two, x, g)


def _silu_backward_form(y: Any, x: Any, g: Any, s: Any, t: Any) -> None:
    np.multiply(x, HALF, s)
    np.tanh(s, s)
    np.multiply(s, HALF, s)
    np.add(s, HALF, s)
    np.subtract(ONE, s, t)
    np.multiply(t, x, t)
    np.add(t, ONE, t)
    np.multiply(s, g, s)
    np.multiply(s, t, y)


@loop
def _silu_backward_loop(y: Any, x: Any, g: Any) -> None:
    for i in range(x.size):
        s = sigmoid_of_one(x[i])
        y[i] = g[i] * s * (ONE + x[i] * (ONE - s))


# --- softplus and its relatives --------------------------------------------------------------------------------------


@elementwise(lambda g, x, beta, threshold: g * _softplus_slope(x, beta, threshold))
def softplus(x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Return log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold."""
    z = np.multiply(x, beta)
    y = np.abs(z)
    y = np.log1p(np.exp(np.negative(y, out=_own(y)), out=_own(y)), out=_own(y))
    y = (y + np.maximum(z, 0)) / beta
    return np.where(np.greater(z, threshold), x, y) if np.max(z, initial=-np.inf) > threshold else y


def _softplus_slope(x: Any, beta: float, threshold: float) -> Any:
    return np.where(np.greater(x * beta, threshold), 1, sigmoid(x * beta))


def _own(y: Any) -> Any:
    return y if isinstance(y, np.ndarray) else None


@elementwise(lambda g, x: g * sigmoid(-x))
def logsigmoid(x: Any) -> Any:
    """Return log(sigmoid(x)), finite where sigmoid underflows."""
    y = np.negative(np.abs(x))
    y = np.log1p(np.exp(y, out=_own(y)), out=_own(y))
    return np.minimum(x, 0) - y


@elementwise(lambda g, x, negative_slope: g * (np.greater(x, 0) * (1 - negative_slope) + negative_slope), kinks=(0.0,))
def leaky_relu(x: Any, *, negative_slope: float = 0.01) -> Any:
    """Return x where it is positive, else negative_slope x; at 0 the derivative is negative_slope."""
    y = np.multiply(x, negative_slope)
    return np.maximum(x, y) if 0 <= negative_slope <= 1 else np.where(np.greater(x, 0), x, y)


# at 0 the derivative is alpha: a kink unless that is 1
@elementwise(lambda g, x, alpha: g * _elu_slope(x, alpha))
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    """Return x where it is positive, else alpha (exp(x) - 1)."""
    if np.iscomplexobj(x):
        raise TypeError("elu of complex numbers is not defined: they are neither positive nor negative.")
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


def _elu_slope(x: Any, alpha: float) -> Any:
    return np.where(np.greater(x, 0), 1, alpha * np.exp(np.minimum(x, 0)))


# at the bounds the derivative is 0, as PyTorch has it
@elementwise(
    lambda g, x, min_val, max_val: g * (np.greater(x, min_val) & np.less(x, max_val)), kinks=(-1.0, 1.0)
)  # fmt: skip
def hardtanh(x: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """Return x, but min_val below and max_val above."""
    return np.minimum(np.maximum(x, min_val), max_val)
