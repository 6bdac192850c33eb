"""Right derivatives at places that are hard to measure: kinks, ties, bad scales, narrow dtypes, noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.checkers.arrays import softmax, softmax_rule
from benchmarks.checkers.case import Array, Case, normal, numbers


def right(name: str, forward: Any, rule: Any, *inputs: Array, order: int = 2) -> Case:
    """A case without an error."""
    return Case(name, forward, rule, None, inputs, order)


MIXED = numbers(1e-12, 1e-6, 1.0, 1e6, 1e12)

# The rules at kinks and ties of relu, maximum, max and norm are those of planted errors, whose right counterparts are
# checked at the same points.
CASES = (
    right(
        "abs at 0",
        lambda xp, x: xp.abs(x),
        lambda xp, g, x: g * xp.sign(x),
        numbers(-1.0, 0.0, 2.0),
        order=1,
    ),
    right(
        "clip at its bounds",
        lambda xp, x: xp.clip(x, -1, 1),
        lambda xp, g, x: xp.where((x >= -1) & (x <= 1), g, 0.0),
        numbers(-1.0, 0.3, 1.0),
        order=1,
    ),
    right(
        "Huber where its parts meet",
        lambda xp, x: xp.where(xp.abs(x) < 1, x * x / 2, xp.abs(x) - 0.5),
        lambda xp, g, x: g * xp.where(xp.abs(x) < 1, x, xp.sign(x)),
        numbers(-1.0, 0.3, 1.0),
        order=1,
    ),
    right("square at 1e12", lambda xp, x: x * x, lambda xp, g, x: g * 2 * x, 1e12 * normal(3)),
    right("square at 1e-12", lambda xp, x: x * x, lambda xp, g, x: g * 2 * x, 1e-12 * normal(3)),
    right("log from 1e-12 to 1e12", lambda xp, x: xp.log(x), lambda xp, g, x: g / x, MIXED),
    right("1 / x from 1e-12 to 1e12", lambda xp, x: 1 / x, lambda xp, g, x: -g / (x * x), MIXED),
    right(
        "sqrt near 0",
        lambda xp, x: xp.sqrt(x),
        lambda xp, g, x: g / (2 * xp.sqrt(x)),
        numbers(1e-10, 1e-4, 1.0),
    ),
    right(
        "sin(1000 x): steep",
        lambda xp, x: xp.sin(1000 * x),
        lambda xp, g, x: g * 1000 * xp.cos(1000 * x),
        normal(3),
    ),
    right("exp(20 x): large", lambda xp, x: xp.exp(20 * x), lambda xp, g, x: g * 20 * xp.exp(20 * x), normal(3)),
    right("1e10 + sin(x): a large offset", lambda xp, x: 1e10 + xp.sin(x), lambda xp, g, x: g * xp.cos(x), normal(3)),
    right("(x + 1e8) - 1e8: a noise floor", lambda xp, x: (x + 1e8) - 1e8, lambda xp, g, x: g + 0 * x, normal(3)),
    right(
        "sin rounded to float32: a noise floor",
        lambda xp, x: xp.narrow(xp.sin(x)),
        lambda xp, g, x: g * xp.cos(x),
        normal(3),
    ),
    right(
        "tanh in float32",
        lambda xp, x: xp.tanh(x),
        lambda xp, g, x: g * (1 - xp.tanh(x) ** 2),
        normal(3).astype(np.float32),
    ),
    right("softmax in float32", softmax, softmax_rule, normal(3, 4).astype(np.float32)),
    right(
        "tanh in float16",
        lambda xp, x: xp.tanh(x),
        lambda xp, g, x: g * (1 - xp.tanh(x) ** 2),
        normal(3).astype(np.float16),
    ),
    right("an array of no elements", lambda xp, x: xp.exp(x), lambda xp, g, x: g * xp.exp(x), np.zeros((0, 3))),
)
