"""The modified Bessel function, which NumPy's i0 needs too. SciPy computes it and is loaded at the first use."""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.division import product
from autodiff.primitive import elementwise


@elementwise(
    lambda g, x, order: product(g, bessel_i(x, order=order - 1) + bessel_i(x, order=order + 1)) * 0.5, analytic=True
)
def bessel_i(x: Any, *, order: int) -> Any:
    """Return the modified Bessel function of the first kind of a whole order; SciPy knows none near 0 and infinity.

    >>> import numpy as np
    >>> bessel_i(np.array([0.0, 1.0]), order=1)
    array([0.       , 0.5651591])
    """
    from scipy.special import iv

    n = abs(order)
    with np.errstate(all="ignore"):
        near, far = np.abs(x) < 1e-100, np.abs(x) > 1e15
        y = iv(n, np.where(near | far, 1, x))
        limit = np.exp(np.where(far, x, 0)) if np.iscomplexobj(x) else np.where(far, np.where(x < 0, (-1.0) ** n, 1), 0)
        y = np.where(near, (x * 0.5) ** n / math.factorial(n), np.where(far, limit * np.inf, y))
    return y.astype(x.dtype)


@elementwise(
    lambda g, x, y, order: (
        product(g, scaled_bessel_i(x, order=order - 1) + scaled_bessel_i(x, order=order + 1)) * 0.5 - g * np.sign(x) * y
    ),
    kinks=(0.0,),
)
def scaled_bessel_i(x: Any, *, order: int) -> Any:
    """Return bessel_i(x) exp(-|x|)."""
    from scipy.special import ive

    n = abs(order)
    with np.errstate(all="ignore"):
        near, far = np.abs(x) < 1e-100, np.abs(x) > 1e15
        y = ive(n, np.where(near | far, 1, x))
        y = np.where(far, np.where(x < 0, (-1.0) ** n, 1) / np.sqrt(2 * math.pi * np.abs(x)), y)
        return np.where(near, (x * 0.5) ** n / math.factorial(n), y).astype(x.dtype)
