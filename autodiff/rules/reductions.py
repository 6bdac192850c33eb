"""Reductions and scans."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.broadcasting import spread
from autodiff.kernels.division import ratio
from autodiff.kernels.scan import cumprod_gradient, products_of_others
from autodiff.primitive import alias, composite, constant, linear, primitive, reduction
from autodiff.rules.arithmetic import conj

_SUM = "a; axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True"
_MEAN = "a; axis=None, dtype=None, out=None, keepdims=False, *, where=True"
_SPREAD = "a; axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None"
_EXTREME = "a; axis=None, out=None, keepdims=False, initial=None, where=True"
_PRODUCT = "a; axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True"
_SCAN = "a; axis=None, dtype=None, out=None"

# fmt: off
linear(np.sum, lambda g, s, axis, keepdims: spread(g, s, axis, keepdims), sig=_SUM,
       kernel=lambda a, axis, keepdims: _wide(np.add.reduce, a, axis=axis, keepdims=keepdims))
linear(np.mean, lambda g, s, axis, keepdims: spread(g * (g.size / max(s.size, 1)), s, axis, keepdims), sig=_MEAN)
reduction(np.var, lambda g, x, axis, ddof, correction, keepdims:
          spread(g * 2, x, axis, keepdims) * _deviation(x, axis, ddof, correction), sig=_SPREAD,
          kernel=lambda a, axis, ddof, correction, keepdims: _moment(np.var, a, axis, ddof, correction, keepdims),
          complex=True)
reduction(np.std, lambda g, x, y, axis, ddof, correction, keepdims:  # at 0: 0
          ratio(spread(g, x, axis, keepdims) * _deviation(x, axis, ddof, correction), spread(y, x, axis, keepdims)),
          kernel=lambda a, axis, ddof, correction, keepdims: _moment(np.std, a, axis, ddof, correction, keepdims),
          sig=_SPREAD, kinks=("equal",), complex=True)
reduction(np.max, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims), sig=_EXTREME, kinks=("tie",))
reduction(np.min, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims), sig=_EXTREME, kinks=("tie",))
reduction(np.prod, lambda g, x, axis, keepdims: spread(g, x, axis, keepdims) * _others(x, axis), sig=_PRODUCT,
          kernel=lambda a, axis, keepdims: _wide(np.multiply.reduce, a, axis=axis, keepdims=keepdims), analytic=True)
linear(np.cumsum, lambda g, s, axis: _cumsum_gradient(g, s, axis), sig=_SCAN,
       kernel=lambda a, axis: _wide(np.cumsum, a, axis=axis))
primitive(np.cumprod, lambda g, x, axis: _cumprod_gradient(g, x, axis), sig=_SCAN,
          kernel=lambda a, axis: _wide(np.cumprod, a, axis=axis), analytic=True)
constant(np.count_nonzero, "a; axis=None, *, keepdims=False")
# fmt: on
alias(np.amax, np.max)
alias(np.amin, np.min)


@composite(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.ones_like(mean) * (np.size(a) / max(np.size(mean), 1))) if returned else mean
    if np.shape(weights) != np.shape(a):
        if np.ndim(weights) != 1 or not isinstance(axis, int):
            raise ValueError(
                f"average: weights of shape {np.shape(weights)} for a of shape {np.shape(a)}; expected the same."
            )
        weights = np.reshape(weights, (-1,) + (1,) * (np.ndim(a) - 1 - axis % np.ndim(a)))
    weights = weights * np.ones_like(a)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


def _wide(fun: Any, a: Any, **keywords: Any) -> Any:
    """Accumulate float16 in float32."""
    if a.dtype != np.float16:
        return fun(a, **keywords)
    return np.asarray(fun(a, dtype=np.float32, **keywords)).astype(np.float16)


def _moment(fun: Any, a: Any, axis: Any, ddof: float, correction: float | None, keepdims: bool) -> Any:
    return _wide(fun, a, axis=axis, ddof=ddof if correction is None else correction, keepdims=keepdims)


def _deviation(x: Any, axis: Any, ddof: float, correction: float | None) -> Any:
    """Return (x - mean) / (n - ddof), conjugated."""
    mean = np.mean(x, axis=axis, keepdims=True)
    free = x.size / max(mean.size, 1) - (ddof if correction is None else correction)
    return conj(x - mean) * (1 / free if free > 0 else np.inf)


def _tied(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """Share the gradient evenly among all elements that attain the extremum."""
    mask = np.equal(x, spread(y, x, axis, keepdims))
    count = np.sum(mask, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(mask, spread(g, x, axis, keepdims) / count, 0)


def _others(x: Any, axis: Any) -> Any:
    """Return for each element the product of all the others that it is reduced with."""
    axes = tuple(range(x.ndim)) if axis is None or not x.ndim else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    kept = moved.shape[: x.ndim - len(axes)]
    flat = np.reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))
    others = products_of_others(flat) if axes else np.ones_like(x)
    return np.moveaxis(np.reshape(others, moved.shape), last, axes)


def _cumsum_gradient(g: Any, s: Any, axis: int | None) -> Any:
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis=along), axis=along), axis=along), s.shape)


def _cumprod_gradient(g: Any, x: Any, axis: int | None) -> Any:
    if axis is None:
        return np.reshape(cumprod_gradient(g, np.reshape(x, -1)), x.shape)
    return np.moveaxis(cumprod_gradient(np.moveaxis(g, axis, -1), np.moveaxis(x, axis, -1)), -1, axis)
