"""Losses."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, log_softmax
from autodiff.kernels.crossentropy import bce_with_logits, softmax_nll
from nn import _checks


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    _checks.reduction(reduction)
    reduced: Tensor = losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()
    return reduced


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean (or sum, or each) of the squared differences."""
    target = as_tensor(target)
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target of shape {target.shape} with an input of shape {input.shape}: they will be broadcast, "
            "which likely gives a wrong loss. Reshape one, e.g. target[:, None].",
            stacklevel=2,
        )
    return _reduced(np.square(input - target), reduction)


def cross_entropy(
    input: Tensor,
    target: Any,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the negative log-likelihood of `target` under softmax(input).

    input: logits (C), (N, C) or (N, C, d1, …). target: class indices of input's shape without C, or probabilities of
    input's shape. weight: one factor per class. The mean over indices is weighted by `weight` and skips
    `ignore_index`; the mean over probabilities divides by their number, as in PyTorch.
    """
    target = as_tensor(target)
    _checks.cross_entropy(input, target, weight, reduction, label_smoothing)
    axis = min(1, input.ndim - 1)
    if target.dtype.kind in "iu" and (weight is None or not weight.requires_grad):
        logits: Any = input
        rows = input if input.ndim == 2 else np.moveaxis(logits, axis, -1).reshape(-1, input.shape[axis])
        loss: Tensor = softmax_nll(
            rows,
            target if input.ndim == 2 else target.reshape(-1),
            weight,
            ignore_index=ignore_index,
            smoothing=label_smoothing,
            reduction=reduction,
        )[0]
        return loss if loss.ndim == 0 and reduction != "none" else loss.reshape(target.shape)
    if target.dtype.kind == "f":
        return _soft_cross_entropy(log_softmax(input, axis), target, axis, weight, reduction, label_smoothing)
    valid = target != ignore_index
    _checks.class_indices(target, valid, input.shape[axis])
    log_p = log_softmax(input, axis)
    kept = valid.astype(input.dtype)
    index = target * valid  # an ignored target picks class 0 and then counts for nothing
    if weight is not None:
        kept = kept * weight[index]
    losses = -kept * np.squeeze(np.take_along_axis(log_p, np.expand_dims(index, axis), axis), axis)
    if label_smoothing:
        uniform = -valid.astype(input.dtype) * _weighted(log_p, weight, axis).mean(axis)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    if reduction != "mean":
        return _reduced(losses, reduction)
    with np.errstate(invalid="ignore"):  # nan where every target is ignored, as in PyTorch
        mean: Tensor = losses.sum() / kept.sum()
    return mean


def binary_cross_entropy_with_logits(
    input: Tensor, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """Return the negative log-likelihood of targets in [0, 1] under sigmoid(input), without overflow.

    weight: a factor of each loss; pos_weight: a factor of the positive part, one a class along the last axis.
    """
    target = as_tensor(target)
    if target.shape != input.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: target {target.shape} and input {input.shape} need one shape"
        )
    if target.dtype != input.dtype:
        target = target.astype(input.dtype)
    losses: Tensor = bce_with_logits(input, target, None if pos_weight is None else as_tensor(pos_weight))
    return _reduced(losses if weight is None else losses * as_tensor(weight), reduction)


def _weighted(values: Tensor, weight: Tensor | None, axis: int) -> Tensor:
    """Multiply by one factor per class, the classes lying along `axis`."""
    if weight is None:
        return values
    weighted: Tensor = values * weight.reshape(-1, *[1] * (values.ndim - 1 - axis))
    return weighted


def _soft_cross_entropy(
    log_p: Tensor, target: Tensor, axis: int, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    if label_smoothing:
        target = (1 - label_smoothing) * target + label_smoothing / log_p.shape[axis]
    return _reduced(-(_weighted(log_p, weight, axis) * target).sum(axis), reduction)
