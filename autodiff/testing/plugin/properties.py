"""`@gradient_property`: a function of drawn inputs becomes a test of its derivatives."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import Phase, given, reject
from hypothesis import settings as Settings
from hypothesis.strategies import SearchStrategy

from autodiff.testing.checks.gradcheck import gradcheck
from autodiff.testing.report import Report, Verdict

Test = Callable[..., None]
Law = Callable[..., Any]

OUTCOMES = ("fail", "pass", "reject")
CHECKING = [n for n, p in inspect.signature(gradcheck).parameters.items() if p.kind is p.KEYWORD_ONLY]
DRAWING = [n for n, p in inspect.signature(Settings).parameters.items() if p.kind is p.KEYWORD_ONLY]


def gradient_property(
    *strategies: SearchStrategy[Any], laws: Iterable[Law] = (), inconclusive: str = "fail", **keywords: Any
) -> Callable[[Callable[..., Any]], Test]:
    """Make a hypothesis test of a function: its derivatives are checked at every input that is drawn.

    Strategies fill the function's last parameters, or by keyword those they name; the others are left to pytest, as
    `self`, fixtures and parametrized arguments. Further keywords are gradcheck's (`order`, `oracle`, `params`, ...) and
    settings of hypothesis (`max_examples`, ..., in place of `@settings`; there is no deadline unless one is given).
    Each of `laws` (those of `testing.laws`, or a function of your own) is called with the function and its inputs, and
    answers with a report, a truth, or None where it asserts by itself.

    A check that is inconclusive fails the test with its reason; with `inconclusive="pass"` it does not, and with
    `"reject"` hypothesis draws another example for it. Under pytest the test carries the marker `gradcheck`.

    >>> import numpy as np
    >>> from autodiff.testing import gradient_property, tensors
    >>> @gradient_property(tensors(shape=(3,)), order=2, max_examples=5)
    ... def softplus(x):
    ...     return np.logaddexp(0, x)
    >>> softplus()
    """
    named = {n: s for n, s in keywords.items() if isinstance(s, SearchStrategy)}
    checking = {n: v for n, v in keywords.items() if n in CHECKING and n not in named}
    drawing = {n: v for n, v in keywords.items() if n in DRAWING and n not in named}
    _validate(strategies, named, keywords.keys() - named.keys() - checking.keys() - drawing.keys(), inconclusive)
    laws = tuple(laws)
    module = {n: v for n, v in checking.items() if n == "params"}

    def decorate(function: Callable[..., Any]) -> Test:
        if not inspect.isfunction(function):
            raise TypeError(f"gradient_property decorates a function (def f(x): ...), got {function!r}.")
        parameters = list(inspect.signature(function).parameters)
        names = [p for p in parameters if p in named] if named else parameters[-len(strategies) :]

        @functools.wraps(function)
        def test(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            inputs = [kwargs.pop(name) for name in names]
            f = _of_inputs(function, names, args, kwargs)
            _judge(gradcheck(f, *inputs, **checking), inconclusive)
            for law in laws:
                _hold(law, law(f, *inputs, **module), inconclusive)

        drawn = given(*strategies, **named)(test)
        drawn = Settings(**_defaults() | drawing)(drawn)
        # tracebacks show the function that was written, not this one
        written = function.__code__
        drawn.__code__ = drawn.__code__.replace(co_filename=written.co_filename, co_firstlineno=written.co_firstlineno)
        if "pytest" in sys.modules:
            import pytest

            marks = [*getattr(drawn, "pytestmark", []), pytest.mark.gradcheck.mark]
            vars(drawn)["pytestmark"] = marks  # as pytest does; its decorator would not take a lambda
        return drawn

    return decorate


def _defaults() -> dict[str, Any]:
    """Return settings under which a failure reads well: one at a time, and no lines of ours offered as explanation."""
    phases = [phase for phase in Settings().phases if phase is not Phase.explain]
    return {"deadline": None, "report_multiple_bugs": False, "phases": phases}


def _validate(strategies: tuple[Any, ...], named: dict[str, Any], unknown: set[str], inconclusive: str) -> None:
    others = [s for s in strategies if not isinstance(s, SearchStrategy)]
    if others:
        raise TypeError(
            f"gradient_property takes strategies, got {others[0]!r}; write @gradient_property(tensors()), for example."
        )
    if bool(strategies) == bool(named):
        raise TypeError(
            "gradient_property needs strategies, either for the last parameters in order or all by keyword; "
            f"got {len(strategies)} in order and {len(named)} by keyword."
        )
    if unknown:
        raise TypeError(
            f"gradient_property: {', '.join(sorted(unknown))} is neither a strategy, nor a keyword of gradcheck "
            f"({', '.join(CHECKING)}), nor a setting of hypothesis ({', '.join(DRAWING)})."
        )
    if inconclusive not in OUTCOMES:
        raise ValueError(f"inconclusive={inconclusive!r}: expected one of {', '.join(OUTCOMES)}.")


def _of_inputs(function: Callable[..., Any], names: list[str], args: Any, kwargs: Any) -> Callable[..., Any]:
    """Return the function of its drawn inputs alone, under their names."""

    @functools.wraps(function)
    def f(*inputs: Any) -> Any:
        return function(*args, **kwargs, **dict(zip(names, inputs, strict=True)))

    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    f.__signature__ = inspect.Signature([inspect.Parameter(n, positional) for n in names])  # type: ignore[attr-defined]
    return f


def _hold(law: Law, answer: Any, inconclusive: str) -> None:
    """Fail where a law answers that it is broken."""
    __tracebackhide__ = True
    if isinstance(answer, Report):
        _judge(answer, inconclusive)
    elif answer is not None and not answer:
        raise AssertionError(f"the law {getattr(law, '__name__', law)} does not hold: it answered {answer!r}.")


def _judge(report: Report, inconclusive: str) -> None:
    """Fail with the report; two lines raise, so that hypothesis shrinks a failure to a failure."""
    __tracebackhide__ = True
    if report.verdict is Verdict.FAIL:
        raise AssertionError(str(report))
    if report or inconclusive == "pass":
        return
    if inconclusive == "reject":
        reject()
    raise AssertionError(str(report))
