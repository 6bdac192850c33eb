"""Losses of classes and of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, log_softmax
from autodiff.errors import ArgumentError
from autodiff.kernels.crossentropy import bce_with_logits, binary_nll, softmax_nll
from autodiff.kernels.division import product
from nn import _checks
from nn.functional.linear import linear
from nn.functional.losses.reducing import normalized, paired, reduced


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
        if ignore_index >= 0:
            raise ArgumentError("cross_entropy: ignore_index is for class indices; with probabilities give a weight.")
        return _soft_cross_entropy(log_softmax(input, axis), target, axis, weight, reduction, label_smoothing)
    return _nll(log_softmax(input, axis), target, axis, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Any,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of class indices, given the logarithms of probabilities.

    input: (C), (N, C) or (N, C, d1, …). target: class indices of input's shape without C. weight: one factor per class,
    by which the mean is weighted as well.

    >>> import autodiff as ad
    >>> nll_loss(ad.tensor([[-1.0, -2.0], [-3.0, -4.0]]), [0, 1]).item()
    2.5
    """
    target = as_tensor(target)
    _checks.cross_entropy(input, target, weight, reduction, 0.0, name="nll_loss")
    return _nll(input, target, min(1, input.ndim - 1), weight, ignore_index, reduction)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Any,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross-entropy of the logits that a linear layer gives: input (N, D) or (D), linear_weight (C, D).

    >>> import autodiff as ad
    >>> round(linear_cross_entropy(ad.ones(3, 4), ad.ones(2, 4), [0, 1, 1]).item(), 4)
    0.6931
    """
    return cross_entropy(
        linear(input, linear_weight, linear_bias),
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def kl_div(input: Tensor, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Return target (log(target) - input) for the logarithms of probabilities (input) and probabilities (target).

    log_target: the target holds logarithms too. reduction: "batchmean", the sum over the length of the first axis, is
    the divergence's mean over a batch; "mean" divides by the number of all elements. What has no probability counts 0.

    >>> import autodiff as ad
    >>> p = ad.tensor([[0.5, 0.5], [1.0, 0.0]])
    >>> round(kl_div(np.log(ad.tensor([[0.5, 0.5], [0.5, 0.5]])), p, reduction="batchmean").item(), 4)  # log(2) / 2
    0.3466
    """
    target = paired("kl_div", input, target)
    if log_target:
        with np.errstate(invalid="ignore"):  # -inf less -inf, of what has no probability
            losses = product(np.exp(target), target - input)
    else:
        some = target > 0
        losses = target * np.log(np.where(some, target, 1)) - product(target, input)
    if reduction == "batchmean":
        total: Tensor = losses.sum()
        return total / input.shape[0] if input.ndim else total
    return reduced(losses, reduction)


def binary_cross_entropy(input: Tensor, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """Return the negative log-likelihood of targets in [0, 1] under probabilities; no logarithm is below -100.

    weight: a factor of each loss. binary_cross_entropy_with_logits is exact where probabilities round to 0 or 1.

    >>> import autodiff as ad
    >>> binary_cross_entropy(ad.tensor([0.5, 0.0]), [1.0, 1.0], reduction="none").tolist()
    [0.6931471824645996, 100.0]
    """
    target = as_tensor(target)
    if target.shape != input.shape:
        raise ArgumentError(f"binary_cross_entropy: target {target.shape} and input {input.shape} need one shape")
    if target.dtype != input.dtype and target.dtype.kind == "f":
        raise ArgumentError(
            f"binary_cross_entropy: target is {target.dtype} and input {input.dtype}; convert the target with "
            f".to({str(input.dtype)!r})"
        )
    name, remedy = "binary_cross_entropy", "for logits call binary_cross_entropy_with_logits"
    _checks.unit_interval(name, "input", input.data, remedy)
    _checks.unit_interval(name, "target", target.data, remedy)
    losses: Tensor = binary_nll(input, target.astype(input.dtype))
    return reduced(losses if weight is None else losses * as_tensor(weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """Return the negative log-likelihood of targets in [0, 1] under sigmoid(input), without overflow.

    weight: a factor of each loss; pos_weight: a factor of the positive part, one a class along the last axis.
    """
    target = as_tensor(target)
    if target.shape != input.shape:
        raise ArgumentError(
            f"binary_cross_entropy_with_logits: target {target.shape} and input {input.shape} need one shape"
        )
    if target.dtype != input.dtype:
        target = target.astype(input.dtype)
    losses: Tensor = bce_with_logits(input, target, None if pos_weight is None else as_tensor(pos_weight))
    return reduced(losses if weight is None else losses * as_tensor(weight), reduction)


def _nll(
    log_p: Tensor,
    target: Tensor,
    axis: int,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float = 0.0,
) -> Tensor:
    valid = target != ignore_index
    _checks.class_indices(target, valid, log_p.shape[axis])
    index = target * valid  # an ignored target picks class 0 and then counts for nothing
    factor = valid.astype(log_p.dtype)
    if weight is not None:
        factor = factor * weight[index]
    scores: Any = log_p
    picked = np.squeeze(np.take_along_axis(scores, np.expand_dims(index, axis), axis), axis)
    losses = -product(factor, picked)
    if label_smoothing:
        uniform = -valid.astype(log_p.dtype) * _weighted(log_p, weight, axis).mean(axis)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    return normalized(losses, factor, reduction)


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
    return reduced(-(_weighted(log_p, weight, axis) * target).sum(axis), reduction)
