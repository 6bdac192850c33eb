"""Bessel functions beside NumPy's own i0. SciPy computes them and is loaded at the first use."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import elementwise


@elementwise(lambda g, x, order: g * 0.5 * (bessel_i(x, order=order - 1) + bessel_i(x, order=order + 1)), analytic=True)
def bessel_i(x: Any, *, order: int) -> Any:
    """Return the modified Bessel function of the first kind of a whole order.

    >>> import numpy as np
    >>> bessel_i(np.array([0.0, 1.0]), order=1)
    array([0.        , 0.56515910])
    """
    from scipy.special import iv

    y = iv(order, x)
    return y.astype(x.dtype) if getattr(x, "dtype", None) == np.float16 else y
