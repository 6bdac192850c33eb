"""Contractions of attention with the gradients of both operands: batch 8, 8 heads of 64, 64 tokens, float32."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.row import OURS, Row, Timed

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


def ndtape(subscripts: str) -> Timed:
    """Our engine."""
    import autodiff as ad

    *values, seed = operands(subscripts)
    leaves, gradient = [ad.tensor(v, requires_grad=True) for v in values], ad.tensor(seed)
    found: list[Any] = []

    def step() -> None:
        y = np.einsum(subscripts, *leaves)
        found[:] = [y.detach(), *ad.grad(y, leaves, gradient)]

    return Timed(step, lambda: found)


def torch(subscripts: str) -> Timed:
    """PyTorch, eager."""
    import torch

    *values, seed = operands(subscripts)
    leaves, gradient = [torch.tensor(v, requires_grad=True) for v in values], torch.tensor(seed)
    found: list[Any] = []

    def step() -> None:
        y = torch.einsum(subscripts, *leaves)
        found[:] = [y.detach(), *torch.autograd.grad(y, leaves, gradient)]

    return Timed(step, lambda: found)


ROWS = tuple(
    Row(subscripts, "us", {OURS: partial(ndtape, subscripts), "torch": partial(torch, subscripts)}, {"torch": 1.0})
    for subscripts in PATTERNS
)
