"""The affine map of a layer as one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels import onednn
from autodiff.primitive import primitive


# 12 stacked (64, 128) times (128, 512), 2 threads: 431 us one by one, 270 as one product of (768, 128).
def multiplied(a: Any, b: Any) -> Any:
    """Return np.matmul(a, b), as one product where all matrices of the stack a are multiplied by the same b."""
    if getattr(a, "ndim", 0) < 3 and not onednn.in_use():  # most products: nothing more is asked
        return np.matmul(a, b)
    if getattr(a, "ndim", 0) > 2 and getattr(b, "ndim", 0) == 2:  # a number is refused by NumPy
        rows = math.prod(a.shape[:-1])
        return np.reshape(_product(np.reshape(a, (rows, a.shape[-1])), b), (*a.shape[:-1], b.shape[-1]))
    return _product(a, b)


def _product(a: Any, b: Any) -> Any:
    """Return np.matmul(a, b): of large matrices by oneDNN where its threads are at work, which BLAS's would disturb."""
    if onednn.in_use() and type(a) is type(b) is np.ndarray and (y := onednn.gemm(a, b)) is not None:
        return y
    return np.matmul(a, b)


def _weight(g: Any, x: Any) -> Any:
    if x.ndim == 2:
        return _product(g.T, x)
    rows = math.prod(x.shape[:-1])
    return _product(np.reshape(g, (rows, g.shape[-1])).T, np.reshape(x, (rows, x.shape[-1])))


# One node in place of transpose, matmul and add; the bias gradient is the sweep's own sum over the batch.
@primitive(lambda g, weight: multiplied(g, weight), lambda g, x: _weight(g, x), lambda g: g,
           shapes="(k),(m,k),(m)->(m)", analytic=True)  # fmt: skip
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return x @ weight.T + bias for x (..., in), weight (out, in), bias (out,)."""
    y = multiplied(x, weight.T)
    if bias is None:
        return y
    return np.add(y, bias, out=y) if y.ndim and y.dtype is bias.dtype else y + bias
