"""Losses as modules; the functions are in nn.functional."""

from __future__ import annotations

from autodiff import Tensor
from nn import _checks, functional
from nn.module import Module


class BCEWithLogitsLoss(Module):
    """Sigmoid and binary cross-entropy in one: logits against targets in [0, 1].

    >>> import autodiff as ad
    >>> round(BCEWithLogitsLoss()(ad.zeros(2), ad.tensor([0.0, 1.0])).item(), 4)  # -log(1 / 2)
    0.6931
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__()
        _checks.reduction(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class CrossEntropyLoss(Module):
    """Softmax and negative log-likelihood in one: logits against class indices or probabilities.

    >>> import autodiff as ad
    >>> round(CrossEntropyLoss()(ad.zeros(3, 2), [0, 1, 1]).item(), 4)  # -log(1 / 2)
    0.6931
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        _checks.reduction(reduction)
        _checks.probability("label_smoothing", label_smoothing)
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction, self.label_smoothing = ignore_index, reduction, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Module):
    """The mean squared difference.

    >>> import autodiff as ad
    >>> MSELoss()(ad.tensor([1.0, 2.0]), ad.tensor([1.0, 4.0])).item()
    2.0
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        _checks.reduction(reduction)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)
