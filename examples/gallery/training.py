"""A training step: forward, backward and the optimizer's update."""

from __future__ import annotations

import numpy as np

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


def training_loop() -> Graph:
    """A loop of training, rolled up: each phase is drawn once, and the parameters go round.

    Gradient descent by hand, without an optimizer. The thick edge is what a round hands to the next, by its name in the
    program.
    """

    def descend(w: ad.Tensor, x: ad.Tensor, y: ad.Tensor) -> ad.Tensor:
        for _ in range(100):
            loss = np.mean((x @ w - y) ** 2)
            (g,) = ad.grad(loss, w)
            w = w - 0.1 * g
        return w

    return ad.draw(descend, ad.zeros(3, requires_grad=True), ad.rand(20, 3), ad.rand(20))


def cotangents() -> Graph:
    """The reverse pass beside the forward pass, with the rules that make it.

    `backward=True` runs the reverse pass of a function that was only called; every cotangent stands beside the value
    that it belongs to. `show=("rules",)` adds the line of the registry that each operation is differentiated by.
    """

    def waves(x: ad.Tensor) -> ad.Tensor:
        return np.sin(np.exp(-x))

    return ad.draw(waves, ad.tensor([-1.0, 0.0, 2.0], requires_grad=True), backward=True, show=("values", "rules"))
