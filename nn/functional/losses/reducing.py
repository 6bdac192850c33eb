"""What all losses share: how elements become one number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.errors import ArgumentError
from nn import _checks


def reduced(losses: Any, reduction: str) -> Tensor:
    """Return the mean or the sum of losses, or the losses themselves."""
    _checks.reduction(reduction)
    answer: Tensor = losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()
    return answer


def weighted(losses: Any, weight: Any, reduction: str) -> Tensor:
    """Return losses, each times a weight of its own, reduced; the mean divides by the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction)
    if weight.shape != losses.shape:
        raise ArgumentError(f"Weights and input must have the same size; got {weight.shape} and {losses.shape}.")
    return normalized(losses * weight, weight, reduction)


def normalized(losses: Any, weight: Any, reduction: str) -> Tensor:
    """Return weighted losses reduced; the mean divides by the sum of the weights, and is NaN where that is 0."""
    if reduction != "mean":
        return reduced(losses, reduction)
    dtype = losses.dtype
    if dtype == np.float16:  # whose sums overflow long before their ratio does
        losses, weight = losses.astype(np.float32), weight.astype(np.float32)
    with np.errstate(invalid="ignore"):
        mean: Tensor = losses.sum() / weight.sum()
    return mean if mean.dtype == dtype else mean.astype(dtype)


def paired(name: str, input: Tensor, target: Any, warn: bool = False) -> Any:
    """Return a target as a tensor; demand that it and the input broadcast, and say so where they must."""
    target = as_tensor(target)
    if input.shape != target.shape:
        _checks.broadcast(name, input, target)
        if warn:
            warnings.warn(
                f"Using a target of shape {target.shape} with an input of shape {input.shape}: they will be broadcast, "
                "which likely gives a wrong loss. Reshape one, e.g. target[:, None].",
                stacklevel=3,
            )
    return target
