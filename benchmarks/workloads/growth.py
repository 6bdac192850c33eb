"""How time and peak memory of a training step grow with batch, width, depth and sequence length, and their slopes.

An MLP 784-128-10 with Adam, one of its sizes varied at a time; and the character LSTM over longer sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.engines import BEST, OURS, VARIANTS, on
from benchmarks.engines.arrays import Problem
from benchmarks.row import Row
from benchmarks.steps import growth_of_memory
from benchmarks.workloads import lstm, mlp

NAMES = (OURS, VARIANTS[-1], "torch", "jax")
SERIES: dict[str, tuple[tuple[int, ...], Callable[[int], Problem]]] = {
    "batch": ((16, 64, 256, 1024, 4096), lambda n: mlp.problem(batch=n)),
    "width": ((32, 128, 512, 2048), lambda n: mlp.problem((784, n, n, 10))),
    "depth": ((2, 8, 32, 64), lambda n: mlp.problem((128, *[128] * n, 10))),
    "length": ((16, 64, 256), lambda n: lstm.problem(steps=n)),
}


def rows() -> Iterator[Row]:
    """Each series in time, then in memory."""
    for what, (sizes, problem) in SERIES.items():
        for size in sizes:
            yield Row(
                f"time, {what} {size}",
                "us a step",
                on(NAMES, lambda m, size=size, problem=problem: m.training(problem(size))),  # type: ignore[misc]
                limits={BEST: 1.0},
                rtol=1e-3,
                axis=(f"step: time / {what}", size),
                rounds=7,
            )
        build = partial(lambda problem, m, size: m.training(problem(size)), problem)
        yield from growth_of_memory(f"step: memory / {what}", what, (OURS, VARIANTS[-1], "torch"), sizes, build)


ROWS = tuple(rows())
