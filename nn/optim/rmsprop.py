"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.kernels import compiled
from nn.optim.flat import Array, Buffer, Flat, Names
from nn.optim.optimizer import Group, Optimizer, Params, non_negative, switches, update


def rmsprop(
    p: Any, g: Any, square: Any, buffer: Any, mean: Any,
    lr: Any, keep: Any, take: Any, eps: Any, momentum: Any, decay: Any,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Return a parameter and its averages after a step; what is None is left out."""
    if decay is not None:
        g = g + p * decay
    square = square * keep + g * g * take
    spread = square
    if mean is not None:
        mean = mean * keep + g * take
        spread = square - mean * mean
    g = g / (np.sqrt(spread) + eps)
    if buffer is not None:
        buffer = buffer * momentum + g
        g = buffer
    return p - g * lr, square, buffer, mean


@compiled.exact(rmsprop)
def _rmsprop(
    p: Any, g: Any, square: Any, buffer: Any, mean: Any,
    lr: Any, keep: Any, take: Any, eps: Any, momentum: Any, decay: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        if buffer is None:
            if mean is None:
                p[i], square[i], _, _ = rmsprop(
                    p[i], g[i], square[i], None, None, lr, keep, take, eps, momentum, decay
                )  # fmt: skip
            else:
                p[i], square[i], _, mean[i] = rmsprop(
                    p[i], g[i], square[i], None, mean[i], lr, keep, take, eps, momentum, decay
                )
        elif mean is None:
            p[i], square[i], buffer[i], _ = rmsprop(
                p[i], g[i], square[i], buffer[i], None, lr, keep, take, eps, momentum, decay
            )
        else:
            p[i], square[i], buffer[i], mean[i] = rmsprop(
                p[i], g[i], square[i], buffer[i], mean[i], lr, keep, take, eps, momentum, decay
            )


@update(rmsprop, _rmsprop)
def rmsprop_(
    flat: Flat, grads: list[Array], squares: Buffer, moving: Buffer | None, means: Buffer | None,
    lr: Any, keep: Any, take: Any, eps: Any, momentum: Any, decay: Any,
) -> None:  # fmt: skip
    """Take the step of `rmsprop` in place."""
    scratch = flat.scratch(0)
    whole, square = scratch.whole, squares.whole
    gs = flat.directions(grads, decay)
    ss = scratch.beside(gs)
    for g, s in zip(gs, ss, strict=True):
        np.multiply(g, g, out=s)
    np.multiply(whole, take, out=whole)
    np.multiply(square, keep, out=square)
    np.add(square, whole, out=square)
    if means is not None:
        mean = means.whole
        for g, s in zip(gs, ss, strict=True):
            np.multiply(g, take, out=s)
        np.multiply(mean, keep, out=mean)
        np.add(mean, whole, out=mean)
        np.multiply(mean, mean, out=whole)
        square = np.subtract(square, whole, out=whole)
    np.sqrt(square, out=whole)
    np.add(whole, eps, out=whole)
    for g, s in zip(gs, ss, strict=True):
        np.divide(g, s, out=s)
    if moving is not None:
        buffer = moving.whole
        np.multiply(buffer, momentum, out=buffer)
        np.multiply(np.add(buffer, whole, out=buffer), lr, out=whole)
    else:
        np.multiply(whole, lr, out=whole)
    for p, s in flat.pairs(scratch):
        np.subtract(p, s, out=p)


class RMSprop(Optimizer):
    """Gradients over the root of their mean square (Hinton, 2012); `centered` takes their variance, as Graves (2013).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = RMSprop([x], lr=0.5, alpha=0.75)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()  # lr / sqrt(1 - alpha) further
    [2.0]
    """

    _kernel = staticmethod(rmsprop_)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        switches(foreach, capturable=capturable, differentiable=differentiable)
        non_negative(lr=float(lr), eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        settings = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "maximize": maximize})

    def _names(self, group: Group) -> Names:
        momentum, centered = group["momentum"], group["centered"]
        return "square_avg", "momentum_buffer" if momentum else None, "grad_avg" if centered else None

    def _numbers(self, group: Group, step: Any, lr: Any, *_: Any) -> tuple[Any, ...]:
        alpha = group["alpha"]
        return lr, alpha, 1 - alpha, group["eps"], group["momentum"] or None, group["weight_decay"] or None
