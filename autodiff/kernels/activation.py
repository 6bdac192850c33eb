"""Activation functions of one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import elementwise


@elementwise(lambda g, y: g * (y > 0), kinks=(0.0,))  # at 0: 0
def relu(x: Any) -> Any:
    """Return the positive part of x."""
    return np.maximum(x, np.zeros((), x.dtype)) if isinstance(x, np.ndarray) else np.maximum(x, 0)


@elementwise(lambda g, y: g * (y - y * y), analytic=True)
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), through tanh: it does not overflow, and NumPy's tanh is its fastest function."""
    y = np.tanh(np.multiply(x, 0.5))
    return y * 0.5 + 0.5
