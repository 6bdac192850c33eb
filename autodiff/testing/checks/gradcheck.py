"""gradcheck and its relatives: the derivative a rule gives, held against one measured without it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from autodiff.testing.checks.analytic import EPS, ROUNDOFF, SAFETY, Pushed
from autodiff.testing.checks.comparison import SMALL, Comparison, Directions
from autodiff.testing.report import Entry, Report, Verdict, finished
from autodiff.testing.space import Space
from autodiff.testing.subject import Subject

ORACLES = ("auto", "differences", "complex", "forward", "taylor")


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    oracle: str = "auto",
    exhaustive: bool | None = None,
    directions: int = 4,
    params: Any = None,
    seed: int = 0,
    name: str | None = None,
) -> Report:
    """Check the derivatives of f at some inputs against measured ones; the report is true if they agree.

    `f` is a function of Tensors, a module (its parameters are checked too; `params=module` adds those of a module that
    f uses), or a function of another library (`from_numpy`, `from_torch`, `from_jax`). Every floating number in
    `inputs`, nested lists, tuples and dicts included, is checked, or only the Tensors that require a gradient if any
    does.

    Steps and tolerances are found, not asked for: numeric derivatives come with error bars (see `differences`), and the
    analytic ones may differ by those and by round-off alone. Small Jacobians are compared entry by entry; larger ones
    along `directions` random directions and at their largest entries, unless `exhaustive` says otherwise. At a kink the
    derivative must lie between the one-sided ones. `oracle` is "auto", "differences", "complex" (the complex step),
    "forward" (the forward mode) or "taylor" (the rate at which the Taylor remainder falls).

    `order=2` checks the first derivatives, then those of the gradient.

    >>> import autodiff as ad
    >>> gradcheck(lambda x, w: ad.relu(x @ w), np.ones((2, 3)), np.full((3, 1), 0.5), order=2).verdict
    <Verdict.PASS: 'pass'>
    """
    if oracle not in ORACLES:
        raise ValueError(f"oracle={oracle!r}: expected one of {', '.join(ORACLES)}.")
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order={order!r}: expected 1, 2, ...")
    if directions < 1:
        raise ValueError(f"directions={directions!r}: expected at least 1.")
    subject = bound(f, inputs, params, name)
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    report = _checked(subject, 1, order, oracle, Directions(exhaustive, directions), rng)
    report.function, report.seed, report.seconds = subject.name, seed, time.perf_counter() - started
    return finished(report)


def gradgradcheck(f: Any, *inputs: Any, **options: Any) -> Report:
    """Check first and second derivatives: `gradcheck` with `order=2`.

    The cotangents of the second check are random numbers, and then again numbers some of which are exactly 0.

    >>> gradgradcheck(np.sin, 0.5).order
    2
    """
    return gradcheck(f, *inputs, **{"order": 2} | options)


def jvpcheck(f: Any, *inputs: Any, seed: int = 0, params: Any = None, name: str | None = None) -> Report:
    """Check the forward mode: derivatives along directions, as `functional.jvp` gives them, against measured ones.

    >>> bool(jvpcheck(np.tanh, np.linspace(-2, 2, 5)))
    True
    """
    started = time.perf_counter()
    report = Comparison(bound(f, inputs, params, name), np.random.default_rng(seed), side=Pushed).report()
    report.seed, report.seconds = seed, time.perf_counter() - started
    report.detail = report.detail and f"forward mode: {report.detail}"
    return finished(report)


def hessian_symmetry(f: Any, *inputs: Any, seed: int = 0, params: Any = None, name: str | None = None) -> Report:
    """Check that second derivatives are symmetric, as those of a function twice differentiable are.

    The outputs are weighted by random numbers. Both orders of differentiation are analytic here: no step is taken, and
    they may differ by round-off alone.

    >>> bool(hessian_symmetry(lambda x, y: np.sum(np.exp(x * y)), np.ones(3), np.ones(3)))
    True
    """
    started = time.perf_counter()
    subject, rng = bound(f, inputs, params, name), np.random.default_rng(seed)
    gradient = subject.derivative(_cotangents(subject, rng)[0])
    inner = Space(subject.names, subject.inputs)
    units = np.eye(inner.size) if inner.size <= 2 * SMALL[0] else rng.standard_normal((SMALL[0], inner.size))
    size = len(subject.inputs)
    xs = [x.astype(np.result_type(x.dtype, np.float64)) for x in gradient.inputs]

    def hessian(at: list[Any]) -> Any:
        _, pull = gradient.linearize(at)
        return np.stack([inner.pack(pull(inner.unpack(u))[:size]) for u in units]) @ units.T

    with np.errstate(all="ignore"):
        matrix = hessian(xs)
        shaken = hessian([x * (1 + EPS * rng.choice([-1.0, 1.0], x.shape)) for x in xs])
        tolerance = ROUNDOFF * EPS * np.max(np.abs(matrix), initial=0) + SAFETY * np.max(
            np.abs(shaken - matrix), initial=0
        )
        gap = np.abs(matrix - matrix.T)
    report = Report(subject.name, Verdict.PASS, order=2, oracle="the other order of differentiation", seed=seed)
    report.checked, report.evaluations = matrix.size // 2, 2 * len(units)
    if not np.all(np.isfinite(matrix)):
        report.verdict, report.reason = Verdict.INCONCLUSIVE, "non-finite"
    elif matrix.size:
        i, j = np.unravel_index(np.argmax(gap), gap.shape)
        whole = len(units) == inner.size
        by, of = (inner.place(int(k)) if whole else ("all inputs, along a line", None) for k in (i, j))
        one, other = float(matrix[i, j]), float(matrix[j, i])
        report.worst = Entry(by[0], by[1], f"gradient by {of[0]}", of[1], one, other, 0.0, float(tolerance), 0.0)
        report.entries = [report.worst]
        if report.worst.excess > 1:
            report.verdict, report.reason = Verdict.FAIL, "not symmetric"
    report.seconds = time.perf_counter() - started
    return finished(report)


def bound(f: Any, inputs: tuple[Any, ...], params: Any = None, name: str | None = None) -> Subject:
    """Return a function at its inputs as a Subject."""
    if hasattr(f, "bind"):
        subject: Subject = f.bind(inputs, params=params, name=name)
    elif callable(f):
        subject = Subject(f, inputs, params, name)
    else:
        raise TypeError(f"gradcheck: f is a {type(f).__name__}; expected a function of Tensors.")
    if not subject.inputs:
        raise ValueError(
            f"{subject.name}: nothing to check: no floating array among the inputs (integers are constants)."
        )
    return subject


def _checked(
    subject: Subject, order: int, last: int, oracle: str, directions: Directions, rng: np.random.Generator
) -> Report:
    """Check one order, then the next ones on the gradient."""
    report = Comparison(subject, rng, oracle, directions).report()
    report.order = order
    if order < last and report:
        for cotangents in _cotangents(subject, rng)[: 2 if order == 1 else 1]:
            gradient = subject.derivative(cotangents)
            following = _checked(gradient, order + 1, last, _next(oracle), directions, rng)
            report = _joined(report, following)
            if not report:
                break
    return report


def _cotangents(subject: Subject, rng: np.random.Generator) -> list[list[Any]]:
    """Return cotangents for the next order: no zeros, and every other one exactly 0."""
    ys = subject.values([x.copy() for x in subject.inputs])
    dense, sparse = [], []
    count = 0
    for y in ys:
        v = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
        if y.dtype.kind == "c":
            v = v * np.exp(1j * rng.uniform(0, 6, y.shape))
        dense.append(v.astype(y.dtype))
        keep = ((np.arange(y.size) + count) % 2).reshape(y.shape)
        sparse.append((v * keep).astype(y.dtype))
        count += y.size
    return [dense, sparse]


def _next(oracle: str) -> str:
    return "differences" if oracle in ("complex", "forward") else oracle


def _joined(first: Report, second: Report) -> Report:
    """Return the report of two orders: the later one's findings, and the work of both."""
    second.checked += first.checked
    second.evaluations += first.evaluations
    known = [p for p in (first.missed, second.missed) if p is not None]
    second.missed = max(known) if known else None
    second.notes = list(dict.fromkeys(first.notes + second.notes))
    second.oracle = first.oracle
    second.entries = sorted(first.entries + second.entries, key=lambda e: -e.excess)[:24]
    if second and second.entries:
        second.worst = second.entries[0]
    return second
