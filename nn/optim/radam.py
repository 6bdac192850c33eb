"""RAdam."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, averaging, decays, non_negative, switches, update
from nn.optim.passes import passes


def radam(
    p: Any, g: Any, m: Any, v: Any,
    rate: Any, part: Any, floor: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, decay: Any, shrink: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return a parameter and its moments after a step; part 0 and floor 1 leave out the root, None is left out."""
    if shrink is not None:
        p = p * shrink
    if decay is not None:
        g = g + p * decay
    m = m * keep1 + g * take1
    v = v * keep2 + g * g * take2
    return p - m / (np.sqrt(v) * part + floor) * rate, m, v


@compiled.exact(radam)
def _radam(
    p: Any, g: Any, m: Any, v: Any,
    rate: Any, part: Any, floor: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, decay: Any, shrink: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], m[i], v[i] = radam(
            p[i], g[i], m[i], v[i], rate, part, floor, keep1, take1, keep2, take2, decay, shrink
        )  # fmt: skip


class RAdam(Optimizer):
    """Adam that trusts its root mean square by how many gradients it has seen (Liu et al., 2020).

    See https://arxiv.org/abs/1908.03265. While it has seen too few, a step is that of momentum alone.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = RAdam([x], lr=0.125)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> round(x.item(), 5)
    2.25
    """

    _kernel = staticmethod(update(radam, _radam)(passes(radam)))

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), eps=eps, weight_decay=weight_decay)
        settings = {"lr": lr, "betas": averaging(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return "exp_avg", "exp_avg_sq"

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        beta1, beta2 = group["betas"]
        left = np.power(beta2, step)
        rate, most = lr / (1 - np.power(beta1, step)), 2 / (1 - beta2) - 1
        length = most - 2 * step * left / (1 - left)  # of the moving average, in gradients
        trusted = length > 5
        sure = np.where(trusted, length, 6.0)
        variance = (sure - 4) * (sure - 2) * most / np.where(trusted, (most - 4) * (most - 2) * sure, 1.0)
        rate = np.where(trusted, rate * np.sqrt(np.where(trusted, variance * (1 - left), 1.0)), rate)
        part, floor = np.where(trusted, 1.0, 0.0), np.where(trusted, group["eps"], 1.0)
        return rate, part, floor, beta1, 1 - beta1, beta2, 1 - beta2, *decays(group, lr)
