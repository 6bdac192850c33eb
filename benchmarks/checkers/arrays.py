"""Planted errors in the derivatives of reductions, products and rearrangements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.checkers.case import Array, Case, normal, numbers

LARGE = normal(1000, 1000)
LARGE_WRONG = LARGE.copy()
LARGE_WRONG[123, 456] *= 1.001
PLACES = [2, 0, 2, 3]
PICK = np.eye(5)[PLACES]  # PICK @ x is x[PLACES], and its transpose adds up what was picked
TAPS = np.stack([np.eye(6, 8, k) for k in range(3)])  # TAPS[k] @ x is x[k : k + 6]
NO_STRIDES = {"jax": "a JAX array has no layout that a rule could see"}


def picked_once() -> Array:
    """PICK without the first of two picks of the same place."""
    once = PICK.copy()
    once[0] = 0
    return once


def softmax(xp: Any, x: Any) -> Any:
    """Softmax over the last axis."""
    e = xp.exp(x - xp.detach(xp.amax(x, axis=-1, keepdims=True)))
    return e / xp.sum(e, axis=-1, keepdims=True)


def softmax_rule(xp: Any, g: Any, x: Any) -> Any:
    """Its derivative."""
    y = softmax(xp, x)
    return y * (g - xp.sum(g * y, axis=-1, keepdims=True))


def variance(xp: Any, x: Any) -> Any:
    """The mean of squared deviations in each row."""
    d = x - xp.mean(x, axis=1, keepdims=True)
    return xp.mean(d * d, axis=1, keepdims=True)


def standardised(xp: Any, x: Any) -> Any:
    """Rows of mean 0 and variance 1."""
    return (x - xp.mean(x, axis=1, keepdims=True)) / xp.sqrt(variance(xp, x))


def in_memory_order(xp: Any, x: Any) -> Any:
    """What a rule reads that takes the elements of a matrix as they lie in memory."""
    return x if xp.contiguous(x) else xp.reshape(xp.swapaxes(x, 0, 1), x.shape)


def largest(xp: Any, x: Any) -> Any:
    """1 at the largest element of each row, ties included."""
    return 1.0 * (x == xp.amax(x, axis=1, keepdims=True))


def correlated(xp: Any, x: Any, w: Any) -> Any:
    """The sums over k of w[k] x[i + k]."""
    taps = xp.constant(TAPS)
    return w[0] * (taps[0] @ x) + w[1] * (taps[1] @ x) + w[2] * (taps[2] @ x)


def correlated_rule(xp: Any, g: Any, x: Any, w: Any, order: tuple[int, ...] = (0, 1, 2)) -> Any:
    """Its derivative; with another order of the taps, a wrong one."""
    taps = xp.constant(TAPS)
    dx = sum(w[k] * (g @ taps[j]) for j, k in enumerate(order))
    return dx, xp.stack([xp.sum(g * (taps[k] @ x)) for k in range(3)])


CASES = (
    Case(
        "1000 x 1000 Jacobian: 0.1 % off in one entry",
        lambda xp, x: xp.constant(LARGE) @ x,
        lambda xp, g, x: g @ xp.constant(LARGE),
        lambda xp, g, x: g @ xp.constant(LARGE_WRONG),
        (normal(1000, seed=1),),
        order=1,
    ),
    Case(
        "softmax: all zeros, as is right for a seed of ones",
        softmax,
        softmax_rule,
        lambda xp, g, x: xp.zeros_like(x),
        (normal(3, 4),),
    ),
    Case(
        "softmax: the sum over the outputs",
        softmax,
        softmax_rule,
        lambda xp, g, x: g * softmax(xp, x),
        (normal(3, 4),),
    ),
    Case(
        "logsumexp: normalised over the wrong axis of a square",
        lambda xp, x: xp.log(xp.sum(xp.exp(x), axis=1)),
        lambda xp, g, x: g[:, None] * xp.exp(x) / xp.sum(xp.exp(x), axis=1, keepdims=True),
        lambda xp, g, x: g[:, None] * xp.exp(x) / xp.sum(xp.exp(x), axis=0, keepdims=True),
        (normal(3, 3),),
    ),
    # --- broadcasting ---
    Case(
        "broadcast sum: the mean on one axis, the sum on the other",
        lambda xp, x, b: x + b,
        lambda xp, g, x, b: (g, xp.sum(g, axis=(0, 2), keepdims=True)),
        lambda xp, g, x, b: (g, xp.mean(xp.sum(g, axis=0, keepdims=True), axis=2, keepdims=True)),
        (normal(2, 3, 4), normal(1, 3, 1, seed=1)),
    ),
    Case(
        "broadcast product: the first slice of one axis instead of its sum",
        lambda xp, x, b: x * b,
        lambda xp, g, x, b: (g * b, xp.sum(g * x, axis=(0, 2), keepdims=True)),
        lambda xp, g, x, b: (g * b, xp.sum((g * x)[:, :, :1], axis=0, keepdims=True)),
        (normal(2, 3, 4), normal(1, 3, 1, seed=1)),
    ),
    Case(
        "sum of squares: taken for the identity where the axis has size 1",
        lambda xp, x: xp.sum(x * x, axis=1, keepdims=True),
        lambda xp, g, x: g * 2 * x,
        lambda xp, g, x: g + 0 * x if g.shape == x.shape else g * 2 * x,
        (normal(3, 1),),
    ),
    # --- reductions ---
    Case(
        "sum over rows: spread along the wrong axis of a square",
        lambda xp, x: xp.sum(x, axis=0),
        lambda xp, g, x: g[None, :] + 0 * x,
        lambda xp, g, x: g[:, None] + 0 * x,
        (normal(3, 3),),
    ),
    Case(
        "variance: n - 1 for n",
        variance,
        lambda xp, g, x: g * 2 / 4 * (x - xp.mean(x, axis=1, keepdims=True)),
        lambda xp, g, x: g * 2 / 3 * (x - xp.mean(x, axis=1, keepdims=True)),
        (normal(3, 4),),
    ),
    Case(
        "variance: x for its deviation from the mean",
        variance,
        lambda xp, g, x: g * 2 / 4 * (x - xp.mean(x, axis=1, keepdims=True)),
        lambda xp, g, x: g * 2 / 4 * x,
        (normal(3, 4),),
    ),
    Case(
        "layer normalisation: the variance held constant",
        standardised,
        lambda xp, g, x: (
            (
                (g - xp.mean(g, axis=1, keepdims=True))
                - standardised(xp, x) * xp.mean(g * standardised(xp, x), axis=1, keepdims=True)
            )
            / xp.sqrt(variance(xp, x))
        ),
        lambda xp, g, x: (g - xp.mean(g, axis=1, keepdims=True)) / xp.sqrt(variance(xp, x)),
        (normal(3, 4),),
    ),
    Case(
        "x mean(x): the mean held constant",
        lambda xp, x: x * xp.mean(x),
        lambda xp, g, x: g * xp.mean(x) + xp.mean(g * x),
        lambda xp, g, x: g * xp.mean(x),
        (normal(3, 4),),
    ),
    Case(
        "prod: y / x, NaN at a zero",
        lambda xp, x: x[0] * x[1] * x[2],
        lambda xp, g, x: g * xp.stack([x[1] * x[2], x[0] * x[2], x[0] * x[1]]),
        lambda xp, g, x: g * (x[0] * x[1] * x[2]) / x,
        (numbers(2.0, 0.0, 3.0),),
    ),
    Case(
        "norm: x / |x|, NaN at 0",
        lambda xp, x: xp.sqrt(xp.sum(x * x)),
        lambda xp, g, x: g * x / xp.where(xp.sum(x * x) == 0, 1.0, xp.sqrt(xp.sum(x * x))),
        lambda xp, g, x: g * x / xp.sqrt(xp.sum(x * x)),
        (np.zeros(3),),
        order=1,
    ),
    Case(
        "max: all to each of the tied",
        lambda xp, x: xp.amax(x, axis=1),
        lambda xp, g, x: g[:, None] * largest(xp, x) / xp.sum(largest(xp, x), axis=1, keepdims=True),
        lambda xp, g, x: g[:, None] * largest(xp, x),
        (numbers([1.0, 3.0, 3.0], [2.0, 0.5, 1.0]),),
        order=1,
    ),
    Case(
        "max: nothing to the tied",
        lambda xp, x: xp.amax(x, axis=1),
        lambda xp, g, x: g[:, None] * largest(xp, x) / xp.sum(largest(xp, x), axis=1, keepdims=True),
        lambda xp, g, x: g[:, None] * largest(xp, x) * (xp.sum(largest(xp, x), axis=1, keepdims=True) == 1),
        (numbers([1.0, 3.0, 3.0], [2.0, 0.5, 1.0]),),
        order=1,
    ),
    # --- products ---
    Case(
        "matmul of squares: b not transposed",
        lambda xp, a, b: a @ b,
        lambda xp, g, a, b: (g @ xp.swapaxes(b, 0, 1), xp.swapaxes(a, 0, 1) @ g),
        lambda xp, g, a, b: (g @ b, xp.swapaxes(a, 0, 1) @ g),
        (normal(3, 3), normal(3, 3, seed=1)),
    ),
    Case(
        "log |det|: the inverse not transposed",
        lambda xp, x: xp.linalg.slogdet(x)[1],
        lambda xp, g, x: g * xp.swapaxes(xp.linalg.inv(x), 0, 1),
        lambda xp, g, x: g * xp.linalg.inv(x),
        (normal(3, 3),),
    ),
    Case(
        "x'Ax: 2Ax, as if A were symmetric",
        lambda xp, x, a: x @ a @ x,
        lambda xp, g, x, a: (g * (a @ x + x @ a), g * x[:, None] * x[None, :]),
        lambda xp, g, x, a: (g * 2 * (a @ x), g * x[:, None] * x[None, :]),
        (normal(3), normal(3, 3, seed=1)),
    ),
    Case(
        "scaled scores: the scale missing from one rule",
        lambda xp, q, k: q @ xp.swapaxes(k, 0, 1) / math.sqrt(5),
        lambda xp, g, q, k: (g @ k / math.sqrt(5), xp.swapaxes(g, 0, 1) @ q / math.sqrt(5)),
        lambda xp, g, q, k: (g @ k / math.sqrt(5), xp.swapaxes(g, 0, 1) @ q),
        (normal(3, 5), normal(4, 5, seed=1)),
    ),
    Case(
        "correlation: the kernel reversed",
        correlated,
        correlated_rule,
        lambda xp, g, x, w: correlated_rule(xp, g, x, w, order=(2, 1, 0)),
        (normal(8), normal(3, seed=1)),
    ),
    # --- rearrangements ---
    Case(
        "cumsum: in the forward direction",
        lambda xp, x: xp.cumsum(x, 0),
        lambda xp, g, x: xp.sum(g) - xp.cumsum(g, 0) + g,
        lambda xp, g, x: xp.cumsum(g, 0),
        (normal(5),),
    ),
    Case(
        "roll: in the same direction",
        lambda xp, x: xp.roll(x, 1, 0),
        lambda xp, g, x: xp.roll(g, -1, 0),
        lambda xp, g, x: xp.roll(g, 1, 0),
        (normal(5),),
    ),
    Case(
        "concatenate: the parts exchanged",
        lambda xp, a, b: xp.concatenate([a, b], 0),
        lambda xp, g, a, b: (g[:3], g[3:]),
        lambda xp, g, a, b: (g[3:], g[:3]),
        (normal(3), normal(3, seed=1)),
    ),
    Case(
        "indexing: a place picked twice counts once",
        lambda xp, x: xp.constant(PICK) @ x,
        lambda xp, g, x: g @ xp.constant(PICK),
        lambda xp, g, x: g @ xp.constant(picked_once()),
        (normal(5),),
    ),
    Case(
        "indexing: scattered one place too far",
        lambda xp, x: xp.constant(PICK) @ x,
        lambda xp, g, x: g @ xp.constant(PICK),
        lambda xp, g, x: g @ xp.constant(np.roll(PICK, 1, axis=1)),
        (normal(5),),
    ),
    Case(
        "square: of an array that is not contiguous",
        lambda xp, x: x * x,
        lambda xp, g, x: g * 2 * x,
        lambda xp, g, x: g * 2 * in_memory_order(xp, x),
        (normal(4, 3).T,),
        cannot=NO_STRIDES,
    ),
)
