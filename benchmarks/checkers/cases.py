"""All cases: those with a planted error, and right derivatives at places that are hard to measure."""

from __future__ import annotations

from benchmarks.checkers import arrays, elementwise, hard
from benchmarks.checkers.case import Case

PLANTED: tuple[Case, ...] = (*elementwise.CASES, *arrays.CASES)
HARD: tuple[Case, ...] = hard.CASES
