"""What the program calls a result: the variables that it is assigned to, read off the bytecode behind a call."""

from __future__ import annotations

import dis
from collections.abc import Sequence
from types import CodeType

from autodiff.graph.record import Value


def variable(v: Value, among: Sequence[Value]) -> str:
    """Return the variable that a value is assigned to where its operation answers with the values `among` which it is.

    It is "" if the result is assigned to none as it is.
    """
    made = v.op
    names = assigned(*made._at) if made is not None and isinstance(made._at, tuple) else ()
    if len(names) == len(among) and v in among:
        return names[among.index(v)]
    return names[0] if len(names) == 1 else ""


def assigned(code: CodeType, place: int) -> tuple[str, ...]:
    """Return the names that the result of the call at a place of a function's code is assigned to, several if unpacked.

    >>> assigned(compile("h, c = f()", "", "exec"), next(
    ...     i.offset for i in dis.get_instructions("h, c = f()") if i.opname == "CALL"))
    ('h', 'c')
    """
    names: list[str] = []
    wanted = 1
    for step in dis.get_instructions(code):
        if step.offset <= place or step.opname == "COPY":
            continue
        if step.opname == "UNPACK_SEQUENCE" and not names:
            wanted = step.arg or 0
            continue
        if not step.opname.startswith("STORE_") or step.opname in ("STORE_SUBSCR", "STORE_SLICE", "STORE_ATTR"):
            break
        stored = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        names += stored[: 1 + (step.opname == "STORE_FAST_STORE_FAST")]
        if len(names) >= wanted:
            return tuple(names[:wanted])
    return ()
