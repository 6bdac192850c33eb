"""From measured lines to a report: the verdict, the worst entries by name, and what may have been missed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autodiff.testing.checks.analytic import Gradients
from autodiff.testing.checks.differences import scatter
from autodiff.testing.checks.oracles import Point
from autodiff.testing.checks.weighing import Finding, Line
from autodiff.testing.report import Entry, Report, Verdict

PLANTED = 1e-3  # the relative error whose chance of being missed a report states
KEPT = 24  # entries that a report keeps
ALL_INPUTS, ALL_OUTPUTS = ("all inputs, along a line", None), ("all outputs, weighted", None)


def judged(point: Point, gradients: Gradients, lines: list[Line], found: Callable[..., Report]) -> Report:
    """Return the report on some measured lines; `found` makes one of a verdict, a reason and a detail."""
    findings = [line.finding() for line in lines]
    entries = _entries(point, gradients, lines, findings)
    doubtful = [n for n, f in enumerate(findings) if np.any(f.unresolved)]
    if gradients.everything:  # every entry was seen: random directions only add to that
        doubtful = [n for n in doubtful if lines[n].coordinate is not None]
    wrong = any(np.any(f.wrong) for f in findings)
    if wrong:
        report = found(Verdict.FAIL, "wrong derivative", explained(entries[0]))
    elif doubtful:
        line, finding = lines[doubtful[0]], findings[doubtful[0]]
        report = found(Verdict.INCONCLUSIVE, *_doubt(point, gradients, line, finding))
        entries = [_entry(point, gradients, line, finding, int(np.argmax(finding.unresolved))), *entries]
    else:
        report = found(Verdict.PASS)
    report.worst, report.entries = entries[0] if entries else None, entries[:KEPT]
    report.checked = sum(f.wrong.size for f in findings)
    report.notes = list(gradients.notes)
    if kinks := sum(int(np.sum(f.kink & ~f.wrong)) for f in findings):
        report.notes.append(f"{kinks} of them lie at a kink, between the one-sided derivatives.")
    if not gradients.everything and not wrong:
        report.missed = _missed(point, gradients, lines, findings)
    return report


def _entries(point: Point, gradients: Gradients, lines: list[Line], findings: list[Finding]) -> list[Entry]:
    """Return the worst comparisons, by how much of its tolerance each one used; wrong single entries come first."""
    ranked = []
    for line, finding in zip(lines, findings, strict=True):
        for pair in np.argsort(-finding.excess, kind="stable")[:KEPT]:
            if not finding.unresolved[pair]:
                wrong, excess = bool(finding.wrong[pair]), float(finding.excess[pair])
                single = gradients.everything and pair < point.outputs.size
                named = wrong * (2 * (line.coordinate is not None) + single)  # how much of the place a wrong one tells
                ranked.append(((wrong, named, excess), line, finding, int(pair)))
    ranked.sort(key=lambda row: row[0], reverse=True)
    return [_entry(point, gradients, line, finding, pair) for _, line, finding, pair in ranked[:KEPT]]


def _entry(point: Point, gradients: Gradients, line: Line, finding: Finding, pair: int) -> Entry:
    attempt = line.attempts[int(finding.best[pair])]
    by = point.inputs.place(line.coordinate) if line.coordinate is not None else ALL_INPUTS
    of = point.outputs.place(pair) if gradients.everything and pair < point.outputs.size else ALL_OUTPUTS
    columns = (attempt.analytic, attempt.numeric, attempt.error, attempt.tolerance)
    analytic, numeric, error, tolerance = (float(column[pair] / attempt.unit) for column in columns)
    (input, index), (output, output_index) = by, of
    interval = None
    if finding.kink[pair]:
        low, high = line.nearby or (attempt.low / attempt.unit, attempt.high / attempt.unit)
        interval = (float(low[pair]), float(high[pair]))
    step = float(attempt.step[pair] * attempt.unit)
    return Entry(input, index, output, output_index, analytic, numeric, error, tolerance, step, interval)


def _doubt(point: Point, gradients: Gradients, line: Line, finding: Finding) -> tuple[str, str]:
    """Say why a line could not be measured."""
    pair = int(np.argmax(finding.unresolved))
    if not np.isfinite(line.attempts[0].analytic[pair]) or not any(np.isfinite(a.error[pair]) for a in line.attempts):
        return "non-finite", "the derivative is not finite here: a singular point, or the edge of the domain."
    attempt = line.attempts[int(np.argmin([a.error[pair] for a in line.attempts]))]
    step = point.direction(line.relative, point.scales[0])
    noise = gradients.pair_errors(scatter(point.along(step)))[pair]
    if noise < 0.01 * attempt.error[pair] * attempt.step[pair] or any(a.kinked[pair] for a in line.attempts):
        return "kink", "the function has a kink or a jump here, and no derivative on either side could be measured."
    return "noise floor", "the function's values scatter so much that no step gives a derivative to three digits."


def _missed(point: Point, gradients: Gradients, lines: list[Line], findings: list[Finding]) -> float:
    """Bound the probability that an error of 0.1 % of a typical entry passed along every random direction.

    For an error matrix E of norm s and independent normal vectors u and v, |v'Eu| < t is at most as probable as
    |ab| < t/s for two normal numbers a and b: (2/pi) e (1.28 - log(e sqrt(2/pi))) with e = t/s.
    """
    rows = np.nan_to_num(np.abs(gradients.rows[-len(gradients.random) :]))
    columns = np.sqrt(np.mean(rows**2, axis=0)) * point.scales[0]
    entry = float(np.max(columns, initial=0)) / math.sqrt(max(point.outputs.size, 1))
    missed, c = 1.0, math.sqrt(2 / math.pi)
    random = [n for n, line in enumerate(lines) if line.coordinate is None][1:]  # the first is not random
    for k, n in enumerate(random):
        pair = len(findings[n].best) - len(gradients.random) + k
        e = float(lines[n].attempts[int(findings[n].best[pair])].tolerance[pair]) / max(PLANTED * entry, 1e-300)
        missed *= min(1.0, c * c * e * (1.28 - math.log(c * e))) if 0 < c * e < 1 else float(e > 0)
    return missed


def explained(entry: Entry) -> str:
    """Say in words what a wrong entry looks like."""
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
