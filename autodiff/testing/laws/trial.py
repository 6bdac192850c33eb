"""One law on trial: its two sides are evaluated, their difference is weighed against round-off, a Report is made.

Exact laws hold up to round-off, and how much that is gets measured. Both sides are evaluated at the point and at 16
neighbours, whose cotangents differ by up to 1/64 and whose inputs by half of their digits, so that everything there is
rounded differently. A law that holds does so at each of them: the difference of its sides scatters by round-off alone,
and Student's t with 15 degrees of freedom bounds it: 21.7 standard deviations are exceeded once in 1e12 times, if
round-off is normal. Where no scatter shows, 8 units in the last place of both sides are allowed, for the last
operations of each. A law that is broken is broken at the neighbours by nearly the same amount, which scatters by a few
hundredths of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.testing.checks.gradcheck import bound
from autodiff.testing.report import Entry, Report, Verdict, finished
from autodiff.testing.space import Array, Space
from autodiff.testing.subject import Pull, Subject

NEIGHBOURS = 16
STUDENT = 21.7  # P(|t| > 21.7) = 1e-12 with NEIGHBOURS - 1 degrees of freedom
AROUND = 1 / 64  # how far the cotangents of neighbours are, relatively
LAST = 8  # units in the last place
RESOLVED = 1e-3  # of the largest number compared: behind a coarser tolerance a broken law could hide
KEPT = 24  # entries that a report keeps

Arrays = list[Any]
Sides = Callable[[Arrays, Arrays], tuple[Arrays, Arrays]]


class Trial:
    """A function at a point, what was compared there under one law, and whether the law was kept."""

    def __init__(
        self, law: str, f: Any, inputs: Sequence[Any], params: Any = None, seed: int = 0, name: str | None = None
    ) -> None:
        self.law, self.subject, self.seed = law, bound(f, tuple(inputs), params, name), seed
        self.rng = np.random.default_rng(seed)
        self.entries: list[Entry] = []
        self.notes: list[str] = []
        self.checked, self.evaluations, self.started = 0, 0, time.perf_counter()
        self.verdict, self.reason, self.detail, self.oracle = Verdict.PASS, "", "", ""

    # --- running the function ---

    def inputs(self) -> Arrays:
        """Return the point, in arrays of their own."""
        return [x.copy() for x in self.subject.inputs]

    def linearize(self, xs: Arrays, subject: Subject | None = None) -> tuple[Arrays, Pull]:
        """Return a function's outputs and its pull-back."""
        self.evaluations += 1
        with quiet():
            ys, pull = (subject or self.subject).linearize(xs)

        def pulled(vs: Arrays) -> Arrays:
            with quiet():
                return pull(vs)

        return ys, pulled

    def cotangents(self, ys: Arrays) -> Arrays:
        """Draw a cotangent of each output, no entry of it near 0."""

        def part(y: Array) -> Array:
            return np.asarray(self.rng.uniform(0.5, 1.5, y.shape) * self.rng.choice([-1.0, 1.0], y.shape))

        return [np.asarray(part(y) + (1j * part(y) if y.dtype.kind == "c" else 0), dtype=y.dtype) for y in ys]

    # --- judging ---

    def broken(self, detail: str) -> None:
        """Note that the law does not hold; the first finding is the one that is told."""
        if self.verdict is not Verdict.FAIL:
            self.verdict, self.reason, self.detail = Verdict.FAIL, f"law {self.law} broken", detail

    def unclear(self, reason: str, detail: str) -> None:
        """Note that nothing was shown."""
        if self.verdict is Verdict.PASS:
            self.verdict, self.reason, self.detail = Verdict.INCONCLUSIVE, reason, detail

    def same(self, found: Arrays, expected: Arrays, names: Sequence[str], what: str) -> None:
        """Demand that arrays are equal bit for bit (a NaN equals a NaN)."""
        for a, b, name in zip(found, expected, names, strict=True):
            self.checked += a.size
            if a.shape != b.shape or a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=True):
                self.broken(f"{what}: {name} is {_brief(a)} where it was {_brief(b)}.")

    def adopt(self, report: Report) -> None:
        """Take over what a check along random directions found."""
        if report.verdict is Verdict.FAIL:
            self.broken(f"{report.reason}: {report.detail}")
        elif not report:
            self.unclear(report.reason, report.detail)
        self.entries, self.checked, self.evaluations = report.entries, report.checked, report.evaluations
        self.notes += report.notes

    def balance(self, sides: Sides, xs: Arrays, vs: Arrays, names: Sequence[str]) -> None:
        """Demand that the two sides of a law, functions of inputs and cotangents, agree up to round-off."""
        left, right = sides(xs, vs)
        shapes = [np.shape(x) for x in left]
        if shapes != [np.shape(x) for x in right]:
            self.broken(f"one side has the shapes {shapes}, the other {[np.shape(x) for x in right]}.")
            return
        space = Space(names, left)
        found, expected = space.pack(left), space.pack(right)
        self.checked += space.size
        if np.array_equal(found, expected, equal_nan=True):
            return
        eps = max(float(np.finfo(x.dtype).eps) for x in (*left, *right, *vs))
        weight = max([float(np.max(np.abs(v), initial=0)) for v in vs], default=0.0)
        with np.errstate(all="ignore"):
            sizes = np.abs(found) + np.abs(expected)
            tolerance = STUDENT * self._scatter(sides, xs, vs, space) + LAST * eps * sizes
            tolerance = np.where(np.isfinite(tolerance), tolerance, np.inf)
            defect = np.where(found == expected, 0.0, np.abs(found - expected))
        largest = float(np.max(sizes[np.isfinite(sizes)], initial=0))
        lost = LAST * eps * weight  # what cancels down to less than this has no digits left to scatter
        doubtful = (defect > tolerance) & (defect <= lost) & (lost > RESOLVED * largest)
        doubtful |= np.isnan(defect) | (tolerance > max(RESOLVED, 32 * LAST * eps) * max(largest, weight))
        self._compared(space, found, expected, np.where(defect <= lost, np.maximum(tolerance, defect), tolerance))
        if np.any((defect > tolerance) & (defect > lost)):
            worst = self.entries[0]
            place = _place(*space.place(int(np.argmax(defect / tolerance))))
            self.broken(f"{place} is {worst.analytic:.12g} on one side, {worst.numeric:.12g} on the other.")
        elif np.any(doubtful):
            k = int(np.argmax(doubtful))
            finite = bool(np.isfinite(found[k]) and np.isfinite(expected[k]))
            why = f"round-off there is {max(tolerance[k], lost):.1g}" if finite else "it is not finite"
            self.unclear("noise floor" if finite else "non-finite", f"{_place(*space.place(k))} shows nothing: {why}.")

    def _scatter(self, sides: Sides, xs: Arrays, vs: Arrays, space: Space) -> Array:
        """Return the standard deviation of the difference of two sides over neighbouring points."""
        gaps = []
        for _ in range(NEIGHBOURS):
            left, right = sides([self._neighbour(x) for x in xs], [self._neighbour(v, AROUND) for v in vs])
            gaps.append(space.pack(left) - space.pack(right))
        return np.asarray(np.std(gaps, axis=0, ddof=1))

    def _neighbour(self, x: Array, around: float | None = None) -> Array:
        """Return numbers nearby: within a relative distance, by default half of the digits away."""
        around = around or max(np.sqrt(np.finfo(x.dtype).eps) / 8, 4 * np.finfo(x.dtype).eps)
        return np.asarray(x * (1 + around * self.rng.uniform(-1, 1, x.shape)), dtype=x.dtype)

    def _compared(self, space: Space, found: Array, expected: Array, tolerance: Array) -> None:
        with np.errstate(all="ignore"):
            excess = np.nan_to_num(np.abs(found - expected) / tolerance, nan=0.0, posinf=np.inf)
        for k in np.argsort(-excess, kind="stable")[:KEPT]:
            name, index = space.place(int(k))
            here, there, allowed = (float(x[k]) for x in (found, expected, tolerance))
            name = name.removeprefix("gradient by ")
            self.entries.append(Entry(name, index, "output", None, here, there, 0.0, allowed, step=0.0))
        self.entries = sorted(self.entries, key=lambda e: -e.excess)[:KEPT]

    def report(self) -> Report:
        """Return the report and hand it to whoever collects them."""
        return finished(
            Report(
                f"{self.subject.name}, law {self.law}",
                self.verdict,
                self.reason,
                self.detail,
                oracle=self.oracle,
                worst=self.entries[0] if self.entries else None,
                entries=self.entries,
                checked=self.checked,
                evaluations=self.evaluations,
                seed=self.seed,
                notes=self.notes,
                seconds=time.perf_counter() - self.started,
            )
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep NumPy's warnings about values inside: laws hold at infinity and for empty arrays too."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def gradients(subject: Subject) -> list[str]:
    """Return what a report calls the gradients."""
    return [f"gradient by {name}" for name in subject.names]


def _place(name: str, index: tuple[int, ...] | None) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _brief(x: Array) -> str:
    text = np.array2string(x, threshold=6, precision=6, separator=", ")
    return f"{x.dtype}{list(x.shape)} {text}" if len(text) < 80 else f"{x.dtype}{list(x.shape)}"
