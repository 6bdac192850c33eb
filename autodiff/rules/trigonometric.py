"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math

import numpy as np

from autodiff.kernels.bessel import bessel_i
from autodiff.kernels.division import cosine, product, ratio
from autodiff.kernels.quotients import sine_quotient
from autodiff.primitive import alias, elementwise, linear

elementwise(np.sin, lambda g, x: g * np.cos(x))
elementwise(np.cos, lambda g, x: -g * np.sin(x))
elementwise(np.tan, lambda g, y: g + g * (y * y), domain="quarter turn")
elementwise(np.arcsin, lambda g, x: ratio(g, np.sqrt(1 - x * x)), domain="unit")
elementwise(np.arccos, lambda g, x: -ratio(g, np.sqrt(1 - x * x)), domain="unit")
elementwise(np.arctan, lambda g, x: g / (x * x + 1))
elementwise(
    np.arctan2,
    lambda g, a, b: product(g, ratio(cosine(b, a), np.hypot(a, b))),
    lambda g, a, b: -product(g, ratio(cosine(a, b), np.hypot(a, b))),
    kinks=("cut",),
    singular=("origin",),
)
elementwise(np.sinc, lambda g, x: g * math.pi * sine_quotient(x * math.pi, order=1), sig="x;", analytic=True)

elementwise(np.sinh, lambda g, x: g * np.cosh(x))
elementwise(np.cosh, lambda g, x: g * np.sinh(x))
elementwise(np.tanh, lambda g, y: g - g * (y * y))
elementwise(np.arcsinh, lambda g, x: g / np.sqrt(x * x + 1))
elementwise(np.arccosh, lambda g, x: ratio(g, product(np.sqrt(x - 1), np.sqrt(x + 1))), domain="above one")
elementwise(np.arctanh, lambda g, x: ratio(g, 1 - x * x), domain="unit")

linear(np.deg2rad, lambda g: g * (math.pi / 180))
linear(np.rad2deg, lambda g: g * (180 / math.pi))
alias(np.radians, np.deg2rad)
alias(np.degrees, np.rad2deg)

elementwise(np.i0, lambda g, x: g * bessel_i(x, order=1), sig="x;")
