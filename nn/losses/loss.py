"""What the modules of losses share."""

from __future__ import annotations

from autodiff import Tensor
from nn import _checks
from nn.module import Module


class Loss(Module):
    """A loss that is the mean, the sum, or each of its elements."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        _checks.reduction(reduction)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight for each class or element, which moves and is saved with it."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
