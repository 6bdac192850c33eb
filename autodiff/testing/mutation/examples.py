"""Tests of an operation that nobody had to write: gradchecks of calls drawn from what its entry says of itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np

from autodiff import sweep
from autodiff.kernels import onednn
from autodiff.primitive import Primitive
from autodiff.tensor import Tensor
from autodiff.testing.mutation.conventions import conventions
from autodiff.testing.report import Report
from autodiff.tree import leaves

Test = Callable[[], Any]


def default_tests(entry: Primitive, count: int = 24) -> list[Test]:
    """Return gradchecks of calls drawn from an operation's domain, the same ones every time; some of second order.

    Most are at smooth points, some at kinks and singular points (those where the derivative can be checked), some of
    complex numbers and float16 where the operation takes them. Where there is nothing to measure, the `conventions` are
    checked.
    """
    from autodiff.testing.checks.gradcheck import gradcheck
    from autodiff.testing.strategies.operations import op_inputs, takes_complex

    def by_one(call: Any, place: int) -> Test:
        def check() -> Report:
            xs = call.inputs
            return gradcheck(lambda x: call.function(*xs[:place], x, *xs[place + 1 :]), xs[place])

        check.__name__ = f"{call.line} by operand {place} alone"
        return check

    def test(call: Any, order: int, output: int | None = None) -> Test:
        def check() -> Report:
            one = call.function if output is None else lambda *xs: call.function(*xs)[output]
            return gradcheck(one, *call.inputs, order=order)

        shapes = ", ".join(str(x.shape) for x in call.inputs)
        part = f"[{output}]" if output is not None else ""
        check.__name__ = f"{call.line}{part} of {shapes}" + (", order 2" if order == 2 else "")
        return check

    smooth = _drawn(op_inputs(entry), count)
    kinked = _drawn(op_inputs(entry, smooth=False), count // 2)
    complex_ = _drawn(op_inputs(entry, complex=True), count // 4) if takes_complex(entry) else []
    first = [test(call, 1) for call in smooth] + [t for call in [*kinked, *complex_] if _passes(t := test(call, 1))]
    second = [test(call, 2) for call in smooth[: count // 4]]
    second += [t for call in complex_[: count // 8] if _passes(t := test(call, 2))]  # not all of SciPy's are complex
    # sums of float16 are a branch of their own, and so are large products of float32
    small = [t for call in smooth[: count // 6] if holds(t := _rounded(call, np.float16))]
    small += [_rounded(call, np.float32) for call in _large(entry)]
    alone = [test(call, 1, k) for call in smooth[: count // 6] if entry.form == "outputs" for k in _ends(call)]
    if entry.joint is not None:  # asked for one operand's gradient, a rule may take a shorter way
        alone += [by_one(call, i) for call in smooth[: count // 6] for i in range(len(call.inputs))]
    return [*first, *alone, *small, *second, *conventions(entry)]


def _ends(call: Any) -> tuple[int, int]:
    """Return the numbers of the first and the last output that a gradient can come from."""
    with np.errstate(all="ignore"):
        floating = [k for k, y in enumerate(call()) if np.asarray(y).dtype.kind in "fc"]
    return floating[0], floating[-1]


def _passes(test: Any) -> bool:
    """Run a test, and note at it that it passes: once is enough."""
    test.passed = bool(test())
    return bool(test.passed)


def holds(test: Test) -> bool:
    """Say whether a test passes; not all operations take float16."""
    try:
        return _passes(test)
    except (TypeError, ValueError, RuntimeError):
        return False


def _large(entry: Primitive) -> list[Any]:
    """Return a product that is left to oneDNN where that is at work, as it is once it has been asked for."""
    from autodiff.testing.strategies.operations import Call

    if entry.name not in ("linear", "matmul") or not onednn.available():
        return []
    x, w = np.sin(np.arange(2 * 80 * 80.0)).reshape(2, 80, 80)
    return [Call(entry, entry.fun, (x, w))]


def _rounded(call: Any, dtype: Any) -> Test:
    """Return a test that the gradients of operands of a dtype are those of float64, up to the rounding of float16."""

    def gradients(wanted: Any) -> list[Any]:
        xs = [Tensor(x.astype(np.float16).astype(wanted)).requires_grad_() for x in call.inputs]
        with np.errstate(all="ignore"):
            ys = [y for y in leaves([call.function(*xs)]) if y.requires_grad]
            seeds = [np.cos(np.arange(y.size) + 1.0).reshape(y.shape).astype(y.dtype) for y in ys]
            return [None if g is None else g.data for g in sweep.grad(ys, xs, seeds, allow_unused=True)]

    def check() -> bool:
        if not call.inputs or any(x.dtype.kind == "c" or not x.size for x in call.inputs):
            return False
        pairs = zip(gradients(dtype), gradients(np.float64), strict=True)
        return all(h is None or (g is not None and _near(g, h)) for g, h in pairs)

    check.__name__ = f"{call.line} in {np.dtype(dtype)}"
    return check


def _near(g: Any, h: Any) -> bool:
    return bool(np.all(np.abs(g - h) <= 0.02 * (np.abs(h) + np.max(np.abs(h), initial=0.1))))


def _drawn(strategy: Any, count: int) -> list[Any]:
    """Return calls that a strategy draws, without a chance in it: as many spellings and shapes as there are."""
    from hypothesis import HealthCheck, Phase, given, settings

    found: dict[Any, Any] = {}  # by the text of the call and the operands' shapes

    @settings(
        max_examples=10 * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(call: Any) -> None:
        key = call.line, *(x.shape for x in call.inputs)
        if _variety(call) > (_variety(found[key]) if key in found else 0):
            found[key] = call

    collect()
    turns: dict[str, list[Any]] = {}
    for call in sorted(found.values(), key=_variety, reverse=True):
        turns.setdefault(call.line, []).append(call)
    return [call for turn in zip_longest(*turns.values()) for call in turn if call is not None][:count]


def _variety(call: Any) -> int:
    """Return how many different numbers other than 0 the operands hold, the poorest of them counting double."""
    counts = [len(np.unique(x[x != 0])) for x in call.inputs]
    return sum(counts) + min(counts, default=0)
