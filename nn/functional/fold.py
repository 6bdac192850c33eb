"""Images taken apart into blocks that slide over them, and put together again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.kernels import indexing, pooling
from nn import _checks
from nn.functional.pooling import Size


def unfold(input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Tensor:
    """Return the blocks of images (N, C, H, W) or (C, H, W) as columns: (N, C kh kw, number of blocks).

    A product of them with a matrix is a convolution.

    >>> import autodiff as ad
    >>> unfold(ad.arange(6.0).reshape(1, 1, 2, 3), 2).tolist()
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise ArgumentError(
            f"unfold: expected an input of shape (N, C, H, W) or (C, H, W) that is not empty, got {input.shape}"
        )
    windows = _windows("unfold", input.shape[-2:], kernel_size, dilation, padding, stride)
    if min(w[0] for w in windows) < 1:
        raise ArgumentError(
            f"unfold: the image of an input of shape {input.shape} is too small for kernel_size={kernel_size}, "
            f"dilation={dilation}, padding={padding}: {windows[0][0]} x {windows[1][0]} blocks"
        )
    pads = [(w[3], w[3]) for w in windows]
    padded: Any = np.pad(input, [(0, 0)] * (input.ndim - 2) + pads) if any(map(sum, pads)) else input
    *lead, c, h, w = padded.shape
    places = _places(windows, w)
    blocks: Tensor = padded.reshape(*lead, c, h * w)[..., places]
    return blocks.reshape(*lead, c * places.shape[0], places.shape[1])  # type: ignore[no-any-return]


def fold(
    input: Tensor, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Add blocks (N, C kh kw, number of blocks) up to images (N, C, H, W) of a size: the adjoint of `unfold`.

    >>> import autodiff as ad
    >>> fold(ad.ones(1, 4, 2), (2, 3), 2).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise ArgumentError(
            f"fold: expected an input of shape (N, C kh kw, L) or (C kh kw, L) that is not empty, got {input.shape}"
        )
    size = _checks.sizes("fold: output_size", output_size, 2, 1)
    windows = _windows("fold", size, kernel_size, dilation, padding, stride)
    *lead, columns, length = input.shape
    taps, counts = math.prod(w[1] for w in windows), tuple(w[0] for w in windows)
    if columns % taps:
        raise ArgumentError(
            f"fold: axis {input.ndim - 2} of an input of shape {input.shape} must be divisible by the {taps} elements "
            f"of kernel_size={kernel_size}"
        )
    if min(counts) < 1 or math.prod(counts) != length:
        raise ArgumentError(
            f"fold: an image of {size} has {counts[0]} x {counts[1]} blocks of kernel_size={kernel_size}, "
            f"dilation={dilation}, padding={padding}, stride={stride}; the input has {length}, its shape is "
            f"{input.shape}"
        )
    (h, w), (top, left) = (n + 2 * w[3] for n, w in zip(size, windows, strict=True)), (w[3] for w in windows)
    places, c = _places(windows, w), columns // taps
    blocks = input.reshape(-1, taps, length)
    images: Any = indexing.scatter_add(
        blocks, places, index=(slice(None), indexing.ARRAY), shape=(math.prod(lead) * c, h * w)
    )
    whole: Tensor = images.reshape(*lead, c, h, w)[..., top : h - top, left : w - left]
    return whole


def _windows(name: str, size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> pooling.Windows:
    kernel, dilations, paddings, strides = (
        _checks.sizes(f"{name}: {word}", value, 2, least)
        for word, value, least in (
            ("kernel_size", kernel_size, 1),
            ("dilation", dilation, 1),
            ("padding", padding, 0),
            ("stride", stride, 1),
        )
    )
    return pooling.windows(size, kernel, strides, paddings, dilations)


def _places(windows: pooling.Windows, width: int) -> Any:
    """Return where the elements of all blocks are in a padded image, row by row: (elements, blocks)."""
    rows, columns = (
        np.arange(k)[:, None] * dilation + np.arange(count) * stride for count, k, stride, _, dilation in windows
    )
    return (rows[:, None, :, None] * width + columns[None, :, None, :]).reshape(
        rows.shape[0] * columns.shape[0], rows.shape[1] * columns.shape[1]
    )
