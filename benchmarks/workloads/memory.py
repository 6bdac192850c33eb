"""What a sweep holds on to: a 50-layer, 512-wide MLP on a batch of 512, float32."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines import OURS
from benchmarks.row import Once, Row
from benchmarks.steps import resident

DEPTH, WIDTH, BATCH, STEPS = 50, 512, 512, 5


def batch() -> np.ndarray:
    """The inputs."""
    return np.random.default_rng(0).standard_normal((BATCH, WIDTH), np.float32)


def network(nn: Any, tensor: Callable[[np.ndarray], Any]) -> Any:
    """The model, in any library that speaks torch.nn, with weights that keep values and gradients alive."""
    model = nn.Sequential(*(part for _ in range(DEPTH) for part in (nn.Linear(WIDTH, WIDTH), nn.ReLU())))
    rng = np.random.default_rng(1)
    scale = np.float32((2 / WIDTH) ** 0.5)
    for parameter in model.parameters():
        parameter.data = tensor(scale * rng.standard_normal(parameter.shape, np.float32))
    return model


def forward(model: Any, inputs: Any) -> Any:
    """The mean square of the outputs."""
    outputs = model(inputs)
    return (outputs * outputs).mean()


def peak(nn: Any, tensor: Callable[[np.ndarray], Any]) -> Once:
    """High-water mark over the steps, above what was resident after imports and a first small step, in MiB."""
    inputs = tensor(batch())
    forward(nn.Linear(WIDTH, 1), inputs).backward()
    at_rest = resident("VmRSS")
    model = network(nn, tensor)

    def measurement() -> float:
        for _ in range(STEPS):
            model.zero_grad()
            forward(model, inputs).backward()
        return resident("VmHWM") - at_rest

    return Once(measurement, lambda: [next(iter(model.parameters())).grad])


def ndtape() -> Once:
    """Our engine."""
    import autodiff as ad
    import nn

    return peak(nn, ad.as_tensor)


def torch() -> Once:
    """PyTorch, eager."""
    import torch

    return peak(torch.nn, torch.from_numpy)


def halfway() -> Once:
    """Bytes alive when half of the layers are swept over those at the start, parameter gradients not counted."""
    import autodiff as ad
    import nn

    model, inputs = network(nn, ad.as_tensor), ad.as_tensor(batch())
    swept = list(model)[DEPTH:]
    gradients = sum(p.data.nbytes for layer in swept for p in layer.parameters())

    def measurement() -> float:
        middle = []
        tracemalloc.start()
        h = inputs
        for layer in model:
            h = layer(h)
            if layer is swept[0]:
                h.register_hook(lambda _: middle.append(tracemalloc.get_traced_memory()[0] - gradients))
        loss = (h * h).mean()
        del h
        start, _ = tracemalloc.get_traced_memory()
        loss.backward()
        return middle[0] / start

    return Once(measurement)


def dropped() -> Once:
    """Bytes that outlive a dropped graph over those it held, with the garbage collector off."""
    import autodiff as ad
    import nn

    model, inputs = network(nn, ad.as_tensor), ad.as_tensor(batch())

    def measurement() -> float:
        gc.disable()
        tracemalloc.start()
        loss = forward(model, inputs)
        held, _ = tracemalloc.get_traced_memory()
        del loss
        kept, _ = tracemalloc.get_traced_memory()
        return kept / held

    return Once(measurement)


ROWS = (
    Row(
        "peak of five steps",
        "MiB",
        {OURS: ndtape, "torch": torch},
        limits={"torch": 1.0},
        fresh=True,
        rtol=0.05,  # fifty layers amplify rounding
    ),
    Row("alive halfway through the sweep", "of the start", {OURS: halfway}, limits={OURS: 0.6}, fresh=True),
    Row("left of a dropped graph, collector off", "of the graph", {OURS: dropped}, limits={OURS: 0.001}, fresh=True),
)
