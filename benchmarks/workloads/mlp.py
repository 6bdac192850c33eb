"""MLP 784-128-10 with ReLU, cross-entropy and Adam on a batch of 64, float32."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines.arrays import Arrays, Problem, Update
from benchmarks.steps import Step

SIZES, BATCH = (784, 128, 10), 64
UPDATE = Update("Adam", lr=1e-3)


def loss(m: Any, p: Any, s: Any, x: Any, labels: Any) -> Any:
    """Linear layers with ReLU between them."""
    last = len(p) // 2 - 1
    for i in range(last):
        x = m.relu(m.linear(x, p[f"{i}.weight"], p[f"{i}.bias"]))
    return m.cross_entropy(m.linear(x, p[f"{last}.weight"], p[f"{last}.bias"]), labels)


def problem(sizes: Sequence[int] = SIZES, batch: int = BATCH, update: Update = UPDATE) -> Problem:
    """Draw the batch and the weights."""
    rng = np.random.default_rng(0)
    parameters: Arrays = {}
    for i, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        parameters[f"{i}.weight"] = rng.normal(0, (2 / fan_in) ** 0.5, (fan_out, fan_in)).astype(np.float32)
        parameters[f"{i}.bias"] = rng.normal(0, 0.1, fan_out).astype(np.float32)
    x = rng.standard_normal((batch, sizes[0]), np.float32)
    return Problem(loss, parameters, (x, rng.integers(0, sizes[-1], batch)), update)


def by_hand(data: Callable[[], Problem]) -> Callable[[Arrays, Arrays, Arrays], Any]:
    """Write out the passes for the batch of a problem."""
    x, labels = data().batch

    def passes(p: Arrays, g: Arrays, s: Arrays) -> Any:
        last = len(p) // 2 - 1
        h = [x]
        for i in range(last):
            h.append(byhand.linear(h[i], p[f"{i}.weight"], p[f"{i}.bias"]))
            np.maximum(h[-1], 0, out=h[-1])
        value, back = byhand.cross_entropy(byhand.linear(h[last], p[f"{last}.weight"], p[f"{last}.bias"]), labels)
        for i in range(last, -1, -1):
            name = f"{i}.weight", f"{i}.bias"
            back = byhand.linear_back(back, h[i], p[name[0]], g[name[0]], g[name[1]], first=i == 0)
            if i:
                back *= h[i] > 0
        return value

    return passes


def layers(sizes: Sequence[int], batch: int) -> tuple[tuple[int, int, int], ...]:
    """The matrix products of the forward pass."""
    return tuple((batch, k, n) for k, n in itertools.pairwise(sizes))


STEP = Step(
    "MLP 784-128-10, batch 64, Adam",
    problem,
    by_hand(problem),
    layers(SIZES, BATCH),
    BATCH * sum(SIZES[1:]),
    limits={"best eager": 0.7},
)
ROWS = (STEP.row(),)
