"""How a function is written: its source, the very lambda or def it was compiled from, and the names it is called by."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

Definition = ast.Lambda | ast.FunctionDef


def definition_of(function: FunctionType) -> Definition:
    """Return the lambda or def that a function was compiled from, found by its place in its file."""
    code = function.__code__
    for node in _definitions(tuple(linecache.getlines(code.co_filename))):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name and _holds(node, code):
            return node
    raise ValueError(
        f"the source of {function.__qualname__} is not at {code.co_filename}:{code.co_firstlineno}; expected a "
        "function defined in a file that has not changed since it was imported."
    )


@functools.lru_cache(maxsize=64)
def parsed(lines: tuple[str, ...]) -> ast.Module:
    """Return a file's lines as a tree, which is not to be changed."""
    return ast.parse("".join(lines))


@functools.lru_cache(maxsize=64)
def _definitions(lines: tuple[str, ...]) -> list[Definition]:
    """Return the functions of a file, those that begin later, and so the inner ones, first."""
    nodes = [n for n in ast.walk(parsed(lines)) if isinstance(n, Definition)]
    return sorted(nodes, key=lambda n: (n.lineno, n.col_offset), reverse=True)


def _holds(node: Definition, code: CodeType) -> bool:
    """Say whether all of a function's code lies within a lambda's body; a def is known by its name and line."""
    if isinstance(node, ast.FunctionDef):
        return True
    first = node.body.lineno, node.body.col_offset
    last = node.body.end_lineno, node.body.end_col_offset
    places = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    return all(first <= (p[0], p[2]) and (p[1], p[3]) <= last for p in places)


# --- names ---------------------------------------------------------------------------------------------------------

HOMES = {
    "np": "numpy", "np.linalg": "numpy.linalg", "np.fft": "numpy.fft", "scipy.special": "scipy.special",
    "scipy.linalg": "scipy.linalg", "ad": "autodiff", "ad.special": "autodiff.special", "ad.linalg": "autodiff.linalg",
}  # fmt: skip


def public() -> dict[int, list[str]]:
    """Return the dotted names under which each public callable can be reached, by its id; of modules loaded so far."""
    return _public(
        tuple((home, len(vars(sys.modules[module]))) for home, module in HOMES.items() if module in sys.modules)
    )


@functools.lru_cache(maxsize=1)  # until a module is loaded or grows: 2 ms
def _public(homes: tuple[tuple[str, int], ...]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for home, _ in homes:
        for name, value in list(vars(sys.modules[HOMES[home]]).items()):
            if callable(value) and not name.startswith("_"):
                names.setdefault(id(value), []).append(f"{home}.{name}")
    return names


PRIVATE = {"_zeta": "zeta", "_riemann_zeta": "zeta", "_lambertw": "lambertw"}  # the functions that call them


def spelled(fun: Any, names: dict[int, list[str]] | None = None) -> str:
    """Return how a function is called in Python code, e.g. `np.linalg.inv`."""
    bare = getattr(fun, "__name__", "")
    if bare in PRIVATE:
        return f"scipy.special.{PRIVATE[bare]}"
    known = (public() if names is None else names).get(id(fun), [])
    own = [name for name in known if name.rpartition(".")[2] == bare]
    return [*own, *known, f"{getattr(fun, '__module__', '')}.{bare}"][0]


def aliases(
    entry: Any, registry: dict[Callable[..., Any], Any], names: dict[int, list[str]] | None = None
) -> list[str]:
    """Return the other names of an operation: those of its function, and of others that share its entry."""
    known = public() if names is None else names
    shared = [name for fun, other in registry.items() if other is entry for name in known.get(id(fun), [])]
    return [name for name in dict.fromkeys(shared) if name != spelled(entry.fun, known)]
