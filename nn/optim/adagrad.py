"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Array, Buffer, Flat, Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update


def adagrad(p: Any, g: Any, total: Any, rate: Any, eps: Any, decay: Any) -> tuple[Any, Any]:
    """Return a parameter and the sum of its squared gradients after a step; what is None is left out."""
    if decay is not None:
        g = g + p * decay
    total = total + g * g
    return p - g / (np.sqrt(total) + eps) * rate, total


@compiled.exact(adagrad)
def _adagrad(p: Any, g: Any, total: Any, rate: Any, eps: Any, decay: Any) -> None:
    for i in range(p.size):
        p[i], total[i] = adagrad(p[i], g[i], total[i], rate, eps, decay)


@update(adagrad, _adagrad)
def adagrad_(flat: Flat, grads: list[Array], totals: Buffer, rate: Any, eps: Any, decay: Any) -> None:
    """Take the step of `adagrad` in place."""
    scratch = flat.scratch(0)
    whole, total = scratch.whole, totals.whole
    gs = flat.directions(grads, decay)
    for g, s in zip(gs, scratch.beside(gs), strict=True):
        np.multiply(g, g, out=s)
    np.add(total, whole, out=total)
    np.sqrt(total, out=whole)
    np.add(whole, eps, out=whole)
    for g, s in zip(gs, scratch.beside(gs), strict=True):
        np.divide(g, s, out=s)
    np.multiply(whole, rate, out=whole)
    for p, s in flat.pairs(scratch):
        np.subtract(p, s, out=p)


class Adagrad(Optimizer):
    """Gradients over the root of the sum of their squares (Duchi et al., 2011).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Adagrad([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()  # the first step has the length of the learning rate
    [2.5]
    """

    _kernel = staticmethod(adagrad_)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        switches(foreach, fused, differentiable=differentiable)
        start = initial_accumulator_value
        non_negative(
            lr=float(lr), lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=start, eps=eps
        )
        settings = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "initial_accumulator_value": start, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return ("sum",)

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        return lr / (1 + (step - 1) * group["lr_decay"]), group["eps"], group["weight_decay"] or None

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        return group["initial_accumulator_value"]
