"""Laying a picture out: with the `dot` program where there is one, else with the library in pygraphviz's wheels."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

MISSING = (
    "drawing {kind} needs Graphviz to lay the graph out, and neither its `dot` program nor pygraphviz is here. Install "
    'one of them: `pip install "ndtape[draw]"` (nothing else is needed), or the system package graphviz '
    "(`apt install graphviz`, `brew install graphviz`). Graph.dot() and Graph.text() work without."
)


def available() -> bool:
    """Say whether pictures can be laid out here."""
    return _program() or _library()


def render(dot: str, kind: str, dpi: int | None = None) -> bytes:
    """Return a picture (kind: svg, png or pdf) of a graph in Graphviz's language; `dpi` is for pixels only."""
    if dpi is not None:
        if not isinstance(dpi, int) or not 10 <= dpi <= 1200:
            raise ValueError(f"dpi is a whole number from 10 to 1200; got {dpi!r}.")
        dot = dot.replace("{", f"{{\n  dpi={dpi}", 1)
    if _program():
        import graphviz

        return bytes(graphviz.Source(dot).pipe(format=kind, quiet=True))
    if _library():
        import pygraphviz

        return bytes(pygraphviz.AGraph(string=dot).draw(format=kind, prog="dot"))
    raise RuntimeError(MISSING.format(kind=kind.upper()))


def written(picture: bytes, path: str | Path | None) -> bytes:
    """Return a picture, after writing it to the path if there is one."""
    if path is not None:
        try:
            Path(path).write_bytes(picture)
        except (OSError, ValueError, TypeError) as error:
            what = str(path) if isinstance(path, (str, Path)) else repr(path)
            raise type(error)(f"the picture cannot be written to {what}: {error}. Give a path to a file.") from None
    return picture


def _program() -> bool:
    return shutil.which("dot") is not None and importlib.util.find_spec("graphviz") is not None


def _library() -> bool:
    return importlib.util.find_spec("pygraphviz") is not None
