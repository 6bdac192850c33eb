"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.tensor import on_values
from nn.optim.optimizer import Group, Optimizer, non_negative


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

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=float(lr), momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize})

    def _update(self, group: Group) -> None:
        hyper = {name: group[name] for name in ("momentum", "dampening", "weight_decay", "nesterov")}
        update = partial(_sgd, sign=-1.0 if group["maximize"] else 1.0, **hyper)
        lr = self._learning_rate(group)
        for p in group["params"]:
            if p.grad is not None:
                on_values(update, p, p.grad, lr, self._workspace(p), *self._momentum_buffer(p, p.grad, group))

    def _momentum_buffer(self, p: Tensor, g: Tensor, group: Group) -> list[Tensor]:
        """Return p's buffer in a list, which is empty without momentum."""
        if group["momentum"] == 0:
            return []
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = buffer = self._zeros(p, "momentum_buffer")
            if group["dampening"]:  # momentum * buffer + (1 - dampening) * g is then g: the first gradient counts fully
                ascent = -g.data if group["maximize"] else g.data
                buffer.data[...] = (ascent + group["weight_decay"] * p.data) * (group["dampening"] / group["momentum"])
        return [state["momentum_buffer"]]


def _sgd(
    p: Any,
    g: Any,
    lr: Any,
    s: Any,
    *buffers: Any,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    sign: float,
) -> None:
    """Change p by -lr * its direction; s is scratch, and the momentum buffer is missing where momentum is 0."""

    def descend(direction: Any, rate: Any) -> None:
        np.multiply(direction, rate, out=s)
        np.subtract(p, s, out=p)

    lr = lr.astype(s.dtype)
    if g.dtype != s.dtype:
        g = g.astype(s.dtype)  # float16 would lose small products
    if weight_decay:
        np.multiply(p, sign * weight_decay, out=s)
        g = np.add(s, g, out=s)
    if not buffers:
        descend(g, sign * lr)
        return
    (buffer,) = buffers
    np.multiply(g, sign * (1 - dampening), out=s)
    np.multiply(buffer, momentum, out=buffer)
    np.add(buffer, s, out=buffer)
    if nesterov:
        descend(s, lr)
        descend(buffer, lr * momentum)
    else:
        descend(buffer, lr)
