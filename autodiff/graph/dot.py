"""A graph in Graphviz's language: forward runs down, the backward pass comes up beside it, updates at the side."""

from __future__ import annotations

from typing import Any

from autodiff.graph import boxes, style
from autodiff.graph.boxes import Box, Picture
from autodiff.graph.record import Graph
from autodiff.graph.text import clean

DEFAULTS = f"""\
  graph [newrank=true, nodesep=0.22, ranksep=0.3, pad=0.2, bgcolor=white, labelloc=t, labeljust=l, style=rounded,
    penwidth=0.8, fontname="{style.FONT}", fontsize=11, fontcolor="{style.INK}"]
  node [shape=box, height=0.3, margin="0.1,0.05", fontname="{style.FONT}", fontsize=11, fontcolor="{style.INK}"]
  edge [arrowsize=0.6]"""


def dot(graph: Graph, detail: str = "auto") -> str:
    """Return the picture of a graph; see `Graph.dot`."""
    picture = boxes.arrange(graph, detail)
    lines = ["digraph {", DEFAULTS, f"  label=<{_heading(graph, picture)}>"]
    lines += _clusters(picture)
    lines += [_edge(*edge) for edge in picture.edges]
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
        "tooltip": f'"{"&#10;".join(map(escape, box.notes)) or " "}"',
    }
    if box.bold:
        facts["penwidth"] = "2"
    return f"{box.id} [{', '.join(f'{k}={v}' for k, v in facts.items())}]"


def _label(box: Box) -> str:
    """Return the text in a box; below it stand a scalar's numbers, or the types of several outputs side by side."""
    head = f"<B>{escape(box.title)}</B>"
    text = "<BR/>".join([head, *map(_small, box.lines)])
    rows = [
        f'<TR><TD ALIGN="LEFT">{_small(name)}&#160;&#160;</TD><TD ALIGN="RIGHT">{escape(number)}</TD></TR>'
        for name, number in box.numbers
    ]
    if box.outputs:
        cells = [f'<TD BORDER="1" PORT="o{i}">{_small(kind)}</TD>' for i, kind in enumerate(box.outputs)]
        rows = [f"<TR>{''.join(cells)}</TR>"]
    if not rows:
        return text
    span = max(len(box.outputs), 2)
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="1" COLOR="{box.border}">'
        f'<TR><TD COLSPAN="{span}">{text}</TD></TR>{"".join(rows)}</TABLE>'
    )


def _small(text: str) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{style.SOFT}">{escape(text)}</FONT>'


# --- clusters: phases, and in them the modules ---------------------------------------------------------------------


def _clusters(picture: Picture) -> list[str]:
    tree: dict[Any, Any] = {}
    for box in picture.boxes:
        level = tree
        for name in box.path if len(picture.phases) > 1 else box.path[1:]:
            level = level.setdefault(name, {})
        level[box] = None
    lines: list[str] = []
    if len(picture.phases) == 1:
        _nested(tree, "  ", "forward", lines)
        return lines
    _nested(tree, "  ", "", lines)
    columns = " -> ".join(phase for phase in style.PHASES if phase in picture.phases)
    return [*lines, f"  {{rank=min; {columns} [style=invis]}}"]


def _nested(level: dict[Any, Any], indent: str, phase: str, lines: list[str]) -> None:
    for key, inner in level.items():
        if inner is None:
            lines.append(indent + _node(key))
            continue
        here = phase or key
        fill, ink = style.PHASES[here]
        facts = f'label=<<B>{key}</B>>; bgcolor="{fill}"; color="{ink}"; fontcolor="{ink}"'
        if phase:
            facts = f'label=<{escape(key)}>; bgcolor="{ink}09"; color="{ink}50"; fontcolor="{style.SOFT}"; fontsize=10'
        lines += [f"{indent}subgraph cluster_{len(lines)} {{", f"{indent}  {facts}"]
        if not phase:
            lines.append(f"{indent}  {key} [style=invis, shape=point, width=0, height=0]")
        _nested(inner, indent + "  ", here, lines)
        lines.append(indent + "}")


# --- edges ---------------------------------------------------------------------------------------------------------


def _edge(tail: Box, head: Box, port: int | None) -> str:
    """Return an edge; one that goes back up is written the other way round, so that it does not pull its head down."""
    phases = tail.phase, head.phase
    facts = [f'color="{style.PHASES[head.phase][1]}"']
    if phases == ("backward", "backward"):
        facts.append("dir=back")
    elif phases == ("backward", "update"):
        facts.append("minlen=0")
    elif phases == ("forward", "backward"):
        facts = [f'color="{style.SAVED}"', "style=dashed", "constraint=false" if tail.kind == "input" else "minlen=0"]
    elif tail.phase != head.phase:
        facts.append("constraint=false")
    source = tail.id if port is None else f"{tail.id}:o{port}"
    ends = (head.id, source) if "dir=back" in facts else (source, head.id)
    return f"  {' -> '.join(ends)} [{', '.join(facts)}]"


# --- heading and legend --------------------------------------------------------------------------------------------


def _heading(graph: Graph, picture: Picture) -> str:
    """Return the title with the legend: only what occurs."""
    cells = [f"<TD><B>{escape(graph.title)}</B>  </TD>"]
    for name, (fill, border, *_) in (style.KINDS | style.ROLES).items():
        if name in picture.kinds:
            text = f'<FONT POINT-SIZE="9">{name}</FONT>'
            cells.append(f'<TD BGCOLOR="{fill}" BORDER="1" COLOR="{border}">{text}</TD>')
    for why, (fill, border) in style.HIGHLIGHTS.items():
        if why in picture.highlights:
            cells.append(f'<TD BGCOLOR="{fill}" BORDER="2" COLOR="{border}"><FONT POINT-SIZE="9">{why}</FONT></TD>')
    if any((tail.phase, head.phase) == ("forward", "backward") for tail, head, _ in picture.edges):
        cells.append(f"<TD>{_small('- - -  value saved for the backward pass')}</TD>")
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3"><TR>{"".join(cells)}</TR></TABLE>'
