"""ASGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update
from nn.optim.passes import passes


def asgd(
    p: Any, g: Any, mean: Any, eta: Any, shrink: Any, keep: Any, take: Any, decay: Any
) -> tuple[Any, Any]:  # fmt: skip
    """Return a parameter and its average after a step; no decay is None."""
    if decay is not None:
        g = g + p * decay
    p = p * shrink - g * eta
    return p, mean * keep + p * take


@compiled.exact(asgd)
def _asgd(
    p: Any, g: Any, mean: Any, eta: Any, shrink: Any, keep: Any, take: Any, decay: Any
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], mean[i] = asgd(p[i], g[i], mean[i], eta, shrink, keep, take, decay)


class ASGD(Optimizer):
    """Gradient descent that averages the parameters in its state `ax` (Polyak & Juditsky, 1992).

    From step t0 on `ax` is their mean; before, it is a copy. The rate falls as lr / (1 + lambd * lr * step)**alpha, and
    `lambd` pulls the parameters to 0.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = ASGD([x], lr=0.25, lambd=0.0)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist(), optimizer.state[x]["ax"].tolist()
    ([1.5], [1.5])
    """

    _kernel, _scalars = staticmethod(update(asgd, _asgd)(passes(asgd))), ("eta", "mu")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), weight_decay=weight_decay)
        settings = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return ("ax",)

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        return {"eta": float(group["lr"]), "mu": 1}.get(name, 0)

    def _numbers(self, group: Group, step: Any, lr: Any, *scalars: Any) -> tuple[Any, ...]:
        eta, mu = scalars
        return eta, 1 - group["lambd"] * eta, 1 - mu, mu, group["weight_decay"] or None

    def _advance(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        eta = lr / np.power(1 + group["lambd"] * lr * step, group["alpha"])
        return eta, 1 / np.maximum(1.0, step - group["t0"])
