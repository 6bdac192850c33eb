"""Losses of sequences, as modules."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import functional
from nn.losses.loss import Loss


class CTCLoss(Loss):
    """-log of the probability that classes, read without repetitions and blanks, spell targets of unknown alignment.

    >>> import autodiff as ad, numpy as np
    >>> even = np.log(ad.full((2, 1, 2), 0.5))  # (time, batch, classes)
    >>> round(CTCLoss()(even, [[1]], [2], [1]).item(), 4)  # -log(3 / 4)
    0.2877
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Tensor, targets: Any, input_lengths: Any, target_lengths: Any) -> Tensor:
        return functional.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
