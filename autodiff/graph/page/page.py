"""The page of a graph: its record as data, a picture for each depth, and the stylesheet and script that show them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from autodiff.graph.page.drawing import Colours, Drawing, draw
from autodiff.graph.page.timeline import timeline
from autodiff.graph.pictures import overlays, style
from autodiff.graph.pictures.boxes import arrange
from autodiff.graph.pictures.dot import dot
from autodiff.graph.pictures.folding import fold
from autodiff.graph.pictures.labels import summary
from autodiff.graph.pictures.picture import Box, Picture
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.words import export
from autodiff.graph.words.text import clean, line, names_of

MOST = 4000  # with more boxes than this a depth is left out: neither Graphviz nor a reader gets through
SCRIPTS = ("page", "painting", "sight", "stepper", "panel", "controls")  # in this order
FOLDED = ("module", "group", "update", "stretch")  # kinds of boxes that show the last of their values


@dataclass
class View:
    """The picture of one depth."""

    label: str
    picture: Picture
    drawing: Drawing
    legend: list[tuple[str, str]]  # names and styles


def html(graph: Graph, options: dict[str, Any]) -> str:
    """Return the page of a graph drawn with these options; see `Graph.html`."""
    look = graph.look.updated(**options)
    show = look.show
    if show is None and not all(v.size == 1 for v in graph.values):
        show = ("shapes", "params", "values", "grads")
    graph = graph.with_look(**options | {"show": show})
    colours: Colours = {}
    pictures, start = _pictures(graph)
    views = [_view(graph, label, picture, colours) for label, picture in pictures]
    return _page(graph, views, start, colours)


def _pictures(graph: Graph) -> tuple[list[tuple[str, Picture]], int]:
    """Return what is drawn, from the coarsest to all there is, with labels, and the place of what is asked for."""
    deepest = fold(graph, graph.look.updated(depth=None)).deepest
    looks = [("auto", graph.look), *((str(d), graph.look.updated(depth=d)) for d in range(deepest + 1))]
    looks.append(("ops", graph.look.updated(depth=None)))
    looks.append(("all", graph.look.updated(depth=None, fold_repeats=False)))
    found: dict[Any, tuple[str, Picture]] = {}
    asked: Any = None
    for label, look in looks:
        picture = arrange(graph, look)
        key = tuple((box.path, box.title, tuple(op.number for op in box.ops)) for box in picture.boxes)
        asked = asked or key
        if len(picture.boxes) <= MOST or not found:
            found[key] = label, picture
    shown = sorted(found, key=len)
    return [found[key] for key in shown], shown.index(asked)


def _view(graph: Graph, label: str, picture: Picture, colours: Colours) -> View:
    sources: dict[str, str] = {}
    legends = []
    for theme in ("light", "dark"):
        if picture.look.overlay is None:
            picture.theme = style.THEMES[theme]
            overlays.lay(graph, picture)
        else:  # which writes into the boxes
            picture = arrange(graph, picture.look.updated(theme=theme))
        sources[theme] = dot(picture, heading=False)
        legends.append(picture.legend)
    drawing = draw(sources["light"], sources["dark"], colours, {box.id: _roles(box) for box in picture.boxes})
    meanings = [
        (name, f"background:light-dark({fill},{dark_fill});border-color:light-dark({border},{dark_border})")
        for (name, fill, border, _), (_, dark_fill, dark_border, _) in zip(*legends, strict=True)
    ]
    return View(label, picture, drawing, meanings)


def _roles(box: Box) -> list[str]:
    """Return what the last texts of a box are: those of its value and gradient appear while stepping."""
    return [number.name for number in box.numbers for _ in range(2)]


def _page(graph: Graph, views: list[View], start: int, colours: Colours) -> str:
    data = json.dumps(_data(graph, views, start), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    pictures = (f'<template id="view-{n}">{view.drawing.markup}</template>' for n, view in enumerate(views))
    parts = {
        "scheme": ' style="color-scheme: dark"' if graph.look.theme == "dark" else "",  # else as the reader's system is
        "title": escape(clean(graph.title)),
        "style": _asset("page.css"),
        "palette": _palette(colours),
        "depths": "".join(_depth(n, view, checked=n == start) for n, view in enumerate(views)),
        "pictures": "".join(pictures),
        "data": data.replace("<", "\\u003c"),
        "script": "".join(_asset(f"{name}.js") for name in SCRIPTS),
    }
    return re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return (files("autodiff.graph.page") / name).read_text(encoding="utf-8")


def _depth(n: int, view: View, *, checked: bool) -> str:
    """Return a switch of the depth."""
    button = f'<input type="radio" name="depth" value="{n}"{" checked" * checked}>'
    told = {
        "auto": "what can be read at first sight",
        "ops": "every operation",
        "all": "every operation of every round",
    }
    title = told.get(view.label, f"modules opened to depth {view.label}")
    return f'<label title="{escape(title)} ([ and ])">{button}<span>{escape(view.label)}</span></label>'


def _palette(colours: Colours) -> str:
    """Return the colours of both themes as variables, and the classes that use them."""
    pairs = "".join(f"--p{n}:light-dark({light},{dark});" for (light, dark), n in colours.items())
    return f":root{{{pairs}}}" + "".join(
        f".f{n}{{fill:var(--p{n})}}.s{n}{{stroke:var(--p{n})}}" for n in colours.values()
    )


def _data(graph: Graph, views: list[View], start: int) -> dict[str, Any]:
    """Return what the script reads: the record, its listing, the steps, and what each box of each view stands for."""
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


def _boxes(view: View, values: dict[Value, int], ops: dict[Op, int]) -> dict[str, Any]:
    picture, drawing = view.picture, view.drawing
    number = {name: n for n, name in enumerate(drawing.nodes)}
    by_id = {box.id: box for box in picture.boxes}
    given: dict[Box, list[Value]] = {}
    for v, box in picture.sources.items():
        if v in values:
            given.setdefault(box, []).append(v)
    inside: dict[Box, list[Op]] = {}
    for op in ops:  # of a loop that is drawn once, those of every round
        if (home := picture.home.get(op)) is not None:
            inside.setdefault(home, []).append(op)
    counts = {f"cluster_{cluster.id}": cluster.count for cluster in picture.clusters}
    return {
        "width": drawing.width,
        "height": drawing.height,
        "label": view.label,
        "notes": picture.caption,
        "legend": view.legend,
        "boxes": [
            _box(box, inside.get(box, []), given.get(box, []), values, ops)
            for box in map(by_id.__getitem__, drawing.nodes)
        ],
        "edges": [[number[tail], number[head], *bounds] for tail, head, bounds in drawing.edges],
        "clusters": [
            [counts[name], *(number[node] for node in inner if node in number)]
            for name, inner in drawing.clusters.items()
        ],
    }


def _box(box: Box, inside: list[Op], given: list[Value], values: dict[Value, int], ops: dict[Op, int]) -> list[Any]:
    """Return a box's title, phase, operations, the value it shows, the sources that stand in it, its count, and rounds.

    A box of what an opened operation is made of, which the record does not have, says what it would say in a picture.
    """
    times = f"\u00d7{box.count:,}" if box.count > 1 else ""
    served = box.given[0][0].split()[0] if box.kind == "update" and len(box.given) == 1 else ""
    title = clean(" ".join(filter(None, (box.title, box.subtitle, served, times))))
    kept = [v for v in box.values if v in values]
    shown = kept[-1] if box.kind in FOLDED and kept else kept[0] if kept else None
    if box.ops and box.kind not in FOLDED and box.ops[0].outputs[0] in kept:
        shown = box.ops[0].outputs[0]
    made_of = box.notes if box.ops and not inside else None
    rounds = [[values[v], *_numbers(v, box)] for v in _rounds(box, inside, shown)]
    value = values[shown] if shown is not None else -1
    facts = [title, box.phase, [ops[op] for op in inside], value, [values[v] for v in given], box.count]
    return [*facts, *([made_of, rounds] if rounds else [made_of] if made_of else [])]


def _rounds(box: Box, inside: list[Op], shown: Value | None) -> list[Value]:
    """Return the values that a box shows in the rounds of a loop, if it stands for all of them."""
    size = len(box.ops) // box.count
    if shown is None or shown.op not in inside or len(inside) <= size or len(inside) % size:
        return []
    place, output = inside.index(shown.op) % size, shown.op.outputs.index(shown)
    made = [inside[n + place] for n in range(0, len(inside), size)]
    if any(op.name != shown.op.name for op in made):
        return []
    return [op.outputs[output] for op in made]


def _numbers(v: Value, box: Box) -> list[tuple[str, tuple[int, ...]]]:
    """Return what a box says of one of its values and its gradient: a text, and the bars of a histogram."""
    known = {"value": v.array, "grad": v.gradient}
    return [("", ()) if known[number.name] is None else summary(known[number.name]) for number in box.numbers]
