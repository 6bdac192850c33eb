"""Laying a picture out: with the `dot` program where there is one, else with the library in pygraphviz's wheels."""

from __future__ import annotations

import importlib.util
import shutil

MISSING = (
    "drawing {kind} needs Graphviz to lay the graph out, and neither its `dot` program nor pygraphviz is here. Install "
    'one of them: `pip install "ndtape[draw]"` (nothing else is needed), or the system package graphviz '
    "(`apt install graphviz`, `brew install graphviz`). Graph.dot() and Graph.text() work without."
)


def available() -> bool:
    """Say whether pictures can be laid out here."""
    return _program() or _library()


def render(dot: str, kind: str) -> bytes:
    """Return a picture (kind: svg, png or pdf) of a graph in Graphviz's language."""
    if _program():
        import graphviz

        return bytes(graphviz.Source(dot).pipe(format=kind))
    if _library():
        import pygraphviz

        return bytes(pygraphviz.AGraph(string=dot).draw(format=kind, prog="dot"))
    raise RuntimeError(MISSING.format(kind=kind.upper()))


def _program() -> bool:
    return shutil.which("dot") is not None and importlib.util.find_spec("graphviz") is not None


def _library() -> bool:
    return importlib.util.find_spec("pygraphviz") is not None
