"""Convolutions in one, two and three dimensions, and their transposes.

Images are (batch, channels, *size), or one image without the first axis. Results have their channels last in memory,
under that shape. `stride`, `padding` and `dilation` are one number, or one for each axis of space.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, kernels
from autodiff.errors import ArgumentError
from nn import _checks

Size = int | tuple[int, ...]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (n, c, length) with weight (f, c / groups, k): (n, f, length + 2 padding - dilation (k - 1) ...).

    >>> import autodiff as ad
    >>> conv1d(ad.tensor([[[1.0, 2.0, 4.0]]]), ad.tensor([[[-1.0, 1.0]]])).tolist()
    [[[1.0, 2.0]]]
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (n, c, height, width) with weight (f, c / groups, kh, kw); padding is also "same" or "valid".

    >>> import autodiff as ad
    >>> conv2d(ad.ones(1, 3, 32, 32), ad.ones(8, 3, 5, 5), stride=2, padding=2).shape
    (1, 8, 16, 16)
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (n, c, depth, height, width) with weight (f, c / groups, kd, kh, kw).

    >>> import autodiff as ad
    >>> conv3d(ad.ones(2, 8, 8, 8), ad.ones(4, 2, 3, 3, 3), padding="same").shape
    (4, 8, 8, 8)
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Map (n, c, length) as the gradient of a convolution by its input does, with weight (c, f / groups, k).

    >>> import autodiff as ad
    >>> conv_transpose1d(ad.tensor([[[1.0, 2.0]]]), ad.tensor([[[1.0, 10.0]]]), stride=2).tolist()
    [[[1.0, 10.0, 2.0, 20.0]]]
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Map (n, c, height, width) as the gradient of a convolution by its input does; weight (c, f / groups, kh, kw).

    >>> import autodiff as ad
    >>> conv_transpose2d(ad.ones(1, 8, 16, 16), ad.ones(8, 3, 4, 4), stride=2, padding=1).shape
    (1, 3, 32, 32)
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Map (n, c, depth, height, width) as the gradient of a convolution by its input does.

    >>> import autodiff as ad
    >>> conv_transpose3d(ad.ones(2, 3, 3, 3), ad.ones(2, 1, 3, 3, 3), output_padding=1, stride=2).shape
    (1, 8, 8, 8)
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve sequences (time, batch, channels) with weight (k, channels, features): (time + 2 pad - k + 1, ...).

    >>> import autodiff as ad
    >>> conv_tbc(ad.ones(5, 2, 3), ad.ones(3, 3, 4), ad.zeros(4), pad=1).shape
    (5, 2, 4)
    """
    if input.ndim != 3 or weight.ndim != 3 or input.shape[2] != weight.shape[1] or bias.shape != weight.shape[2:]:
        raise ArgumentError(
            "conv_tbc: expected an input (time, batch, channels), a weight (k, channels, features) and a bias "
            f"(features), got shapes {input.shape}, {weight.shape} and {bias.shape}"
        )
    if input.shape[0] + 2 * pad < weight.shape[0]:
        raise ArgumentError(
            f"conv_tbc: a weight of shape {weight.shape} is longer than an input of shape {input.shape}"
        )
    output: Tensor = conv1d(input.transpose(1, 2, 0), weight.transpose(2, 1, 0), bias, padding=pad).transpose(2, 0, 1)
    return output


def _conv(
    n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:  # fmt: skip
    name = f"conv{n}d"
    if not _batched(name, n, input, weight, bias):
        output: Tensor = _conv(n, input[None], weight, bias, stride, padding, dilation, groups)[0]
        return output
    if input.shape[1] != weight.shape[1] * groups:
        raise ArgumentError(
            f"{name}: the input {input.shape} has {input.shape[1]} channels (axis 1); a weight of shape {weight.shape} "
            f"(features, channels / groups, *kernel) with groups={groups} expects {weight.shape[1] * groups} channels"
        )
    stride, dilation = _sizes(stride), _sizes(dilation)
    if isinstance(padding, str):
        padding = same_padding(padding, stride, dilation, weight.shape[2:])
    else:
        padding = _checks.sizes(f"{name}: padding", padding, n, 0)
    keywords = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if bias is None:
        output = kernels.conv(input, weight, **keywords)
    else:
        output = kernels.biased_conv(input, weight, bias, **keywords)
    return output


def _conv_transpose(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    name = f"conv_transpose{n}d"
    if not _batched(name, n, input, weight, bias):
        output: Tensor = _conv_transpose(
            n, input[None], weight, bias, stride, padding, output_padding, groups, dilation
        )[0]
        return output
    if input.shape[1] != weight.shape[0]:
        raise ArgumentError(
            f"{name}: the input {input.shape} has {input.shape[1]} channels; a weight of shape {weight.shape} "
            f"(channels, features / groups, *kernel) expects {weight.shape[0]}."
        )
    padding = _checks.sizes(f"{name}: padding", padding, n, 0)
    given = zip(
        weight.shape[2:],
        input.shape[2:],
        _checks.sizes(f"{name}: stride", stride, n, 1),
        padding,
        _checks.sizes(f"{name}: output_padding", output_padding, n, 0),
        _checks.sizes(f"{name}: dilation", dilation, n, 1),
        strict=True,
    )
    size, pads = [], []
    for k, length, s, p, extra, d in given:
        if extra and not 0 <= extra < max(s, d):
            raise ArgumentError(
                f"{name}: output_padding={output_padding} must be smaller than stride={stride} or dilation={dilation}."
            )
        size.append((length - 1) * s - 2 * p + d * (k - 1) + extra + 1)
        pads.append((p, p - extra))
    if min(size) < 1:
        raise ArgumentError(f"{name}: an input of shape {input.shape} with padding={padding} gives a size of {size}.")
    output = kernels.conv_transpose(
        input, weight, size=tuple(size), stride=_sizes(stride), padding=tuple(pads), dilation=_sizes(dilation),
        groups=groups,
    )  # fmt: skip
    if bias is None:
        return output
    if bias.shape != output.shape[1:2]:
        raise ArgumentError(f"{name}: the bias has shape {bias.shape}; expected ({output.shape[1]},), one a feature.")
    shifted: Tensor = output + np.reshape(as_tensor(bias), (-1, *[1] * n))
    return shifted


def same_padding(word: str, stride: Any, dilation: Any, kernel: tuple[int, ...]) -> Any:
    """Return what "same" or "valid" means for a kernel: an odd element of padding goes behind."""
    if word == "valid":
        return 0
    if word != "same":
        raise ArgumentError(f"Invalid padding string {word!r}; use 'same', 'valid' or numbers.")
    n = len(kernel)
    if set(_checks.sizes("stride", stride, n, 1)) != {1}:
        raise ArgumentError("padding='same' is not supported for strided convolutions; give the padding as numbers.")
    whole = [d * (k - 1) for d, k in zip(_checks.sizes("dilation", dilation, n, 1), kernel, strict=True)]
    return tuple([(w // 2, w - w // 2) for w in whole])


def _sizes(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _batched(name: str, n: int, input: Any, weight: Any, bias: Any) -> bool:
    """Say whether the input has a batch axis; demand one dtype, and the axes that belong to it and the weight."""
    _checks.same_dtype(name, input, weight, bias)
    if weight.ndim != n + 2 or input.ndim not in (n + 1, n + 2):
        raise ArgumentError(
            f"{name}: the input has shape {input.shape} and the weight {weight.shape}; expected {n + 2} axes "
            f"(or {n + 1}, one image) and {n + 2}."
        )
    return bool(input.ndim == n + 2)
