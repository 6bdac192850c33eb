"""Losses that ask for a distance or a margin, as modules."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn import _checks, functional
from nn.functional.losses.margin import Distance
from nn.layers.distance import PairwiseDistance
from nn.losses.loss import Loss, WeightedLoss


class MarginRankingLoss(Loss):
    """By how much the first input fails to exceed the second by a margin (target 1), or the reverse (-1).

    >>> import autodiff as ad
    >>> MarginRankingLoss()(ad.tensor([3.0, 1.0]), ad.tensor([1.0, 3.0]), ad.tensor([1, 1])).item()
    1.0
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return functional.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """Distances of what is alike (target 1), and how far the others (-1) miss a margin.

    >>> import autodiff as ad
    >>> HingeEmbeddingLoss()(ad.tensor([0.25, 0.25]), ad.tensor([1, -1])).item()
    0.5
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 - cosine of two inputs (target 1), or by how much it exceeds a margin (-1).

    >>> import autodiff as ad
    >>> CosineEmbeddingLoss()(ad.tensor([[1.0, 0.0]]), ad.tensor([[0.0, 2.0]]), ad.tensor([1])).item()
    1.0
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return functional.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-target input)) for targets of 1 or -1.

    >>> import autodiff as ad
    >>> round(SoftMarginLoss()(ad.zeros(2), ad.tensor([1, -1])).item(), 4)  # log(2)
    0.6931
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """By how much the right class's score fails to exceed each other's by a margin, to the power p (1 or 2).

    >>> import autodiff as ad
    >>> MultiMarginLoss()(ad.tensor([[0.0, 0.5, 2.0]]), [1]).item()  # (0.5 + 0 + 2.5) / 3
    1.0
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction=reduction)
        _checks.margin_power(p)
        if weight is not None and weight.ndim != 1:
            raise ArgumentError(f"MultiMarginLoss: weight must be one-dimensional, got shape {weight.shape}")
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """By how much each right class's score fails to exceed each wrong one's by 1; targets list classes, then -1.

    >>> import autodiff as ad
    >>> MultiLabelMarginLoss()(ad.tensor([0.0, 0.5, 2.0, 1.0]), [1, 2, -1, 0]).item()  # (0.5 + 1.5) / 4
    0.5
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean over classes of the binary cross-entropy of logits.

    >>> import autodiff as ad
    >>> round(MultiLabelSoftMarginLoss()(ad.zeros(1, 3), ad.tensor([[0, 1, 1]])).item(), 4)  # log(2)
    0.6931
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """By how much the anchor's distance to the positive fails to stay below that to the negative by a margin.

    >>> import autodiff as ad
    >>> x = ad.zeros(1, 2)
    >>> round(TripletMarginLoss(p=1)(x, x + 3, x + 3).item(), 4)
    1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _checks.positive_margin("TripletMarginLoss", margin)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(Loss):
    """TripletMarginLoss for any distance; without one, the Euclidean.

    >>> import autodiff as ad, numpy as np
    >>> x = ad.zeros(1, 2)
    >>> TripletMarginWithDistanceLoss(distance_function=lambda a, b: np.abs(a - b).max(-1))(x, x + 3, x + 3.5).item()
    0.5
    """

    def __init__(
        self,
        *,
        distance_function: Distance | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _checks.positive_margin("TripletMarginWithDistanceLoss", margin)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return functional.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
