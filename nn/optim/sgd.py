"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Array, Buffer, Flat, Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update


def sgd(p: Any, g: Any, buffer: Any, lr: Any, momentum: Any, fresh: Any, decay: Any, nesterov: Any) -> tuple[Any, Any]:
    """Return a parameter and its momentum buffer after a step; what is None is left out."""
    if decay is not None:
        g = g + p * decay
    if buffer is not None:
        buffer = buffer * momentum + (g if fresh is None else g * fresh)
        g = g + buffer * momentum if nesterov else buffer
    return p - g * lr, buffer


@compiled.exact(sgd)
def _sgd(
    p: Any, g: Any, buffer: Any, lr: Any, momentum: Any, fresh: Any, decay: Any, nesterov: Any
) -> None:  # fmt: skip
    for i in range(p.size):
        if buffer is None:
            p[i], _ = sgd(p[i], g[i], None, lr, momentum, fresh, decay, nesterov)
        else:
            p[i], buffer[i] = sgd(p[i], g[i], buffer[i], lr, momentum, fresh, decay, nesterov)


@update(sgd, _sgd, passes=3)
def sgd_(
    flat: Flat, grads: list[Array], buffer: Buffer | None, lr: Any, momentum: Any, fresh: Any, decay: Any, nesterov: Any
) -> None:
    """Take the step of `sgd` in place."""
    hs, scratch = flat.directions(grads, decay), flat.scratch(0)
    if buffer is None:
        for h, s in zip(hs, scratch.beside(hs), strict=True):
            np.multiply(h, lr, out=s)
    else:
        b, s = buffer.whole, scratch.whole
        np.multiply(b, momentum, out=b)
        for h, s, b in zip(hs, scratch.beside(hs), buffer.beside(hs), strict=True):
            np.add(b, h if fresh is None else np.multiply(h, fresh, out=s), out=b)
        b, s = buffer.whole, scratch.whole
        if nesterov:
            np.multiply(b, momentum, out=s)
            for h, s in zip(hs, scratch.beside(hs), strict=True):
                np.add(s, h, out=s)
            b = s = scratch.whole
        np.multiply(b, lr, out=s)
    for p, s in flat.pairs(scratch):
        np.subtract(p, s, out=p)


class SGD(Optimizer):
    """Gradient descent with momentum (Sutskever et al., 2013), PyTorch's form: the learning rate multiplies last.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = SGD([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()
    [0.0]
    """

    _kernel, _counts, _real = staticmethod(sgd_), False, False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        switches(foreach, fused, differentiable=differentiable)
        non_negative(lr=float(lr), momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        return ("momentum_buffer" if group["momentum"] else None,)

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        momentum, fresh = group["momentum"] or None, 1 - group["dampening"] if group["dampening"] else None
        return lr, momentum, fresh, group["weight_decay"] or None, bool(group["nesterov"])

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        if not group["dampening"]:
            return 0
        # momentum * buffer + (1 - dampening) * g is then g: the first gradient counts fully
        g = p.grad.data if not group["maximize"] else -p.grad.data  # type: ignore[union-attr]
        return (g + group["weight_decay"] * p.data) * (group["dampening"] / group["momentum"])
