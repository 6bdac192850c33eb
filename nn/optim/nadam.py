"""NAdam."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, averaging, decays, non_negative, switches, update
from nn.optim.passes import passes


def nadam(
    p: Any, g: Any, m: Any, v: Any,
    now: Any, past: Any, floor: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, decay: Any, shrink: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return a parameter and its moments after a step: `now` weighs the gradient, `past` its mean; None is left out."""
    if shrink is not None:
        p = p * shrink
    if decay is not None:
        g = g + p * decay
    m = m * keep1 + g * take1
    v = v * keep2 + g * g * take2
    return p - (g * now + m * past) / (np.sqrt(v) + floor), m, v


@compiled.exact(nadam)
def _nadam(
    p: Any, g: Any, m: Any, v: Any,
    now: Any, past: Any, floor: Any, keep1: Any, take1: Any, keep2: Any, take2: Any, decay: Any, shrink: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], m[i], v[i] = nadam(
            p[i], g[i], m[i], v[i], now, past, floor, keep1, take1, keep2, take2, decay, shrink
        )  # fmt: skip


class NAdam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ).

    The momentum grows with the steps: beta1 * (1 - 0.96**(step * momentum_decay) / 2).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = NAdam([x], lr=0.5, betas=(0.5, 0.5))
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> round(x.item(), 3)
    2.433
    """

    _kernel, _scalars = staticmethod(update(nadam, _nadam)(passes(nadam))), ("mu_product",)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        settings = {"lr": lr, "betas": averaging(betas), "eps": eps, "weight_decay": weight_decay}
        settings |= {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, {**settings, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return "exp_avg", "exp_avg_sq"

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        return 1 if name == "mu_product" else 0

    def _momentum(self, group: Group, step: Any) -> Any:
        return group["betas"][0] * (1 - 0.5 * np.power(0.96, step * group["momentum_decay"]))

    def _numbers(self, group: Group, step: Any, lr: Any, *scalars: Any) -> tuple[Any, ...]:
        beta1, beta2 = group["betas"]
        root = np.sqrt(1 - np.power(beta2, step))
        mu, ahead = self._momentum(group, step), self._momentum(group, step + 1)
        product = scalars[0] * mu
        now, past = lr * (1 - mu) / (1 - product) * root, lr * ahead / (1 - product * ahead) * root
        return now, past, group["eps"] * root, beta1, 1 - beta1, beta2, 1 - beta2, *decays(group, lr)

    def _advance(self, group: Group, step: Any, lr: Any, *scalars: Any) -> tuple[Any, ...]:
        return (scalars[0] * self._momentum(group, step),)
