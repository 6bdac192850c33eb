"""Losses of logits, each one operation that saves probabilities, or nothing but its operands."""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.activation import NONE, sigmoid
from autodiff.kernels.blocks import Scratch, mapped
from autodiff.kernels.compiled import loop
from autodiff.kernels.division import product, ratio
from autodiff.kernels.logits import softmax_backward
from autodiff.kernels.scalars import HALF, ONE, ZERO, exp, largest
from autodiff.kernels.scalars import sigmoid as sigmoid_of_one
from autodiff.kernels.scalars import softplus as softplus_of_one
from autodiff.primitive import elementwise, outputs, primitive
from autodiff.summation import total


def _softmax_nll_rule(g: Any, y: Any, b: Any, c: Any, smoothing: float) -> Any:
    (_, p, rows), g_loss, g_p = y, g[0], g[1]
    answer = None
    if g_loss is not None:
        column = g_loss if g_loss.ndim == 0 else g_loss[:, None]
        answer = softmax_nll_backward(column, p, b, rows, c, smoothing=smoothing)
    if g_p is not None:  # only under a second derivative
        inner = softmax_backward(g_p, p)
        answer = inner if answer is None else answer + inner
    return answer


# One node in place of log_softmax, indexing and mean, which saves the probabilities alone.
@outputs(_softmax_nll_rule, None, None, shapes="(n,c),(n)->(),(n,c),(n,1)", analytic=True)
def softmax_nll(
    logits: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """Return the negative log-likelihood of targets (n,) under logits (n, classes), softmax, and row weights.

    weight: a factor for each class, by which the mean is weighted as well. smoothing: the part of the target that is
    spread over all classes. The row weights are those of the probabilities and, where they differ, of the target.
    """
    n, classes = logits.shape
    labels = np.ascontiguousarray(target, dtype=np.int64)
    p, losses, normalizer, kept = _losses(logits, labels, ignore_index)
    dtype = losses.dtype
    wide = np.result_type(dtype, np.float32)  # float16 does not count to 70,000
    if weight is None and kept is None:
        chosen, mass = None, n or np.nan
    else:
        index = labels if kept is None else np.where(kept, labels, 0)
        chosen = np.ones(n, dtype) if weight is None else np.asarray(weight)[index].astype(dtype)
        if kept is not None:
            chosen = np.where(kept, chosen, 0)
        mass = total(chosen.astype(wide, copy=False)) or np.nan
        losses = np.where(chosen == 0, 0, losses * chosen)  # what counts for nothing may be infinite
    scale = 1 / mass if reduction == "mean" else 1.0
    own = np.full(n, scale, dtype) if chosen is None else (chosen * scale).astype(dtype)
    rows = own[:, None]
    if smoothing:
        factors = np.ones(classes, dtype) if weight is None else np.asarray(weight, dtype)
        spread = np.sum(factors) * normalizer - np.matmul(logits, factors)
        part = np.asarray(smoothing / classes, dtype)
        losses = (1 - smoothing) * losses + part * (spread if kept is None else np.where(kept, spread, 0))
        even = (np.full(n, 1, dtype) if kept is None else kept.astype(dtype)) * np.asarray(part * scale, dtype)
        own = own * np.asarray(1 - smoothing, dtype)
        rows = np.stack([own + even * np.sum(factors), own], 1)
    if reduction != "none":
        losses = np.asarray(total(losses.astype(wide, copy=False)) * scale, dtype)
    return losses.astype(logits.dtype, copy=False), p, rows


def _losses(logits: Any, labels: Any, ignored: int) -> tuple[Any, Any, Any, Any]:
    """Return the softmax of rows, their losses, log(sum(exp(logits))), and which labels count, None if all do."""
    n, classes = logits.shape
    if logits.dtype == np.float32 and compiled.available():
        x = np.ascontiguousarray(logits)
        p = np.empty_like(x)
        losses, normalizer = np.empty((2, n), np.float32)
        kept = _losses_loop(p, losses, normalizer, x, labels, ignored)
        if kept < 0:
            _refuse(labels, labels != ignored, classes)
        return p, losses, normalizer, None if kept == n else labels != ignored
    some, index = None, labels
    # one pass finds negative and too large labels alike
    if not n or 0 <= ignored < classes or np.maximum.reduce(labels.view(np.uint64)) >= classes:
        some = labels != ignored
        _refuse(labels, some, classes)
        index = np.where(some, labels, 0)
    top = np.maximum.reduce(logits, 1, initial=-np.inf)
    p = np.exp(logits - top[:, None])
    mass = total(p, 1)
    p /= mass[:, None]
    mass = np.log(mass)
    return p, mass - (logits[np.arange(n), index] - top), mass + top, some


def _refuse(labels: Any, kept: Any, classes: int) -> None:
    wrong = labels[kept & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise IndexError(f"target {wrong[0]} is out of bounds for {classes} classes; use 0 to {classes - 1}.")


@loop
def _losses_loop(y: Any, losses: Any, normalizer: Any, x: Any, labels: Any, ignored: int) -> int:
    """Return how many labels count; -1 if one of them is no class."""
    kept = 0
    for i in range(x.shape[0]):
        a, b, all, most, label = x[i], y[i], ZERO, largest(x[i]), labels[i]
        for j in range(a.size):
            b[j] = exp(a[j] - most)
        for j in range(a.size):
            all += b[j]
        share, log = ONE / all, np.log(all)
        for j in range(a.size):
            b[j] *= share
        normalizer[i], losses[i] = most + log, ZERO
        if label != ignored:
            if label < 0 or label >= a.size:
                return -1
            losses[i] = log - (a[label] - most)
            kept += 1
    return kept


def _aim(p: Any, target: Any, rows: Any, weight: Any, smoothing: float) -> Any:
    """Return what the weighted probabilities are compared with: the smoothed target, weighted."""
    aim = rows[:, -1:] * np.equal(target[:, None], np.arange(p.shape[1]))
    if not smoothing:
        return aim
    even = rows[:, :1] - rows[:, -1:]
    return aim + (even / p.shape[1] if weight is None else even * (weight / total(weight)))


def _by_rows(h: Any, p: Any, target: Any, d: Any, weight: Any, smoothing: float) -> Any:
    even = (1 / p.shape[1] if weight is None else weight / total(weight)) if smoothing else 0.0
    first = total(h * (p - even), axis=-1, keepdims=True)
    last = total(h * (even - np.equal(target[:, None], np.arange(p.shape[1]))), axis=-1, keepdims=True)
    return first + last if d.shape[1] == 1 else np.concatenate([first, np.zeros_like(d[:, 1:-1]), last], axis=1)


@primitive(
    lambda g, b, c, d, e, smoothing: g * (b * d[:, :1] - _aim(b, c, d, e, smoothing)),
    lambda g, a, d: g * a * d[:, :1],
    None,
    lambda g, a, b, c, d, e, smoothing: _by_rows(g * a, b, c, d, e, smoothing),
    None,
    shapes="(),(n,c),(n),(n,m)->(n,c)",
    analytic=True,
)
def softmax_nll_backward(a: Any, b: Any, target: Any, d: Any, weight: Any = None, *, smoothing: float = 0.0) -> Any:
    """Return the gradient of logits: a times (row weights times probabilities less the smoothed target)."""
    if smoothing:
        factors = None if weight is None else np.asarray(weight, d.real.dtype)
        return a * (b * d[:, :1] - _aim(b, target, d, factors, smoothing))
    n, classes = b.shape
    rows = a * d
    labels = np.ascontiguousarray(target, dtype=np.int64)
    if b.dtype == np.float32 and rows.dtype == np.float32 and compiled.available() and b.flags.c_contiguous:
        y = np.empty_like(b)
        _backward_loop(y, b, labels, rows)
        return y
    if n and np.maximum.reduce(labels.view(np.uint64)) >= classes:
        labels = np.where(labels.view(np.uint64) < classes, labels, 0)  # an ignored label names no class
    y = b * rows[:, :1]
    y[np.arange(n), labels] -= rows[:, -1]
    return y


@loop
def _backward_loop(y: Any, p: Any, labels: Any, rows: Any) -> None:
    for i in range(p.shape[0]):
        a, b, row = p[i], y[i], rows[i, 0]
        for j in range(a.size):
            b[j] = a[j] * row
        if 0 <= labels[i] < a.size:  # an ignored label names no class
            b[labels[i]] -= rows[i, rows.shape[1] - 1]


def cross_entropy(logits: Any, target: Any, ignore_index: int = -100) -> Any:
    """Return the mean cross-entropy of logits (n, classes) with integer targets (n,); NaN if all are ignored."""
    return softmax_nll(logits, target, ignore_index=ignore_index)[0]


# --- two classes ---------------------------------------------------------------------------------------------------


@elementwise(
    lambda g, a, b, c: bce_with_logits_backward(g, a, b, c),
    lambda g, a, c: -g * a if c is None else g * ((c - 1) * _softplus(-a) - a),
    lambda g, a, b: g * b * _softplus(-a),
)
def bce_with_logits(a: Any, b: Any, pos_weight: Any = None) -> Any:
    """Return -(w b log(sigmoid(a)) + (1 - b) log(1 - sigmoid(a))) for logits a and targets b; w is 1 unless given."""
    if pos_weight is None and _single(a, b):
        return mapped(_bce_form, _bce_loop, _one, a, b)
    positive = _softplus(np.negative(a))
    return (1 - b) * a + (positive if pos_weight is None else (1 + (pos_weight - 1) * b) * positive)


def _single(*xs: Any) -> bool:
    return all(type(x) is np.ndarray and x.dtype == np.float32 for x in xs)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


_one = Scratch(1)


def _bce_form(y: Any, x: Any, t: Any, e: Any) -> None:
    np.abs(x, e)
    np.negative(e, e)
    np.exp(e, e)
    np.log1p(e, e)
    np.multiply(x, t, y)
    np.subtract(e, y, y)
    np.maximum(x, NONE[: x.size], out=e)
    np.add(y, e, y)


@loop
def _bce_loop(y: Any, x: Any, t: Any) -> None:
    for i in range(x.size):
        y[i] = softplus_of_one(x[i]) - x[i] * t[i]


@elementwise(
    lambda g, b, c, d: bce_with_logits_backward(g, b, c, d),
    lambda g, a, b, c, d: g * a * _bce_curvature(b, c, d),
    lambda g, a, b, d: -g * a if d is None else g * a * ((d - 1) * (sigmoid(b) - 1) - 1),
    lambda g, a, b, c: g * a * c * (sigmoid(b) - 1),
    analytic=True,
)
def bce_with_logits_backward(a: Any, b: Any, target: Any, pos_weight: Any = None) -> Any:
    """Return a times the derivative of bce_with_logits by the logits b."""
    if pos_weight is None and _single(a, b, target) and a.shape == b.shape == target.shape:
        return mapped(_bce_backward_form, _bce_backward_loop, _one, b, target, a)
    s = sigmoid(b)
    return a * (s - target) if pos_weight is None else a * ((1 - target) + (1 + (pos_weight - 1) * target) * (s - 1))


def _bce_curvature(x: Any, target: Any, pos_weight: Any) -> Any:
    s = sigmoid(x)
    return (s - s * s) if pos_weight is None else (1 + (pos_weight - 1) * target) * (s - s * s)


def _bce_backward_form(y: Any, x: Any, t: Any, g: Any, s: Any) -> None:
    np.multiply(x, HALF, s)
    np.tanh(s, s)
    np.multiply(s, HALF, s)
    np.add(s, HALF, s)
    np.subtract(s, t, s)
    np.multiply(s, g, y)


@loop
def _bce_backward_loop(y: Any, x: Any, t: Any, g: Any) -> None:
    for i in range(x.size):
        y[i] = g[i] * (sigmoid_of_one(x[i]) - t[i])


# --- probabilities -------------------------------------------------------------------------------------------------


@elementwise(
    lambda g, a, b: ratio(product(g, a - b), np.maximum(a * (1 - a), 1e-12)),
    lambda g, a: g * (_floored_log(1 - a) - _floored_log(a)),
    domain=("open unit", None),
    analytic=True,
)
def binary_nll(a: Any, b: Any) -> Any:
    """Return -(b log(a) + (1 - b) log(1 - a)) for probabilities a and targets b; no logarithm is below -100."""
    with np.errstate(divide="ignore"):
        return (b - 1) * np.maximum(np.log1p(-a), -100) - b * np.maximum(np.log(a), -100)


def _floored_log(x: Any) -> Any:
    return np.maximum(np.log(x), -100)
