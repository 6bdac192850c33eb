"""A picture in Mermaid's language, which code hosts and notebooks draw out of Markdown."""

from __future__ import annotations

import json
import warnings
from typing import Any

from autodiff.graph.pictures.picture import Box, Cluster, Edge, Picture
from autodiff.graph.words.text import clean

PLAIN = frozenset(" ,.()[]/+-=_'")  # what stands as it is in a label, beside letters and digits
APART = "\\:$"  # what means something with the character after it, also when both are written as numbers
LIKE = str.maketrans("<>&", "\u2039\u203a\uff06")  # a title shows entities as they are written, and drops tags
MOST_EDGES, MOST_TEXT = 500, 50_000  # what Mermaid draws unless the page that shows it allows more
ARROWS = {"data": "-->", "saved": "-.->", "loop": "==>"}
DIRECTIONS = {"down": "TB", "right": "LR"}


def mermaid(picture: Picture) -> str:
    """Return a picture as a Mermaid flowchart; see `Graph.mermaid`."""
    settings: dict[str, Any] = {"flowchart": {"htmlLabels": True, "subGraphTitleMargin": {"top": 2, "bottom": 8}}}
    if not _adapts(picture):
        settings |= {"theme": "base", "themeVariables": _colours(picture)}
    title = clean(". ".join([picture.title, *picture.caption])).translate(LIKE)
    lines = [
        "---",
        f"title: {json.dumps(title, ensure_ascii=False)}",
        "---",
        f"%%{{init: {json.dumps(settings)}}}%%",
        f"flowchart {DIRECTIONS[picture.look.direction]}",
    ]
    lines += _inner(picture, picture.root, "  ")
    lines += dict.fromkeys(map(_edge, picture.edges))
    lines += [f"  style {cluster.id} {_frame(picture, cluster)}" for cluster in picture.clusters]
    text = "\n".join([*lines, *_classes(picture)]) + "\n"
    if len(picture.edges) > MOST_EDGES or len(text) > MOST_TEXT:
        warnings.warn(
            f"mermaid: {len(picture.edges)} edges and {len(text):,} characters; code hosts draw up to {MOST_EDGES} and "
            f'{MOST_TEXT:,}. Fold the graph (depth=1, or depth="auto"), or draw it with .svg(path) or .html(path).',
            stacklevel=3,
        )
    return text


def escape(text: str) -> str:
    """Return text as it may stand in a label: what could mean anything to Mermaid, Markdown or HTML as its number."""
    return "".join(
        c if c.isalnum() or c in PLAIN or ord(c) > 0x7F else f"#{ord(c)};" + "\u200b" * (c in APART)
        for c in clean(text)
    )


# --- boxes and clusters --------------------------------------------------------------------------------------------


def _inner(picture: Picture, cluster: Cluster, indent: str) -> list[str]:
    lines: list[str] = []
    for item in cluster.inner:
        if isinstance(item, Box):
            lines.append(f"{indent}{item.id}{_node(picture, item)}")
        else:
            label = _titled(item.title, item.subtitle, item.count)
            lines += [f'{indent}subgraph {item.id}["{label}"]', *_inner(picture, item, indent + "  "), f"{indent}end"]
    return lines


def _node(picture: Picture, box: Box) -> str:
    """Return a box's shape and text: rounded for a source, doubled for what was folded from several."""
    texts = [*(text for text, _ in (*box.lines, *box.given)), *map(str, box.numbers)]
    texts += [" | ".join(box.outputs)] * bool(box.outputs)
    label = "<br/>".join([_titled(box.title, box.subtitle, box.count), *map(escape, texts)])
    opening, closing = (
        ("([", "])") if box.kind in picture.theme.roles else ("[[", "]]") if box.count > 1 else ("(", ")")
    )
    return f'{opening}"{label}"{closing}:::{_class(box)}'


def _titled(title: str, subtitle: str, count: int) -> str:
    text = f"<b>{escape(title)}</b>"
    text += f" {escape(subtitle)}" if subtitle else ""
    return f"{text} <b>\u00d7{count:,}</b>" if count > 1 else text


# --- edges ---------------------------------------------------------------------------------------------------------


def _edge(edge: Edge) -> str:
    label = f'|"{escape(edge.label)}"|' if edge.label else ""
    return f"  {edge.tail.id} {ARROWS.get(edge.kind, '-->')}{label} {edge.head.id}"


# --- colours -------------------------------------------------------------------------------------------------------


def _class(box: Box) -> str:
    return f"k{box.fill[1:]}{box.border[1:]}{'b' if box.bold else ''}{'d' if 'dashed' in box.style else ''}"


def _classes(picture: Picture) -> list[str]:
    """Return a class for each pair of colours that occurs."""
    looks = dict.fromkeys((_class(box), box.fill, box.border, box.bold, "dashed" in box.style) for box in picture.boxes)
    return [
        f"  classDef {name} fill:{fill},stroke:{border},color:{picture.theme.ink},stroke-width:{2.5 if bold else 1}px"
        + ",stroke-dasharray:4 3" * dashed
        for name, fill, border, bold, dashed in looks
    ]


def _frame(picture: Picture, cluster: Cluster) -> str:
    border = picture.theme.phases[cluster.phase or "forward"][1]
    return f"fill:{border}12,stroke:{border}" + f",color:{picture.theme.ink}" * (not _adapts(picture))


def _adapts(picture: Picture) -> bool:
    """Say whether all but the boxes has the colours of the page, which may be light or dark."""
    return picture.look.theme == "light"


def _colours(picture: Picture) -> dict[str, str]:
    theme = picture.theme
    ink = dict.fromkeys(("textColor", "titleColor"), theme.ink)
    return ink | {"background": theme.paper, "lineColor": theme.line, "edgeLabelBackground": theme.paper}
