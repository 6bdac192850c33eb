"""Max pooling over windows at random places. From Graham, arXiv:1412.6071."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, random
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import _checks
from nn.functional.pooling import Size, images, with_indices


def _fractional(
    dims: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any, generator: Any
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{dims}d"
    batch = images(name, input, dims)
    n, c, *lengths = batch.shape
    kernel = _checks.sizes(f"{name}: kernel_size", kernel_size, dims, 1)
    size = _size(name, lengths, output_size, output_ratio)
    for length, k, m in zip(lengths, kernel, size, strict=True):
        if m + k - 1 > length:
            raise ArgumentError(
                f"{name}: {tuple(lengths)} pixels have no room for {size} windows of {kernel}; a length of {length} "
                f"gives at most {max(length - k + 1, 0)} windows of {k}"
            )
    if samples is None:
        samples = random.uniform(size=(n, c, dims), generator=generator)
    if samples.shape != (n, c, dims):
        raise ArgumentError(
            f"{name}: _random_samples must have shape {(n, c, dims)}, one number for each plane and axis, got "
            f"{samples.shape}"
        )
    places: Any = np.zeros((), np.int64)  # of the elements of all windows: (n, c, *size, *kernel)
    for i, (length, k, m) in enumerate(zip(lengths, kernel, size, strict=True)):
        shift = samples[..., dims - 1 - i if dims == 2 else i]  # of an image the width comes first
        begin = _begin(as_tensor(shift).double(), length - k, m)
        at = begin[..., None] + np.arange(k)
        shape = [n, c, *[1] * (2 * dims)]
        shape[2 + i], shape[2 + dims + i] = m, k
        places = places * length + at.reshape(*shape)
    rows = (n, c, math.prod(size), math.prod(kernel))
    places = np.broadcast_to(places, (n, c, *size, *kernel)).reshape(n, c, rows[2] * rows[3])
    flat: Any = batch.reshape(n, c, math.prod(lengths))
    values: Any = np.take_along_axis(flat.detach(), places, -1)
    which: Any = np.argmax(values.reshape(*rows), -1)
    chosen: Any = np.take_along_axis(places.reshape(*rows), which[..., None], -1)[..., 0]
    pooled: Any = np.take_along_axis(flat, chosen, -1)
    output, where = pooled.reshape(n, c, *size), chosen.reshape(n, c, *size)
    return (output, where) if input is batch else (output[0], where[0])


def _begin(shift: Any, room: int, count: int) -> Any:
    """Return where windows begin: steps of the length or the next one, of which the shift chooses the order."""
    step = room / (count - 1) if count > 1 else 0.0
    at = np.floor((np.arange(count) + shift[..., None]) * step) - np.floor(shift[..., None] * step)
    return np.where(np.arange(count) == count - 1, room, at).astype(np.int64)


def _size(name: str, lengths: list[int], output_size: Any, output_ratio: Any) -> tuple[int, ...]:
    if output_size is not None:
        return _checks.sizes(f"{name}: output_size", output_size, len(lengths), 1)
    if output_ratio is None:
        raise ArgumentError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * len(lengths)
    return tuple(int(n * ratio) for n, ratio in zip(lengths, ratios, strict=True))


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    generator: Generator | None = None,
) -> Any:
    """Return the largest elements of windows at random places of (N, C, H, W) or of one image.

    The windows of a plane lie in rows and columns, `output_size` of them or that share of the pixels (`output_ratio`);
    where they begin is drawn for each plane.

    >>> import autodiff as ad
    >>> fractional_max_pool2d(ad.arange(49.0).reshape(1, 7, 7), 2, output_ratio=0.6).shape
    (1, 4, 4)
    """
    pooled = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples, generator)
    return pooled if return_indices else pooled[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    generator: Generator | None = None,
) -> Any:
    """Return the largest elements of windows at random places of (N, C, D, H, W) or of one volume."""
    pooled = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples, generator)
    return pooled if return_indices else pooled[0]


fractional_max_pool2d_with_indices = with_indices(fractional_max_pool2d)
fractional_max_pool3d_with_indices = with_indices(fractional_max_pool3d)
