"""Scans that NumPy lacks, and first-order linear recurrences, the adjoint of cumulative products."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from autodiff.kernels.logits import shares
from autodiff.kernels.ordering import Ranked
from autodiff.primitive import composite, primitive
from autodiff.summation import wide


@primitive(
    lambda g, a, y: _backwards(a, g) * _shift(y, 0),
    lambda g, a: _backwards(a, g),
    shapes="(n),(n)->(n)",
    analytic=True,
)
def recurrence(a: Any, b: Any) -> Any:
    """Return h with h[k] = a[k] * h[k-1] + b[k] along the last axis, h[-1] = 0; a[0] is not used."""
    h = np.array(np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)), dtype=np.result_type(a, b))
    for k in range(1, h.shape[-1]):
        h[..., k] += a[..., k] * h[..., k - 1]
    return h


def _shift(x: Any, fill: float) -> Any:
    """Move the last axis one place on, and put `fill` first."""
    widths = ((0, 0),) * (x.ndim - 1) + ((1, 0),)
    return np.pad(x, widths, constant_values=fill)[..., :-1]


def _backwards(a: Any, g: Any) -> Any:
    """Run the recurrence from the end: s[k] = g[k] + a[k+1] * s[k+1]."""
    return recurrence(_shift(a[..., ::-1], 0), g[..., ::-1])[..., ::-1]


def cumsum_gradient(g: Any, s: Any, axis: int | None) -> Any:
    """Pull a gradient back through cumsum: add up from the end."""
    along = 0 if axis is None else axis
    return np.reshape(np.flip(wide(np.cumsum, np.flip(g, axis=along), axis=along), axis=along), s.shape)


def cumprod_gradient(g: Any, x: Any, axis: int | None) -> Any:
    """Pull a gradient back through cumprod, exactly, zeros included."""
    if axis is None or not x.ndim:
        return np.reshape(cumprod_gradient(g, np.reshape(x, -1), -1), x.shape)
    g, x = np.moveaxis(g, axis, -1), np.moveaxis(x, axis, -1)
    return np.moveaxis(products_before(x) * _backwards(x, g), -1, axis)


def products_before(x: Any) -> Any:
    """Return the product of all that stands before each element along the last axis."""
    return wide(np.cumprod, _shift(x, 1), axis=-1)


def products_of_others(x: Any) -> Any:
    """Return for each element the product of all others along the last axis, exactly, zeros included."""
    return products_before(x) * products_before(x[..., ::-1])[..., ::-1]


# --- cumulative extrema and logarithms of sums, by PyTorch's names --------------------------------------------------


@primitive(lambda g, x, y, axis: _logcumsumexp_gradient(g, x, y, axis), sig="a; axis=-1", shapes="(n)->(n)")
def logcumsumexp(x: Any, axis: int = -1) -> Any:
    """Return log(cumsum(exp(x))) along an axis, without overflow; -inf while all of x is, with gradient 0 there.

    >>> import autodiff as ad
    >>> ad.logcumsumexp(ad.tensor([1000.0, 1000.0]))
    tensor([1000.    , 1000.6932])
    """
    return wide(np.logaddexp.accumulate, np.asarray(x), axis=axis)


def _logcumsumexp_gradient(g: Any, x: Any, y: Any, axis: int) -> Any:
    """Add up g[k] exp(x - y[k]) from the end by a recurrence whose factors exp(y[k-1] - y[k]) are at most 1."""
    g, x, y = (np.moveaxis(v, axis, -1) for v in (g, x, y))
    before = np.concatenate([y[..., :1], y[..., :-1]], axis=-1)
    return np.moveaxis(_backwards(shares(before, y), g) * shares(x, y), -1, axis)


@partial(composite, kinks=("tie",))
def cummax(x: Any, axis: int = -1) -> Any:
    """Return the largest value so far along an axis, and its index, the latest at a tie, which gets the gradient.

    >>> import autodiff as ad
    >>> values, indices = ad.cummax(ad.tensor([1.0, 3.0, 2.0, 3.0]))
    >>> values, indices
    (tensor([1., 3., 3., 3.]), tensor([0, 1, 1, 3]))
    """
    return _extremes(x, axis, True)


@partial(composite, kinks=("tie",))
def cummin(x: Any, axis: int = -1) -> Any:
    """Return the smallest value so far along an axis, and its index, the latest at a tie, which gets the gradient."""
    return _extremes(x, axis, False)


def _extremes(x: Any, axis: int, largest: bool) -> Ranked:
    places = _attained(x, axis=axis, largest=largest)
    return Ranked(np.take_along_axis(x, places, axis=axis), places)


@primitive(None, kind="boolean")
def _attained(x: Any, *, axis: int, largest: bool) -> Any:
    """Return where the running extremum was attained last; NaN counts as an extremum from where it stands on."""
    extremes = (np.maximum if largest else np.minimum).accumulate(x, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    places = np.arange(x.shape[axis]).reshape(shape)
    return np.maximum.accumulate(np.where((x == extremes) | np.isnan(x), places, 0), axis=axis)
