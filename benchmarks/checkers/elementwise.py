"""Planted errors in the derivatives of elementwise functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.checkers.case import Case, normal, numbers, positive

DENSITY = 1 / math.sqrt(2 * math.pi)
ONE_WRONG = np.ones((2, 3))
ONE_WRONG[1, 2] = 1.01


def softplus(xp: Any, x: Any) -> Any:
    """log(1 + exp(x)) without overflow."""
    return xp.where(x > 0, x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + xp.exp(-x))


CASES = (
    Case(
        "square: the incoming gradient is ignored, which a seed of ones does not show",
        lambda xp, x: x * x,
        lambda xp, g, x: g * 2 * x,
        lambda xp, g, x: 2 * x,
        (normal(2, 3),),
    ),
    Case(
        "sin: the sign",
        lambda xp, x: xp.sin(x),
        lambda xp, g, x: g * xp.cos(x),
        lambda xp, g, x: -g * xp.cos(x),
        (normal(2, 3),),
    ),
    Case(
        "tanh: 1 - y for 1 - y²",
        lambda xp, x: xp.tanh(x),
        lambda xp, g, x: g * (1 - xp.tanh(x) ** 2),
        lambda xp, g, x: g * (1 - xp.tanh(x)),
        (normal(2, 3),),
    ),
    Case(
        "sigmoid: y for y (1 - y)",
        sigmoid,
        lambda xp, g, x: g * sigmoid(xp, x) * (1 - sigmoid(xp, x)),
        lambda xp, g, x: g * sigmoid(xp, x),
        (normal(2, 3),),
    ),
    Case(
        "x sigmoid(x): the second term of the product rule",
        lambda xp, x: x * sigmoid(xp, x),
        lambda xp, g, x: g * (sigmoid(xp, x) + x * sigmoid(xp, x) * (1 - sigmoid(xp, x))),
        lambda xp, g, x: g * sigmoid(xp, x),
        (normal(2, 3),),
    ),
    Case(
        "normal density: a constant of four digits (off by 1e-4)",
        lambda xp, x: DENSITY * xp.exp(-x * x / 2),
        lambda xp, g, x: -g * x * DENSITY * xp.exp(-x * x / 2),
        lambda xp, g, x: -g * x * 0.3989 * xp.exp(-x * x / 2),
        (normal(2, 3),),
    ),
    Case(
        "log2: a constant of seven digits (off by 3e-8)",
        lambda xp, x: xp.log2(x),
        lambda xp, g, x: g / x / math.log(2),
        lambda xp, g, x: g / x * 1.442695,
        (positive(2, 3),),
    ),
    Case(
        "sin: the rule computes in float32",
        lambda xp, x: xp.sin(x),
        lambda xp, g, x: g * xp.cos(x),
        lambda xp, g, x: g * xp.narrow(xp.cos(x)),
        (normal(2, 3),),
    ),
    Case(
        "exp: 1 % off at one index",
        lambda xp, x: xp.exp(x),
        lambda xp, g, x: g * xp.exp(x),
        lambda xp, g, x: g * xp.exp(x) * xp.constant(ONE_WRONG),
        (normal(2, 3),),
    ),
    Case(
        "square: only of a 0-d array",
        lambda xp, x: x * x,
        lambda xp, g, x: g * 2 * x,
        lambda xp, g, x: g * x if x.ndim == 0 else g * 2 * x,
        (numbers(0.7)[0].reshape(()),),
    ),
    # --- at some values only ---
    Case(
        "x |x|: 2x for 2|x|, only below 0",
        lambda xp, x: x * xp.abs(x),
        lambda xp, g, x: g * 2 * xp.abs(x),
        lambda xp, g, x: g * 2 * x,
        (normal(2, 3),),
    ),
    Case(
        "leaky relu: a dead branch, only below 0",
        lambda xp, x: xp.where(x > 0, x, 0.2 * x),
        lambda xp, g, x: xp.where(x > 0, g, 0.2 * g),
        lambda xp, g, x: xp.where(x > 0, g, 0 * g),
        (normal(2, 3),),
    ),
    Case(
        "Huber: the slope beyond the bound",
        lambda xp, x: xp.where(xp.abs(x) < 1, x * x / 2, xp.abs(x) - 0.5),
        lambda xp, g, x: g * xp.where(xp.abs(x) < 1, x, xp.sign(x)),
        lambda xp, g, x: g * x,
        (numbers(-2.0, -0.4, 0.3, 1.7),),
    ),
    Case(
        "clip: above the upper bound",
        lambda xp, x: xp.clip(x, -1, 1),
        lambda xp, g, x: xp.where((x >= -1) & (x <= 1), g, 0.0),
        lambda xp, g, x: xp.where(x >= -1, g, 0.0),
        (numbers(-2.0, -0.4, 0.3, 1.7),),
    ),
    Case(
        "softplus: 0 instead of 1 above 20",
        softplus,
        lambda xp, g, x: g * sigmoid(xp, x),
        lambda xp, g, x: xp.where(x > 20, 0.0, g * sigmoid(xp, x)),
        (numbers(-1.0, 0.5, 25.0),),
    ),
    Case(
        "softplus: exp(x) / (1 + exp(x)), NaN above 709",
        softplus,
        lambda xp, g, x: g * sigmoid(xp, x),
        lambda xp, g, x: g * xp.exp(x) / (1 + xp.exp(x)),
        (numbers(0.5, 800.0),),
    ),
    Case(
        "relu: 2 at exactly 0",
        lambda xp, x: xp.where(x > 0, x, 0.0),
        lambda xp, g, x: xp.where(x > 0, g, 0.0),
        lambda xp, g, x: xp.where(x > 0, g, xp.where(x == 0, 2 * g, 0.0)),
        (numbers(-1.0, 0.0, 2.0),),
        order=1,
    ),
    Case(
        "maximum: nothing to either at a tie",
        lambda xp, a, b: xp.maximum(a, b),
        lambda xp, g, a, b: (g * xp.where(a == b, 0.5, 1.0 * (a > b)), g * xp.where(a == b, 0.5, 1.0 * (b > a))),
        lambda xp, g, a, b: (g * (a > b), g * (b > a)),
        (numbers(1.0, 2.0, -1.0), numbers(1.0, 0.5, 0.5)),
        order=1,
    ),
    Case(
        "maximum: all to both at a tie",
        lambda xp, a, b: xp.maximum(a, b),
        lambda xp, g, a, b: (g * xp.where(a == b, 0.5, 1.0 * (a > b)), g * xp.where(a == b, 0.5, 1.0 * (b > a))),
        lambda xp, g, a, b: (g * (a >= b), g * (b >= a)),
        (numbers(1.0, 2.0, -1.0), numbers(1.0, 0.5, 0.5)),
        order=1,
    ),
    # --- at some scales ---
    Case(
        "1e-9 sin(x): the sign, of a derivative of 1e-9",
        lambda xp, x: 1e-9 * xp.sin(x),
        lambda xp, g, x: g * 1e-9 * xp.cos(x),
        lambda xp, g, x: -g * 1e-9 * xp.cos(x),
        (normal(2, 3),),
    ),
    Case(
        "sin(x / 1e12): a tenth too large, at 1e12",
        lambda xp, x: xp.sin(x / 1e12),
        lambda xp, g, x: g * xp.cos(x / 1e12) / 1e12,
        lambda xp, g, x: 1.1 * g * xp.cos(x / 1e12) / 1e12,
        (1e12 * normal(2, 3),),
    ),
    # --- of one operand ---
    Case(
        "divide: b for b² in b's rule",
        lambda xp, a, b: a / b,
        lambda xp, g, a, b: (g / b, -g * a / (b * b)),
        lambda xp, g, a, b: (g / b, -g * a / b),
        (normal(2, 3), positive(2, 3)),
    ),
    Case(
        "power: the logarithm in the exponent's rule",
        lambda xp, a, b: a**b,
        lambda xp, g, a, b: (g * b * a ** (b - 1), g * a**b * xp.log(a)),
        lambda xp, g, a, b: (g * b * a ** (b - 1), g * a**b),
        (positive(2, 3), normal(2, 3)),
    ),
    Case(
        "arctan2: the sign in the second operand's rule",
        lambda xp, a, b: xp.arctan2(a, b),
        lambda xp, g, a, b: (g * b / (a * a + b * b), -g * a / (a * a + b * b)),
        lambda xp, g, a, b: (g * b / (a * a + b * b), g * a / (a * a + b * b)),
        (normal(2, 3), positive(2, 3)),
    ),
    # --- of complex numbers ---
    Case(
        "complex square: a conjugate too many",
        lambda xp, x: x * x,
        lambda xp, g, x: g * 2 * x,
        lambda xp, g, x: g * 2 * xp.conj(x),
        (normal(3) + 1j * normal(3, seed=1),),
    ),
    Case(
        "|x|² of a complex number: a conjugate too few",
        lambda xp, x: xp.real(x * xp.conj(x)),
        lambda xp, g, x: g * 2 * xp.conj(x),
        lambda xp, g, x: g * 2 * x,
        (normal(3) + 1j * normal(3, seed=1),),
    ),
    # --- in the second derivative, the first being right ---
    Case(
        "cube: x held constant in the rule",
        lambda xp, x: x * x * x,
        lambda xp, g, x: g * 3 * x * x,
        lambda xp, g, x: g * 3 * xp.detach(x * x),
        (normal(2, 3),),
    ),
    Case(
        "exp: the second derivative's sign",
        lambda xp, x: xp.exp(x),
        lambda xp, g, x: g * xp.exp(x),
        lambda xp, g, x: g * (2 * xp.detach(xp.exp(x)) - xp.exp(x)),
        (normal(2, 3),),
    ),
    Case(
        "a b²: b held constant in a's rule",
        lambda xp, a, b: a * b * b,
        lambda xp, g, a, b: (g * b * b, 2 * g * a * b),
        lambda xp, g, a, b: (g * xp.detach(b * b), 2 * g * a * b),
        (normal(2, 3), normal(2, 3, seed=1)),
    ),
    Case(
        "sqrt: where(g == 0, 0, g / 2y), second derivative 0 where the incoming gradient is exactly 0",
        lambda xp, x: xp.sqrt(x),
        lambda xp, g, x: g / (2 * xp.sqrt(x)),
        lambda xp, g, x: xp.where(g == 0, 0.0, g / (2 * xp.sqrt(x))),
        (positive(2, 3),),
    ),
)
