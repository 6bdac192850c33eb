"""Normalization over a batch, over groups of channels, and over the last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.kernels import normalization
from nn import _checks
from nn.functional.inplace import tracked


def _channels(name: str, input: Tensor, **numbers: Tensor | None) -> None:
    """Demand a channel axis, and one number of each kind for every channel, of the input's dtype."""
    _checks.floating(name, input)
    _checks.same_dtype(name, input, *numbers.values(), half=True)
    if input.ndim < 2:
        raise ArgumentError(f"{name}: expected an input of shape (N, C, ...), got {input.shape}")
    for what, p in numbers.items():
        if p is not None and p.shape != input.shape[1:2]:
            raise ArgumentError(
                f"{name}: an input of shape {input.shape} has {input.shape[1]} channels (axis 1); {what} has shape "
                f"{p.shape}, one number for each of its channels"
            )


def _unbiased(count: int) -> float:
    """Return what makes a mean of squared differences one divided by one less than their count."""
    return count / (count - 1) if count > 1 else math.nan


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of (N, C, ...) over the batch, or, unless `training`, by the running mean and variance.

    While training these are moved by `momentum` towards the batch's, the variance divided by one less than the count.
    """
    _channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if training:
        count = input.size // max(input.shape[1], 1)
        if count == 1:
            raise ArgumentError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
        output: Tensor
        output, mean, var = normalization.channel_norm(input, weight, bias, groups=None, eps=eps)
        if count:  # an empty batch has nothing to track
            tracked(running_mean, mean, momentum)
            tracked(running_var, var, momentum, _unbiased(count))
        return output
    if running_mean is None or running_var is None:
        missing = "running_mean" if running_mean is None else "running_var"
        raise ArgumentError(f"batch_norm: {missing} must be defined in evaluation mode")
    scale = 1 / np.sqrt(running_var + eps)
    scale = scale if weight is None else scale * weight
    shape = (-1, *[1] * (input.ndim - 2))
    output = (input - running_mean.reshape(shape)) * scale.reshape(shape)
    return output if bias is None else output + bias.reshape(shape)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each image (N, C, ...), or by running numbers unless `use_input_stats`."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _channels("instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ArgumentError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    output: Tensor
    output, mean, var = normalization.channel_norm(input, weight, bias, groups=input.shape[1], eps=eps)
    for average, each, factor in ((running_mean, mean, 1.0), (running_var, var, _unbiased(count))):
        if average is not None and len(input):
            tracked(average, each.detach().mean(0), momentum, factor)
    return output


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize groups of the channels of each image (N, C, ...)."""
    _channels("group_norm", input, weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise ArgumentError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{input.shape} and num_groups={num_groups}"
        )
    if input.shape[0] * (input.shape[1] // num_groups) * math.prod(input.shape[2:]) == 1:
        raise ArgumentError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    output: Tensor = normalization.channel_norm(input, weight, bias, groups=num_groups, eps=eps)[0]
    return output


def _last_axes(name: str, input: Tensor, normalized_shape: Any, **numbers: Tensor | None) -> int:
    """Demand that the input ends in a shape, and that the weight and the bias have it; return how many axes it has."""
    _checks.floating(name, input)
    shape = (normalized_shape,) if isinstance(normalized_shape, (int, np.integer)) else tuple(normalized_shape)
    if not shape or tuple(input.shape[input.ndim - len(shape) :]) != shape or input.ndim < len(shape):
        raise ArgumentError(
            f"{name}: given normalized_shape={shape}, expected input with shape (..., {', '.join(map(str, shape))}), "
            f"but got input of shape {input.shape}"
        )
    for what, p in numbers.items():
        if p is not None and p.shape != shape:
            raise ArgumentError(f"{name}: {what} should have shape {shape}, got {p.shape}")
    return len(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize over the last axes, those of `normalized_shape`."""
    _checks.same_dtype("layer_norm", input, weight, bias, half=True)
    dims = _last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    output: Tensor = normalization.layer_norm(input, weight, bias, dims=dims, eps=eps)[0]
    return output


def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square over the last axes; eps is the dtype's own unless given."""
    dims = _last_axes("rms_norm", input, normalized_shape, weight=weight)
    small = float(np.finfo(input.dtype).eps) if eps is None else eps
    output: Tensor = normalization.layer_norm(input, weight, dims=dims, eps=small, center=False)[0]
    return output


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide (n, c, ...) by (k + alpha times the mean square of `size` neighbouring channels) ** beta.

    Of an even `size` one channel more lies before than behind; what is beyond the first and last channel counts as 0
    (Krizhevsky et al., 2012).

    >>> import autodiff as ad
    >>> local_response_norm(ad.ones(1, 3, 1), 3, alpha=3.0, beta=1.0).tolist()
    [[[0.3333333432674408], [0.25], [0.3333333432674408]]]
    """
    if input.ndim < 3:
        raise ArgumentError(f"local_response_norm: expected (n, c, ...), 3 axes or more, got {input.shape}")
    if size < 1:
        raise ArgumentError(f"local_response_norm: size must be at least 1, got {size}")
    if not input.size:
        return input
    squares = np.pad(input * input, [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (input.ndim - 2))
    channels = input.shape[1]
    total = sum((squares[:, i : i + channels] for i in range(1, size)), squares[:, :channels])
    output: Tensor = input / (k + (alpha / size) * total) ** beta
    return output
