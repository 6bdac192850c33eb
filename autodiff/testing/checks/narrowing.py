"""Finding the wrong entry of a large Jacobian, once a random direction has shown that there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autodiff.testing.checks.analytic import EPS, ROUNDOFF, SAFETY
from autodiff.testing.checks.judging import explained
from autodiff.testing.checks.oracles import differences
from autodiff.testing.checks.weighing import Line
from autodiff.testing.report import Entry, Report
from autodiff.testing.space import Array

if TYPE_CHECKING:
    from autodiff.testing.checks.comparison import Comparison


def narrow(comparison: Comparison, lines: list[Line], report: Report) -> None:
    """Put the wrong entry at the head of a report, found by halving a wrong direction and then its cotangent."""
    findings = [line.finding() for line in lines]
    n = int(np.argmax([np.max(f.excess, initial=0) for f in findings]))
    pair = int(np.argmax(findings[n].excess))
    places = np.arange(comparison.point.inputs.size)
    relative = lines[n].relative
    while len(places) > 1:
        halves = np.array_split(places, 2)
        excess = [_excess(comparison, _part(relative, half), pair) for half in halves]
        if max(excess) <= 1:  # only together are they seen: the direction itself is all there is to name
            return
        places = halves[int(np.argmax(excess))]
    entry = _entry(comparison, int(places[0]), pair)
    if entry is not None:
        report.entries.insert(0, entry)
        report.worst, report.detail = entry, explained(entry)


def _part(vector: Array, places: Array) -> Array:
    part = np.zeros_like(vector)
    part[places] = vector[places]
    return part


def _excess(comparison: Comparison, relative: Array, pair: int) -> float:
    line = Line(None, relative)
    comparison.measure(line, patiently=False)
    return float(line.finding().excess[pair])


def _entry(comparison: Comparison, column: int, pair: int) -> Entry | None:
    """Halve the cotangent over one input's column of the Jacobian, down to the output that is wrong."""
    point, gradients = comparison.point, comparison.gradients
    step = point.direction(np.eye(1, point.inputs.size, column)[0], point.scales[0])
    unit = float(step[column])
    found = differences(point, step)
    places = np.arange(point.outputs.size)
    cotangent = gradients.random[pair]
    while len(places) > 1:
        halves = np.array_split(places, 2)
        rows = gradients.pulled(np.stack([_part(cotangent, half) for half in halves]))[:, column] * unit
        excess = [
            _off(row, cotangent[half], found.value[half], found.error[half])
            for row, half in zip(rows, halves, strict=True)
        ]
        if max(excess) <= 1:
            return None
        places = halves[int(np.argmax(excess))]
    output = int(places[0])
    analytic = float(gradients.pulled(np.eye(1, point.outputs.size, output))[0, column])
    numeric, error = float(found.value[output] / unit), float(found.error[output] / abs(unit))
    tolerance = SAFETY * error + ROUNDOFF * EPS * abs(analytic)
    step_used = float(found.step[output] * abs(unit))
    return Entry(
        *point.inputs.place(column), *point.outputs.place(output), analytic, numeric, error, tolerance, step_used
    )


def _off(analytic: float, cotangent: Array, values: Array, errors: Array) -> float:
    """Return the mismatch of a column's part under a cotangent, in units of its tolerance."""
    sizes = np.abs(cotangent)
    tolerance = SAFETY * float(sizes @ errors) + ROUNDOFF * EPS * float(sizes @ np.abs(values))
    off = abs(analytic - float(cotangent @ values))
    return off / max(tolerance, 1e-300)
