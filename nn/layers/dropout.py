"""Layers that drop values at random while training."""

from __future__ import annotations

from autodiff import Tensor
from autodiff.random import Generator
from nn import _checks, functional
from nn.module import Module


class Dropout(Module):
    """Zero each element with probability p and scale the rest by 1 / (1 - p); the identity in `eval()`."""

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Generator | None = None) -> None:
        super().__init__()
        _checks.probability("dropout probability", p)
        self.p, self.inplace, self.generator = p, inplace, generator

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
