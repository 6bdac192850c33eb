"""Losses of real numbers and counts, as modules."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import functional
from nn.losses.loss import Loss


class L1Loss(Loss):
    """The mean absolute difference; MAELoss is another name of it.

    >>> import autodiff as ad
    >>> L1Loss()(ad.tensor([1.0, 2.0]), ad.tensor([1.0, 4.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.l1_loss(input, target, reduction=self.reduction)


MAELoss = L1Loss


class MSELoss(Loss):
    """The mean squared difference.

    >>> import autodiff as ad
    >>> MSELoss()(ad.tensor([1.0, 2.0]), ad.tensor([1.0, 4.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class HuberLoss(Loss):
    """Half the squared difference where that is below delta, of slope delta beyond.

    >>> import autodiff as ad
    >>> HuberLoss(delta=2.0)(ad.tensor([0.0, 4.0]), ad.tensor([0.0, 0.0])).item()
    3.0
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(Loss):
    """Half the squared difference over beta where the difference is below beta, of slope 1 beyond.

    >>> import autodiff as ad
    >>> SmoothL1Loss(beta=2.0)(ad.tensor([0.0, 4.0]), ad.tensor([0.0, 0.0])).item()
    1.5
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class PoissonNLLLoss(Loss):
    """The negative log-likelihood of counts under Poisson distributions, given the logarithms of their means.

    log_input=False: given the means. full: with Stirling's approximation of what does not depend on the input.

    >>> import autodiff as ad
    >>> PoissonNLLLoss()(ad.zeros(2), ad.tensor([0.0, 3.0])).item()
    1.0
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Any) -> Tensor:
        return functional.poisson_nll_loss(
            log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """The negative log-likelihood of targets under normal distributions, given means and variances.

    A variance below eps counts as eps. full: with the constant.

    >>> import autodiff as ad
    >>> GaussianNLLLoss()(ad.zeros(2), ad.tensor([1.0, 3.0]), ad.ones(2)).item()
    2.5
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Any, var: Any) -> Tensor:
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
