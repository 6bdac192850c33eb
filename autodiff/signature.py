"""How a call's arguments are sorted into operands and keywords, from a signature written in the entry.

NumPy's C functions have no signature to read, so an entry writes it: operands, a semicolon, the other parameters in
NumPy's order, e.g. "a; axis=None, dtype=None, out=None, keepdims=False"; "*arrays; axis=0" is one sequence of operands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# NumPy's parameters that no kernel takes: `dtype` casts the operands, `out` is written if it can be, others are refused
EXTRAS = ("out", "dtype", "where", "initial", "order", "casting", "subok", "like", "mean")


class Signature(NamedTuple):
    """A binder and what it binds: operand names, their number (None: any), the extras with their defaults."""

    bind: Callable[..., tuple[tuple[Any, ...], dict[str, Any]]] | None
    operands: tuple[str, ...]
    arity: int | None
    extras: dict[str, Any]


def parse(text: str, taken: tuple[str, ...] = ()) -> Signature:
    """Return the binder of a written signature; `taken` names extras that the kernel does take."""
    first, _, second = text.partition(";")
    operands, keywords = _split(first), _split(second)
    names = [part.split("=")[0].lstrip("*") for part in operands]
    words = [part.split("=")[0] for part in keywords if part != "*"]
    kept = "".join(f"{w}, " if w.startswith("**") else f"{w!r}: {w}, " for w in words)
    sequence = bool(operands) and operands[0].startswith("*")
    values = f"tuple({names[0]})" if sequence else "(" + "".join(f"{n}, " for n in names) + ")"
    header = ", ".join([part.lstrip("*") for part in operands] + keywords)
    scope = {"np": np, "inf": np.inf}
    bind = eval(f"lambda {header}: ({values}, {{{kept}}})", scope)
    defaults = dict(part.split("=", 1) for part in keywords if "=" in part)
    extras = {n: eval(v, scope) for n, v in defaults.items() if n in EXTRAS and n not in taken}
    return Signature(bind, () if sequence else tuple(names), None if sequence else len(names), extras)


def own(fun: Any) -> str:
    """Write the signature of a Python function that obeys the law: arrays positional, metadata keyword-only."""
    code, defaults = fun.__code__, fun.__defaults__ or ()
    count, only = code.co_argcount, code.co_kwonlyargcount
    if code.co_flags & 0x04:
        raise TypeError(f"{fun.__name__}(*args): write the signature of a function with any number of operands.")
    first, names = count - len(defaults), code.co_varnames
    operands = [n if i < first else f"{n}={defaults[i - first]!r}" for i, n in enumerate(names[:count])]
    given = fun.__kwdefaults__ or {}
    keywords = [f"{n}={given[n]!r}" if n in given else n for n in names[count : count + only]]
    return ", ".join(operands) + "; " + ", ".join((["*"] if keywords else []) + keywords)


def _split(text: str) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth, word = [], 0, ""
    for letter in text + ",":
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append(word.strip())
            word = ""
        else:
            word += letter
    return [part for part in parts if part]
