"""The side under test: gradients pulled back through the rules, in several layouts and in the caller's dtype."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.testing.checks.oracles import Point
from autodiff.testing.layouts import laid_out
from autodiff.testing.report import Entry
from autodiff.testing.space import Array
from autodiff.testing.subject import Pull

EPS = float(np.finfo(np.float64).eps)
ROUNDOFF = 64.0  # units in the last place that a gradient may be off
CONTINUOUS = 1e-6  # of the largest gradient: a change of the last place that moves it further crosses a kink
SAFETY = 8.0  # error bars that a mismatch may span, and how far beyond a gradient's own round-off it may be off


class Fault(Exception):
    """What makes a derivative wrong before any number is compared."""

    def __init__(self, reason: str, detail: str, entry: Entry | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.entry = reason, detail, entry


class Gradients:
    """Rows of gradients, one for each cotangent: all unit ones (where `everything` is compared), then random ones."""

    def __init__(self, point: Point, rng: np.random.Generator, everything: bool, random: int) -> None:
        self.point, self.rng, self.everything = point, rng, everything
        self.random = rng.standard_normal((random, point.outputs.size))
        self.sizes = np.abs(self.random)
        self.notes: list[str] = []
        self.slack: Array | None = None
        self.arrays = arrays = point.arrays(point.base)
        units = np.eye(point.outputs.size) if everything else np.zeros((0, point.outputs.size))
        self.seeds = np.concatenate([units, self.random])
        self.values, self.pull = point.subject.linearize([x.copy() for x in arrays])
        recorded = point.outputs.pack(self.values)
        if np.any(np.abs(recorded - point.here) > 1e-10 * np.max(np.abs(point.here), initial=0)):
            raise Fault("another value", "the function gives another value when it is recorded than when it is not.")
        self.rows = self.pulled(self.seeds)
        if point.inputs.size and random:
            self._in_another_layout(arrays)
            self._in_own_dtype()

    # --- pairing a vector over the outputs with every cotangent ---

    def pair(self, outputs: Array) -> Array:
        """Return the inner product of the outputs' values with every cotangent."""
        return self._with_units(outputs, product(self.random, outputs))

    def pair_errors(self, errors: Array) -> Array:
        """Return the error of those inner products, given errors of the outputs."""
        return self._with_units(errors, product(self.sizes, errors))

    def pair_bounds(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return bounds of those inner products, given bounds of the outputs."""
        up, down = np.maximum(self.random, 0), np.minimum(self.random, 0)
        bottom, top = product(up, low) + product(down, high), product(up, high) + product(down, low)
        return self._with_units(low, bottom), self._with_units(high, top)

    def along(self, step: Array) -> tuple[Array, Array]:
        """Return for each cotangent the derivative along a direction, and its round-off."""
        sizes = product(np.abs(self.rows), np.abs(step))
        roundoff = ROUNDOFF * EPS * np.where(np.isfinite(sizes), sizes, 0.0)
        return product(self.rows, step), roundoff if self.slack is None else roundoff + self.slack @ np.abs(step)

    def pair_steps(self, steps: Array) -> Array:
        """Return the step of each output, and the smallest of them for those inner products."""
        return self._with_units(steps, np.full(len(self.random), np.min(steps, initial=np.inf)))

    def _with_units(self, outputs: Array, random: Array) -> Array:
        return np.concatenate([outputs, random]) if self.everything else random

    # --- pulling back ---

    def pulled(self, cotangents: Array) -> Array:
        """Pull cotangents back to the inputs: one row each."""
        rows = [self._pulled(self.pull, v, self.values, self.arrays) for v in cotangents]
        return np.stack(rows) if rows else np.zeros((0, self.point.inputs.size))

    def _like(self, cotangent: Array, ys: list[Any]) -> list[Any]:
        parts = self.point.outputs.unpack(cotangent)
        return [np.asarray(v, dtype=np.asarray(y).dtype) for v, y in zip(parts, ys, strict=True)]

    def _pulled(self, pull: Pull, cotangent: Array, ys: list[Any], arrays: list[Any]) -> Array:
        """Pull one cotangent back; a rule that fails is a finding."""
        try:
            gradients = pull(self._like(cotangent, ys))
        except Exception as error:
            raise Fault("the rule failed", f"{type(error).__name__}: {error}") from error
        return self._packed(gradients, arrays)

    def _packed(self, gradients: list[Any], arrays: list[Any]) -> Array:
        for name, g, x in zip(self.point.subject.names, gradients, arrays, strict=True):
            if np.shape(g) != np.shape(x):
                raise Fault("wrong shape", f"the gradient by {name} has shape {np.shape(g)}; {name} has {np.shape(x)}.")
        return self.point.inputs.pack(gradients)

    def _in_another_layout(self, arrays: list[Any]) -> None:
        """Check that inputs and cotangents that are not contiguous give the same gradient."""
        ys, pull = self.point.subject.linearize([laid_out(x, "scattered") for x in arrays])
        scattered: Pull = lambda vs: pull([laid_out(v, "scattered") for v in vs])  # noqa: E731
        g = self._pulled(scattered, self.random[0], ys, arrays)
        self._same(g, EPS, "wrong layout", "for inputs that are not contiguous")

    def _in_own_dtype(self) -> None:
        """Check that the gradient in the caller's dtype is the wide one, to that dtype's round-off."""
        subject, point = self.point.subject, self.point
        eps = max(float(np.finfo(x.dtype).eps) for x in subject.inputs)
        if point.narrow or eps <= EPS:
            return
        name = subject.inputs[0].dtype.name
        with np.errstate(all="ignore"):
            ys, pull = subject.linearize([x.copy() for x in subject.inputs])
            given = pull(self._like(self.random[0], ys))
        for key, h, x in zip(subject.names, given, subject.inputs, strict=True):
            if np.asarray(h).dtype != x.dtype:
                raise Fault("wrong dtype", f"the gradient by {key} is {np.asarray(h).dtype}; {key} is {x.dtype}.")
        packed = self._packed(given, subject.inputs)
        if np.any(~np.isfinite(packed) & np.isfinite(self.rows[-len(self.random)])):
            self.notes.append(f"in {name} numbers overflow on the way; the gradient was compared in float64 alone.")
            return
        self._same(packed, eps, f"wrong in {name}", f"in {name}")

    def _same(self, given: Array, eps: float, reason: str, when: str) -> None:
        """Compare the gradient of the first random cotangent with the plain one, up to round-off."""
        expected = self.rows[-len(self.random)]
        with np.errstate(all="ignore"):
            off = np.abs(given - expected)
        off = np.where((given == expected) | (np.isnan(given) & np.isnan(expected)), 0, np.nan_to_num(off, nan=np.inf))
        tolerance = ROUNDOFF * eps * self._magnitude(np.nan_to_num(expected, nan=0, posinf=0, neginf=0))
        if np.all(off <= tolerance):
            return
        tolerance = tolerance + SAFETY * self._magnitude(self._moved(eps, self.random[:1], expected[None])[0])
        if np.all(off <= tolerance):
            return
        k = int(np.argmax(off - tolerance))
        name, index = self.point.inputs.place(k)
        entry = Entry(name, index, "output", None, float(given[k]), float(expected[k]), 0.0, float(tolerance[k]), 0.0)
        raise Fault(reason, f"the gradient {when} differs from that of contiguous float64 inputs.", entry)

    def _magnitude(self, g: Array) -> Array:
        """Return for each coordinate the largest entry of its array: sums inside a rule round at that size."""
        starts = self.point.inputs.starts
        parts = [np.full(b - a, np.max(np.abs(g[a:b]), initial=0)) for a, b in pairwise(starts)]
        return np.concatenate(parts)

    def doubt(self) -> None:
        """Find out how far round-off alone may move the gradients: as far as the last place of their operands."""
        if self.slack is None:
            moved = SAFETY * self._moved(EPS, self.seeds, self.rows)
            largest = np.max(np.abs(np.nan_to_num(self.rows, posinf=0.0, neginf=0.0)), initial=0)
            self.slack = np.where(moved <= CONTINUOUS * largest, moved, 0.0)  # what jumps is not round-off

    def _moved(self, eps: float, seeds: Array, expected: Array) -> Array:
        """Return how far gradients move when inputs and cotangents move by the last place of a dtype."""
        point, moved = self.point, np.zeros_like(expected)
        for _ in range(4):
            x, v = (a * (1 + eps * self.rng.choice([-1.0, 1.0], a.shape)) for a in (point.base, seeds))
            with np.errstate(all="ignore"):
                ys, pull = point.subject.linearize(point.arrays(x))
                g = np.stack([self._pulled(pull, seed, ys, self.arrays) for seed in v])
                moved = np.maximum(moved, np.nan_to_num(np.abs(g - expected), nan=0.0, posinf=0.0))
        return moved


class Pushed(Gradients):
    """The library's forward mode in the place of the gradients: directions are pushed forwards as asked."""

    def along(self, step: Array) -> tuple[Array, Array]:
        """Return for each cotangent the derivative along a direction, and its round-off."""
        point = self.point
        tangents = [t.astype(x.dtype) for t, x in zip(point.arrays(step), point.arrays(point.base), strict=True)]
        pushed = point.outputs.pack(point.subject.jvp(point.arrays(point.base), tangents))
        return self.pair(pushed), ROUNDOFF * EPS * self.pair_errors(np.abs(pushed))


def product(rows: Array, vector: Array) -> Array:
    """Return rows @ vector where 0 times infinity is 0: a coordinate that does not move cannot make NaN."""
    with np.errstate(all="ignore"):
        plain = np.asarray(rows @ vector)
        if np.isfinite(plain).all():
            return plain
        zero = (rows == 0) | (vector == 0)
        return np.asarray(np.sum(np.where(zero, 0, rows * np.where(zero, 0, vector)), axis=1))
