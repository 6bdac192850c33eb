"""The affine map of a layer as one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.primitive import primitive


def _weight(g: Any, x: Any) -> Any:
    if x.ndim == 2:
        return np.matmul(g.T, x)
    rows = math.prod(x.shape[:-1])
    return np.matmul(np.reshape(g, (rows, g.shape[-1])).T, np.reshape(x, (rows, x.shape[-1])))


# One node in place of transpose, matmul and add; the bias gradient is the sweep's own sum over the batch.
@primitive(lambda g, weight: np.matmul(g, weight), lambda g, x: _weight(g, x), lambda g: g,
           shapes="(k),(m,k),(m)->(m)", analytic=True)  # fmt: skip
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return x @ weight.T + bias for x (..., in), weight (out, in), bias (out,)."""
    y = np.matmul(x, weight.T)
    if bias is None:
        return y
    return np.add(y, bias, out=y) if y.ndim and y.dtype is bias.dtype else y + bias
