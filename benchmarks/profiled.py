"""What a profile says beside the truth: the sum of its operations' times over that of the same steps untraced.

`python -m benchmarks.profiled` runs training steps of a few models in turn, untraced and profiled, and prints medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import autodiff as ad
import nn
from benchmarks.report import aligned


def perceptron() -> tuple[nn.Module, Any, Any]:
    """Three layers, 128 rows."""
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return model, ad.rand(128, 784), np.arange(128) % 10


def convolutions() -> tuple[nn.Module, Any, Any]:
    """Two convolutions, 32 images."""
    first = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    second = [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Linear(64 * 256, 10)), ad.rand(32, 3, 32, 32), np.arange(32) % 10


def attention() -> tuple[nn.Module, Any, Any]:
    """Two blocks of a Transformer, 16 sequences of 64."""
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True), 2)
    model = nn.Sequential(layers, nn.Flatten(), nn.Linear(64 * 128, 10))
    return model, ad.rand(16, 64, 128), np.arange(16) % 10


MODELS: dict[str, Callable[[], tuple[nn.Module, Any, Any]]] = {
    "perceptron": perceptron,
    "convolutions": convolutions,
    "attention": attention,
}


def measured(name: str, rounds: int) -> tuple[str, ...]:
    """Return a row: the untraced step, the profiled one, the sum of its operations and its share of the first."""
    ad.manual_seed(0)
    model, x, target = MODELS[name]()
    optimizer, criterion = nn.optim.SGD(model.parameters(), 0.01), nn.CrossEntropyLoss()

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    profiled = ad.profile(step)
    plain, walls, sums, operations = [], [], [], 0
    for n in range(rounds + 2):
        began = time.perf_counter()
        step(x)
        took = time.perf_counter() - began
        profile = profiled(x)
        if n >= 2:  # the first two make room
            plain.append(took)
            walls.append(profile.wall)
            sums.append(profile.seconds)
            operations = len(profile.graph.ops)
    share = median(s / p for s, p in zip(sums, plain, strict=True))
    times = (f"{median(t) * 1e3:.2f} ms" for t in (plain, walls, sums))
    return (name, str(operations), *times, f"{100 * share:.0f} %")


def main() -> None:
    """Measure all models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiled", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="steps of each kind (default: %(default)s)")
    rounds = parser.parse_args().rounds
    heads = ("training step", "operations", "untraced", "profiled", "sum of operations", "of untraced")
    print(aligned([heads, *(measured(name, rounds) for name in MODELS)]))


if __name__ == "__main__":
    main()
