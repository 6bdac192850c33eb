"""Spreading a reduction back over what it was reduced along."""

from __future__ import annotations

from typing import Any

import numpy as np


def spread(g: Any, like: Any, axis: Any, keepdims: bool) -> Any:
    """Broadcast a reduction's result (or its gradient) back over the axes it was reduced along."""
    if axis is not None and not keepdims and like.ndim:  # NumPy takes axis=0 of a 0-d array
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, like.shape)
