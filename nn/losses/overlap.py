"""Dice and focal loss, as modules."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import _checks, functional
from nn.losses.loss import Loss, WeightedLoss


class DiceLoss(Loss):
    """1 - 2 |input and target| / (|input| + |target|) for probabilities (N, C, d1, …), one for each image and class.

    >>> import autodiff as ad
    >>> found = ad.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    >>> DiceLoss()(found, found).item()
    0.0
    """

    def __init__(self, smooth: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.smooth = smooth

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.dice_loss(input, target, self.smooth, reduction=self.reduction)


class FocalLoss(WeightedLoss):
    """Cross-entropy of class indices times (1 - p)^gamma: what is right already counts little.

    >>> import autodiff as ad
    >>> round(FocalLoss()(ad.zeros(3, 2), [0, 1, 1]).item(), 4)  # log(2) / 4
    0.1733
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        gamma: float = 2.0,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        _checks.focusing("FocalLoss", gamma)
        self.gamma, self.ignore_index = gamma, ignore_index

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.focal_loss(
            input, target, self.weight, self.gamma, ignore_index=self.ignore_index, reduction=self.reduction
        )
