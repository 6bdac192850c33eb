"""Softmax and what is built on it, shifted by the maximum so that nothing overflows."""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.broadcasting import spread
from autodiff.kernels.compiled import loop
from autodiff.kernels.division import product
from autodiff.kernels.scalars import ONE, ZERO, exp, largest
from autodiff.primitive import outputs, primitive, reduction
from autodiff.summation import total


@reduction(
    lambda g, x, y, axis, keepdims: spread(g, x, axis, keepdims) * shares(x, spread(y, x, axis, keepdims)),
    sig="a; axis=None, keepdims=False",
    analytic=True,
)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) over an axis; -inf where all of x is -inf, with gradient 0 there."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(np.asarray(x).dtype)
    with np.errstate(divide="ignore"):
        y = np.log(total(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def shares(x: Any, y: Any) -> Any:
    """Return exp(x - y), the part that x has in a sum whose logarithm is y; 0 where that is -inf."""
    return np.exp(x - np.where(y == -np.inf, 0, y))


@outputs(
    lambda g, y, a, b, axis, keepdims: _through(g[0], y, a, axis, keepdims, b),
    lambda g, y, a, axis, keepdims: _through(g[0], y, a, axis, keepdims, 1),
    sig="a, b; axis=None, keepdims=False",
)
def weighted_logsumexp(a: Any, b: Any, axis: Any = None, keepdims: bool = False) -> tuple[Any, Any]:
    """Return log|sum(b exp(a))| over an axis and the sum's sign, of arrays of one shape; where b is 0, a counts not."""
    a = np.where(np.equal(b, 0), -np.inf, a).astype(a.dtype)
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(a.dtype)
    with np.errstate(divide="ignore"):
        y = total(b * np.exp(a - top), axis=axis, keepdims=True)
        y, sign = np.log(np.abs(y)) + top, np.sign(y)
    return (y, sign) if keepdims else (np.squeeze(y, axis=axis), np.squeeze(sign, axis=axis))


def _through(g: Any, y: Any, a: Any, axis: Any, keepdims: bool, b: Any) -> Any:
    if g is None:
        return None
    return spread(g * y[1], a, axis, keepdims) * product(b, shares(a, spread(y[0], a, axis, keepdims)))


SAFE = {"f": 60.0, "d": 600.0}  # exp of what lies within neither overflows nor vanishes, so no row is shifted


def _rows(x: Any, axis: Any) -> Any:
    """Return an array as rows for a compiled loop, None where it is laid out otherwise."""
    if axis not in (-1, x.ndim - 1) or x.dtype != np.float32 or not x.flags.c_contiguous or not compiled.available():
        return None
    if not x.size:
        return None
    return x.reshape(-1, x.shape[-1])


def _bounded(x: Any) -> bool:
    """Say whether exp may be taken of numbers as they are: the largest of short rows costs more than exp of them."""
    limit = SAFE.get(x.dtype.char, 0.0)
    return bool(x.size) and bool(np.max(x) < limit) and bool(np.min(x) > -limit)


@primitive(lambda g, y, axis: softmax_backward(g, y, axis=axis), sig="a; axis=-1", shapes="(n)->(n)", analytic=True)
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis."""
    if (rows := _rows(x, axis)) is not None:
        y = np.empty_like(x)
        _softmax_loop(y.reshape(rows.shape), rows)
        return y
    y = np.exp(x if _bounded(x) else x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    y /= total(y, axis=axis, keepdims=True)
    return y


@loop
def _softmax_loop(y: Any, x: Any) -> None:
    for i in range(x.shape[0]):
        a, b, mass = x[i], y[i], ZERO
        top = largest(a)
        for j in range(a.size):
            b[j] = exp(a[j] - top)
        for j in range(a.size):
            mass += b[j]
        share = ONE / mass
        for j in range(a.size):
            b[j] *= share


# the Jacobian diag(y) - y y^T is symmetric, so the operation is its own adjoint
@primitive(
    lambda g, b, axis: softmax_backward(g, b, axis=axis),
    lambda g, a, b, axis: g * (a - total(a * b, axis=axis, keepdims=True)) - a * total(g * b, axis=axis, keepdims=True),
    sig="a, b; axis=-1", shapes="(n),(n)->(n)", analytic=True,
)  # fmt: skip
def softmax_backward(a: Any, b: Any, axis: int = -1) -> Any:
    """Return the gradient of softmax's operand, from that of its result (a) and the result (b)."""
    if a.shape == b.shape and a.dtype == b.dtype and a.flags.c_contiguous and (rows := _rows(b, axis)) is not None:
        y = np.empty_like(b)
        _softmax_backward_loop(y.reshape(rows.shape), a.reshape(rows.shape), rows)
        return y
    y = a * b
    y -= b * total(y, axis=axis, keepdims=True)
    return y


@loop
def _softmax_backward_loop(y: Any, g: Any, p: Any) -> None:
    for i in range(p.shape[0]):
        a, b, out, mean = g[i], p[i], y[i], ZERO
        for j in range(b.size):
            mean += a[j] * b[j]
        for j in range(b.size):
            out[j] = (a[j] - mean) * b[j]


@primitive(lambda g, y, axis: log_softmax_backward(g, y, axis=axis), sig="a; axis=-1", shapes="(n)->(n)", analytic=True)
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of softmax along an axis, finite where softmax underflows."""
    if (rows := _rows(x, axis)) is not None:
        y = np.empty_like(x)
        top, mass = np.empty((2, len(rows)), np.float32)
        _mass_loop(y.reshape(rows.shape), rows, top, mass)
        np.log(mass, out=mass)
        np.add(top, mass, out=top)
        np.subtract(x, top.reshape(*x.shape[:-1], 1), out=y)
        return y
    y = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    if y.size:  # a row of nothing has no mass
        y -= np.log(total(np.exp(y), axis=axis, keepdims=True))
    return y


@loop
def _mass_loop(y: Any, x: Any, top: Any, mass: Any) -> None:
    """Write exp(x - top) to y, the largest of each row to top and the sum of exp(x - top) to mass."""
    for i in range(x.shape[0]):
        a, b, total, most = x[i], y[i], ZERO, largest(x[i])
        for j in range(a.size):
            b[j] = exp(a[j] - most)
        for j in range(a.size):
            total += b[j]
        top[i], mass[i] = most, total


@primitive(
    lambda g, b, axis: g - total(g * np.exp(b), axis=axis, keepdims=True),
    lambda g, a, b, axis: -g * np.exp(b) * total(a, axis=axis, keepdims=True),
    sig="a, b; axis=-1", shapes="(n),(n)->(n)", analytic=True,
)  # fmt: skip
def log_softmax_backward(a: Any, b: Any, axis: int = -1) -> Any:
    """Return the gradient of log_softmax's operand, from that of its result (a) and the result (b)."""
    if a.shape == b.shape and a.dtype == b.dtype and a.flags.c_contiguous and (rows := _rows(b, axis)) is not None:
        y = np.empty_like(b)
        _log_softmax_backward_loop(y.reshape(rows.shape), a.reshape(rows.shape), rows)
        return y
    y = np.exp(b) * total(a, axis=axis, keepdims=True)
    fits = isinstance(y, np.ndarray) and y.shape == np.shape(a) and y.dtype == a.dtype
    return np.subtract(a, y, out=y) if fits else a - y


@loop
def _log_softmax_backward_loop(y: Any, g: Any, x: Any) -> None:
    for i in range(x.shape[0]):
        a, b, out, sum = g[i], x[i], y[i], ZERO
        for j in range(a.size):
            sum += a[j]
        for j in range(a.size):
            out[j] = a[j] - exp(b[j]) * sum
