"""Which operation raised an error: read off the error's traceback, so that running one costs nothing for it."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import Any

from autodiff import apply as engine
from autodiff import errors, sweep
from autodiff.function import Function
from autodiff.graph.recording.building import whole
from autodiff.primitive import Primitive
from autodiff.tape import Mode
from autodiff.tree import leaves

RUN, PULL = engine.apply.__code__, sweep.sweep.__code__
COMPOSITE, FUNCTION = Primitive._grouped.__code__, Function.apply.__func__.__code__  # type: ignore[attr-defined]


def failing(error: BaseException) -> tuple[Any, ...] | None:
    """Return the operation that raised: its primitive, operands, keywords, mode and line; None if there is none.

    What caused the error counts, down to the first; where no operation failed, the composite, custom Function,
    function or module of nn that did, or the operation whose rule did.
    """
    at: Any = None
    found: tuple[Any, ...] | None = None
    scope: list[str] = []
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # its own traceback leads to where the cause's begins
        for frame, place in _frames(error):
            code, home = frame.f_code, frame.f_globals.get("__name__", "")
            if not errors.inside[code.co_filename]:
                at = code, place
            elif code in (RUN, PULL, COMPOSITE, FUNCTION):
                found = *_call(frame), at
            elif home == "nn.module" and code.co_name == "__call__":
                module = frame.f_locals["self"]
                operands = tuple(
                    x for x in leaves([frame.f_locals["args"], frame.f_locals["kwargs"]]) if hasattr(x, "dtype")
                )
                found = _Named(type(module).__name__), operands, {}, Mode(scope=tuple(scope)), at
                scope.append(module._label)
            elif home.startswith("nn.functional") and not code.co_name.startswith("_"):  # it checks what it is given
                given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
                operands = tuple(x for x in given if hasattr(x, "dtype"))
                found = _Named(code.co_name), operands, {}, Mode(scope=tuple(scope)), at
        seen.append(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return found


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lasti
        traceback = traceback.tb_next


class _Named:
    """The primitive of an operation of which only the name is known."""

    kind, form, kernel, differentiable = "other", "operands", None, False

    def __init__(self, name: str) -> None:
        self.name = name

    def carries(self, i: int) -> bool:
        """No gradient goes through it."""
        return False


def _call(frame: FrameType) -> tuple[Any, ...]:
    known, mode = frame.f_locals, frame.f_locals.get("now")
    if frame.f_code is RUN:
        return known["primitive"], known["operands"], known["params"], mode
    if frame.f_code is PULL:
        return _Named(known["node"].name), (known["g"],), {}, mode
    if frame.f_code is FUNCTION:
        return whole(known["cls"].__name__, "function", known["cls"]), known["args"], known["kwargs"], mode
    return whole(known["self"].name, "composite", known["self"].fun), known["args"], known["kwargs"], mode
