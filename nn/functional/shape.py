"""What only changes the shape."""

from __future__ import annotations

import math

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn.functional.activation import place


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join the axes from `start_dim` to `end_dim`, both included, into one."""
    shape = input.shape or (1,)
    start, stop = place(input, start_dim, "flatten"), place(input, end_dim, "flatten") + 1
    if start >= stop:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} for shape {shape}")
    joined: Tensor = input.reshape(*shape[:start], math.prod(shape[start:stop]), *shape[stop:])
    return joined


def unflatten(input: Tensor, dim: int, sizes: tuple[int, ...]) -> Tensor:
    """Divide an axis into several of the sizes given, of which one may be -1: what is left for it.

    >>> import autodiff as ad
    >>> unflatten(ad.ones(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    axis, sizes = place(input, dim, "unflatten"), tuple(sizes)
    length = input.shape[axis] if input.ndim else 1
    known, open_ = math.prod(n for n in sizes if n != -1), sizes.count(-1)
    fits = known == length if not open_ else open_ == 1 and known > 0 and length % known == 0
    if not sizes or not fits or min(sizes) < -1:
        raise ArgumentError(f"unflatten: sizes {sizes} do not multiply to {length}, axis {dim} of shape {input.shape}")
    whole = [length // known if n == -1 else n for n in sizes]
    output: Tensor = input.reshape(*input.shape[:axis], *whole, *input.shape[axis + 1 :])
    return output
