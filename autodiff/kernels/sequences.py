"""Convolution of sequences, whose adjoints are convolutions with what is turned around."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import bilinear


def _adjoint(g: Any, other: Any, size: int) -> Any:
    """Convolve the gradient with the other sequence turned around; what the mode left out of it is 0."""
    missing = size + other.size - 1 - g.size
    whole = np.pad(g, (missing // 2, missing - missing // 2)) if missing else g  # so NumPy centres mode="same"
    return convolve(whole, other[::-1], mode="valid")


@bilinear(lambda g, b, s: _adjoint(g, b, s.size), lambda g, a, s: _adjoint(g, a, s.size), shapes="(m),(n)->(k)")
def convolve(a: Any, v: Any, *, mode: Any = "full") -> Any:
    """Return the sums of a[i] * v[k - i]: np.convolve, but float16 is accumulated in float32.

    >>> convolve(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([1., 3., 2.])
    """
    dtype = np.result_type(a, v)
    if dtype != np.float16:
        return np.convolve(a, v, mode)
    return np.convolve(a.astype(np.float32), v.astype(np.float32), mode).astype(dtype)
