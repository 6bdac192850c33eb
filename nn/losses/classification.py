"""Losses of classes and of probabilities, as modules."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import _checks, functional
from nn.losses.loss import Loss, WeightedLoss


class BCELoss(WeightedLoss):
    """Binary cross-entropy: probabilities against targets in [0, 1]. Prefer BCEWithLogitsLoss, which is exact.

    >>> import autodiff as ad
    >>> round(BCELoss()(ad.tensor([0.5, 0.5]), ad.tensor([0.0, 1.0])).item(), 4)  # -log(1 / 2)
    0.6931
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Sigmoid and binary cross-entropy in one: logits against targets in [0, 1].

    >>> import autodiff as ad
    >>> round(BCEWithLogitsLoss()(ad.zeros(2), ad.tensor([0.0, 1.0])).item(), 4)  # -log(1 / 2)
    0.6931
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class CrossEntropyLoss(WeightedLoss):
    """Softmax and negative log-likelihood in one: logits against class indices or probabilities.

    >>> import autodiff as ad
    >>> round(CrossEntropyLoss()(ad.zeros(3, 2), [0, 1, 1]).item(), 4)  # -log(1 / 2)
    0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        _checks.probability("label_smoothing", label_smoothing)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """Negative log-likelihood: logarithms of probabilities against class indices.

    >>> import autodiff as ad
    >>> NLLLoss()(ad.tensor([[-1.0, -2.0], [-3.0, -4.0]]), [0, 1]).item()
    2.5
    """

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of logarithms of probabilities (input) from probabilities (target).

    reduction="batchmean" is the divergence's mean over a batch; "mean" divides by the number of all elements.

    >>> import autodiff as ad, numpy as np
    >>> even = np.log(ad.tensor([[0.5, 0.5]]))
    >>> round(KLDivLoss(reduction="batchmean")(even, ad.tensor([[1.0, 0.0]])).item(), 4)  # log(2)
    0.6931
    """

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction="mean" if reduction == "batchmean" else reduction)
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
