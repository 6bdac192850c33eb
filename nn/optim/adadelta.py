"""Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update
from nn.optim.passes import passes


def adadelta(
    p: Any, g: Any, square: Any, moved: Any, lr: Any, keep: Any, take: Any, eps: Any, decay: Any
) -> tuple[Any, Any, Any]:
    """Return a parameter and the mean squares of gradients and of changes after a step; no decay is None."""
    if decay is not None:
        g = g + p * decay
    square = square * keep + g * g * take
    change = np.sqrt(moved + eps) / np.sqrt(square + eps) * g
    moved = moved * keep + change * change * take
    return p - change * lr, square, moved


@compiled.exact(adadelta)
def _adadelta(
    p: Any, g: Any, square: Any, moved: Any, lr: Any, keep: Any, take: Any, eps: Any, decay: Any
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], square[i], moved[i] = adadelta(p[i], g[i], square[i], moved[i], lr, keep, take, eps, decay)


class Adadelta(Optimizer):
    """Steps as large as those before, in the units of the parameter (Zeiler, 2012, https://arxiv.org/abs/1212.5701).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Adadelta([x], rho=0.75, eps=0.25)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> round(x.item(), 3)  # 3 - 6 * sqrt(0.25 / (0.25 * 6**2 + 0.25))
    2.014
    """

    _kernel = staticmethod(update(adadelta, _adadelta)(passes(adadelta)))

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}, expected 0 <= rho <= 1")
        settings = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def _names(self, group: Group) -> Names:
        return "square_avg", "acc_delta"

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        return lr, group["rho"], 1 - group["rho"], group["eps"], group["weight_decay"] or None
