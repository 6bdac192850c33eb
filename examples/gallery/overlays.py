"""What a step costs, drawn over its picture."""

from __future__ import annotations

import autodiff as ad
import nn
from autodiff.graph.record import Graph


def memory() -> Graph:
    """What each operation keeps in memory for the backward pass, the peak, and where a checkpoint would pay."""
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    return ad.draw(model, ad.rand(8, 3, 32, 32), overlay="memory")


def time() -> Graph:
    """Where the time goes, measured."""
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 16 * 16, 10),
    )
    return ad.profile(model)(ad.rand(8, 3, 32, 32)).draw()
