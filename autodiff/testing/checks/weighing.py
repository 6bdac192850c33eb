"""Measurements of one derivative, weighed against each other: right, wrong, at a kink, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from autodiff.testing.space import Array

CLEAR = 0.1  # of a mismatch: an error bar below this would show it, and measurements closer than this confirm it
LEAST = 1e-300


class Attempt(NamedTuple):
    """One measurement along a direction beside the analytic side: arrays with a number for each cotangent."""

    analytic: Array
    numeric: Array
    error: Array
    tolerance: Array
    low: Array  # the one-sided derivatives, in order, where `kinked`
    high: Array
    kinked: Array
    jumping: Array
    step: Array
    unit: float  # the largest change of an input along the direction
    resolved: Array  # where the tolerance is small enough to show an error


class Finding(NamedTuple):
    """What the attempts say together for each cotangent; `best` is the number of the one that decides."""

    wrong: Array
    unresolved: Array
    kink: Array
    best: Array
    excess: Array  # the mismatch in units of the tolerance


@dataclass
class Line:
    """A direction through the inputs (`coordinate` is None for a random one) and the attempts to measure along it."""

    coordinate: int | None
    relative: Array
    attempts: list[Attempt] = field(default_factory=list)
    nearby: tuple[Array, Array] | None = None  # bounds of the derivative at points around a kink, for each cotangent
    _finding: Finding | None = None

    def add(self, attempt: Attempt) -> None:
        """Put an attempt to the others."""
        self.attempts.append(attempt)
        self._finding = None

    def start_over(self) -> list[Attempt]:
        """Drop the attempts and return them."""
        dropped, self.attempts, self._finding = self.attempts, [], None
        return dropped

    def look_around(self, low: Array, high: Array) -> None:
        """Say between what bounds the derivative along this direction lies at points nearby."""
        self.nearby, self._finding = (low, high), None

    def finding(self) -> Finding:
        """Return what the attempts say together."""
        if self._finding is None:
            single = len(self.attempts) == 1 and self.nearby is None
            self._finding = _taken(self.attempts[0]) if single else self._weighed()
        return self._finding

    def _weighed(self) -> Finding:
        """Weigh the attempts.

        The most precise one decides, unless another that could have seen its mismatch saw none; and a mismatch counts
        only if a second attempt, where there is one, finds the same derivative. At a kink, which two attempts must see
        down to the finest steps, the interval of the one-sided derivatives decides, or that of the derivatives nearby.
        """
        t = _table(self.attempts)
        with np.errstate(all="ignore"):
            best = t.most_precise()
            confirmed = t.confirmed(best, alone=self.coordinate is not None or len(self.attempts) == 1)
            jumps = _lowest(t.step, t.jumping) < _chosen(t.step, best)
            kink = t.kinks()
            best = np.where(kink, _least(t.step, t.kinked), best)
            off = np.where(kink, _chosen(t.outside, best), _chosen(t.miss, best))
            excess = np.where(off > 0, off / np.maximum(_chosen(t.tolerance, best), LEAST), 0.0)
            if self.nearby is not None:
                among = self._among(t, best, kink)
                kink, excess = kink | (among & (excess > 1)), np.where(among, 0.0, excess)
        told = kink | (np.any(t.usable, axis=0) & ((confirmed & ~jumps) | (excess <= 1)))
        return Finding(told & (excess > 1), ~told, kink, best, np.where(told, excess, 0.0))

    def _among(self, t: Table, best: Array, kink: Array) -> Array:
        """Say where the analytic side is a mean of the derivatives around a kink: any will do (Clarke 1975)."""
        assert self.nearby is not None
        low, high = self.nearby
        apart = kink | (high - low > CLEAR * np.fmax(np.abs(low), np.abs(high)))
        slope, slack = _chosen(t.analytic / t.unit, best), _chosen(t.tolerance / t.unit, best)
        return np.asarray(apart & (slope >= low - slack) & (slope <= high + slack))


class Table(NamedTuple):
    """The attempts along a line: a row for each, a column for each cotangent."""

    analytic: Array
    numeric: Array
    tolerance: Array
    miss: Array  # the distance of the analytic side from the measured one
    outside: Array  # and from the interval of the one-sided derivatives
    kinked: Array
    jumping: Array
    usable: Array
    step: Array
    unit: Array

    def most_precise(self) -> Array:
        """Return the attempt with the smallest relative error bar, or of those that contradict its mismatch."""
        bar = self.tolerance / np.maximum(np.fmax(np.abs(self.numeric), self.tolerance), LEAST)
        best = _least(bar, self.usable)
        sharp = self.tolerance / self.unit <= CLEAR * _chosen(self.miss / self.unit, best)
        sees_none = self.usable & sharp & (self.miss <= self.tolerance)
        return np.where(np.any(sees_none, axis=0), _least(bar, sees_none), best)

    def confirmed(self, best: Array, alone: bool) -> Array:
        """Say where a second attempt finds the same derivative, or is not needed if there is none.

        A line through many kinks can be measured by chance: there one attempt is not enough.
        """
        slope = self.numeric / self.unit
        alike = np.abs(slope - _chosen(slope, best)) <= CLEAR * _chosen(self.miss / self.unit, best)
        return np.asarray((np.sum(self.usable & alike, axis=0) > 1) | (alone & (np.sum(self.usable, axis=0) < 2)))

    def kinks(self) -> Array:
        """Say where two attempts see a kink, and none at finer steps sees a smooth function."""
        finer = _lowest(self.step, self.kinked) < _lowest(self.step, self.usable)
        return np.asarray((np.sum(self.kinked, axis=0) > 1) & finer)


def _taken(attempt: Attempt) -> Finding:
    """Take the only attempt there is at its word; what it sees of a kink, another one must see as well."""
    with np.errstate(all="ignore"):
        miss = np.nan_to_num(np.abs(attempt.analytic - attempt.numeric), nan=np.inf)
        excess = miss / np.maximum(attempt.tolerance, LEAST)
        excess[miss == 0] = 0.0
    told = attempt.resolved & ~attempt.kinked
    nowhere = np.zeros(told.shape, bool)
    return Finding(told & (excess > 1), ~told, nowhere, nowhere.astype(int), np.where(told, excess, 0.0))


def _table(attempts: list[Attempt]) -> Table:
    columns = {name: np.stack([getattr(a, name) for a in attempts]) for name in Attempt._fields if name != "unit"}
    unit = np.array([[a.unit] for a in attempts])
    analytic, kinked = columns["analytic"], columns["kinked"]
    with np.errstate(all="ignore"):
        miss = np.nan_to_num(np.abs(analytic - columns["numeric"]), nan=np.inf)
        outside = np.fmax(columns["low"] - analytic, analytic - columns["high"])
        outside = np.maximum(np.nan_to_num(outside, nan=np.inf), 0)
    return Table(
        analytic,
        columns["numeric"],
        columns["tolerance"],
        miss,
        outside,
        kinked,
        columns["jumping"],
        columns["resolved"] & ~kinked,
        columns["step"] * unit,
        unit,
    )


def _least(values: Array, where: Array) -> Array:
    """Return for each column the row of the smallest value among those allowed."""
    return np.asarray(np.argmin(np.where(where, values, np.inf), axis=0))


def _lowest(values: Array, where: Array) -> Array:
    return np.asarray(np.min(np.where(where, values, np.inf), axis=0))


def _chosen(values: Array, rows: Array) -> Array:
    return np.asarray(values[rows, np.arange(values.shape[1])])
