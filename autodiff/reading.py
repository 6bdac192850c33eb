"""Reading the registry: the line that gives a function its derivative."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import protocols
from autodiff.primitive import Primitive


class Source(str):
    """A piece of source code that shows itself as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def rule(fun: Callable[..., Any] | Primitive) -> Source:
    """Return the registry's line for a function, as it stands in the table of rules.

    >>> import autodiff as ad, numpy as np
    >>> ad.rule(np.tanh)
    elementwise(np.tanh, lambda g, y: g - g * (y * y))
    """
    entry = fun if isinstance(fun, Primitive) else protocols.lookup(fun)
    if entry is None:
        raise KeyError(protocols.unknown(fun))
    written = [r for r in (*entry.rules, entry.joint) if r is not None]
    if not written and entry.form == "composite" and entry.kind != "plain":
        written = [entry.kernel]
    name = entry.name if not isinstance(entry.fun, np.ufunc) else f"np.{entry.name}"
    if not written or entry.kind == "zero":
        return Source(f"{entry.kind}({name})")
    code = getattr(written[0], "__wrapped__", written[0]).__code__
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return Source(f"{entry.kind}({name}, ...)")
    around = [n for n in ast.parse("".join(lines)).body if _first(n) <= code.co_firstlineno <= (n.end_lineno or 0)]
    if not around:
        return Source(lines[code.co_firstlineno - 1].strip())
    return Source("".join(lines[_first(around[0]) - 1 : around[0].end_lineno]).rstrip())


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])
