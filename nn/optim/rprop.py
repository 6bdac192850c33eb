"""Rprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update
from nn.optim.passes import passes


def rprop(
    p: Any, g: Any, before: Any, size: Any,
    one: Any, half: Any, grow: Any, shrink: Any, least: Any, most: Any, limit: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return a parameter, the gradient that counts and the size of its step after a step.

    Twice `grow` is added to the factor 1 of the size where the sign is kept, twice `shrink` where it has changed.
    """
    g = np.minimum(np.maximum(g, -limit), limit)  # an infinite one that does not count would be 0 * inf
    sign = np.sign(g * before)
    changed = np.abs(sign) - sign
    size = size * (one + (np.abs(sign) + sign) * grow + changed * shrink)
    size = np.minimum(np.maximum(size, least), most)
    g = g * (one - changed * half)
    return p - np.sign(g) * size, g, size


@compiled.exact(rprop)
def _rprop(
    p: Any, g: Any, before: Any, size: Any,
    one: Any, half: Any, grow: Any, shrink: Any, least: Any, most: Any, limit: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        p[i], before[i], size[i] = rprop(
            p[i], g[i], before[i], size[i], one, half, grow, shrink, least, most, limit
        )  # fmt: skip


class Rprop(Optimizer):
    """Steps whose size follows from the signs of the gradients alone (Riedmiller & Braun, 1993).

    A size grows by the second of the `etas` while the sign stays; where it changes, the size falls by the first and the
    gradient does not count. `step_sizes` bound it.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Rprop([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()
    [2.5]
    """

    _kernel = staticmethod(update(rprop, _rprop, passes=18)(passes(rprop)))

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr))
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}, expected 0 < etas[0] < 1 < etas[1]")
        settings = {"lr": lr, "etas": tuple(etas), "step_sizes": tuple(step_sizes), "maximize": maximize}
        super().__init__(params, settings)

    def _names(self, group: Group) -> Names:
        return "prev", "step_size"

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        return float(group["lr"]) if name == "step_size" else 0

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        down, up = group["etas"]
        limit = 1e38  # within float32
        return 1.0, 0.5, (up - 1) / 2, (down - 1) / 2, *group["step_sizes"], limit
