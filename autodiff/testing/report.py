"""What a check found: a verdict, the worst derivative it compared, and how sure it can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Index = tuple[int, ...]


class Verdict(StrEnum):
    """How a check ended. Inconclusive is not a pass: nothing was shown, and the report says why."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Entry:
    """One derivative, analytic against numeric: that of an output (`output_index`) by an input (`index`).

    `index` is None along a random direction through all inputs, `output_index` under a random cotangent. `error` is the
    error bar of the numeric side, `tolerance` the mismatch that error bar and round-off allow; `interval` holds the
    one-sided derivatives at a kink, anywhere between which the analytic value may lie.
    """

    input: str
    index: Index | None
    output: str
    output_index: Index | None
    analytic: float
    numeric: float
    error: float
    tolerance: float
    step: float
    interval: tuple[float, float] | None = None

    @property
    def mismatch(self) -> float:
        """The distance of the analytic value from the numeric one or, at a kink, from the interval."""
        low, high = self.interval or (self.numeric, self.numeric)
        off = max(low - self.analytic, self.analytic - high, 0.0)
        return off if math.isfinite(self.analytic) else math.inf

    @property
    def excess(self) -> float:
        """The mismatch in units of the tolerance: above 1 the derivative is wrong."""
        if self.tolerance > 0:
            return self.mismatch / self.tolerance
        return math.inf if self.mismatch else 0.0

    @property
    def place(self) -> str:
        """What was differentiated by what, e.g. `d output[2] / d x[0, 1]`."""
        return f"d {_at(self.output, self.output_index)} / d {_at(self.input, self.index)}"

    def __str__(self) -> str:
        numeric = f"{self.numeric:.10g} ± {self.error:.1g}"
        if self.interval is not None:
            numeric = f"between {self.interval[0]:.10g} and {self.interval[1]:.10g} (one-sided, at a kink)"
        return f"{self.place}: analytic {self.analytic:.10g}, numeric {numeric} (step {self.step:.1g})"


@dataclass
class Report:
    """The result of a check; true when it passed. `str` gives all of it, `repr` one line.

    `oracle` says what the analytic side was held against and why that was chosen, `missed` bounds the probability that
    a wrong derivative went unseen (None where every entry was compared), `entries` holds the worst comparisons.
    """

    function: str
    verdict: Verdict
    reason: str = ""
    detail: str = ""
    order: int = 1
    oracle: str = ""
    worst: Entry | None = None
    entries: list[Entry] = field(default_factory=list)
    checked: int = 0
    evaluations: int = 0
    seed: int = 0
    missed: float | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.verdict is Verdict.PASS

    def __repr__(self) -> str:
        head = f"{self.verdict.upper()} {self.function}"
        why = f": {self.reason}" if self.reason else f": {_count(self.checked, 'derivative')} agree"
        worst = f"; {self.worst}" if self.worst is not None and self.verdict is Verdict.FAIL else ""
        line = f"<{head}{why}{worst}>"
        return line if len(line) < 200 else line[:195] + "...>"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        head = f"{self.verdict.upper()}: {self.function}" + (f", order {self.order}" if self.order > 1 else "")
        lines = [head + (f" — {self.reason}" if self.reason else "")]
        if self.detail:
            lines.append(f"  {self.detail}")
        if self.worst is not None:
            lines.append(f"  {'worst' if self else 'where'}     {self.worst.place}")
            numeric = f"{self.worst.numeric:.12g} ± {self.worst.error:.1g}  (step {self.worst.step:.2g})"
            if self.worst.interval is not None:
                numeric = "from {:.12g} to {:.12g}, the one-sided derivatives at a kink".format(*self.worst.interval)
            lines.append(f"  analytic  {self.worst.analytic:.12g}  (from the derivative rule)")
            lines.append(f"  numeric   {numeric}")
            lines.append(f"  mismatch  {self.worst.mismatch:.2g}, allowed {self.worst.tolerance:.2g}")
        if self.oracle:
            lines.append(f"  oracle    {self.oracle}")
        lines.append(f"  checked   {self._extent()}")
        lines += [f"  note      {note}" for note in self.notes]
        return lines

    def _extent(self) -> str:
        extent = f"{_count(self.checked, 'derivative')} in {_count(self.evaluations, 'evaluation')}, seed {self.seed}"
        if self.missed is not None:
            extent += f"; an error of 0.1 % is missed with probability < {self.missed:.1g}"
        return extent


observers: list[Callable[[Report], None]] = []


def finished(report: Report) -> Report:
    """Hand a finished report to whoever collects them, and return it."""
    for observer in observers:
        observer(report)
    return report


def _count(n: int, name: str) -> str:
    return f"{n:,} {name}{'s' * (n != 1)}"


def _at(name: str, index: Index | None) -> str:
    if index is None:
        return name
    return f"{name}[{', '.join(map(str, index))}]" if index else name
