"""A graph in Graphviz's language: forward runs down, the backward pass comes up beside it, updates stand at its side."""

from __future__ import annotations

from typing import Any

from autodiff.graph import boxes, style
from autodiff.graph.boxes import Box, Picture
from autodiff.graph.record import Graph
from autodiff.graph.text import clean

DEFAULTS = f"""\
  graph [rankdir=TB, newrank=true, compound=true, nodesep=0.22, ranksep=0.3, pad=0.2, bgcolor="white", fontname="{style.FONT}",
    fontsize=11, fontcolor="{style.INK}", labelloc=t, labeljust=l, style="rounded", penwidth=0.8]
  node [shape=box, style="filled,rounded", fontname="{style.FONT}", fontsize=11, fontcolor="{style.INK}", height=0.3, margin="0.1,0.05"]
  edge [color="{style.PHASES["forward"][1]}", arrowsize=0.6, penwidth=1, fontname="{style.FONT}", fontsize=9]
"""


def dot(graph: Graph, detail: str = "auto") -> str:
    """Return the picture of a graph; see `Graph.dot`."""
    picture = boxes.arrange(graph, detail)
    lines = ["digraph {", DEFAULTS.rstrip(), f"  label=<{_heading(graph, picture)}>"]
    lines += _clusters(picture)
    lines += [_edge(picture, *edge) for edge in picture.edges]
    return "\n".join([*lines, "}"]) + "\n"


def escape(text: str) -> str:
    """Return text as it may stand in an HTML-like label or a quoted string."""
    table = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "&#92;"}
    return "".join(table.get(c, c) for c in clean(text)) or " "


# --- nodes ---------------------------------------------------------------------------------------------------------


def _node(box: Box) -> str:
    facts = {
        "label": f"<{_label(box)}>",
        "fillcolor": f'"{box.fill}"',
        "color": f'"{box.border}"',
        "style": f'"{box.style}"',
        "tooltip": f'"{escape(box.tooltip)}"',
    }
    if box.bold:
        facts["penwidth"] = "2"
    return f"{box.id} [{', '.join(f'{k}={v}' for k, v in facts.items())}]"


def _label(box: Box) -> str:
    head = f"<B>{escape(box.title)}</B>" if box.title else ""
    small = [f'<FONT POINT-SIZE="9" COLOR="{style.SOFT}">{escape(line)}</FONT>' for line in box.lines]
    if not box.numbers:
        return "<BR/>".join([head, *small] if head else small)
    rows = [f'<TR><TD COLSPAN="2">{"<BR/>".join([head, *small])}</TD></TR>']
    rows += [
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="9" COLOR="{style.SOFT}">{name}&#160;&#160;</FONT></TD>'
        f'<TD ALIGN="RIGHT">{escape(number)}</TD></TR>'
        for name, number in box.numbers
    ]
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1">{"".join(rows)}</TABLE>'


# --- clusters: phases, and in them the modules ---------------------------------------------------------------------


def _clusters(picture: Picture) -> list[str]:
    tree: dict[str, Any] = {}
    for box in picture.boxes:
        level = tree
        for name in box.path if len(picture.phases) > 1 else box.path[1:]:
            level = level.setdefault(name, {})
        level[box] = None
    lines: list[str] = []
    _nested(tree, "  ", "" if len(picture.phases) > 1 else "forward", lines)
    return lines


def _nested(level: dict[Any, Any], indent: str, phase: str, lines: list[str]) -> None:
    for key, inner in level.items():
        if inner is None:
            lines.append(indent + _node(key))
            continue
        here = phase or key
        fill, ink = style.PHASES[here]
        facts = f'label=<<B>{key}</B>>; bgcolor="{fill}"; color="{ink}"; fontcolor="{ink}"'
        if phase:
            facts = f'label=<{escape(key)}>; bgcolor="{ink}0c"; color="{ink}50"; fontcolor="{style.SOFT}"; fontsize=10'
        lines += [f"{indent}subgraph cluster_{len(lines)} {{", f"{indent}  {facts}"]
        _nested(inner, indent + "  ", here, lines)
        lines.append(indent + "}")


# --- edges ---------------------------------------------------------------------------------------------------------


def _edge(picture: Picture, tail: Box, head: Box, label: str) -> str:
    text = f', taillabel=<{escape(label)}>, fontcolor="{style.SOFT}"' if label else ""
    ink = style.PHASES[head.phase][1]
    if head.phase == "forward":
        return f'  {tail.id} -> {head.id} [color="{ink}"{text}]'
    if tail.phase == head.phase == "backward":
        return f'  {head.id} -> {tail.id} [dir=back, color="{ink}"{text}]'
    if (tail.phase, head.phase) == ("backward", "update"):
        return f'  {tail.id} -> {head.id} [minlen=0, color="{ink}"{text}]'
    if tail.phase == head.phase:
        return f'  {tail.id} -> {head.id} [color="{ink}", constraint=false{text}]'
    if tail.kind == "input":
        return f'  {tail.id} -> {head.id} [constraint=false, style=dashed, color="{style.SAVED}"{text}]'
    return f'  {tail.id} -> {head.id} [minlen=0, style=dashed, color="{style.SAVED}"{text}]'


# --- heading and legend --------------------------------------------------------------------------------------------


def _heading(graph: Graph, picture: Picture) -> str:
    """Return the title with the legend: only what occurs."""
    cells = [f"<TD><B>{escape(graph.title)}</B>  </TD>"]
    for name, (fill, border) in style.KINDS.items():
        if name in picture.kinds:
            cells.append(f'<TD BGCOLOR="{fill}" BORDER="1" COLOR="{border}"><FONT POINT-SIZE="9">{name}&#160;&#160;</FONT></TD>')
    for role, (fill, border, _) in style.ROLES.items():
        if role in picture.kinds:
            cells.append(f'<TD BGCOLOR="{fill}" BORDER="1" COLOR="{border}"><FONT POINT-SIZE="9">{role}</FONT></TD>')
    if any(tail.phase == "forward" and head.phase == "backward" for tail, head, _ in picture.edges):
        cells.append(f'<TD><FONT POINT-SIZE="9" COLOR="{style.SOFT}">- - -  value saved for the backward pass</FONT></TD>')
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3"><TR>{"".join(cells)}</TR></TABLE>'
