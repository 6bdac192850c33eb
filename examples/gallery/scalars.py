"""Numbers: every value and every gradient can be read off."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from autodiff.graph.record import Graph


def neuron() -> Graph:
    """A neuron in numbers.

    Every node of a scalar expression shows its value and its gradient, whether or not `backward()` has run.
    """

    def scalar(value: float, name: str) -> ad.Tensor:
        x = ad.tensor(value, requires_grad=True)
        x.name = name
        return x

    x1, x2 = scalar(2.0, "x1"), scalar(0.0, "x2")
    w1, w2, b = scalar(-3.0, "w1"), scalar(1.0, "w2"), scalar(6.8814, "b")
    y = np.tanh(x1 * w1 + x2 * w2 + b)
    y.name = "y"
    return ad.draw(y, direction="right")


def orders() -> Graph:
    """A Hessian-vector product, by order of derivative.

    `create_graph=True` makes the reverse sweep itself part of the graph, so that it can be differentiated again. Each
    order has a colour: the function, its gradient, and the gradient of the gradient times `v`.
    """

    def hessian_times(x: ad.Tensor, v: ad.Tensor) -> ad.Tensor:
        y = np.sin(x).sum()
        (g,) = ad.grad(y, x, create_graph=True)
        (hv,) = ad.grad((g * v).sum(), x)
        return hv

    x, v = ad.tensor([0.5, 1.0, 2.0], requires_grad=True), ad.tensor([1.0, 0.0, 0.0])
    return ad.draw(hessian_times, x, v, orders=True)


def themes() -> dict[str, Graph]:
    """Three themes: for light pages, for dark ones, and for paper without colour."""
    x = ad.tensor(0.5, requires_grad=True)
    x.name = "x"
    graph = ad.draw(np.exp(-x * x), direction="right")
    return {f"theme-{theme}": graph.with_look(theme=theme) for theme in ("light", "dark", "paper")}
