"""Analytic derivatives against measured ones: which pairs are compared, when two agree, and what the verdict is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from autodiff.testing.analytic import EPS, ROUNDOFF, SAFETY, Fault, Gradients
from autodiff.testing.differences import Slope, scatter
from autodiff.testing.oracles import NAMES, Point, analytic_operations, complex_step, differences, forward
from autodiff.testing.report import Entry, Report, Verdict
from autodiff.testing.space import Array
from autodiff.testing.subject import Subject

RESOLVED = 1e-3  # of the largest derivative on a line: behind a coarser tolerance an error could hide
ROUNDING = 1e-10  # of the function's values: a derivative below this is 0 at their precision
PLANTED = 1e-3  # the relative error whose chance of being missed a report states
SMALL = (40, 64)  # inputs and outputs up to which every entry is compared
LARGEST = 8  # coordinates of the largest gradients, looked at one by one where not all are
PERSISTENT = 4  # attempts after which a mismatch or a kink is believed
KEPT = 24  # entries that a report keeps


class Directions(NamedTuple):
    """How many entries are compared: all (None: all of a small Jacobian), and along how many random directions."""

    exhaustive: bool | None = None
    random: int = 4


@dataclass
class Attempt:
    """One measurement along a direction, against the analytic side: arrays with a number for each cotangent."""

    analytic: Array
    numeric: Array
    error: Array
    tolerance: Array
    low: Array
    high: Array
    kinked: Array
    step: Array
    unit: float  # the largest change of an input along the direction
    resolved: Array

    @property
    def mismatch(self) -> Array:
        """The distance of the two sides, infinite where the analytic one is not finite."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.abs(self.analytic - self.numeric), nan=np.inf)

    @property
    def outside(self) -> Array:
        """The distance of the analytic side from the interval between the one-sided derivatives."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.fmax(self.low - self.analytic, self.analytic - self.high), nan=np.inf)


@dataclass
class Finding:
    """What the attempts along one line say together: for each cotangent, whether it is wrong, unresolved, at a kink."""

    wrong: Array
    unresolved: Array
    kink: Array
    best: Array  # the number of the attempt that decides
    excess: Array


@dataclass
class Line:
    """A direction through the inputs (`coordinate` is None for a random one) and the attempts to measure along it."""

    coordinate: int | None
    relative: Array
    attempts: list[Attempt] = field(default_factory=list)

    def finding(self) -> Finding:
        """Weigh the attempts: the most precise one decides, unless one as able to see its mismatch saw none."""
        attempts = self.attempts
        kinked = np.stack([a.kinked for a in attempts])
        usable = np.stack([a.resolved for a in attempts]) & ~kinked
        steps = np.stack([a.step * a.unit for a in attempts])
        finest_smooth = np.min(np.where(usable, steps, np.inf), axis=0)
        finest_kinked = np.min(np.where(kinked, steps, np.inf), axis=0)
        kink = (np.sum(kinked, axis=0) >= 2) & (finest_kinked < finest_smooth)
        with np.errstate(all="ignore"):
            sizes = np.stack([np.fmax(np.abs(a.numeric), a.tolerance) for a in attempts])
            bars = np.stack([a.tolerance for a in attempts]) / np.maximum(sizes, 1e-300)
            misses = np.stack([a.mismatch for a in attempts])
            tolerances = np.stack([a.tolerance for a in attempts])
            pairs = np.arange(bars.shape[1])
            best = np.argmin(np.where(usable, bars, np.inf), axis=0)
            units = np.array([[a.unit] for a in attempts])
            seeing = tolerances / units <= (misses / units)[best, pairs] / 10
            agrees = np.where(usable & seeing & (misses <= tolerances), bars, np.inf)  # it would have seen the mismatch
            best = np.where(np.isfinite(np.min(agrees, axis=0)), np.argmin(agrees, axis=0), best)
            slopes = np.stack([a.numeric for a in attempts]) / units
            alike = usable & (np.abs(slopes - slopes[best, pairs]) <= (misses / units)[best, pairs] / 10)
            confirmed = (np.sum(alike, axis=0) > 1) | (np.sum(usable, axis=0) < 2)
            best = np.where(kink, np.argmin(np.where(kinked, steps, np.inf), axis=0), best)
            miss = np.where(kink, np.stack([a.outside for a in attempts])[best, pairs], misses[best, pairs])
            excess = np.where(miss > 0, miss / np.maximum(tolerances[best, pairs], 1e-300), 0.0)
        unresolved = ~kink & (~np.any(usable, axis=0) | ((excess > 1) & ~confirmed))
        return Finding((excess > 1) & ~unresolved, unresolved, kink, best, np.where(unresolved, 0.0, excess))


class Comparison:
    """Compares a subject's derivative with an oracle's, as one report."""

    def __init__(self, subject: Subject, rng: np.random.Generator, oracle: str, directions: Directions) -> None:
        self.subject, self.rng, self.directions = subject, rng, directions
        self.point, self.notes = Point(subject), list[str]()
        self.oracle, self.why = oracle, f"{NAMES.get(oracle, '')}, as asked"
        if oracle == "auto":
            count, blocked = analytic_operations(subject)
            self.oracle = "complex" if blocked is None else "differences"
            analytic = f"all {count} operations of the graph are analytic"
            why = analytic if blocked is None else f"{blocked} has no complex step"
            self.why = f"{NAMES[self.oracle]}: {why}"

    def report(self) -> Report:
        """Run the comparison."""
        point = self.point
        if not np.all(np.isfinite(point.here)):
            name, index = point.outputs.place(int(np.argmin(np.isfinite(point.here))))
            return self._inconclusive("non-finite", f"{name}{list(index)} is not finite at the inputs given.")
        with np.errstate(all="ignore"):
            if np.any(np.abs(point.again() - point.here) > 1e-13 * np.abs(point.here)):
                return self._inconclusive(
                    "non-deterministic",
                    "two evaluations at the same inputs differ: seed random numbers inside the function, or put the "
                    "module into eval mode.",
                )
        everything = self.directions.exhaustive
        if everything is None:
            everything = point.inputs.size <= SMALL[0] and point.outputs.size <= SMALL[1]
        try:
            self.gradients = Gradients(point, self.rng, everything, self.directions.random)
        except Fault as fault:
            report = self._report(Verdict.FAIL, fault.reason, fault.detail)
            report.worst, report.entries = fault.entry, [fault.entry] if fault.entry else []
            return report
        lines = list(self._lines())
        for line in progress(lines):
            self._measure(line)
        return self._judged(lines)

    # --- measuring ---

    def _lines(self) -> Iterator[Line]:
        """Choose directions: all inputs at once, random ones, and every coordinate or those of the largest gradients."""
        size = self.point.inputs.size
        if not size:
            return
        coordinates = np.arange(size)
        if not self.gradients.everything:
            steep = np.abs(self.gradients.rows) * np.maximum(np.abs(self.point.base), 1e-3)
            coordinates = np.argsort(-np.max(np.nan_to_num(steep), axis=0, initial=0), kind="stable")[:LARGEST]
        yield Line(None, np.ones(size))
        for _ in range(self.directions.random):
            yield Line(None, self.rng.standard_normal(size))
        for k in coordinates:
            one = np.zeros(size)
            one[k] = 1.0
            yield Line(int(k), one)

    def _measure(self, line: Line) -> None:
        """Measure along a line at one scale after the other until every pair is decided."""
        point = self.point
        if self.oracle != "differences":
            scale = next(point.scales())
            step = point.direction(line.relative, scale)
            found = complex_step(point, step) if self.oracle == "complex" else forward(point, step)
            line.attempts.append(self._attempt(line, step, found, scale))
            first = line.coordinate is None and bool(np.all(line.relative == 1))
            if self.oracle == "forward" or (not first and self._settled(line, sure=True)):
                return
        scale = next(point.scales())
        step = point.direction(line.relative, scale)
        line.attempts.append(self._attempt(line, step, differences(point, step), scale))
        if self._settled(line, sure=False):
            return
        line.attempts.clear()
        self._persist(line, point)
        finding = line.finding()
        if np.any(finding.wrong | finding.unresolved) and (wide := self._in_long_double()):
            before, line.attempts = line.attempts, []
            self._persist(line, wide)
            if not np.any(finding.wrong):  # a mismatch is decided with more digits alone
                line.attempts = before + line.attempts

    def _persist(self, line: Line, point: Point) -> None:
        """Measure at one scale after the other, with the noise of the values known, until every pair is decided."""
        for scale in point.scales():
            step = point.direction(line.relative, scale)
            noise = scatter(point.along(step), point.here)
            line.attempts.append(self._attempt(line, step, differences(point, step, noise), scale))
            if self._settled(line, sure=len(line.attempts) >= PERSISTENT):
                return

    def _in_long_double(self) -> Point | None:
        """Return the point in long double, where the function keeps that precision."""
        if not hasattr(self, "_wide"):
            try:
                wide = Point(self.subject, np.longdouble)
            except (TypeError, ValueError):
                wide = self.point
            exact = not wide.narrow and wide.here.dtype == np.longdouble and wide.here.dtype != np.float64
            self._wide = wide if exact else None
        return self._wide

    def _attempt(self, line: Line, step: Array, found: Slope, scale: Array) -> Attempt:
        gradients = self.gradients
        analytic, roundoff = gradients.along(step)
        with np.errstate(all="ignore"):
            left, right, sides = found.left, found.right, found.sides_error
            bar = SAFETY * found.error
            low = np.where(found.kinked, np.fmin(left, right) - SAFETY * sides, found.value - bar)
            high = np.where(found.kinked, np.fmax(left, right) + SAFETY * sides, found.value + bar)
            low, high = gradients.pair_bounds(low, high)
            if gradients.everything:  # each output is looked at on its own: sums of them say nothing more at a kink
                low[found.value.size :], high[found.value.size :] = -np.inf, np.inf
            numeric, error = gradients.pair(found.value), gradients.pair_errors(found.error)
            roundoff = roundoff + ROUNDOFF * EPS * gradients.pair_errors(found.height)
            tolerance = SAFETY * error + roundoff
            largest = np.nanmax(np.where(np.isfinite(numeric), np.abs(numeric), 0), initial=0)
            resolved = tolerance <= RESOLVED * largest
            resolved |= tolerance <= ROUNDING * gradients.pair_errors(found.height)
            if largest <= np.max(np.where(np.isfinite(tolerance), tolerance, 0), initial=0):  # nothing but zeros here
                rows = np.nan_to_num(np.abs(gradients.rows), posinf=0.0) * scale
                resolved |= tolerance <= RESOLVED * np.max(rows, initial=0)
        smallest = np.min(np.where(np.isnan(found.step), np.inf, found.step), initial=np.inf)
        steps = np.concatenate([np.nan_to_num(found.step, nan=np.inf), np.full(len(gradients.random), smallest)])
        unit = float(np.max(np.abs(step)))
        return Attempt(
            analytic,
            numeric,
            error,
            tolerance,
            low - roundoff,
            high + roundoff,
            gradients.pair_errors(found.kinked.astype(float)) > 0,
            steps if gradients.everything else steps[-len(gradients.random) :],
            unit,
            resolved,
        )

    def _settled(self, line: Line, sure: bool) -> bool:
        finding = line.finding()
        if np.any(finding.unresolved):
            return False
        return sure or not (np.any(finding.wrong) or np.any(line.attempts[-1].kinked))

    # --- deciding ---

    def _judged(self, lines: list[Line]) -> Report:
        findings = [line.finding() for line in lines]
        entries = self._entries(lines, findings)
        wrong = any(np.any(f.wrong) for f in findings)
        doubtful = [n for n, f in enumerate(findings) if np.any(f.unresolved)]
        if self.gradients.everything:  # every entry was seen: random directions only add to that
            doubtful = [n for n in doubtful if lines[n].coordinate is not None]
        if wrong:
            report = self._report(Verdict.FAIL, "wrong derivative", "")
        elif doubtful:
            report = self._inconclusive(*self._doubt(lines[doubtful[0]], findings[doubtful[0]]))
            first = int(np.argmax(findings[doubtful[0]].unresolved))
            report.worst = self._entry(lines[doubtful[0]], findings[doubtful[0]], first)
        else:
            report = self._report(Verdict.PASS, "", "")
        if wrong or not doubtful:
            report.worst = entries[0] if entries else None
        report.entries, report.checked = entries, sum(f.wrong.size for f in findings)
        if wrong and report.worst is not None:
            report.detail = explained(report.worst)
        kinks = sum(int(np.sum(f.kink & ~f.wrong)) for f in findings)
        if kinks:
            self.notes.append(f"{kinks} of them lie at a kink, between the one-sided derivatives.")
        if not self.gradients.everything:
            report.missed = self._missed(lines, findings)
        report.notes = [*self.gradients.notes, *self.notes]
        return report

    def _entries(self, lines: list[Line], findings: list[Finding]) -> list[Entry]:
        """Return the worst comparisons, by how much of its tolerance each one used."""
        ranked = []
        for line, finding in zip(lines, findings, strict=True):
            score = finding.excess + np.where(finding.wrong, 1e300, 0) * (2 if line.coordinate is not None else 1)
            for pair in np.argsort(-score, kind="stable")[:KEPT]:
                if not finding.unresolved[pair]:
                    ranked.append((float(score[pair]), line, finding, int(pair)))
        ranked.sort(key=lambda row: -row[0])
        return [self._entry(line, finding, pair) for _, line, finding, pair in ranked[:KEPT]]

    def _entry(self, line: Line, finding: Finding, pair: int) -> Entry:
        attempt = line.attempts[int(finding.best[pair])]
        point, units = self.point, self.point.outputs.size if self.gradients.everything else 0
        scale = attempt.unit
        by, index = point.inputs.place(line.coordinate) if line.coordinate is not None else ("all inputs, along a line", None)
        of, place = point.outputs.place(pair) if pair < units else ("all outputs, weighted", None)
        interval = None
        if finding.kink[pair]:
            interval = (float(attempt.low[pair] / scale), float(attempt.high[pair] / scale))
        return Entry(
            by,
            index,
            of,
            place,
            float(attempt.analytic[pair] / scale),
            float(attempt.numeric[pair] / scale),
            float(attempt.error[pair] / scale),
            float(attempt.tolerance[pair] / scale),
            float(attempt.step[pair] * attempt.unit),
            interval,
        )

    def _doubt(self, line: Line, finding: Finding) -> tuple[str, str]:
        """Say why a line could not be measured."""
        pair = int(np.argmax(finding.unresolved))
        attempt = line.attempts[0]
        if not np.isfinite(attempt.analytic[pair]) or not any(np.isfinite(a.tolerance[pair]) for a in line.attempts):
            return "non-finite", "the derivative is not finite here: a singular point, or the edge of the domain."
        step = self.point.direction(line.relative, next(self.point.scales()))
        noise = self.gradients.pair_errors(scatter(self.point.along(step), self.point.here))[pair]
        height = self.gradients.pair_errors(np.abs(self.point.here))[pair]
        if noise > 1e-3 * height or any(a.kinked[pair] for a in line.attempts):
            return "kink", "the function has a kink or a jump here, and no derivative on either side could be measured."
        return "noise floor", "the function's values scatter so much that no step gives a derivative to three digits."

    def _missed(self, lines: list[Line], findings: list[Finding]) -> float:
        """Bound the probability that an error of 0.1 % of a typical entry passed along every random direction.

        For an error matrix of norm s and independent normal vectors u and v, |v'Eu| < t has at most the probability that
        |ab| < t/s has for two normal numbers: (2/pi) e (1.28 - log(e sqrt(2/pi))) with e = t/s.
        """
        rows = np.nan_to_num(np.abs(self.gradients.rows[-len(self.gradients.random) :]))
        columns = np.sqrt(np.mean(rows**2, axis=0)) * np.maximum(np.abs(self.point.base), 1e-3) / 4
        entry = float(np.max(columns, initial=0)) / math.sqrt(max(self.point.outputs.size, 1))
        missed = 1.0
        random = [n for n, line in enumerate(lines) if line.coordinate is None][1:]
        for k, n in enumerate(random):
            pair = len(findings[n].best) - len(self.gradients.random) + k
            tolerance = lines[n].attempts[int(findings[n].best[pair])].tolerance[pair]
            e = float(tolerance) / (PLANTED * entry) if entry else math.inf
            c = math.sqrt(2 / math.pi)
            missed *= min(1.0, c * c * e * (1.28 - math.log(c * e))) if 0 < e * c < 1 else float(e > 0)
        return missed

    def _inconclusive(self, reason: str, detail: str) -> Report:
        return self._report(Verdict.INCONCLUSIVE, reason, detail)

    def _report(self, verdict: Verdict, reason: str, detail: str) -> Report:
        return Report(
            self.subject.name, verdict, reason, detail, oracle=self.why, evaluations=self.point.evaluations
        )


def progress(lines: list[Line]) -> Iterable[Line]:
    """Show a progress bar where the work takes more than a moment."""
    if len(lines) < 200:
        return lines
    from tqdm import tqdm

    return tqdm(lines, desc="gradcheck", unit="direction", delay=2, leave=False)


def explained(entry: Entry) -> str:
    """Say in words what the worst entry looks like."""
    if not math.isfinite(entry.analytic):
        return "the analytic derivative is not finite where the measured one is."
    if entry.interval is not None:
        return "at this kink the analytic derivative lies outside the one-sided ones."
    if entry.analytic == 0:
        return "the analytic derivative is 0 where the measured one is not."
    if abs(entry.numeric) <= entry.error:
        return "the analytic derivative is not 0 where the measured one is."
    ratio = entry.analytic / entry.numeric
    if abs(ratio + 1) < 1e-6:
        return "the analytic derivative has the wrong sign."
    return f"the analytic derivative is {ratio:.6g} times the measured one."
