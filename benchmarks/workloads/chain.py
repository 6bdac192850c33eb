"""The engine's own cost: a chain of 100 cheap operations on 4x4 float32 arrays, forward and backward, per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.engines import BEST, COMPILED, EAGER, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed, Work

PAIRS = 50
SEED = np.ones((4, 4), np.float32)


def operators(x: Any, a: Any, b: Any) -> Any:
    """The chain in operators."""
    for _ in range(PAIRS):
        x = x * a + b
    return x


def functions(x: Any, a: Any, b: Any) -> Any:
    """The same chain in NumPy's functions, which reach an engine through the array protocols."""
    for _ in range(PAIRS):
        x = np.add(np.multiply(x, a), b)
    return x


def operands() -> list[np.ndarray]:
    """x, a, b, with a near 1 so that the chain neither dies nor explodes."""
    rng = np.random.default_rng(0)
    return [rng.uniform(0.9, 1.1, (4, 4)).astype(np.float32) for _ in "xab"]


def by_hand() -> Timed:
    """What nobody can beat from Python: forward and backward written out, nothing recorded."""
    x, a, b = operands()
    found: list[Any] = []

    def step() -> None:
        y = operators(x, a, b)
        g = SEED
        for _ in range(PAIRS):
            g = g * a
        found[:] = [y, g]

    return Timed(step, lambda: found, 2 * PAIRS)


def chain(
    names: Iterable[str], compute: Callable[..., Any] = operators, differentiable: int = 1
) -> Mapping[str, Callable[[], Work]]:
    """The first operands are differentiable."""
    x = operands()
    return on(
        names,
        lambda m: m.gradient(
            lambda _, *values: compute(*values), x[:differentiable], x[differentiable:], SEED, 2 * PAIRS
        ),
    )


PEERS = (*VARIANTS, *EAGER)
ROWS = (
    Row(
        "chain of 4x4",
        "us an op",
        {**chain((*PEERS, *COMPILED)), FLOOR: by_hand},
        limits={BEST: 0.45, "autograd": 0.25, "mygrad": 0.4, FLOOR: 1.15},
    ),
    Row("every operand differentiable", "us an op", chain(PEERS, differentiable=3), limits={BEST: 0.45}),
    Row("written in np.multiply and np.add", "us an op", chain((*VARIANTS, "mygrad"), functions)),
)
