"""Losses that ask for a distance or a margin: of pairs, of triplets, of classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, relu
from autodiff.errors import ArgumentError
from autodiff.kernels.division import ratio
from nn import _checks
from nn.functional.distance import pairwise_distance
from nn.functional.losses.classification import binary_cross_entropy_with_logits
from nn.functional.losses.reducing import paired, reduced

Distance = Callable[[Tensor, Tensor], Tensor]


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """Return by how much input1 fails to exceed input2 by a margin where the target is 1, or the reverse where -1.

    >>> import autodiff as ad
    >>> margin_ranking_loss(ad.tensor([3.0, 1.0]), ad.tensor([1.0, 3.0]), [1, 1], reduction="none").tolist()
    [0.0, 2.0]
    """
    target = as_tensor(target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ArgumentError(
            "margin_ranking_loss: all inputs should have as many axes; got shapes "
            f"input1 {input1.shape}, input2 {input2.shape}, target {target.shape}."
        )
    _checks.broadcast("margin_ranking_loss", input1, input2, target)
    return reduced(_from_zero(-target * (input1 - input2) + margin), reduction)


def hinge_embedding_loss(input: Tensor, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """Return the distances (input) of what is alike (target 1), and how far those of the rest (-1) miss a margin.

    >>> import autodiff as ad
    >>> hinge_embedding_loss(ad.tensor([0.25, 0.25]), [1, -1], reduction="none").tolist()
    [0.25, 0.75]
    """
    target = paired("hinge_embedding_loss", input, target)
    apart = np.where(target != 1, _from_zero(margin - input), 0)
    return reduced(apart + np.where(target != -1, input, 0), reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """Return 1 - cos(input1, input2) where the target is 1, and by how much the cosine exceeds a margin where -1.

    input1, input2: (N, D) or (D). target: (N) or ().

    >>> import autodiff as ad
    >>> x, y = ad.tensor([[1.0, 0.0], [1.0, 0.0]]), ad.tensor([[0.0, 2.0], [4.0, 0.0]])
    >>> cosine_embedding_loss(x, y, [1, -1], margin=0.5, reduction="none").tolist()
    [1.0, 0.5]
    """
    target = as_tensor(target)
    if target.ndim > 1 or {input1.ndim, input2.ndim} != {target.ndim + 1}:
        raise ArgumentError(
            "cosine_embedding_loss expects a target (N) with inputs (N, D), or () with (D); got shapes "
            f"input1 {input1.shape}, input2 {input2.shape}, target {target.shape}."
        )
    _checks.broadcast("cosine_embedding_loss", input1, input2, target[..., None])
    squares = (np.square(input1).sum(-1) + 1e-12) * (np.square(input2).sum(-1) + 1e-12)
    cosine = ratio((input1 * input2).sum(-1), np.sqrt(squares))
    alike = np.where(target == 1, 1 - cosine, 0)
    return reduced(alike + np.where(target == -1, _from_zero(cosine - margin), 0), reduction)


def soft_margin_loss(input: Tensor, target: Any, *, reduction: str = "mean") -> Tensor:
    """Return log(1 + exp(-target input)) for targets of 1 or -1, without overflow.

    >>> import autodiff as ad
    >>> soft_margin_loss(ad.tensor([1e4, -1e4]), [1, 1], reduction="none").tolist()
    [0.0, 10000.0]
    """
    return reduced(np.logaddexp(-paired("soft_margin_loss", input, target) * input, 0), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Return by how much the score of the right class fails to exceed each other by a margin, to the power p; the mean.

    input: scores (N, C) or (C). target: classes (N) or (). weight: one factor per class.

    >>> import autodiff as ad
    >>> multi_margin_loss(ad.tensor([[0.0, 0.5, 2.0]]), [1]).item()  # (0.5 + 0 + 2.5) / 3
    1.0
    """
    target = as_tensor(target)
    _checks.margin_power(p)
    _checks.integers("multi_margin_loss", target)
    if input.ndim not in (1, 2) or target.shape != input.shape[:-1] or not input.shape[-1]:
        raise ArgumentError(
            "multi_margin_loss expects scores (N, C) with a target (N), or (C) with (); got shapes "
            f"{input.shape} and {target.shape}."
        )
    classes = input.shape[-1]
    if ((target.data < 0) | (target.data >= classes)).any():
        raise ArgumentError(f"multi_margin_loss: target out of range; use 0 to {classes - 1} for {classes} classes.")
    if weight is not None and weight.shape != (classes,):
        raise ArgumentError(f"multi_margin_loss: inconsistent weight size, expected ({classes},), got {weight.shape}.")
    scores: Any = input
    index = target[..., None]
    others = index != np.arange(classes)
    misses = np.where(others, relu(margin - np.take_along_axis(scores, index, -1) + scores), 0)
    losses = (misses if p == 1 else np.square(misses)).mean(-1)
    return reduced(losses if weight is None else losses * weight[target], reduction)


def multilabel_margin_loss(input: Tensor, target: Any, *, reduction: str = "mean") -> Tensor:
    """Return by how much the score of each right class fails to exceed that of each wrong one by 1, summed, over C.

    input: scores (N, C) or (C). target: of the same shape, the right classes, and then -1.

    >>> import autodiff as ad
    >>> multilabel_margin_loss(ad.tensor([0.0, 0.5, 2.0, 1.0]), [1, 2, -1, 0]).item()  # (0.5 + 1.5) / 4
    0.5
    """
    target = as_tensor(target)
    _checks.integers("multilabel_margin_loss", target)
    if input.ndim not in (1, 2) or target.shape != input.shape or not input.shape[-1]:
        raise ArgumentError(
            "multilabel_margin_loss expects scores (N, C) or (C) and a target of the same shape, its classes first and "
            f"then -1; got shapes {input.shape} and {target.shape}."
        )
    classes, labels = input.shape[-1], target.data
    if ((labels < -1) | (labels >= classes)).any():
        raise ArgumentError(f"multilabel_margin_loss: target is out of range; use 0 to {classes - 1}, then -1.")
    scores: Any = input
    named = np.cumprod((target >= 0).astype(int), -1) > 0
    index = np.where(named, target, 0)
    wrong = ~(named[..., None] & (index[..., None] == np.arange(classes))).any(-2)
    right = np.take_along_axis(scores, index, -1)
    misses = relu(1 - right[..., :, None] + scores[..., None, :])
    return reduced(np.where(named[..., :, None] & wrong[..., None, :], misses, 0).sum((-2, -1)) / classes, reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Any, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """Return the mean over classes of the binary cross-entropy of logits, each class on its own.

    input: logits (N, C) or (C). target: 0 or 1, of the same shape. weight: one factor per class.

    >>> import autodiff as ad
    >>> round(multilabel_soft_margin_loss(ad.zeros(1, 3), [[0, 1, 1]]).item(), 4)
    0.6931
    """
    target = paired("multilabel_soft_margin_loss", input, target).astype(input.dtype)
    target = target if target.shape == input.shape else np.broadcast_to(target, input.shape)
    losses: Any = binary_cross_entropy_with_logits(input, target, weight, reduction="none")
    return reduced(losses.mean(-1), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Return by how much the distance to the positive fails to stay below that to the negative by a margin.

    Each is (N, D) or (D); the distance is the p-norm of the difference plus eps. swap: the negative's distance is the
    smaller of that to the anchor and that to the positive.
    Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", 2016.

    >>> import autodiff as ad
    >>> x = ad.zeros(1, 2)
    >>> round(triplet_margin_loss(x, x + 3, x + 4, p=1).item(), 3)  # 6 - 8 + 1 is below 0
    0.0
    """

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplets("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return triplet_margin_loss for any distance of two tensors; without one, the Euclidean.

    >>> import autodiff as ad
    >>> x = ad.zeros(1, 2)
    >>> far = lambda a, b: np.abs(a - b).max(-1)
    >>> triplet_margin_with_distance_loss(x, x + 3, x + 3.5, distance_function=far).item()
    0.5
    """
    name = "triplet_margin_with_distance_loss"
    return _triplets(name, anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplets(
    name: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Distance,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    _checks.positive_margin(name, margin)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ArgumentError(
            f"{name}: anchor, positive and negative need as many axes; got shapes {anchor.shape}, {positive.shape} and "
            f"{negative.shape}."
        )
    near: Any = distance(anchor, positive)
    far: Any = distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return reduced(_from_zero(margin + near - far), reduction)


def _from_zero(x: Any) -> Any:
    """Return what is above 0 of x, else 0; at 0 itself the gradient is 1, as PyTorch has it."""
    return np.clip(x, 0, math.inf)
