"""Training steps as rows: the time of a step, and the peak of memory over five."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.byhand import training
from benchmarks.engines import BEST, COMPILED, EAGER, FLOOR, VARIANTS, engine
from benchmarks.engines.arrays import Arrays, Problem, moments
from benchmarks.row import Once, Row, Timed, Work

EVERYONE = (*EAGER, *COMPILED)


@dataclass(frozen=True)
class Step:
    """A training step in every engine, by `passes` in NumPy, and what it cannot do without.

    `layers` are the matrix products (m, k, n) of the forward pass; the first one's input needs no gradient unless it is
    `embedded`. `activations` counts the numbers that layers give each other.
    """

    name: str
    problem: Callable[[], Problem]
    passes: Callable[[Arrays, Arrays, Arrays], Any]
    layers: tuple[tuple[int, int, int], ...]
    activations: int
    limits: Mapping[str, float]
    without_onednn: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    rtol: float = 1e-3
    rounds: int = 25
    embedded: bool = False

    def builders(self, names: Iterable[str]) -> dict[str, Callable[[], Work]]:
        """The engine's step by name; the floor's is by hand."""
        made = {name: lambda name=name: engine(name).training(self.problem()) for name in names}  # type: ignore[misc]
        return {**made, FLOOR: lambda: training(self.problem(), self.passes)}

    def row(self) -> Row:
        """The time of a step."""
        products = [2.0 * m * k * n for m, k, n in self.layers]
        return Row(
            self.name,
            "us a step",
            self.builders([*VARIANTS, *(name for name in EVERYONE if name not in self.absent)]),
            limits={BEST: 1.0, FLOOR: 1.15, "autograd": 1.0, "mygrad": 1.0, **self.limits},
            without_onednn=self.without_onednn,
            rtol=self.rtol,
            flops=3 * sum(products) - (0 if self.embedded else products[0]),
            moved=self.traffic(),
            product=self.layers[products.index(max(products))],
            rounds=self.rounds,
            absent=self.absent,
        )

    def traffic(self) -> float:
        """Bytes: a number between layers is written and read, so is its gradient; a parameter is read for both passes.

        Its gradient is written and read, and the update reads and writes the parameter and each of its moments.
        """
        problem = self.problem()
        parameters = sum(value.nbytes for value in problem.parameters.values())
        return 4 * 4 * self.activations + parameters * (6 + 2 * len(moments(problem.update)))

    def memory(self) -> Row:
        """The high-water mark over five steps, above what was resident after imports and a first product."""
        names = (*VARIANTS, FLOOR, "torch", "jax")
        made = {name: lambda name=name: peak(name, self.builders([name])[name]) for name in names}  # type: ignore[misc]
        return Row(self.name, "MiB", made, limits={"torch": 1.0}, fresh=True, rtol=1e-2, rounds=3)


def resident(what: str) -> float:
    """MiB in a field of this process's status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    message = f"/proc/self/status has no {what}: this workload needs Linux"
    raise OSError(message)


def peak(name: str, build: Callable[[], Any], steps: int = 5) -> Once:
    """The peak of an engine's steps."""
    square = np.ones((64, 64), np.float32)
    square @ square
    if name != FLOOR:
        made = engine(name)
        made.gradient(lambda m, a, b: m.sum(m.matmul(a, b)), [square, square]).step()
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew, from what is resident now
    at_rest = resident("VmRSS")
    work = build()

    def measurement() -> float:
        for _ in range(steps):
            work.step()
        return resident("VmHWM") - at_rest

    return Once(measurement, lambda: Timed.result(work)[:1])


def growth_of_memory(
    series: str, what: str, names: Iterable[str], sizes: Iterable[int], build: Callable[[Any, int], Any]
) -> Iterable[Row]:
    """A series of rows: the peak of five repetitions at each size."""
    for size in sizes:

        def at(name: str, size: int = size) -> Once:
            return peak(name, lambda: build(engine(name), size))

        yield Row(
            f"memory, {what} {size}",
            "MiB",
            {name: lambda name=name, at=at: at(name) for name in names},  # type: ignore[misc]
            limits={"torch": 1.0},
            fresh=True,
            rtol=1e-2,
            axis=(series, size),
            rounds=2,
        )
