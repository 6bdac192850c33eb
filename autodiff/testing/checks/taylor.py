"""The rate at which the Taylor remainder falls: a verdict from an exponent, without any tolerance of values.

|f(x + hu) - f(x) - h f'(x)u| falls as h^2 for a right derivative and as h for a wrong one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autodiff.testing.checks.analytic import EPS, Gradients
from autodiff.testing.checks.judging import ALL_INPUTS, ALL_OUTPUTS, KEPT
from autodiff.testing.checks.oracles import Point
from autodiff.testing.report import Entry
from autodiff.testing.space import Array

LEVELS = 10
SLOW = 1.6  # an exponent below this is that of a wrong derivative
NOISE = 32.0  # units in the last place of the function's values: a smaller remainder is round-off


class Rates(NamedTuple):
    """For each cotangent: the remainder's exponent (infinite where there is none), and where it was read off."""

    exponent: Array
    remainder: Array
    step: Array


def rates(point: Point, gradients: Gradients, step: Array) -> Rates:
    """Return the exponents along a direction, between the two smallest steps whose remainder is above round-off."""
    steps = 2.0 ** -np.arange(LEVELS)
    along, slopes = point.along(step), gradients.along(step)[0]
    values = np.stack([gradients.pair(along(h)) for h in steps])
    noise = NOISE * EPS * gradients.pair_errors(np.abs(point.here))
    with np.errstate(all="ignore"):
        remainders = np.abs(values - gradients.pair(point.here) - steps[:, None] * slopes)
        above = remainders > noise
        exponents = np.log2(remainders[:-1] / remainders[1:])
        read = above[:-1] & above[1:] & np.isfinite(exponents)
        last = len(read) - 1 - np.argmax(read[::-1], axis=0)
        pairs = np.arange(read.shape[1])
        known = np.any(read, axis=0)
        exponent = np.where(known, exponents[last, pairs], np.inf)
        exponent = np.where(np.isfinite(slopes), exponent, -np.inf)
    return Rates(exponent, np.where(known, remainders[last + 1, pairs], 0.0), steps[last + 1])


def entries(point: Point, gradients: Gradients, step: Array, found: Rates, slow: Array) -> list[Entry]:
    """Return the comparisons along a direction whose remainder falls too slowly."""
    slopes, unit, units = gradients.along(step)[0], float(np.max(np.abs(step))), len(slow) - len(gradients.random)
    rows = []
    for k in np.flatnonzero(slow)[:KEPT]:
        measured = slopes[k] + found.remainder[k] / found.step[k]
        numbers = (slopes[k] / unit, measured / unit, 0.0, 0.0, found.step[k] * unit)
        rows.append(Entry(*ALL_INPUTS, *(point.outputs.place(k) if k < units else ALL_OUTPUTS), *map(float, numbers)))
    return rows
