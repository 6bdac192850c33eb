"""Contractions of attention with the gradients of both operands: batch 8, 8 heads of 64, 64 tokens, float32."""

from __future__ import annotations

import numpy as np

from benchmarks.engines import BEST, VARIANTS, on
from benchmarks.row import Row

SIZES = {"b": 8, "h": 8, "q": 64, "k": 64, "t": 64, "d": 64, "m": 512}
PATTERNS = (
    "bhqd,bhkd->bhqk",  # scores, heads before tokens
    "bhqk,bhkd->bhqd",  # what they weigh
    "bqhd,bkhd->bhqk",  # the same, tokens before heads
    "bhqk,bkhd->bqhd",
    "...qd,...kd->...qk",
    "btm,mhd->bthd",  # to the heads
    "bthd,hdm->btm",  # and from them
)


def operands(subscripts: str) -> list[np.ndarray]:
    """Draw both operands and the gradient of the result."""
    rng = np.random.default_rng(0)
    terms = subscripts.replace("...", "bh").replace("->", ",").split(",")
    return [rng.standard_normal([SIZES[c] for c in term], np.float32) for term in terms]


def row(subscripts: str) -> Row:
    """One pattern."""
    *values, seed = operands(subscripts)
    return Row(
        subscripts,
        "us",
        on(
            (*VARIANTS, "torch", "jax"),
            lambda m: m.gradient(lambda m, a, b: m.einsum(subscripts, a, b), values, (), seed),
        ),
        limits={BEST: 1.0},
        rounds=9,
    )


ROWS = tuple(map(row, PATTERNS))
