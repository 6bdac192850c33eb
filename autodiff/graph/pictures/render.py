"""Laying a picture out: with the `dot` program where there is one, else with the library in pygraphviz's wheels."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from autodiff.graph.pictures.clearing import cleared

MISSING = (
    "drawing {kind} needs Graphviz to lay the graph out, and neither its `dot` program nor pygraphviz is here. Install "
    'one of them: `pip install "ndtape[draw]"` (nothing else is needed), or the system package graphviz '
    "(`apt install graphviz`, `brew install graphviz`). Graph.ascii(), .mermaid(), .dot() and .text() work without."
)
MOST_LINES = 400  # of a source whose layout is tried several times
ATTEMPTS = 5  # to find each cluster's label a place: a label that is moved can move what is around it


def available() -> bool:
    """Say whether pictures can be laid out here."""
    return _program() or _library()


def render(dot: str, kind: str, dpi: int | None = None) -> bytes:
    """Return a picture (kind: svg, png, pdf, json) of a graph in Graphviz's language; `dpi` is for pixels only.

    A line `// columns: a b c` names points that are to stand side by side in this order.
    """
    if not available():
        raise RuntimeError(MISSING.format(kind="a page" if kind == "json" else kind.upper()))
    dot = _arranged(dot)
    if dpi is not None:
        if not isinstance(dpi, int) or not 10 <= dpi <= 1200:
            raise ValueError(f"dpi is a whole number from 10 to 1200; got {dpi!r}.")
        dot = dot.replace("{", f"{{\n  dpi={dpi}", 1)
    try:
        return _laid_out(dot, kind)
    except Exception as error:
        if not _failed(error):
            raise
        return _laid_out(dot.replace("{", "{\n  splines=line", 1), kind)  # it cannot route some curved edges


def _laid_out(dot: str, kind: str) -> bytes:
    if _program():
        import graphviz

        return bytes(graphviz.Source(dot).pipe(format=kind, quiet=True))
    import pygraphviz

    return bytes(pygraphviz.AGraph(string=dot).draw(format=kind, prog="dot"))


def _failed(error: Exception) -> bool:
    """Say whether Graphviz itself gave up on a layout."""
    return type(error).__name__ in ("CalledProcessError", "OSError")


@lru_cache(16)
def _arranged(dot: str) -> str:
    """Return the source in a form whose columns stand in their order, and whose edges run through no label.

    Large pictures are taken as they come, since each attempt is a layout.
    """
    if dot.count("\n") > MOST_LINES:
        return dot
    dot, laid = _in_order(dot)
    for _ in range(ATTEMPTS):
        better = cleared(dot, laid)
        if better == dot:
            break
        dot, laid = better, _places(better)
    return dot


def _in_order(dot: str) -> tuple[str, dict[str, Any]]:
    """Return the source in a form whose columns stand in their order, and its layout.

    Graphviz has no means to order clusters. Points above them settle it mostly; otherwise one of a few variants that
    say the same of the picture does.
    """
    columns = re.search(r"^ *// columns: (.*)$", dot, re.MULTILINE)
    first = None
    for variant in _variants(dot) if columns is not None else [dot]:
        try:
            laid = _places(variant)
        except Exception as error:
            if not _failed(error):
                raise
            continue
        first = first or (variant, laid)
        places = {item["name"]: item["pos"].split(",") for item in laid.get("objects", ()) if "pos" in item}
        turned = "rankdir=LR" in variant
        across = [(-1) ** turned * float(places[name][turned]) for name in columns[1].split()] if columns else []
        if across == sorted(across):
            return variant, laid
    return first or (dot, {})


def _places(dot: str) -> dict[str, Any]:
    """Return a layout, as Graphviz writes it in JSON."""
    found: dict[str, Any] = json.loads(_laid_out(dot, "json0"))
    return found


def _variants(dot: str) -> Iterator[str]:
    """Yield the source, and rewritings of it that lead the search for few crossings elsewhere."""
    points = re.findall(r"^ *t\w+ \[style=invis.*\n", dot, re.MULTILINE)
    turned = dot.replace("".join(points), "".join(reversed(points)))
    for source in (dot, turned):
        yield source
        for weight in ("weight=3", "weight=0", "constraint=false"):
            yield source.replace("style=dashed]", f"style=dashed, {weight}]")


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
