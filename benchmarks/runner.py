"""Engines side by side: one process each, rounds taken in turn, results compared before anything is timed."""

from __future__ import annotations

import importlib.util
import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.row import BASELINE, OURS, Row

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
    """A worker process for one engine of one row."""

    def __init__(self, workload: str, row: Row, engine: str, environment: Mapping[str, str]) -> None:
        """Start it; setting the work up happens on its side."""
        self.command = [sys.executable, "-m", "benchmarks.worker", workload, row.name, engine]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT
        )

    def ask(self, question: str, *arguments: object) -> Any:
        """Send one question and wait for its answer."""
        try:
            pickle.dump((question, *arguments), self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            message = f"{' '.join(self.command[-3:])}: the engine failed; its traceback stands above"
            raise BenchmarkError(message) from None

    def __enter__(self) -> Self:
        """The child lives as long as the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its input, which ends it."""
        self.process.communicate()


@dataclass(frozen=True)
class Effort:
    """How long to measure: `rounds` of about `seconds` for every engine; `fresh_rounds` of new processes."""

    rounds: int = 25
    fresh_rounds: int = 5
    seconds: float = 0.05


def environment(threads: int) -> dict[str, str]:
    """The children's environment: the thread count set, presets that distort the figures removed."""
    kept = {name: value for name, value in os.environ.items() if name not in PRESETS}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


def installed(engine: str) -> bool:
    """Whether this engine can be imported here, or its commit be checked out."""
    if engine == BASELINE:
        command = ["git", "cat-file", "-e", BASELINE]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    return engine == OURS or importlib.util.find_spec(engine) is not None


def compare(row: Row, results: Mapping[str, list[Any]]) -> None:
    """Raise unless every engine's arrays are ours, within the row's tolerance."""
    for engine, arrays in results.items():
        try:
            for ours, theirs in zip(results[OURS], arrays, strict=True):
                np.testing.assert_allclose(theirs, ours, rtol=row.rtol, atol=row.rtol * np.abs(ours).max(initial=0))
        except (AssertionError, ValueError) as error:
            message = f"{row.name}: {engine} and {OURS} do not agree, so their times are not compared\n{error}"
            raise BenchmarkError(message) from error


def run(workload: str, row: Row, engines: list[str], effort: Effort, env: Mapping[str, str]) -> dict[str, list[float]]:
    """Measure one row: for every engine one figure per round, in the row's unit."""
    samples: dict[str, list[float]] = {engine: [] for engine in engines}
    with ExitStack() as lives:
        if not row.fresh:
            children = {engine: lives.enter_context(Child(workload, row, engine, env)) for engine in engines}
            compare(row, {engine: child.ask("result") for engine, child in children.items()})
            for turn in range(effort.rounds):
                for engine in rotated(engines, turn):
                    samples[engine].append(children[engine].ask("measure", effort.seconds))
            return samples
    for turn in range(effort.fresh_rounds):
        results = {}
        for engine in rotated(engines, turn):
            with Child(workload, row, engine, env) as child:
                samples[engine].append(child.ask("measure", effort.seconds))
                results[engine] = child.ask("result")
        compare(row, results)
    return samples


def rotated(engines: list[str], turn: int) -> list[str]:
    """Let a different engine go first in every round."""
    first = turn % len(engines)
    return engines[first:] + engines[:first]


def spread(samples: list[float]) -> dict[str, float]:
    """Reduce the samples to what a table shows."""
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples)}
