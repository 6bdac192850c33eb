"""Engines side by side: one process each, rounds taken in turn, results compared before anything is timed."""

from __future__ import annotations

import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.engines import OURS
from benchmarks.row import Row

ROOT = Path(__file__).parents[1]
PRESETS = {
    "OPENBLAS_CORETYPE": "a preset kernel slows OpenBLAS down",
    "OPENBLAS_L2_SIZE": "so does a preset cache size",
    "PYTHONDONTWRITEBYTECODE": "an import would compile the sources each time",
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BenchmarkError(Exception):
    """An engine failed, or two engines did not compute the same thing, so that their times mean nothing."""


class Child:
    """A worker process for one engine of one workload."""

    def __init__(self, workload: str, engine: str, environment: Mapping[str, str]) -> None:
        """Start it; setting the work up happens on its side."""
        self.command = [sys.executable, "-m", "benchmarks.worker", workload, engine]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT
        )

    def ask(self, question: str, row: str, *arguments: object) -> Any:
        """Send one question about a row and wait for its answer."""
        try:
            pickle.dump((question, row, *arguments), self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            message = f"{' '.join(self.command[-2:])}, {row}: the engine failed; its traceback stands above"
            raise BenchmarkError(message) from None

    def __enter__(self) -> Self:
        """The child lives as long as the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its input, which ends it."""
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:  # a library's threads may hang on the way out
            self.process.kill()


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds of about `seconds` for every engine, at most so many; `fresh_rounds` of processes."""

    rounds: int = 25
    fresh_rounds: int = 5
    seconds: float = 0.05


def environment(threads: int) -> dict[str, str]:
    """The children's environment: the thread count set, presets that distort the figures removed."""
    kept = {name: value for name, value in os.environ.items() if name not in PRESETS}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


def compare(row: Row, results: Mapping[str, list[Any]]) -> None:
    """Raise unless every engine's arrays are ours, within the row's tolerance."""
    reference = OURS if OURS in results else next(iter(results))
    for engine, arrays in results.items():
        try:
            for ours, theirs in zip(results[reference], arrays, strict=True):
                np.testing.assert_allclose(theirs, ours, rtol=row.rtol, atol=row.rtol * np.abs(ours).max(initial=0))
        except (AssertionError, ValueError) as error:
            message = f"{row.name}: {engine} and {reference} do not agree, so their times are not compared\n{error}"
            raise BenchmarkError(message) from error


class Workers:
    """The processes of one workload, each started when it is first asked."""

    def __init__(self, workload: str, environment: Mapping[str, str]) -> None:
        """Start nothing yet."""
        self.workload, self.environment = workload, environment
        self.lives = ExitStack()
        self.children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        """They live as long as the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self.lives.close()

    def child(self, engine: str) -> Child:
        """Find or start an engine's process."""
        if engine not in self.children:
            self.children[engine] = self.lives.enter_context(Child(self.workload, engine, self.environment))
        return self.children[engine]

    def run(self, row: Row, engines: Iterable[str], effort: Effort) -> tuple[dict[str, list[float]], list[str]]:
        """Measure one row: for every engine one figure per round, in the row's unit; and what went wrong.

        An engine that fails is left out of the row, the others go on.
        """
        failures: list[str] = []
        results: dict[str, list[Any]] = {}
        samples: dict[str, list[float]] = {engine: [] for engine in engines}
        for turn in range(min(effort.fresh_rounds if row.fresh else effort.rounds, row.rounds)):
            for engine in rotated(list(samples), turn):
                try:
                    if row.fresh:
                        with Child(self.workload, engine, self.environment) as child:
                            samples[engine].append(child.ask("measure", row.name, effort.seconds))
                            results[engine] = child.ask("result", row.name)
                    else:
                        if turn == 0:
                            results[engine] = self.child(engine).ask("result", row.name)
                        samples[engine].append(self.child(engine).ask("measure", row.name, effort.seconds))
                except BenchmarkError as error:
                    failures.append(str(error))
                    del samples[engine]
                    self.children.pop(engine, None)
            if samples and (turn == 0 or row.fresh):
                compare(row, {engine: results[engine] for engine in samples})
        return samples, failures


def rotated(engines: list[str], turn: int) -> list[str]:
    """Let a different engine go first in every round."""
    first = turn % len(engines)
    return engines[first:] + engines[:first]


def spread(samples: list[float]) -> dict[str, float]:
    """Reduce the samples to what a table shows."""
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples)}
