"""A picture in Graphviz's language: forward runs down, the backward pass comes up beside it, updates at the side."""

from __future__ import annotations

import re
from itertools import groupby

from autodiff.graph.pictures import style
from autodiff.graph.pictures.picture import Box, Cluster, Edge, Picture
from autodiff.graph.pictures.style import Theme
from autodiff.graph.words.text import clean

SMALL = 9  # points; nothing is smaller
HIGH, BAR = 12, 3  # points: the tallest bar of a histogram, and the width of one
LONGEST_NAME, LONGEST_LABEL, LONGEST_LINE = 60, 24, 100  # characters, of clusters less; the tooltip has them all
MANY, LARGE = 400, "nslimit=0.5, nslimit1=0.5, mclimit=0.1, splines=polyline"  # of more boxes, a rougher layout
BARE = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
DIRECTIONS = {"down": "TB", "right": "LR"}


def dot(picture: Picture, *, heading: bool = True) -> str:
    """Return a picture as a digraph, by itself with title and legend; its elements have the picture's ids."""
    theme = picture.theme
    font = f'fontname="{style.FONT}", fontcolor="{theme.ink}"'
    lines = [
        "digraph {",
        f"  graph [rankdir={DIRECTIONS[picture.look.direction]}, newrank=true, nodesep=0.22, ranksep=0.32, pad=0.2,",
        *([f"    {LARGE},"] if len(picture.boxes) > MANY else []),
        f'    bgcolor="{theme.paper}", labelloc=t, labeljust=l, style=rounded, penwidth=0.8, {font}, fontsize=11]',
        f'  node [shape=box, height=0.3, margin="0.1,0.055", {font}, fontsize=11]',
        f"  edge [arrowsize=0.6, {font}, fontsize={SMALL}]",
        *([f"  label=<{_heading(picture)}>"] if heading else []),
    ]
    lines += _columns(picture)
    lines += _inner(picture, picture.root, "  ")
    lines += [_edge(picture, edge) for edge in picture.edges]
    return "\n".join([*lines, "}"]) + "\n"


def escape(text: str) -> str:
    """Return text as it may stand in an HTML-like label or a quoted string."""
    table = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "&#92;"}
    return "".join(table.get(c, c) for c in clean(text)) or " "


def shortened(text: str, longest: int = LONGEST_LINE) -> str:
    """Return text for a label: of what is too long, the beginning and the end."""
    text = clean(text)
    return escape(text if len(text) <= longest else f"{text[: longest // 2]}\u2026{text[1 - longest // 2 :]}")


# --- boxes ---------------------------------------------------------------------------------------------------------


def _node(picture: Picture, box: Box) -> str:
    facts = {
        "id": box.id,
        "label": f"<{_label(picture, box)}>",
        "fillcolor": f'"{box.fill}"',
        "color": f'"{box.border}"',
        "style": f'"{box.style}"',
        "tooltip": f'"{"&#10;".join(map(escape, box.notes)) or " "}"',
    }
    if box.bold:
        facts["penwidth"] = "2"
    if box.count > 1 and box.kind not in picture.theme.roles:
        facts["peripheries"] = "2"
    return f"{box.id} [{', '.join(f'{k}={v}' for k, v in facts.items())}]"


def _label(picture: Picture, box: Box) -> str:
    """Return the text in a box; below it stand its value and gradient, or the types of several outputs side by side."""
    theme, plenty = picture.theme, len(picture.boxes) > MANY
    span = max(len(box.outputs), 3 if any(number.bars for number in box.numbers) else 2)
    rows = [f'<TR><TD COLSPAN="{span}">{_titled(picture, box.title, box.subtitle, box.count)}</TD></TR>']
    for text, role in box.lines:
        written = _small(theme.alarm if role == "alarm" else theme.soft, text)
        rows.append(f'<TR><TD COLSPAN="{span}">{written}</TD></TR>')
    for text, role in box.given:
        fill, border, _ = theme.roles[role]
        cell = f'BGCOLOR="{fill}" BORDER="1" STYLE="ROUNDED" COLOR="{border}" CELLPADDING="2"'
        rows.append(f'<TR><TD COLSPAN="{span}" {cell}>{_small(theme.soft, text)}</TD></TR>')
    if box.outputs:
        cells = [f'<TD BORDER="1" PORT="o{i}">{_small(theme.soft, kind)}</TD>' for i, kind in enumerate(box.outputs)]
        rows.append(f"<TR>{''.join(cells)}</TR>")
    for name, number, bars in box.numbers:
        ink = theme.alarm if re.search(r"\b(nan|inf)", number, re.IGNORECASE) else theme.ink
        value = f'<FONT POINT-SIZE="{SMALL + 1}" COLOR="{ink}">{shortened(number)}</FONT>'
        row = f'<TD ALIGN="LEFT">{_small(theme.soft, name)}&#160;</TD><TD ALIGN="RIGHT">{value}'
        rows.append(f"<TR>{row}&#160;</TD>{_bars(theme, bars)}</TR>" if bars and not plenty else f"<TR>{row}</TD></TR>")
    if len(rows) == 1:
        return _titled(picture, box.title, box.subtitle, box.count)
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1" COLOR="{box.border}">{"".join(rows)}</TABLE>'
    )


def _bars(theme: Theme, bars: tuple[int, ...]) -> str:
    """Return a histogram as a cell of cells, which needs no font; neighbours of one height are one."""
    cells = []
    for height, equal in groupby(-(-HIGH * n // max(bars)) for n in bars):
        size = f'FIXEDSIZE="TRUE" WIDTH="{BAR * len([*equal])}"'
        rows = f'<TR><TD {size} HEIGHT="{HIGH - height}"></TD></TR>' * (height < HIGH)
        rows += f'<TR><TD {size} HEIGHT="{height}" BGCOLOR="{theme.line}"></TD></TR>' * (height > 0)
        cells.append(f"<TD><TABLE {BARE}>{rows}</TABLE></TD>")
    line = BARE.replace("0", "1", 1)
    return f'<TD><TABLE {line} SIDES="B" COLOR="{theme.line}"><TR>{"".join(cells)}</TR></TABLE></TD>'


def _titled(picture: Picture, title: str, subtitle: str, count: int, longest: int = LONGEST_NAME) -> str:
    theme = picture.theme
    text = f"<B>{shortened(title, longest)}</B>"
    if subtitle:  # a browser that rounds each letter to whole pixels makes a long title longer than it was laid out
        gap = "&#160;" * (len(title) // 16)
        text += f'{gap} <FONT COLOR="{theme.soft}">{shortened(subtitle, longest)}</FONT>'
    return f"{text}  <B>\u00d7{count:,}</B>" if count > 1 else text


def _small(colour: str, text: str) -> str:
    return f'<FONT POINT-SIZE="{SMALL}" COLOR="{colour}">{shortened(text)}</FONT>'


# --- clusters ------------------------------------------------------------------------------------------------------


def _columns(picture: Picture) -> list[str]:
    """Return invisible points above the columns, in a row, which put these into their order."""
    phases = [c for c in picture.root.inner if isinstance(c, Cluster) and c.kind == "phase"]
    if not phases:
        return []
    point = "style=invis, shape=point, width=0, height=0"
    lines = [f"  t{c.id} [{point}]" for c in phases]
    lines.append(f"  // columns: {' '.join(f'a{c.id}' for c in phases)}")
    lines.append(f"  {{rank=min; {' -> '.join(f't{c.id}' for c in phases)} [style=invis]}}")
    return [*lines, *(f"  t{c.id} -> a{c.id} [style=invis]" for c in phases)]


def _inner(picture: Picture, cluster: Cluster, indent: str) -> list[str]:
    theme, lines = picture.theme, []
    for item in cluster.inner:
        if isinstance(item, Box):
            lines.append(indent + _node(picture, item))
            continue
        fill, ink = theme.column(item.phase, item.order)
        facts = f'id={item.id}; class={item.kind}; tooltip="{escape("/".join(item.path))}"; '
        label = _titled(picture, item.title, item.subtitle, item.count, LONGEST_LABEL)
        named = _moveable(label)
        if item.kind == "phase":
            facts += f'label=<{named}>; bgcolor="{fill}"; color="{ink}"; fontcolor="{ink}"'
        else:
            line = "1.4" if item.kind == "loop" or item.count > 1 else "0.8"
            facts += f'label=<{named}>; penwidth={line}; bgcolor="{ink}0c"; color="{ink}66"; fontsize=10; '
            facts += f'fontcolor="{theme.ink}"'
        lines += [f"{indent}subgraph cluster_{item.id} {{", f"{indent}  {facts}"]
        if item.kind == "phase":
            lines.append(f"{indent}  a{item.id} [style=invis, shape=point, width=0, height=0]")
        lines += [*_inner(picture, item, indent + "  "), indent + "}"]
    return lines


def _moveable(label: str) -> str:
    """Return a cluster's label between two cells by which it can be moved, and given room."""
    return f'<TABLE {BARE}><TR><TD WIDTH="0"></TD><TD ALIGN="LEFT">{label}</TD><TD WIDTH="0"></TD></TR></TABLE>'


# --- edges ---------------------------------------------------------------------------------------------------------


def _edge(picture: Picture, edge: Edge) -> str:
    """Return an edge; one within a sweep is written the other way round, so that the sweep comes up from below.

    No edge is as wide as it is flat: Graphviz loses some of those that join two clusters.
    """
    theme, tail, head = picture.theme, edge.tail, edge.head
    colour = theme.line if head.phase == "forward" else theme.column(head.phase, head.order)[1]
    facts = [f"id={edge.id}", f'color="{theme.saved if edge.kind == "saved" else colour}"']
    if edge.kind == "loop":
        facts += ["penwidth=1.6"] if tail is head else ["penwidth=1.6", "constraint=false"]
    elif edge.kind == "saved":
        facts.append("style=dashed")
    elif tail.phase == head.phase == "backward":
        facts.append("dir=back")
    elif (tail.phase, head.phase) not in (("forward", "forward"), ("backward", "update"), ("update", "update")):
        facts.append("constraint=false")
    if edge.label:
        facts.append(f"label=< {_small(theme.ink, edge.label)} >")
    source = tail.id if edge.port is None else f"{tail.id}:o{edge.port}"
    if tail is head:
        side = "e" if edge.label else "w"  # a label on the right may be in the way of what else is carried
        return f"  {tail.id}:{side} -> {head.id}:{side} [{', '.join(facts)}]"
    ends = (head.id, source) if "dir=back" in facts else (source, head.id)
    return f"  {' -> '.join(ends)} [{', '.join(facts)}]"


# --- heading and legend --------------------------------------------------------------------------------------------


def _heading(picture: Picture) -> str:
    """Return the title, what was folded, and the legend."""
    theme = picture.theme
    rows = [f"<B>{shortened(picture.title, LONGEST_NAME)}</B>"]
    saved = any(edge.kind == "saved" for edge in picture.edges)
    width = sum(len(entry.text) + 4 for entry in picture.legend) + 30 * saved  # a wider line would stretch the legend
    rows += [_small(theme.soft, line) for line in _filled(picture.caption, min(max(width, 48), LONGEST_LINE))]
    cells = [
        f'<TD BGCOLOR="{fill}" BORDER="1" STYLE="ROUNDED" COLOR="{border}">{_small(theme.ink, text)}</TD>'
        for text, fill, border, _ in picture.legend
    ]
    if saved:
        cells.append(f"<TD>{_small(theme.soft, '- - -  kept for the backward pass')}</TD>")
    if cells:
        rows.append(
            f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3"><TR>{"".join(cells)}</TR></TABLE>'
        )
    lines = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="2">{lines}</TABLE>'


def _filled(texts: list[str], width: int) -> list[str]:
    """Return texts on lines of some width."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) < width:
            lines[-1] += f" \u00b7 {text}"
        else:
            lines.append(text)
    return lines
