"""Losses for images and rare classes that PyTorch's nn has not: Dice and focal."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, log_softmax, sigmoid
from autodiff.errors import ArgumentError
from nn import _checks
from nn.functional.losses.classification import binary_cross_entropy_with_logits, cross_entropy
from nn.functional.losses.reducing import normalized, reduced


def dice_loss(input: Tensor, target: Any, smooth: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """Return 1 - 2 |input and target| / (|input| + |target|), one for each image and class, given probabilities.

    input, target: (N, C, d1, …), each in [0, 1]; sums run over the places d1, …. smooth: added above and below, so that
    nothing found of nothing costs 0. "none" gives (N, C).
    Milletari et al., "V-Net", 2016; Sudre et al., "Generalised Dice overlap", 2017.

    >>> import autodiff as ad
    >>> found = ad.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    >>> dice_loss(found, found).item(), dice_loss(found, 1 - found, smooth=0.0).item()
    (0.0, 1.0)
    """
    target = as_tensor(target)
    if input.shape != target.shape or input.ndim < 3:
        raise ArgumentError(
            f"dice_loss: the input {input.shape} and the target {target.shape} need one shape (N, C, d1, …); one-hot "
            "encode class indices, and add axes that are missing with x[:, None]"
        )
    places = tuple(range(2, input.ndim))
    shared = 2 * (input * target).sum(places) + smooth
    return reduced(1 - shared / (input.sum(places) + target.sum(places) + smooth), reduction)


def focal_loss(
    input: Tensor,
    target: Any,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return (1 - p)^gamma times the cross-entropy of class indices, p being the right class's probability.

    input: logits (C), (N, C) or (N, C, d1, …). target: class indices. weight: one factor per class. The mean divides as
    that of cross_entropy does, which this is for gamma 0. Lin et al., "Focal loss for dense object detection", 2017.

    >>> import autodiff as ad
    >>> round(focal_loss(ad.zeros(3, 2), [0, 1, 1]).item(), 4)  # log(2) / 4
    0.1733
    """
    target = as_tensor(target)
    _checks.integers("focal_loss", target)
    _checks.focusing("focal_loss", gamma)
    losses = cross_entropy(input, target, weight, ignore_index=ignore_index, reduction="none")
    axis, valid = min(1, input.ndim - 1), target != ignore_index
    index = target * valid
    log_p: Any = np.take_along_axis(log_softmax(input, axis), np.expand_dims(index, axis), axis)
    losses = (-np.expm1(np.squeeze(log_p, axis))) ** gamma * losses
    factor = valid.astype(input.dtype) if weight is None else valid * weight[index]
    return normalized(losses, factor, reduction)


def sigmoid_focal_loss(
    input: Tensor, target: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Tensor:
    """Return alpha (1 - p)^gamma times the binary cross-entropy of logits, p being the target's probability.

    target: 0 or 1, of the input's shape. alpha: the factor of 1; that of 0 is 1 - alpha; below 0 there is none.
    Lin et al., "Focal loss for dense object detection", 2017; the arguments are torchvision's.

    >>> import autodiff as ad
    >>> round(sigmoid_focal_loss(ad.zeros(1), [1.0]).item(), 4)  # log(2) / 16
    0.0433
    """
    _checks.focusing("sigmoid_focal_loss", gamma)
    target = as_tensor(target)
    p = sigmoid(input)
    losses = (p * (1 - target) + (1 - p) * target) ** gamma
    losses = losses * binary_cross_entropy_with_logits(input, target, reduction="none")
    return reduced(losses if alpha < 0 else (alpha * target + (1 - alpha) * (1 - target)) * losses, reduction)
