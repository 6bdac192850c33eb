"""What a workload file declares: rows of the table, each the same work in several engines."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

STEPS = ("digits", "mlp", "lenet", "resnet", "lstm", "gpt")
WORKLOADS = (
    "chain",
    "moons",
    *STEPS,
    "hessian",
    "mixture",
    "attention",
    "convolution",
    "elementwise",
    "optimizers",
    "einsum",
    "directions",
    "peaks",
    "memory",
    "growth",
    "imports",
    "tracing",
    "spine",
)


class Work(Protocol):
    """One engine's side of a row, set up and ready."""

    def measure(self, seconds: float) -> float:
        """Measure once, spending about `seconds` where repetition helps; in the row's unit."""

    def result(self) -> list[Any]:
        """Do the work once; the arrays that every engine must agree on."""


@dataclass(frozen=True)
class Row:
    """The same work in several engines.

    `limits` holds the ratio asked for of ours to a peer, by peer, or to the fastest eager one; under this engine's own
    name it bounds the value itself. `without_onednn` holds what is asked of one that lacks it, where that differs.
    `flops` and `moved` (bytes) are what the work cannot do without; `product` is the shape (m, k, n) of its main
    matrix product. `axis` names a series of rows and this row's place in it. A `fresh` row measures once per process,
    so each round starts new ones. `absent` says why a peer is not among the engines.
    """

    name: str
    unit: str
    engines: Mapping[str, Callable[[], Work]]
    limits: Mapping[str, float] = field(default_factory=dict)
    without_onednn: Mapping[str, float] = field(default_factory=dict)
    fresh: bool = False
    rtol: float = 1e-4
    flops: float = 0.0
    moved: float = 0.0
    product: tuple[int, int, int] | None = None
    axis: tuple[str, float] | None = None
    rounds: int = 25
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Timed:
    """Work measured by the clock: `step` is timed, `arrays` reads what it left. In us per operation."""

    step: Callable[[], object]
    arrays: Callable[[], Iterable[Any]]
    operations: int = 1

    def measure(self, seconds: float) -> float:
        """Time the median step of a loop of about `seconds`: one that another process disturbed does not count."""
        start = now = time.perf_counter()
        steps: list[float] = []
        while not steps or now - start < seconds:
            before = now
            self.step()
            now = time.perf_counter()
            steps.append(now - before)
        return statistics.median(steps) / self.operations * 1e6

    def result(self) -> list[Any]:
        """Step once, then read."""
        self.step()
        return list(self.arrays())


@dataclass(frozen=True)
class Once:
    """Work that reports its own figure and can do so once per process."""

    measurement: Callable[[], float]
    arrays: Callable[[], Iterable[Any]] = tuple

    def measure(self, seconds: float) -> float:
        """Take the measurement."""
        return self.measurement()

    def result(self) -> list[Any]:
        """Read what the measurement left."""
        return list(self.arrays())


def load(workload: str) -> ModuleType:
    """Import a workload's file; its docstring says what is measured, its ROWS are the table's.

    SUMMARIES, where it has them, bound a figure of all of its rows: see benchmarks.report.
    """
    return importlib.import_module(f"benchmarks.workloads.{workload}")
