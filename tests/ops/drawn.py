"""Hypothesis strategies and fixed examples of operands for the rows of the table of operations."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np

from autodiff.testing.layouts import LAYOUTS, laid_out
from tests.numeric import values
from tests.ops.table import Op

FIXED = {"n": 2, "m": 3, "k": 4, "p": 2, "q": 3}
FIXED_BATCH = [(2, 3), (3,), (2, 1)]


def shapes_of(op: Op, sizes: dict[str, int], batch: Any) -> list[tuple[int, ...]]:
    """Read the shapes of a row, given the lengths of its letters and the shapes of its `...`."""
    shapes = []
    for i, text in enumerate(op.shapes.split(",")):
        lead, letters = (tuple(batch[i]), text.replace("...", "")) if "..." in text else ((), text)
        shapes.append(lead + tuple(int(c) if c.isdigit() else sizes[c.lower()] for c in letters.strip()))
    return shapes


def example(op: Op, seed: int = 0) -> list[Any]:
    """Return operands of fixed shapes for a row."""
    return values(np.random.default_rng(seed), shapes_of(op, FIXED, FIXED_BATCH), op.domains)


@st.composite
def operands(draw: st.DrawFn, op: Op) -> list[Any]:
    """Draw operands for a row: 0-d, empty and broadcast shapes, and any memory layout."""
    least = {c.lower(): 1 for c in op.shapes if c.isupper()}
    letters = sorted({c.lower() for c in op.shapes if c.isalpha()})
    sizes = {c: draw(st.integers(least.get(c, 0), 3), label=c) for c in letters}
    count = op.shapes.count(",") + 1
    batch = [()] * count
    if "..." in op.shapes:
        drawn = draw(
            hnp.mutually_broadcastable_shapes(num_shapes=count, min_dims=0, max_dims=3, min_side=0, max_side=3)
        )
        batch = list(drawn.input_shapes)
    seed = draw(st.integers(0, 2**16), label="seed")
    arrays = values(np.random.default_rng(seed), shapes_of(op, sizes, batch), op.domains)
    return [laid_out(x, draw(st.sampled_from(LAYOUTS))) for x in arrays]
