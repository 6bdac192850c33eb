"""Softmax and what is built on it, shifted by the maximum so that nothing overflows."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.broadcasting import spread
from autodiff.kernels.division import product
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


@primitive(
    lambda g, y, axis: (g - total(g * y, axis=axis, keepdims=True)) * y,
    sig="a; axis=-1",
    shapes="(n)->(n)",
    analytic=True,
)
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis."""
    y = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    y /= total(y, axis=axis, keepdims=True)
    return y


@primitive(
    lambda g, y, axis: g - np.exp(y) * total(g, axis=axis, keepdims=True),
    sig="a; axis=-1",
    shapes="(n)->(n)",
    analytic=True,
)
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of softmax along an axis, finite where softmax underflows."""
    y = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    y -= np.log(total(np.exp(y), axis=axis, keepdims=True))
    return y


def _softmax_nll_rule(g: Any, y: Any, target: Any) -> Any:
    (_, p, weight), g_loss, g_p = y, g[0], g[1]
    answer = None
    if g_loss is not None:
        answer = (p - np.equal(target[:, None], np.arange(p.shape[1]))) * (g_loss * weight)
    if g_p is not None:  # only under a second derivative
        inner = (g_p - total(g_p * p, axis=-1, keepdims=True)) * p
        answer = inner if answer is None else answer + inner
    return answer


# One node in place of log_softmax, indexing and mean, which saves the probabilities alone.
@outputs(_softmax_nll_rule, None, shapes="(n,c),(n)->(),(n,c),(n,1)")
def softmax_nll(logits: Any, target: Any, *, ignore_index: int = -100) -> Any:
    """Return the mean negative log-likelihood of targets (n,) under logits (n, classes), softmax, and row weights."""
    n, classes = logits.shape
    labels = np.ascontiguousarray(target, dtype=np.int64)
    shifted = logits - np.maximum.reduce(logits, 1, keepdims=True, initial=-np.inf)
    p = np.exp(shifted)
    mass = total(p, 1, keepdims=True)
    p /= mass
    # one pass finds negative and too large labels alike
    if n and not 0 <= ignore_index < classes and np.maximum.reduce(labels.view(np.uint64)) < classes:
        losses = np.log(mass) - shifted[np.arange(n), labels][:, None]
        weight = np.full((n, 1), 1 / n, p.dtype)
    else:
        kept = (labels != ignore_index)[:, None]
        if np.any(kept[:, 0] & ((labels < 0) | (labels >= classes))):
            raise IndexError(f"target {labels.min()}..{labels.max()} is out of bounds for {classes} classes.")
        losses = np.where(kept, np.log(mass) - shifted[np.arange(n), np.where(kept[:, 0], labels, 0)][:, None], 0)
        weight = (kept / (np.sum(kept) or np.nan)).astype(p.dtype)
    return np.vdot(losses, weight), p, weight


def cross_entropy(logits: Any, target: Any, ignore_index: int = -100) -> Any:
    """Return the mean cross-entropy of logits (n, classes) with integer targets (n,); NaN if all are ignored."""
    return softmax_nll(logits, target, ignore_index=ignore_index)[0]
