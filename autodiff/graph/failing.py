"""Which operation raised an error: read off the error's traceback, so that running one costs nothing for it."""

from __future__ import annotations

from types import FrameType, SimpleNamespace
from typing import Any

from autodiff import apply as engine
from autodiff import errors, sweep
from autodiff.function import Function
from autodiff.graph.building import whole
from autodiff.primitive import Primitive

RUN, PULL = engine.apply.__code__, sweep.sweep.__code__
COMPOSITE, FUNCTION = Primitive._grouped.__code__, Function.apply.__func__.__code__  # type: ignore[attr-defined]


def failing(error: BaseException) -> tuple[Any, ...] | None:
    """Return the operation that raised: its primitive, operands, keywords, mode and line; None if there is none.

    What caused the error counts, down to the first; where no operation failed, the composite or custom Function that
    did, or the operation whose rule did.
    """
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return next((found for cause in reversed(chain) if (found := _innermost(cause)) is not None), None)


def _innermost(error: BaseException) -> tuple[Any, ...] | None:
    at, found, traceback = None, None, error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if not errors.inside(frame.f_code.co_filename):
            at = frame.f_code, traceback.tb_lasti
        elif frame.f_code in (RUN, PULL, COMPOSITE, FUNCTION):
            found = frame, at
        traceback = traceback.tb_next
    return (*_call(found[0]), found[1]) if found is not None else None


def _call(frame: FrameType) -> tuple[Any, ...]:
    known, mode = frame.f_locals, frame.f_locals.get("now")
    if frame.f_code is RUN:
        return known["primitive"], known["operands"], known["params"], mode
    if frame.f_code is PULL:
        rule = SimpleNamespace(name=known["node"].name, kind="other", form="operands", carries=lambda i: False)
        return rule, (known["g"],), {}, mode
    if frame.f_code is FUNCTION:
        return whole(known["cls"].__name__, "function", known["cls"]), known["args"], known["kwargs"], mode
    return whole(known["self"].name, "composite", known["self"].fun), known["args"], known["kwargs"], mode
