"""What a call costs, drawn over its picture."""

from __future__ import annotations

import autodiff as ad
from autodiff.graph.record import Graph
from nn import models


def memory() -> Graph:
    """Memory: what the backward pass will need, the peak, and where a checkpoint pays.

    `overlay="memory"` colours every box by the bytes that it keeps alive until the backward pass comes.
    """
    model = models.resnet18(num_classes=10, width=16)
    return ad.draw(model, ad.rand(8, 3, 32, 32), depth=2, overlay="memory")


def time() -> Graph:
    """Time: a profiled run.

    `ad.profile(f)(*args)` measures each operation; its picture is coloured by their time.
    """
    model = models.resnet18(num_classes=10, width=16)
    return ad.profile(model, warmup=1)(ad.rand(8, 3, 32, 32)).draw(depth=2)
