"""Elementwise nonlinearities."""

from __future__ import annotations

from autodiff import Tensor, kernels
from nn.functional.inplace import written


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0)."""
    return written(input, kernels.relu(input), inplace)


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    output: Tensor = input.tanh()
    return output
