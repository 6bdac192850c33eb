"""Adamax."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, averaging, non_negative, switches, update
from nn.optim.passes import passes


def adamax(
    p: Any, g: Any, m: Any, top: Any, rate: Any, keep1: Any, take1: Any, keep2: Any, eps: Any, decay: Any
) -> tuple[Any, Any, Any]:
    """Return a parameter, its mean gradient and the norm of its gradients after a step; no decay is None."""
    if decay is not None:
        g = g + p * decay
    m = m * keep1 + g * take1
    top = np.maximum(top * keep2, np.abs(g) + eps)
    return p - m / top * rate, m, top


@compiled.exact(adamax)
def _adamax(
    p: Any, g: Any, m: Any, top: Any, rate: Any, keep1: Any, take1: Any, keep2: Any, eps: Any, decay: Any
) -> None:
    for i in range(p.size):
        p[i], m[i], top[i] = adamax(p[i], g[i], m[i], top[i], rate, keep1, take1, keep2, eps, decay)


class Adamax(Optimizer):
    """Adam with the greatest of the decaying gradients in place of their root mean square (Kingma & Ba, 2015).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Adamax([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()  # the first step has the length of the learning rate
    [2.5]
    """

    _kernel = staticmethod(update(adamax, _adamax)(passes(adamax)))

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), eps=eps, weight_decay=weight_decay)
        settings = {"lr": lr, "betas": averaging(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return "exp_avg", "exp_inf"

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        beta1, beta2 = group["betas"]
        rate = lr / (1 - np.power(beta1, step))
        return rate, beta1, 1 - beta1, beta2, group["eps"], group["weight_decay"] or None
