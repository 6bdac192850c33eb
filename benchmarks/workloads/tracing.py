"""What a trace adds to a program, per operation: the traced run less the plain one, a chain of 4x4 arrays and layers.

A trace keeps a log; reading the log into a Graph, at the first look, has rows of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import autodiff as ad
import nn
from benchmarks.engines import OURS
from benchmarks.row import Once, Row
from benchmarks.workloads.chain import operands, operators


def chain() -> Callable[[], Any]:
    """100 operations, recorded."""
    x, a, b = (ad.tensor(values, requires_grad=True) for values in operands())
    return lambda: operators(x, a, b)


def layers() -> Callable[[], Any]:
    """80 layers, each an operation."""
    model = nn.Sequential(*(layer for _ in range(40) for layer in (nn.Linear(8, 8), nn.Tanh())))
    x = ad.ones(4, 8)
    return lambda: model(x)


def seconds(f: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def added(make: Callable[[], Callable[[], Any]], look: bool) -> Callable[[], float]:
    """Return what measures the us that a trace adds to an operation, with the first look at its graph or without."""

    def measurement() -> float:
        f = make()
        trace = ad.trace(f)
        count = len(trace().ops)
        differences = []
        for _ in range(200):
            traced = seconds(lambda: trace().ops) if look else seconds(trace)
            differences.append(traced - seconds(f))
        return median(differences) / count * 1e6

    return measurement


ROWS = [
    Row("a chain, traced", "us an op", {OURS: lambda: Once(added(chain, False))}, limits={OURS: 3.0}, fresh=True),
    Row("layers, traced", "us an op", {OURS: lambda: Once(added(layers, False))}, fresh=True),
    Row("a chain, traced and read", "us an op", {OURS: lambda: Once(added(chain, True))}, fresh=True),
    Row("layers, traced and read", "us an op", {OURS: lambda: Once(added(layers, True))}, fresh=True),
]
