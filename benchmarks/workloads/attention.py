"""Causal attention alone, forward and backward, batch 1, lengths 64 to 4096; and its memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines import BEST, EAGER, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed
from benchmarks.steps import growth_of_memory

HEADS = ((8, 64), (4, 32))
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
QUADRATIC = 1024  # what keeps every score is left out above


def operands(heads: int, width: int, length: int) -> list[np.ndarray]:
    """Queries, keys, values, and the gradient of the result."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((1, heads, length, width), np.float32) for _ in range(4)]


def by_hand(heads: int, width: int, length: int) -> Timed:
    """Probabilities kept."""
    q, k, v, g = operands(heads, width, length)
    found: list[Any] = []

    def step() -> None:
        attention = byhand.Attention()
        y = attention.forward(q, k, v)
        found[:] = [y, *attention.backward(g)]

    return Timed(step, lambda: found)


def formula(m: Any, q: Any, k: Any, v: Any) -> Any:
    """The one operation."""
    return m.attention(q, k, v)


def row(heads: int, width: int, length: int) -> Row:
    """One length."""
    short = length <= QUADRATIC
    names = [*VARIANTS, *(EAGER if short else ("torch",)), "torch.compile", "jax"]
    engines = on(names, lambda m: m.gradient(formula, (x := operands(heads, width, length))[:3], (), x[3]))
    floor = {FLOOR: lambda: by_hand(heads, width, length)} if short else {}
    absent = {"tinygrad": "each length takes long to compile"}
    if not short:
        absent |= dict.fromkeys((FLOOR, "autograd", "mygrad"), "keeps every score: short lengths alone")
    return Row(
        f"{heads} heads of {width}, length {length}",
        "us",
        {**engines, **floor},
        limits={
            BEST: 0.8 if length <= 256 else 1.0,
            **({"autograd": 1.0, "mygrad": 1.0, FLOOR: 1.15} if short else {}),
        },
        rtol=2e-4,
        flops=6 * 2 * heads * length * length * width / 2,  # two products forward, four backward, half of each
        moved=4 * 10 * heads * length * width,
        product=(length, width, length),
        axis=(f"attention, {heads} heads of {width}: time / length", length),
        rounds=9,
        absent=absent,
    )


ROWS = (
    *(row(heads, width, length) for heads, width in HEADS for length in LENGTHS),
    *growth_of_memory(
        "attention, 8 heads of 64: memory / length",
        "length",
        (*VARIANTS, "torch"),
        LENGTHS[3:],
        lambda m, length: m.gradient(formula, (x := operands(8, 64, length))[:3], (), x[3]),
    ),
)
SUMMARIES = {"slope": {"attention, 8 heads of 64: memory / length": 1.1}}
