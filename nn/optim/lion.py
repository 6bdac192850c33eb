"""Lion."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, averaging, non_negative, switches, update
from nn.optim.passes import passes


def lion(
    p: Any, g: Any, m: Any, lr: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, shrink: Any
) -> tuple[Any, Any]:
    """Return a parameter and its mean gradient after a step; no decay is None."""
    if shrink is not None:
        p = p * shrink
    return p - np.sign(m * keep1 + g * take1) * lr, m * keep2 + g * take2


@compiled.exact(lion)
def _lion(
    p: Any, g: Any, m: Any, lr: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, shrink: Any
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], m[i] = lion(p[i], g[i], m[i], lr, keep1, take1, keep2, take2, shrink)


class Lion(Optimizer):
    """The sign of a mean of gradients as the step (Chen et al., 2023, https://arxiv.org/abs/2302.06675).

    The first of the betas mixes the mean with the gradient for the step, the second for the mean itself. Weight decay
    is decoupled. A tenth of Adam's learning rate and ten times its weight decay is where to begin.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Lion([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()
    [2.5]
    """

    _kernel, _counts = staticmethod(update(lion, _lion)(passes(lion))), False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), weight_decay=weight_decay)
        settings = {"lr": lr, "betas": averaging(betas), "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def _names(self, group: Group) -> Names:
        return ("exp_avg",)

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        beta1, beta2 = group["betas"]
        decay = group["weight_decay"]
        return lr, beta1, 1 - beta1, beta2, 1 - beta2, 1 - lr * decay if decay else None
