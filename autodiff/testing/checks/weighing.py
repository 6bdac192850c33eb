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
            self._finding = self._weighed()
        return self._finding

    def _weighed(self) -> Finding:
        """Weigh the attempts.

        The most precise one decides, unless another that could have seen its mismatch saw none; and a mismatch counts
        only if a second attempt, where there is one, finds the same derivative. At a kink, which two attempts must see
        down to the finest steps, the interval of the one-sided derivatives decides.
        """
        attempts = self.attempts
        analytic, numeric, tolerance = (
            np.stack([getattr(a, name) for a in attempts]) for name in ("analytic", "numeric", "tolerance")
        )
        kinked = np.stack([a.kinked for a in attempts])
        usable = np.stack([a.resolved for a in attempts]) & ~kinked
        unit = np.array([[a.unit] for a in attempts])
        step = np.stack([a.step for a in attempts]) * unit
        with np.errstate(all="ignore"):
            miss = np.nan_to_num(np.abs(analytic - numeric), nan=np.inf)
            bar = tolerance / np.maximum(np.fmax(np.abs(numeric), tolerance), LEAST)
            best = _least(bar, usable)
            clear = CLEAR * _chosen(miss / unit, best)
            sees_none = usable & (miss <= tolerance) & (tolerance / unit <= clear)
            best = np.where(np.any(sees_none, axis=0), _least(bar, sees_none), best)
            alike = usable & (np.abs(numeric / unit - _chosen(numeric / unit, best)) <= clear)
            alone = (
                self.coordinate is not None or len(attempts) == 1
            )  # a line through many kinks can be measured by chance
            confirmed = (np.sum(alike, axis=0) > 1) | (alone & (np.sum(usable, axis=0) < 2))

            jumps = _lowest(step, np.stack([a.jumping for a in attempts])) < _chosen(step, best)
            kink = (np.sum(kinked, axis=0) > 1) & (_lowest(step, kinked) < _lowest(step, usable))
            best = np.where(kink, _least(step, kinked), best)
            outside = np.stack([np.fmax(a.low - a.analytic, a.analytic - a.high) for a in attempts])
            outside = np.maximum(np.nan_to_num(outside, nan=np.inf), 0)
            off = np.where(kink, _chosen(outside, best), _chosen(miss, best))
            excess = np.where(off > 0, off / np.maximum(_chosen(tolerance, best), LEAST), 0.0)
            if self.nearby is not None:  # at a kink any mean of the derivatives around it will do (Clarke 1975)
                low, high = self.nearby
                slopes = _chosen(analytic / unit, best)
                apart = kink | (high - low > CLEAR * np.fmax(np.abs(low), np.abs(high)))
                slack = _chosen(tolerance / unit, best)
                among = apart & (slopes >= low - slack) & (slopes <= high + slack)
                kink, excess = kink | (among & (excess > 1)), np.where(among, 0.0, excess)
        told = kink | (~jumps | (excess <= 1)) & (np.any(usable, axis=0) & (confirmed | (excess <= 1)))
        return Finding(told & (excess > 1), ~told, kink, best, np.where(told, excess, 0.0))


def _least(values: Array, where: Array) -> Array:
    """Return for each column the row of the smallest value among those allowed."""
    return np.asarray(np.argmin(np.where(where, values, np.inf), axis=0))


def _lowest(values: Array, where: Array) -> Array:
    return np.asarray(np.min(np.where(where, values, np.inf), axis=0))


def _chosen(values: Array, rows: Array) -> Array:
    return np.asarray(values[rows, np.arange(values.shape[1])])
