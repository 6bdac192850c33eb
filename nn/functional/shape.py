"""What only changes the shape."""

from __future__ import annotations

import math

from autodiff import Tensor


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join the axes from `start_dim` to `end_dim`, both included, into one."""
    shape, ndim = input.shape, input.ndim
    if ndim == 0:
        shape, ndim = (1,), 1
    for dim in (start_dim, end_dim):
        if not -ndim <= dim < ndim:
            raise IndexError(f"flatten: dimension {dim} is out of range for shape {shape}; use {-ndim} to {ndim - 1}")
    start, stop = start_dim % ndim, end_dim % ndim + 1
    if start >= stop:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} for shape {shape}")
    joined: Tensor = input.reshape(*shape[:start], math.prod(shape[start:stop]), *shape[stop:])
    return joined
