"""A laid-out picture as a small SVG: Graphviz says where everything lies, the page's stylesheet how it looks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from autodiff.graph.pictures.render import render

COLOUR = re.compile(r'(?<==")#[0-9a-f]{6}(?:[0-9a-f]{2})?(?=")', re.IGNORECASE)
MARGIN = 12.0
Colours = dict[tuple[str, str], int]  # pairs of a light and a dark colour, by number


@dataclass
class Drawing:
    """The markup of a picture, and what of it the page's script asks for, by the names of the DOT source."""

    markup: str = ""
    width: float = 0
    height: float = 0
    nodes: list[str] = field(default_factory=list)  # in the order of their elements
    edges: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)  # from, to, and their bounds
    clusters: dict[str, list[str]] = field(default_factory=dict)  # the nodes in each, those of inner ones included


def draw(light: str, dark: str, colours: Colours, roles: dict[str, list[str]]) -> Drawing:
    """Lay out a picture, given in DOT in two themes that differ in their colours alone.

    `colours` collects the pairs of colours that occur; the markup names them by number. `roles` are classes for the
    last texts of a node.
    """
    pairs = iter([*zip(COLOUR.findall(light), COLOUR.findall(dark), strict=True)])
    dot = COLOUR.sub(lambda _: f"#{colours.setdefault(next(pairs), len(colours)):06x}", light)
    laid = json.loads(render(dot, "json"))
    return _Pen(laid, roles).drawing()


class _Pen:
    """Draws what Graphviz's JSON describes, which has y pointing up."""

    def __init__(self, laid: dict[str, Any], roles: dict[str, list[str]]) -> None:
        self.laid, self.roles = laid, roles
        objects = laid.get("objects", [])
        self.names = {item["_gvid"]: item["name"] for item in objects}
        self.clusters = [item for item in objects if item["name"].startswith("cluster")]
        self.nodes = [item for item in objects if "pos" in item and item.get("style") != "invis"]
        self.edges = [item for item in laid.get("edges", []) if "_draw_" in item]
        bounds = [_box(item) for item in self.nodes + self.clusters]
        bounds += [(x, y, x, y) for item in self.edges for x, y in _points(item)]
        left, bottom, right, top = ([f(b[i] for b in bounds) for i, f in enumerate((min, min, max, max))]
                                    if bounds else [0.0] * 4)  # fmt: skip
        self.x, self.y = MARGIN - left, top + MARGIN
        self.size = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN

    def drawing(self) -> Drawing:
        """Return the whole picture: clusters at the back, nodes in front."""
        drawing = Drawing("", *self.size)
        frames, lines, boxes = [], [], []
        for item in self.clusters:
            drawing.clusters[item["name"]] = [self.names[n] for n in item.get("nodes", ())]
            frames.append(f'<g class="m">{self._frame(item)}{"".join(self._ops(item["_ldraw_"]))}</g>')
        for item in self.edges:
            ends = self.names[item["tail"]], self.names[item["head"]]
            ends = ends[::-1] if item.get("dir") == "back" else ends
            drawing.edges.append((*ends, self._bounds(item)))
            lines.append(f'<g class="e">{"".join(self._edge(item))}</g>')
        for item in self.nodes:
            drawing.nodes.append(item["name"])
            texts = "".join(self._ops(item["_ldraw_"], self.roles.get(item["name"], [])))
            boxes.append(f'<g class="n">{self._frame(item)}{texts}</g>')
        width, height = map(_n, self.size)
        layers = "".join(f"<g>{''.join(layer)}</g>" for layer in (frames, lines, boxes))
        drawing.markup = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}">{layers}</svg>'
        return drawing

    def _frame(self, item: dict[str, Any]) -> str:
        """Return the outline of a node or cluster, and a second one around what is repeated."""
        pen: dict[str, Any] = {"c": None, "C": None}
        dashed, thick = "", item.get("penwidth")
        frames = []
        for op in item.get("_draw_", ()):
            if op["op"] in "cC":
                pen[op["op"]] = op["color"]
            elif op["op"] == "S" and op["style"] in ("dashed", "dotted"):
                dashed = " dash"
            elif op["op"] == "S" and op["style"] == "bold":
                thick = "2"
            elif "points" in op:
                filled = _fill(pen["C"]) if op["op"] in "PB" else "fn"
                frames.append(self._rectangle(op["points"], f"{filled} {_stroke(pen['c'])}{dashed}", thick))
        return "".join(frames)

    def _rectangle(self, points: list[list[float]], style: str, thick: str | None) -> str:
        xs, ys = zip(*points, strict=True)
        place = f'x="{_n(min(xs) + self.x)}" y="{_n(self.y - max(ys))}"'
        size = f'width="{_n(max(xs) - min(xs))}" height="{_n(max(ys) - min(ys))}"'
        wide = f' stroke-width="{_n(float(thick))}"' if thick else ""
        return f'<rect class="{style}" {place} {size} rx="5"{wide}/>'

    def _bounds(self, item: dict[str, Any]) -> tuple[int, ...]:
        xs, ys = zip(*_points(item), strict=True)
        corners = min(xs) + self.x, self.y - max(ys), max(xs) + self.x, self.y - min(ys)
        return tuple(map(round, corners))

    def _edge(self, item: dict[str, Any]) -> Iterator[str]:
        """Yield the line and the arrowhead."""
        dashed = " dash" if any(op["op"] == "S" and op["style"] == "dashed" for op in item["_draw_"]) else ""
        wide = f' stroke-width="{_n(float(item["penwidth"]))}"' if "penwidth" in item else ""
        stroke = next((op["color"] for op in item["_draw_"] if op["op"] == "c"), None)
        lines = "".join(self._path(op["points"], "c") for op in item["_draw_"] if op["op"] in "bB")
        yield f'<path class="{_stroke(stroke)}{dashed}" d="{lines}"{wide}/>'
        heads = [op for part in ("_hdraw_", "_tdraw_") for op in item.get(part, ()) if op["op"] in "pP"]
        if heads:
            yield f'<path class="{_fill(stroke)}" d="{"".join(self._path(op["points"], "l") + "z" for op in heads)}"/>'
        yield from self._ops(item.get("_ldraw_", ()))

    def _path(self, points: list[list[float]], kind: str) -> str:
        """Return a path in steps from the point before (of a curve: from where the last one ended), which is short."""
        placed = [(round(x + self.x, 1), round(self.y - y, 1)) for x, y in points]
        every = 3 if kind == "c" else 1
        starts = [placed[(k - 1) // every * every] for k in range(1, len(placed))]
        steps = [f"{_n(x - a)},{_n(y - b)}" for (x, y), (a, b) in zip(placed[1:], starts, strict=True)]
        return f"M{_n(placed[0][0])},{_n(placed[0][1])}{kind}{' '.join(steps)}"

    def _ops(self, ops: Any, roles: Sequence[str] = ()) -> list[str]:
        """Return what a list of drawing operations draws; what follows each other in one style is one path."""
        pen: dict[str, Any] = {"c": None, "C": None, "size": 11.0, "bold": False}
        texts = [op for op in ops if op["op"] == "T" and _words(op)]
        role = {id(op): name for op, name in zip(reversed(texts), reversed(roles), strict=False)}
        last = ""  # of the text before, whose histogram follows
        made: list[str] = []
        for op in ops:
            kind = op["op"]
            if kind in "cC":
                pen[kind] = op.get("color")
            elif kind == "F":
                pen["size"] = op["size"]
            elif kind == "t":
                pen["bold"] = bool(op["fontchar"] & 1)
            elif kind == "T" and _words(op):
                last = f" {role[id(op)]}" if id(op) in role else ""
                made.append(self._text(op, pen, role.get(id(op), "")))
            elif kind in "pPLbB":
                style = f"{_fill(pen['C'])} {_stroke(None)}" if kind in "PB" else f"fn {_stroke(pen['c'])}"
                path = self._path(op["points"], "c" if kind in "bB" else "l") + "z" * (kind in "pP")
                begin = f'<path class="{style}{last}" d="'
                if made and made[-1].startswith(begin):
                    made[-1] = f'{made[-1][:-3]}{path}"/>'
                else:
                    made.append(f'{begin}{path}"/>')
        return made

    def _text(self, op: dict[str, Any], pen: dict[str, Any], role: str) -> str:
        """Return a text, centred where Graphviz measured it, so that another font's width spreads to both sides.

        What has a role may change: it ends where it ended.
        """
        x, y = op["pt"]
        x += {"l": 0.5, "c": 0.0, "r": -0.5}[op["align"]] * op["width"] + (op["width"] / 2 if role else 0)
        names = [_fill(pen["c"]), *(["b"] if pen["bold"] else []), *([role] if role else [])]
        size = "" if pen["size"] == 9 else f' font-size="{_n(pen["size"])}"'
        place = f'x="{_n(x + self.x)}" y="{_n(self.y - y)}"'
        return f'<text class="{" ".join(names)}" {place}{size}>{escape(_words(op), quote=False)}</text>'


def _words(op: dict[str, Any]) -> str:
    return str(op["text"]).replace("\xa0", " ").strip()


def _box(item: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return the left, bottom, right and top of a node or cluster."""
    if "bb" in item:
        left, bottom, right, top = map(float, item["bb"].split(","))
        return left, bottom, right, top
    x, y = map(float, item["pos"].split(","))
    w, h = 36 * float(item["width"]), 36 * float(item["height"])
    return x - w, y - h, x + w, y + h


def _points(item: dict[str, Any]) -> list[list[float]]:
    return [p for op in item["_draw_"] if "points" in op for p in op["points"]]


def _n(x: float) -> str:
    """Return a coordinate to a tenth of a pixel."""
    return f"{x:.1f}".removesuffix(".0")


def _fill(colour: str | None) -> str:
    return f"f{int(colour[1:], 16)}" if colour and colour.startswith("#") else "fn"


def _stroke(colour: str | None) -> str:
    return f"s{int(colour[1:], 16)}" if colour and colour.startswith("#") else "sn"
