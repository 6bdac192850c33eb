"""The derivatives of sin(x) / x, which NumPy's sinc needs near 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.primitive import elementwise


@elementwise(lambda g, x, order: g * sine_quotient(x, order=order + 1), analytic=True)
def sine_quotient(x: Any, *, order: int) -> Any:
    """Return the derivative of sin(x) / x of an order.

    Near 0 its power series, which loses no digits there; elsewhere s + order / x * (what lies one order below),
    from x * sinc(x) = sin(x) differentiated.

    >>> import numpy as np
    >>> sine_quotient(np.array([0.0, np.pi]), order=2)
    array([-0.33333333,  0.20264237])
    """
    x = np.asarray(x)
    near = np.abs(x) < order / 2 + 2
    with np.errstate(all="ignore"):
        far = np.where(near, 1, x)
        y = np.sin(far) / far
        for n in range(1, order + 1):
            y = (np.sin(far + n * (math.pi / 2)) - n * y) / far
        y = np.where(np.isinf(far.real), 0, y)
    close = np.where(near, x, 0)
    total, power = np.zeros_like(y), np.ones_like(y) if order % 2 == 0 else close
    for m in range(order % 2, order + 30, 2):  # x**m / m! / (m + order + 1), of either sign by turns
        total = total + power * ((-1) ** ((m + order) // 2) / (m + order + 1))
        power = power * close * close / ((m + 1) * (m + 2))
    return np.where(near, total, y).astype(x.dtype if x.dtype.kind in "fc" else float)
