"""Analytic derivatives against measured ones: along which directions, at which scales, and until when."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from autodiff.testing.checks import narrowing, taylor
from autodiff.testing.checks.analytic import EPS, ROUNDOFF, SAFETY, Fault, Gradients
from autodiff.testing.checks.differences import Slope, scatter
from autodiff.testing.checks.judging import judged
from autodiff.testing.checks.oracles import (
    NAMES,
    Point,
    analytic_operations,
    complex_step,
    differences,
    forward,
    nearby,
)
from autodiff.testing.checks.weighing import Attempt, Line
from autodiff.testing.report import Report, Verdict
from autodiff.testing.space import Array
from autodiff.testing.subject import Subject

RESOLVED = 1e-3  # of the largest derivative on a line: behind a coarser tolerance an error could hide
ROUNDING = 1e-10  # of the function's values: a derivative below this is 0 at their precision
LARGEST = 2  # coordinates of large gradients for each random direction, looked at one by one where not all are
SMALL = (40, 64)  # inputs and outputs up to which every entry is compared
PERSISTENT = 4  # attempts after which a mismatch or a kink is believed


class Directions(NamedTuple):
    """How many entries are compared: all (None: all of a small Jacobian), and along how many random directions."""

    exhaustive: bool | None = None
    random: int = 4


class Comparison:
    """Compares a subject's derivative with an oracle's, as one report."""

    def __init__(
        self,
        subject: Subject,
        rng: np.random.Generator,
        oracle: str = "auto",
        directions: Directions = Directions(),  # noqa: B008 (immutable)
        side: type[Gradients] = Gradients,
    ) -> None:
        self.subject, self.rng, self.directions, self.side = subject, rng, directions, side
        self.point = Point(subject)
        self.oracle, self.why = oracle, f"{NAMES.get(oracle, '')}, as asked"
        if oracle == "auto":
            count, blocked = analytic_operations(subject)
            self.oracle = "complex" if blocked is None else "differences"
            analytic = f"all {count} operations of the graph are analytic"
            self.why = f"{NAMES[self.oracle]}: {analytic if blocked is None else f'{blocked} has no complex step'}"

    def report(self) -> Report:
        """Run the comparison."""
        point = self.point
        if not np.all(np.isfinite(point.here)):
            name, index = point.outputs.place(int(np.argmin(np.isfinite(point.here))))
            return self.found(
                Verdict.INCONCLUSIVE, "non-finite", f"{name}{list(index)} is not finite at the inputs given."
            )
        with np.errstate(all="ignore"):
            if np.any(np.abs(point.again() - point.here) > 1e-13 * np.abs(point.here)):
                why = (
                    "two evaluations differ: seed random numbers inside the function, or put the module into eval mode."
                )
                return self.found(Verdict.INCONCLUSIVE, "non-deterministic", why)
        everything = self.directions.exhaustive
        if everything is None:
            everything = point.inputs.size <= SMALL[0] and point.outputs.size <= SMALL[1]
        try:
            self.gradients = self.side(point, self.rng, everything, self.directions.random)
        except Fault as fault:
            report = self.found(Verdict.FAIL, fault.reason, fault.detail)
            report.worst, report.entries = fault.entry, [fault.entry] if fault.entry else []
            return report
        if self.oracle == "taylor":
            return self._by_rate()
        lines = list(self._lines())
        failed = False
        for line in progress(lines):
            self.measure(line, patiently=not failed)
            failed = failed or bool(np.any(line.finding().wrong))
        report = judged(point, self.gradients, lines, self.found)
        if failed and not everything and report.worst is not None and report.worst.index is None:
            narrowing.narrow(self, lines, report)
        return report

    def found(self, verdict: Verdict, reason: str = "", detail: str = "") -> Report:
        """Return a report that says what every one does."""
        return Report(self.subject.name, verdict, reason, detail, oracle=self.why, evaluations=self.point.evaluations)

    def _lines(self) -> Iterator[Line]:
        """Choose directions: all inputs at once, random ones, and every coordinate or those of large gradients."""
        size = self.point.inputs.size
        if not size:
            return
        coordinates = np.arange(size)
        if not self.gradients.everything:
            steep = np.nan_to_num(np.abs(self.gradients.rows)) * self.point.scales[0]
            largest = np.argsort(-np.max(steep, axis=0, initial=0), kind="stable")
            coordinates = largest[: LARGEST * self.directions.random]
        yield Line(None, np.ones(size))
        for _ in range(self.directions.random):
            yield Line(None, self.rng.standard_normal(size))
        for k in coordinates:
            yield Line(int(k), np.eye(1, size, int(k))[0])

    # --- measuring a line ---

    def measure(self, line: Line, patiently: bool = True) -> None:
        """Measure along a line; patiently, until every pair is decided: at other scales, with the noise known."""
        point = self.point
        scale = point.scales[0]
        step = point.direction(line.relative, scale)
        if self.oracle != "differences" and np.all(np.isfinite(self.gradients.rows)):
            line.add(self._attempt(line, step, self._exactly(step), scale))
            doubted = line.coordinate is None and bool(np.all(line.relative == 1))  # one line is measured both ways
            if self.oracle == "forward" or (not doubted and self._settled(line, sure=True)):
                return
        line.add(self._attempt(line, step, differences(point, step), scale))
        if not patiently or self._settled(line, sure=False):
            return
        line.start_over()
        self.gradients.doubt()
        self.persist(line, point)
        finding = line.finding()
        if self.gradients.everything and np.any(finding.wrong | finding.unresolved) and (wide := self._in_long_double):
            before = line.start_over()
            self.persist(line, wide)
            if not np.any(finding.wrong):  # a mismatch is decided with more digits alone
                for attempt in before:
                    line.add(attempt)
        if self.gradients.everything and np.any(line.finding().wrong):
            line.look_around(*nearby(point, step, self.rng, self.gradients.pair))

    def _exactly(self, step: Array) -> Slope:
        """Measure by an oracle that takes no differences; a function that minds complex numbers is not measured so."""
        if self.oracle == "forward":
            return forward(self.point, step)
        try:
            return complex_step(self.point, step)
        except Exception as error:
            self.oracle = "differences"
            self.why = f"{NAMES['differences']}: the complex step met {type(error).__name__}: {error}"
            return differences(self.point, step)

    def persist(self, line: Line, point: Point) -> None:
        """Measure at one scale after the other, with the noise of the values known, until every pair is decided."""
        for scale in point.scales:
            step = point.direction(line.relative, scale)
            noise = scatter(point.along(step))
            line.add(self._attempt(line, step, differences(point, step, noise), scale))
            if self._settled(line, sure=len(line.attempts) >= PERSISTENT):
                return

    def _settled(self, line: Line, sure: bool) -> bool:
        """Say whether a line needs no more attempts: all is resolved, and mismatches and kinks are sure."""
        finding = line.finding()
        if np.any(finding.unresolved):
            return False
        return sure or not (np.any(finding.wrong) or np.any(line.attempts[-1].kinked))

    @functools.cached_property
    def _in_long_double(self) -> Point | None:
        """The point in long double, where the function keeps that precision."""
        try:
            wide = Point(self.subject, np.longdouble)
        except (TypeError, ValueError):
            return None
        exact = not wide.narrow and wide.here.dtype == np.longdouble and wide.here.dtype != np.float64
        return wide if exact else None

    def _attempt(self, line: Line, step: Array, found: Slope, scale: Array) -> Attempt:
        """Pair what was measured of each output with every cotangent, beside the analytic side."""
        gradients = self.gradients
        analytic, roundoff = gradients.along(step)
        with np.errstate(all="ignore"):
            kinks = found.kinked
            numeric, error = gradients.pair(found.value), gradients.pair_errors(found.error)
            low = high = numeric  # of interest at a kink alone
            if kinks.any():
                bar, sides = SAFETY * found.error, SAFETY * found.sides_error
                low = np.where(kinks, np.fmin(found.left, found.right) - sides, found.value - bar)
                high = np.where(kinks, np.fmax(found.left, found.right) + sides, found.value + bar)
                low, high = gradients.pair_bounds(low, high)
                if gradients.everything:  # each output is looked at on its own: sums say nothing more at a kink
                    low[found.value.size :], high[found.value.size :] = -np.inf, np.inf
            height = gradients.pair_errors(found.height)
            roundoff = roundoff + ROUNDOFF * EPS * height
            tolerance = SAFETY * error + roundoff
            largest = np.max(np.where(np.isfinite(numeric), np.abs(numeric), 0), initial=0)
            resolved = (tolerance <= RESOLVED * largest) | (tolerance <= ROUNDING * height)
            if largest <= np.max(np.where(np.isfinite(tolerance), tolerance, 0), initial=0):  # nothing but zeros here
                others = np.nan_to_num(np.abs(gradients.rows), posinf=0.0) * scale
                resolved |= tolerance <= RESOLVED * np.max(others, initial=0)
            kinked, jumping = (gradients.pair_errors(at.astype(float)) > 0 for at in (kinks, found.jumping))
            if gradients.everything and line.coordinate is None:  # which input it is, its own line says
                resolved, kinked = resolved & np.isfinite(analytic), kinked & np.isfinite(analytic)
        return Attempt(
            analytic,
            numeric,
            error,
            tolerance,
            low - roundoff,
            high + roundoff,
            kinked,
            jumping,
            gradients.pair_steps(np.where(np.isnan(found.step), np.inf, found.step)),
            float(np.max(np.abs(step))),
            resolved,
        )

    # --- the Taylor remainder ---

    def _by_rate(self) -> Report:
        """Judge by the exponents of the Taylor remainder; a kink, where they are 1 as well, is measured after all."""
        exponents, entries, count = [], [], 0
        for line in [line for line in self._lines() if line.coordinate is None]:
            step = self.point.direction(line.relative, self.point.scales[0])
            found = taylor.rates(self.point, self.gradients, step)
            slow = found.exponent < taylor.SLOW
            if np.any(slow):
                self.persist(line, self.point)
                finding = line.finding()
                slow &= finding.wrong | ~finding.kink
            count += slow.size
            exponents += [*found.exponent[slow if np.any(slow) else np.isfinite(found.exponent)]]
            entries += taylor.entries(self.point, self.gradients, step, found, slow)
        rate = f"the remainder falls as h^{np.median(exponents):.2f}" if exponents else "there is no remainder"
        report = self.found(Verdict.PASS, "", f"{rate} (2 for a right derivative, 1 for a wrong one).")
        if entries:
            report.verdict, report.reason, report.worst = Verdict.FAIL, "wrong derivative", entries[0]
        report.entries, report.checked = entries, count
        return report


def progress(lines: list[Line]) -> Iterable[Line]:
    """Show a progress bar where the work takes more than a moment."""
    if len(lines) < 200:
        return lines
    from tqdm import tqdm

    bar: Iterable[Line] = tqdm(lines, desc="gradcheck", unit="direction", delay=2, leave=False)
    return bar
