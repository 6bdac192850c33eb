"""What the adjoints of Fourier transforms need around the transforms themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import linear


@linear(lambda g, s, axis: resized(g, n=s.shape[axis], axis=axis))  # type: ignore[has-type]
def resized(x: Any, *, n: int, axis: int) -> Any:
    """Return x with its first n elements along an axis, or zeros after its last: what `n=` of a transform does first.

    >>> resized(np.ones((2, 3)), n=1, axis=-1).tolist(), resized(np.ones(1), n=2, axis=0).tolist()
    ([[1.0], [1.0]], [1.0, 0.0])
    """
    axis = axis % x.ndim
    kept = (slice(None),) * axis + (slice(min(n, x.shape[axis])),)
    if n <= x.shape[axis]:
        return x[kept]
    y = np.zeros_like(x, shape=(*x.shape[:axis], n, *x.shape[axis + 1 :]))
    y[kept] = x
    return y


@linear(lambda g, n, axis: doubled(g, n=n, axis=axis))  # type: ignore[has-type]
def doubled(x: Any, *, n: int, axis: int) -> Any:
    """Return half a spectrum of n points with twice the frequencies that stand for a pair, k and n - k.

    >>> doubled(np.ones(3), n=4, axis=0), doubled(np.ones(3), n=5, axis=0)
    (array([1., 2., 1.]), array([1., 2., 2.]))
    """
    y = np.array(x)
    inner = y[(slice(None),) * (axis % x.ndim) + (slice(1, (n + 1) // 2),)]
    np.multiply(inner, 2, out=inner)
    return y
