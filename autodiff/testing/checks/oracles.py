"""What a derivative is held against: differences, the complex step, or the forward mode.

Each oracle measures the derivative of all outputs along one direction, with error bars, and knows nothing of rules
(`forward` excepted, which says so).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.testing.checks.differences import LEVELS, Slope, slope
from autodiff.testing.space import Array, Space
from autodiff.testing.subject import Subject

NAMES = {
    "differences": "extrapolated central differences",
    "complex": "the complex step",
    "forward": "the forward mode",
    "taylor": "the rate of the Taylor remainder",
}
TINY = 2.0**-100  # the complex step: so small that its square vanishes beside anything
AROUND, FAR, CLOSE = 24, 2.0**-10, 2.0**-20  # points looked at around a kink, how far off, and the step there
NARROWER = 2.0**-7


class Point:
    """A subject at its inputs in wide precision: where it stands, what comes out there, and the lines through it."""

    def __init__(self, subject: Subject, dtype: Any = np.float64) -> None:
        self.subject, self.evaluations = subject, 0
        self.inputs = Space(subject.names, subject.inputs)
        self.base: Array = self.inputs.pack(subject.inputs).astype(dtype)
        self.narrow = False
        try:
            ys = self._values(self.base)
        except (TypeError, ValueError, NotImplementedError):  # a function that insists on its dtype
            if all(x.dtype.itemsize >= self.base.dtype.itemsize for x in subject.inputs):
                raise
            self.narrow = True
            ys = self._values(self.base)
        self.outputs = Space(subject.outputs, ys)
        self.here = self.outputs.pack(ys)

    def arrays(self, vector: Array) -> list[Any]:
        """Return a vector of the input space as the arrays the function is given."""
        arrays = self.inputs.unpack(vector)
        if self.narrow:
            return [a.astype(x.dtype) for a, x in zip(arrays, self.subject.inputs, strict=True)]
        return arrays

    def again(self) -> Array:
        """Evaluate once more at the point itself."""
        return self._packed(self.base)

    def moved(self, by: Array) -> Array:
        """Evaluate at another point."""
        return self._packed(self.base + by)

    def along(self, step: Array) -> Callable[[float], Array]:
        """Return the outputs as a function of the place on a line; NaN where there are none."""
        return lambda t: self._packed(self.base + t * step)

    def direction(self, relative: Array, scale: Array) -> Array:
        """Return a direction scaled to the inputs, rounded so that the point plus or minus its halves is exact.

        Without that the point evaluated would differ from the one meant, by more than a small step can bear.
        """
        step = relative * scale
        reach = np.maximum(np.abs(self.base), np.abs(step)) * 2
        reach = reach.astype(np.float32) if self.narrow else reach
        quantum = np.spacing(reach).astype(self.base.dtype) * 2.0**LEVELS
        with np.errstate(all="ignore"):
            rounded = np.rint(step / quantum) * quantum
        return np.asarray(np.where((rounded == 0) & (step != 0), np.copysign(quantum, step), rounded))

    @functools.cached_property
    def scales(self) -> list[Array]:
        """Scales of steps, the likeliest first: relative to each input, absolute, smaller and smaller."""
        size = np.abs(self.base)
        typical = float(np.median(size[size > 0])) if np.any(size > 0) else 1.0
        mixed = np.where(size > 0, np.maximum(size, 1e-3), min(max(typical, 1e-3), 1.0)) / 4
        relative = np.where(size > 0, size, typical) / 4
        unit = np.full_like(size, 0.25)
        known: list[Array] = []
        for scale in (
            mixed,
            mixed * NARROWER,
            relative,
            unit,
            mixed * NARROWER**2,
            relative * NARROWER,
            unit * NARROWER,
            mixed * NARROWER**3,
        ):
            if not any(np.array_equal(scale, other) for other in known):
                known.append(scale)
        return known

    def _packed(self, vector: Array) -> Array:
        try:
            ys = self._values(vector)
        except (ArithmeticError, np.linalg.LinAlgError):
            return np.full_like(self.here, np.nan)
        if [np.shape(y) for y in ys] != self.outputs.shapes:
            return np.full_like(self.here, np.nan)
        return self.outputs.pack(ys)

    def _values(self, vector: Array) -> list[Any]:
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.subject.values(self.arrays(vector))


def differences(point: Point, step: Array, noise: Array | None = None) -> Slope:
    """Measure along a direction by extrapolated differences, of values that scatter by `noise`."""
    return slope(point.along(step), point.here, noise)


def nearby(point: Point, step: Array, rng: np.random.Generator, pair: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Return bounds of the derivative along a direction at points around, for each cotangent that `pair` pairs with."""
    slopes, scale = [], point.scales[0]
    for _ in range(AROUND):
        away = FAR * scale * rng.standard_normal(step.shape)
        ahead, behind = (point.moved(away + side * CLOSE * step) for side in (1.0, -1.0))
        slopes.append(pair((ahead - behind) / (2 * CLOSE)) / np.max(np.abs(step)))
    return np.nanmin(slopes, axis=0), np.nanmax(slopes, axis=0)


def complex_step(point: Point, step: Array) -> Slope:
    """Measure along a direction by one evaluation off the real axis (Squire and Trapp 1998): no difference is taken."""
    subject = point.subject
    size = float(np.max(np.abs(step), initial=0)) or 1.0
    h = TINY / size
    point.evaluations += 1
    with np.errstate(all="ignore"):
        moved = [x + 1j * (h * u) for x, u in zip(point.arrays(point.base), point.arrays(step), strict=True)]
        ys = subject.values(moved)
        values = point.outputs.pack([np.imag(y) / h for y in ys])
        real = point.outputs.pack([np.real(y) for y in ys])
        error = 64 * np.finfo(np.float64).eps * (np.abs(values) + np.max(np.abs(values), initial=0))
        error = error + np.finfo(np.float64).tiny / h + TINY**1.8  # underflow, and the square that was neglected
        # the same function off the axis as on it, or the step measures another one
        sound = np.abs(real - point.here) <= 1e-12 * np.abs(point.here)
    error = np.where(sound & np.isfinite(values), error, np.inf)
    return _exact(point, values, error, h)


def forward(point: Point, step: Array) -> Slope:
    """Push a direction forwards: exact for linear and bilinear operations, by the rules for the others."""
    point.evaluations += 1
    pushed = point.subject.jvp(point.arrays(point.base), point.arrays(step))
    values = point.outputs.pack(pushed)
    error = 64 * np.finfo(np.float64).eps * (np.abs(values) + np.max(np.abs(values), initial=0))
    return _exact(point, values, error, 0.0)


def _exact(point: Point, values: Array, error: Array, h: float) -> Slope:
    never = np.zeros(values.shape, bool)
    return Slope(values, error, np.full(values.shape, h), values, values, error * 2, np.abs(point.here), never)


def analytic_operations(subject: Subject) -> tuple[int, str | None]:
    """Count the operations of a subject's graph and name the first that the complex step cannot pass through."""
    from autodiff.graph import trace
    from autodiff.primitive import registry
    from autodiff.tensor import Tensor

    if type(subject) is not Subject:
        return 0, "a function whose graph is not seen"
    if any(x.dtype.kind == "c" for x in subject.inputs):
        return 0, "complex inputs"
    with np.errstate(all="ignore"):
        graph = trace(lambda *xs: subject.call(list(xs)))(*[Tensor(x.astype(np.float64)) for x in subject.inputs])
    kinked = {e.name for e in registry.values() if e.form == "composite" and e.kinks} if graph.groups else set()
    around = {op: group.name for group in reversed(graph.groups) if group.name in kinked for op in group.ops}
    names = [around.get(op, op.name) for op in graph.ops]
    sound = [getattr(op.primitive, "analytic", False) and op not in around for op in graph.ops]
    blocked = next((name for name, fine in zip(names, sound, strict=True) if not fine), None)
    return len(graph.ops), blocked
