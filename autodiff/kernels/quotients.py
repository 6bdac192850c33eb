"""sin(x) / x and (exp(x) - 1) / x with their derivatives, which lose no digits near 0.

Both are integrals, of cos(x t) and of exp(x t) for t from 0 to 1, so that a derivative brings down a power of t: near
0 its power series is summed; elsewhere the integral is taken by parts, which leads to the order below.
"""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.division import product
from autodiff.primitive import elementwise


@elementwise(lambda g, x, order: product(g, sine_quotient(x, order=order + 1)), analytic=True)
def sine_quotient(x: Any, *, order: int) -> Any:
    """Return the derivative of sin(x) / x of an order.

    >>> import numpy as np
    >>> sine_quotient(np.array([0.0, np.pi]), order=2)
    array([-0.33333333,  0.20264237])
    """
    near, close, far = _split(x, order)
    with np.errstate(all="ignore"):
        y = np.sin(far) / far
        for n in range(1, order + 1):
            y = (np.sin(far + n * (math.pi / 2)) - n * y) / far
    return np.where(near, _series(close, order, np.sin), np.where(np.isinf(np.real(x)), 0, y))


@elementwise(lambda g, x, order: product(g, exp_quotient(x, order=order + 1)), analytic=True)
def exp_quotient(x: Any, *, order: int) -> Any:
    """Return the derivative of (exp(x) - 1) / x of an order.

    >>> import numpy as np
    >>> exp_quotient(np.array([0.0, 1.0]), order=1)
    array([0.5, 1. ])
    """
    near, close, far = _split(x, order)
    with np.errstate(all="ignore"):
        top = np.exp(far)
        y = np.expm1(far) / far
        for n in range(1, order + 1):
            y = (top - n * y) / far
    return np.where(near, _series(close, order, np.exp), np.where(np.isinf(top), top, y))


def _split(x: Any, order: int) -> tuple[Any, Any, Any]:
    """Say where x is near 0; return it there, with 0 elsewhere, and elsewhere, with 1 there."""
    near = np.abs(x) < order / 2 + 2
    return near, np.where(near, x, 0), np.where(near, 1, x)


def _series(x: Any, order: int, fun: Any) -> Any:
    """Sum x**m / m! / (m + order + 1) over m, for sin with every second term left out and signs by turns."""
    step = 2 if fun is np.sin else 1
    first = order % step
    total, power = np.zeros_like(x), np.ones_like(x) if not first else x
    for m in range(first, order + 30, step):
        sign = (-1) ** ((m + order) // 2) if step == 2 else 1
        total = total + power * (sign / (m + order + 1))
        for k in range(m + 1, m + step + 1):
            power = power * x / k
    return total
