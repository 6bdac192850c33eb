"""The page of a graph: its record as data, a picture for each depth, and the stylesheet and script that show them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from autodiff.graph import boxes, export
from autodiff.graph.boxes import Box, Picture
from autodiff.graph.dot import dot
from autodiff.graph.page.drawing import Colours, Drawing, draw
from autodiff.graph.page.timeline import timeline
from autodiff.graph.record import Graph
from autodiff.graph.text import clean, line, names_of

MOST = 4000  # with more boxes than this a depth is left out: neither Graphviz nor a reader gets through


@dataclass
class View:
    """The picture of one depth."""

    label: str
    picture: Picture
    drawing: Drawing


def write(graph: Graph, path: str | Path | None) -> str:
    """Return the page of a graph, and write it where a path is given; see `Graph.html`."""
    colours: Colours = {}
    views = [_view(graph, detail, colours) for detail in ("folded", "full")]
    page = _page(graph, views, 0, colours)
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


def _view(graph: Graph, detail: str, colours: Colours) -> View:
    picture = boxes.arrange(graph, detail)
    source = dot(graph, detail)
    return View(detail, picture, draw(source, source, colours, {}))


def _page(graph: Graph, views: list[View], start: int, colours: Colours) -> str:
    data = json.dumps(_data(graph, views, start), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    rest = (f'<template id="view-{n}">{v.drawing.markup}</template>' for n, v in enumerate(views) if n != start)
    parts = {
        "title": escape(clean(graph.title)),
        "style": _asset("page.css"),
        "palette": _palette(colours),
        "depths": "".join(_depth(n, view, checked=n == start) for n, view in enumerate(views)),
        "picture": views[start].drawing.markup,
        "pictures": "".join(rest),
        "legends": "".join(f'<div class="legend" hidden>{view.drawing.legend}</div>' for view in views),
        "data": data.replace("<", "\\u003c"),
        "script": _asset("page.js"),
    }
    return re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return (files("autodiff.graph.page") / name).read_text(encoding="utf-8")


def _depth(n: int, view: View, *, checked: bool) -> str:
    """Return a switch of the depth."""
    button = f'<input type="radio" name="depth" value="{n}"{" checked" * checked}>'
    return f"<label>{button}<span>{escape(view.label)}</span></label>"


def _palette(colours: Colours) -> str:
    """Return the colours of both themes as variables, and the classes that use them."""
    pairs = "".join(f"--p{n}:light-dark({light},{dark});" for (light, dark), n in colours.items())
    return f":root{{{pairs}}}" + "".join(f".f{n}{{fill:var(--p{n})}}.s{n}{{stroke:var(--p{n})}}" for n in colours.values())


def _data(graph: Graph, views: list[View], start: int) -> dict[str, Any]:
    """Return what the script reads: the record, the listing, the steps, and which boxes of which view stand for what."""
    names = names_of(graph)
    values = {v: n for n, v in enumerate(graph.values)}
    ops = {op: n for n, op in enumerate(graph.ops)}
    steps = [
        [step.phase, -1 if step.op is None else ops[step.op], [values[v] for v in step.values],
         [values[v] for v in step.gradients]]
        for step in timeline(graph)
    ]  # fmt: skip
    return {
        "graph": export.document(graph),
        "lines": [line(op, names) for op in graph.ops],
        "steps": steps,
        "views": [_boxes(view, values, ops) for view in views],
        "start": start,
    }


def _boxes(view: View, values: dict[Any, int], ops: dict[Any, int]) -> dict[str, Any]:
    drawing = view.drawing
    number = {name: n for n, name in enumerate(drawing.nodes)}
    by_id = {box.id: box for box in view.picture.boxes}
    return {
        "width": drawing.width,
        "height": drawing.height,
        "boxes": [_box(by_id[name], values, ops) for name in drawing.nodes],
        "edges": [[number[tail], number[head]] for tail, head in drawing.edges],
        "clusters": [[number[name] for name in inner if name in number] for inner in drawing.clusters.values()],
    }


def _box(box: Box, values: dict[Any, int], ops: dict[Any, int]) -> list[Any]:
    """Return a box's title, phase, operations and values."""
    return [
        clean(box.title),
        box.phase,
        [ops[op] for op in getattr(box, "ops", ())],
        [values[v] for v in getattr(box, "values", ()) if v in values],
    ]
