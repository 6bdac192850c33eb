"""Pictures that find a mistake."""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn
from autodiff.graph.explaining.explanation import Explanation
from autodiff.graph.record import Graph


def nan_hunt() -> Explanation:
    """A hunt for the NaN.

    A softmax written out overflows. `ad.explain` finds where the NaN begins; in the picture every array shows its
    spread and a histogram, and what is infinite or not a number is red.
    """
    layer = nn.Linear(4, 3)

    def loss(x: ad.Tensor, target: ad.Tensor) -> ad.Tensor:
        scores = layer(x)
        e = np.exp(scores)
        p = e / e.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(2), target]).mean()

    x = ad.tensor([[1.0, -1.0, 0.5, 2.0], [1e3, 2e3, 5e2, 1e3]])
    with np.errstate(all="ignore"):
        graph = ad.draw(loss, x, ad.tensor([0, 2]), show=("shapes", "values"))
    return ad.explain(layer.weight, graph)


def failure() -> Graph:
    """The graph of a program that raised, up to the operation that did."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow = nn.Linear(8, 6)

        def forward(self, x: ad.Tensor) -> ad.Tensor:
            return x + np.tanh(self.narrow(x))

    try:
        ad.draw(Residual(), ad.rand(2, 8))
    except ValueError as error:
        graph = error.graph
    return graph


def dead_unit() -> Explanation:
    """Why a gradient is zero.

    `ad.explain` follows the paths from the loss to a parameter and names the first thing that blocks them.
    """
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    with ad.no_grad():
        model[0].bias.fill_(-10.0)
    loss = (model(ad.rand(8, 4)) ** 2).mean()
    return ad.explain(model[0].weight, loss)


def difference() -> Graph:
    """What changed between two versions of a model."""
    before = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 2))
    after = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))
    x = ad.rand(4, 8)
    return ad.graph_diff(ad.trace(before)(x), ad.trace(after)(x))


def inside() -> dict[str, Graph]:
    """A fused operation, and what is inside.

    The loss is one kernel; `expand` opens it into the formula it computes.
    """
    loss = nn.CrossEntropyLoss()
    graph = ad.draw(loss, ad.rand(4, 3, requires_grad=True), ad.tensor([0, 2, 1, 0]))
    return {"fused": graph, "expanded": graph.with_look(expand=("softmax_nll", "cross_entropy"))}
