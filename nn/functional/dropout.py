"""Dropping values at random."""

from __future__ import annotations

from autodiff import Tensor, random
from autodiff.random import Generator
from nn import _checks
from nn.functional.inplace import written


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p); the identity unless `training`."""
    _checks.probability("dropout probability", p)
    if not training or p == 0:
        return input
    scale = 0.0 if p == 1 else 1 / (1 - p)
    mask = random.bernoulli(1 - p, input.shape, dtype=input.dtype, generator=generator)
    return written(input, input * (mask * scale), inplace)
