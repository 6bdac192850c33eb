"""A chain of elementwise functions with its gradient, 1 K to 16 M numbers, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.engines import BEST, COMPILED, EAGER, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed

SIZES = (2**10, 2**13, 2**16, 2**18, 2**20, 2**22, 2**24)


def formula(m: Any, x: Any, a: Any) -> Any:
    """Seven operations of two operands, and their sum."""
    return m.sum(m.tanh(x * a + x) * m.exp(-(x * x)) + a)


def operands(size: int) -> list[np.ndarray]:
    """X and a."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(size, np.float32), rng.standard_normal(size, np.float32)]


def by_hand(size: int) -> Timed:
    """Written out, in place."""
    x, a = operands(size)
    found: list[Any] = []

    def step() -> None:
        t = x * a
        t += x
        np.tanh(t, out=t)
        e = x * x
        np.negative(e, out=e)
        np.exp(e, out=e)
        y = t * e
        value = np.add(y, a).sum()
        gx = y * x
        gx *= -2
        t *= t
        np.subtract(1, t, out=t)
        t *= e
        ga = t * x
        np.add(a, 1, out=y)
        t *= y
        gx += t
        ga += 1
        found[:] = [value, gx, ga]

    return Timed(step, lambda: found)


def row(size: int) -> Row:
    """One size."""
    return Row(
        f"{size:,} numbers",
        "us",
        {
            **on((*VARIANTS, *EAGER, *COMPILED), lambda m: m.gradient(formula, operands(size))),
            FLOOR: lambda: by_hand(size),
        },
        limits={BEST: 1.0, "autograd": 1.0, "mygrad": 1.0, FLOOR: 1.15},
        rtol=1e-3,
        moved=4 * 4 * size,  # two operands in, two gradients out
        axis=("elementwise: time / numbers", size),
        rounds=9,
    )


ROWS = tuple(map(row, SIZES))
