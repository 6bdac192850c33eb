"""Reductions and scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.division import ratio
from autodiff.kernels.scan import cumprod_gradient, products_of_others
from autodiff.primitive import alias, composite, constant, linear, primitive, reduction
from autodiff.rules.arithmetic import conj
from autodiff.rules.broadcasting import spread

linear(np.sum, lambda g, s, axis, keepdims: spread(g, s, axis, keepdims),
       kernel=lambda a, axis, keepdims: np.add.reduce(a, axis=axis, keepdims=keepdims),
       sig="a; axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True")  # fmt: skip
linear(np.mean, lambda g, s, axis, keepdims: spread(g * (g.size / max(s.size, 1)), s, axis, keepdims),
       sig="a; axis=None, dtype=None, out=None, keepdims=False, *, where=True")  # fmt: skip
reduction(np.var, lambda g, x, axis, ddof, keepdims: spread(g, x, axis, keepdims) * _deviation(x, axis, ddof, 2),
          sig="a; axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None",
          kernel=lambda a, axis, ddof, keepdims, **_: np.var(a, axis=axis, ddof=ddof, keepdims=keepdims))  # fmt: skip
reduction(np.std, lambda g, x, y, axis, ddof, keepdims: ratio(spread(g, x, axis, keepdims) * _deviation(x, axis, ddof, 1), spread(y, x, axis, keepdims)),
          sig="a; axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None",
          kernel=lambda a, axis, ddof, keepdims, **_: np.std(a, axis=axis, ddof=ddof, keepdims=keepdims))  # fmt: skip
reduction(np.max, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),
          sig="a; axis=None, out=None, keepdims=False, initial=None, where=True", kinks=("tie",))  # fmt: skip
reduction(np.min, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),
          sig="a; axis=None, out=None, keepdims=False, initial=None, where=True", kinks=("tie",))  # fmt: skip
reduction(np.prod, lambda g, x, axis, keepdims: spread(g, x, axis, keepdims) * _others(x, axis),
          sig="a; axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True")  # fmt: skip
alias(np.amax, np.max)
alias(np.amin, np.min)

linear(np.cumsum, lambda g, s, axis: _cumsum_gradient(g, s, axis), sig="a; axis=None, dtype=None, out=None")
primitive(np.cumprod, lambda g, x, axis: _cumprod_gradient(g, x, axis), sig="a; axis=None, dtype=None, out=None")
constant(np.count_nonzero, "a; axis=None, *, keepdims=False")


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


def _deviation(x: Any, axis: Any, ddof: float, factor: float) -> Any:
    """Return factor * (x - mean) / (n - ddof)."""
    mean = np.mean(x, axis=axis, keepdims=True)
    return conj(x - mean) * (factor / max(x.size / max(mean.size, 1) - ddof, 0) if x.size else 0.0)


def _tied(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """Share the gradient evenly among all elements that attain the extremum."""
    mask = np.equal(x, spread(y, x, axis, keepdims))
    count = np.sum(mask, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(mask, spread(g, x, axis, keepdims) / count, 0)


def _others(x: Any, axis: Any) -> Any:
    """Return for each element the product of all the others that it is reduced with."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    others = (
        products_of_others(np.reshape(moved, (*moved.shape[: x.ndim - len(axes)], -1))) if axes else np.ones_like(x)
    )
    return np.moveaxis(np.reshape(others, moved.shape), last, axes)


def _cumsum_gradient(g: Any, s: Any, axis: int | None) -> Any:
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis=along), axis=along), axis=along), s.shape)


def _cumprod_gradient(g: Any, x: Any, axis: int | None) -> Any:
    if axis is None:
        return np.reshape(cumprod_gradient(g, np.reshape(x, -1)), x.shape)
    return np.moveaxis(cumprod_gradient(np.moveaxis(g, axis, -1), np.moveaxis(x, axis, -1)), -1, axis)
