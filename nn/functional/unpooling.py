"""The way back from the places of the largest elements: unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn import _checks
from nn.functional.pooling import Size, images


def _max_unpool(
    dims: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    name = f"max_unpool{dims}d"
    images(name, input, dims)
    if indices.dtype != np.int64:
        raise ArgumentError(f"{name}: indices must be int64, as max_pool{dims}d returns them, got {indices.dtype}")
    if indices.shape != input.shape:
        raise ArgumentError(f"{name}: indices have shape {indices.shape}, the input {input.shape}; they must be equal")
    size = _unpooled(name, input.shape[-dims:], kernel_size, stride, padding, output_size)
    total, places = math.prod(size), indices.data
    if places.size and not (places.min() >= 0 and places.max() < total):
        raise ArgumentError(
            f"{name}: found an invalid max index, {places.min() if places.min() < 0 else places.max()}; the output has "
            f"size {size}, so that indices are 0 to {total - 1}"
        )
    lead = input.shape[:-dims]
    count = math.prod(input.shape[-dims:])
    flat: Any = ad.zeros(*lead, total, dtype=input.dtype)
    at: Any = indices.reshape(*lead, count)
    np.put_along_axis(flat, at, input.reshape(*lead, count), -1)
    return flat.reshape(*lead, *size)  # type: ignore[no-any-return]


def _unpooled(
    name: str, lengths: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> tuple[int, ...]:
    """Return the size of what was pooled: the one asked for, or else the smallest."""
    dims = len(lengths)
    kernel = _checks.sizes(f"{name}: kernel_size", kernel_size, dims, 1)
    strides = kernel if stride is None else _checks.sizes(f"{name}: stride", stride, dims, 1)
    pads = _checks.sizes(f"{name}: padding", padding, dims, 0)
    sides = zip(lengths, kernel, strides, pads, strict=True)
    plain = tuple((n - 1) * s + k - 2 * p for n, k, s, p in sides)
    if output_size is None:
        return plain
    wanted = tuple(int(n) for n in output_size)
    wanted = wanted[2:] if len(wanted) == dims + 2 else wanted
    if len(wanted) != dims:
        raise ArgumentError(f"{name}: output_size has {dims} or {dims + 2} numbers, got {output_size}")
    if not all(abs(n - m) < s for n, m, s in zip(wanted, plain, strides, strict=True)):
        least, most = ([m + sign * (s - 1) for m, s in zip(plain, strides, strict=True)] for sign in (-1, 1))
        raise ArgumentError(
            f"{name}: invalid output_size {output_size}; sizes from {least} to {most} are pooled to these"
        )
    return wanted


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Return zeros with each element of (N, C, L) or (C, L) at its place: what `max_pool1d` with indices lost is 0.

    `output_size` chooses among the sizes that pooling makes equal. Where places repeat, one element stays.

    >>> max_unpool1d(ad.tensor([[3.0, 5.0]]), ad.tensor([[1, 2]]), 2)
    tensor([[0., 3., 5., 0.]])
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Return zeros with each element of (N, C, H, W) or (C, H, W) at its place; see `max_unpool1d`."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Return zeros with each element of (N, C, D, H, W) or (C, D, H, W) at its place; see `max_unpool1d`."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
