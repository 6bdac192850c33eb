"""Networks that look at images."""

from __future__ import annotations

import autodiff as ad
import nn
from autodiff.graph.record import Graph
from nn import models


def lenet() -> Graph:
    """LeNet-5: one operation a box, its module's name around it, with shapes and parameters."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )
    return ad.draw(model, ad.rand(1, 1, 28, 28), depth=None)


def resnet18() -> dict[str, Graph]:
    """ResNet-18 at three depths: its stages, its blocks with repeats folded, and every layer."""
    model = models.resnet18().eval()
    graph = ad.draw(model, ad.rand(1, 3, 64, 64))
    return {
        "resnet18-stages": graph.with_look(depth=1),
        "resnet18-blocks": graph.with_look(depth=2),
        "resnet18-layers": graph.with_look(depth=3, fold_repeats=False),
    }
