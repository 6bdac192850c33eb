"""Fuzzing: random programs are checked until the time is up, and one that fails is shrunk to the smallest there is."""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable

from autodiff.testing.checks.gradcheck import gradcheck
from autodiff.testing.report import Report, Verdict
from autodiff.testing.strategies.programs import Program, programs

if TYPE_CHECKING:
    from autodiff.graph.record import Graph

ROUND = 200  # programs that one run of hypothesis draws
SHRINKING = 30.0  # seconds at most that shrinking takes, beyond those asked for


@dataclass
class FuzzResult:
    """What fuzzing found; true when programs passed and none failed.

    `tried` counts programs, `operations` the steps in them, `reasons` what was inconclusive. A failure is the smallest
    `program` with the `report` of its check, or the `error` it raised. The same `seed`, with the same operations and
    depth, draws the same programs again.
    """

    seed: int
    order: int
    tried: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    program: Program | None = None
    report: Report | None = None
    error: Exception | None = None
    shrunk: bool = True
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.program is None and self.verdicts[Verdict.PASS] > 0

    def source(self) -> str:
        """Return the failing program as a Python script that checks it."""
        return self._failing().source(order=self.order, seed=self.seed)

    def draw(self) -> Graph:
        """Return the Graph of the failing program; a notebook shows it, `.svg(path)` and `.png(path)` write it."""
        return self._failing().graph()

    def _failing(self) -> Program:
        if self.program is None:
            raise ValueError(f"no program failed, so there is none to show: {self!r}")
        return self.program

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.verdicts[v]} {v}" for v in Verdict if self.verdicts[v])
        found = f"; smallest failure {self.program!r}" if self.program is not None else ""
        line = f"<fuzz: {self.tried} programs ({counts}), seed {self.seed}{found}>"
        return line if len(line) < 200 else line[:195] + "...>"

    def __str__(self) -> str:
        counts = ", ".join(f"{self.verdicts[v]} {v}" for v in Verdict if self.verdicts[v])
        lines = [
            f"fuzz: {self.tried} programs in {self.seconds:.1f} s ({counts}), order {self.order}, seed {self.seed}"
        ]
        lines.append(f"  {sum(self.operations.values())} steps of {len(self.operations)} operations")
        lines += [f"  inconclusive: {reason} ({n})" for reason, n in self.reasons.most_common()]
        if self.program is not None:
            size = "the smallest failure" if self.shrunk else "the smallest failure found in time"
            lines += [f"{size}, as a script:", "", self.source()]
            lines.append(str(self.report) if self.error is None else f"{type(self.error).__name__}: {self.error}")
        return "\n".join(lines)


class _TimeIsUp(BaseException):
    """Ends a run of hypothesis, which takes every Exception for a finding."""


class _Failed(Exception):
    """Tells hypothesis that a program is one to be shrunk."""


def fuzz(
    seconds: float = 10,
    *,
    ops: Sequence[Callable[..., Any]] | None = None,
    depth: int = 8,
    seed: int | None = None,
    order: int = 2,
    progress: bool = True,
) -> FuzzResult:
    """Check the derivatives of random programs for some seconds; stop at the first wrong one and shrink it.

    `ops` and `depth` are those of `programs`, `order` is gradcheck's. Without a `seed` every call draws others; the
    result names it. A program that raises is a failure too. Progress is shown on a terminal. Shrinking, where there is
    something to shrink, takes at most as long again (30 seconds, if that is less).

    >>> import numpy as np
    >>> result = fuzz(0.5, ops=[np.sin, np.multiply], depth=3, seed=1)
    >>> bool(result)
    True
    """
    if not seconds > 0:
        raise ValueError(f"fuzz: seconds must be more than 0; got {seconds}.")
    result = FuzzResult(random.SystemRandom().randrange(2**32) if seed is None else seed, order)
    strategy = programs(depth, ops)
    started = time.monotonic()
    with _bar(seconds, progress) as show:
        search = _Search(result, started + seconds, show)
        try:
            for number in itertools.count():
                _run(strategy, search, result.seed + number)
        except Unsatisfiable:
            names = ", ".join(getattr(op, "__name__", repr(op)) for op in ops or ())
            raise ValueError(
                f"fuzz: no program could be drawn from ops=[{names}]; add operations that make operands."
            ) from None
        except _Failed:
            pass
        except _TimeIsUp:
            result.shrunk = result.program is None
        search.explain()
    result.seconds = time.monotonic() - started
    return result


class _Search:
    """Checks one program after another, counts, and keeps the smallest that failed."""

    def __init__(self, result: FuzzResult, deadline: float, show: Callable[[FuzzResult], None]) -> None:
        self.result, self.deadline, self.show = result, deadline, show
        self.began, self.order = time.monotonic(), result.order
        self.passed: set[str] = set()  # programs met while shrinking that do not fail

    def __call__(self, program: Program) -> None:
        """Check a program; raise if it failed, or if the time is up."""
        result = self.result
        if result.tried and time.monotonic() > self.deadline:
            raise _TimeIsUp
        if repr(program) in self.passed:
            return
        report, error = self._checked(program)
        verdict = Verdict.FAIL if report is None else report.verdict
        if result.program is None:
            self._count(program, verdict, report)
        elif verdict is not Verdict.FAIL or type(error) is not type(result.error):
            self.passed.add(repr(program))
            return
        if verdict is Verdict.FAIL:
            self._keep(program, report, error)
            raise _Failed

    def _checked(self, program: Program, **options: Any) -> tuple[Report | None, Exception | None]:
        """Check along one random direction, which sees every entry; `options` may ask for more."""
        options = {"order": self.order, "exhaustive": False, "directions": 1, "seed": self.result.seed} | options
        try:
            return gradcheck(program.function, *program.inputs, **options), None
        except Exception as error:
            return None, error

    def explain(self) -> None:
        """Check the failing program in full, so that its report names the worst entry."""
        result = self.result
        if result.program is not None and result.error is None:
            report, _ = self._checked(result.program, order=result.order, exhaustive=None, directions=4)
            if report is not None and report.verdict is Verdict.FAIL:
                result.report = report

    def _count(self, program: Program, verdict: Verdict, report: Report | None) -> None:
        result = self.result
        result.tried += 1
        result.operations.update(step.op.__name__ for step in program.steps)
        result.verdicts[verdict] += 1
        if report is not None and verdict is Verdict.INCONCLUSIVE:
            result.reasons[report.reason] += 1
        self.show(result)

    def _keep(self, program: Program, report: Report | None, error: Exception | None) -> None:
        """Remember a failure if it is the smallest so far; the first one starts the time that shrinking has."""
        result = self.result
        if result.program is None:
            asked = self.deadline - self.began
            self.deadline = time.monotonic() + min(max(asked, 5.0), SHRINKING)
            self.order = report.order if report is not None else self.order
        elif _size(program) > _size(result.program):
            return
        result.program, result.report, result.error = program, report, error


def _size(program: Program) -> tuple[Any, ...]:
    elements = [float(abs(x)) for array in program.inputs for x in array.flat]
    return len(program.steps), len(elements), len(program.outputs), len(program.definition()), sum(elements)


def _run(strategy: Any, search: _Search, seed: int) -> None:
    """Let hypothesis draw programs for a while, and shrink if one fails."""
    settings = hypothesis.settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(strategy)
    def run(program: Program) -> None:
        search(program)

    run()


@contextmanager
def _bar(seconds: float, progress: bool) -> Iterator[Callable[[FuzzResult], None]]:
    """Show the time that has gone by and the counts on a terminal."""
    if not progress or not sys.stderr.isatty():
        yield lambda result: None
        return
    from tqdm import tqdm

    began = time.monotonic()
    with tqdm(
        total=round(seconds, 1), unit="s", desc="fuzz", bar_format="{desc} {bar} {n:.0f}/{total:.0f} s{postfix}"
    ) as bar:

        def show(result: FuzzResult) -> None:
            bar.n = min(time.monotonic() - began, seconds)
            found = ", shrinking" if result.verdicts[Verdict.FAIL] else ""
            bar.set_postfix_str(f"{result.tried} programs, {result.verdicts[Verdict.INCONCLUSIVE]} inconclusive{found}")

        yield show
