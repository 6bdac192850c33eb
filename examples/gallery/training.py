"""A training step: forward, backward and the optimizer's update."""

from __future__ import annotations

import autodiff as ad
import nn
from autodiff.graph.record import Graph
from nn import optim


def training_step() -> Graph:
    """One training step of a multilayer perceptron.

    Forward runs down, the reverse pass comes up beside it, and the optimizer's updates stand at the side. Dashed edges
    are the forward values that a backward rule uses: what the step keeps in memory.
    """
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    criterion, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters())

    def step(x: ad.Tensor, y: ad.Tensor) -> ad.Tensor:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return ad.draw(step, ad.rand(8, 64), ad.arange(8))


def cotangents() -> Graph:
    """The reverse pass beside the forward pass.

    `backward=True` sends a gradient back through a module that was only called, and puts every cotangent beside the
    value it belongs to.
    """
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    return ad.draw(model, ad.rand(2, 4), backward=True, show=("shapes", "rules"))
