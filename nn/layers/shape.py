"""Layers that only change the shape."""

from __future__ import annotations

from autodiff import Tensor
from nn import functional
from nn.module import Module


class Flatten(Module):
    """Join the axes from `start_dim` to `end_dim`, both included; by default all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
