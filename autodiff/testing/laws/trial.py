"""One law on trial: its two sides are evaluated, their difference is weighed against round-off, a Report is made.

Exact laws hold up to round-off, and how much that is gets measured. Both sides are evaluated at the point and at 16
neighbours, where every number is rounded differently, by up to 2 units in the last place. A law that holds does so at
each of them, so that the difference of its sides scatters by round-off alone, and Student's t with 15 degrees of
freedom bounds it: 21.7 standard deviations are exceeded once in 1e12 times, if round-off is normal. Where no scatter
shows, 8 units in the last place of both sides are allowed, for the last operations of each. A law that is broken is
broken at the neighbours by the same amount, which scatters as little.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.testing.gradcheck import bound
from autodiff.testing.report import Entry, Report, Verdict, finished
from autodiff.testing.space import Array, Space
from autodiff.testing.subject import Pull, Subject

NEIGHBOURS = 16
STUDENT = 21.7  # P(|t| > 21.7) = 1e-12 with NEIGHBOURS - 1 degrees of freedom
LAST = 8  # units in the last place
RESOLVED = 1e-3  # of the largest number compared: behind a coarser tolerance a broken law could hide
KEPT = 24  # entries that a report keeps

Arrays = list[Any]
Sides = Callable[[Arrays], tuple[Arrays, Arrays]]


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

    def balance(
        self, sides: Sides, at: Arrays, names: Sequence[str], bar: Callable[[Arrays], Arrays] | None = None
    ) -> None:
        """Demand that the two sides of a law, functions of the numbers `at`, agree up to round-off.

        `bar` gives further error bars, of what was measured and not computed.
        """
        left, right = sides(at)
        shapes = [np.shape(x) for x in left]
        if shapes != [np.shape(x) for x in right]:
            self.broken(f"one side has the shapes {shapes}, the other {[np.shape(x) for x in right]}.")
            return
        space = Space(names, left)
        found, expected = space.pack(left), space.pack(right)
        self.checked += space.size
        if np.array_equal(found, expected, equal_nan=True):
            return
        eps = max(np.finfo(x.dtype).eps for x in (*left, *right, *at))
        with np.errstate(all="ignore"):
            gaps = []
            for _ in range(NEIGHBOURS):
                a, b = sides([self._neighbour(x) for x in at])
                gaps.append(space.pack(a) - space.pack(b))
            error = space.pack(bar(at)) if bar is not None else np.zeros(space.size)
            sizes = np.abs(found) + np.abs(expected)
            tolerance = STUDENT * np.std(gaps, axis=0, ddof=1) + LAST * eps * sizes + error
            tolerance = np.where(np.isfinite(tolerance), tolerance, np.inf)
            defect = np.where(found == expected, 0.0, np.abs(found - expected))
        scale = max([float(np.max(np.abs(x), initial=0)) for x in (sizes[np.isfinite(sizes)], *at)])
        self._compared(space, found, expected, error, tolerance)
        if np.any(defect > tolerance):
            worst = self.entries[0]
            place = _place(worst.input, worst.index)
            self.broken(f"{place} is {worst.analytic:.12g} on one side, {worst.numeric:.12g} on the other.")
        elif np.any(np.isnan(defect)) or np.any(tolerance > max(RESOLVED, 32 * LAST * eps) * scale):
            k = int(np.argmax(np.where(np.isnan(defect), np.inf, tolerance)))
            finite = bool(np.isfinite(found[k]) and np.isfinite(expected[k]))
            why = f"round-off there is {tolerance[k]:.1g}" if finite else "it is not finite"
            self.unclear("noise floor" if finite else "non-finite", f"{_place(*space.place(k))} shows nothing: {why}.")

    def _neighbour(self, x: Array) -> Array:
        shift = np.finfo(x.dtype).eps * self.rng.integers(-2, 3, x.shape)
        return np.asarray(x * (1 + shift), dtype=x.dtype)

    def _compared(self, space: Space, found: Array, expected: Array, error: Array, tolerance: Array) -> None:
        with np.errstate(all="ignore"):
            excess = np.nan_to_num(np.abs(found - expected) / tolerance, nan=0.0, posinf=np.inf)
        for k in np.argsort(-excess, kind="stable")[:KEPT]:
            name, index = space.place(int(k))
            here, there, bar, allowed = (float(x[k]) for x in (found, expected, error, tolerance))
            self.entries.append(Entry(name, index, "output", None, here, there, bar, allowed, step=0.0))
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
