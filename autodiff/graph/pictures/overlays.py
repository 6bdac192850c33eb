"""The colours of boxes: by class of operation, by order of derivative, or by what they cost."""

from __future__ import annotations

from collections.abc import Callable

from autodiff.graph.pictures import style
from autodiff.graph.pictures.labels import duration, size
from autodiff.graph.pictures.picture import Box, Entry, Picture
from autodiff.graph.record import Graph, Op, Value


def lay(graph: Graph, picture: Picture) -> None:
    """Give every box its colours, and write costs into the boxes where the look asks for an overlay."""
    theme, look = picture.theme, picture.look
    for box in picture.boxes:
        if box.kind in theme.roles:
            box.fill, box.border, box.style = theme.roles[box.kind]
        else:
            box.fill, box.border = theme.order(box.order) if look.orders else theme.kind(box.kind)
    if look.overlay == "memory":
        _memory(graph, picture)
    elif look.overlay == "time":
        _time(picture)
    for box in picture.boxes:
        if box.highlight:
            box.fill, box.border = theme.highlight(box.highlight)
    picture.legend = _legend(picture)


def _legend(picture: Picture) -> list[Entry]:
    """Return what the colours mean that occur."""
    theme, plain = picture.theme, [box for box in picture.boxes if not box.highlight]
    kinds = {box.kind for box in plain} | {role for box in picture.boxes for _, role in box.given}
    if picture.look.orders:
        orders = sorted({min(box.order, len(style.ORDERS) - 1) for box in plain if box.ops})
        entries = [Entry(style.ORDERS[n], *theme.order(n)) for n in orders]
    elif picture.look.overlay is not None:
        entries = [Entry("less", theme.heat[0], theme.line), Entry("more", theme.heat[-1], theme.line)]
    else:
        entries = [Entry(name, *theme.kind(name)) for name in (*theme.kinds, *style.FOLDED[1:]) if name in kinds]
    entries += [Entry(name, *theme.roles[name]) for name in theme.roles if name in kinds]
    marks = dict.fromkeys(box.highlight for box in picture.boxes if box.highlight)
    return entries + [Entry(why, *theme.highlight(why)) for why in marks]


def _heat(picture: Picture, costs: dict[Box, float], written: Callable[[float], str]) -> float:
    """Colour boxes by their share of the largest cost, and write cost and share of the sum; return the sum."""
    total, most = sum(costs.values()), max(costs.values(), default=0)
    for box, cost in costs.items():
        box.fill, box.border = picture.theme.warmth(cost / most if most else 0.0), picture.theme.line
        if cost:
            box.lines.append((f"{written(cost)} \u00b7 {100 * cost / total:.0f} %", "cost"))
    return total


def _time(picture: Picture) -> None:
    timed = {box: sum(op.seconds or 0.0 for op in box.ops) for box in picture.boxes if box.ops}
    total = _heat(picture, timed, duration)
    picture.caption.append(f"time: {duration(total)} in operations" if total else "time: not measured")


def _memory(graph: Graph, picture: Picture) -> None:
    """Colour by what operations keep alive for the backward pass; say where memory peaks, where a checkpoint pays."""
    kept = {box: float(sum(op.saved for op in box.ops)) for box in picture.boxes if box.ops and box.phase == "forward"}
    total = _heat(picture, kept, size)
    peak, at = _peak(graph)
    picture.caption.append(f"kept for the backward pass: {size(total)}; peak {size(peak)}")
    if at is not None and (top := picture.home.get(at)) is not None:
        top.lines.append((f"peak {size(peak)}", "alarm"))
    gains = {box: n - _entering(box, picture) for box, n in kept.items() if len(box.ops) > box.count}
    best = max(gains, key=gains.__getitem__, default=None)
    if best is not None and gains[best] > total / 10:
        best.lines.append((f"a checkpoint here frees {size(gains[best])}", "alarm"))


def _entering(box: Box, picture: Picture) -> float:
    """Return the bytes of what comes into a box: what a checkpoint around it would have to keep."""
    given = {v: None for edge in picture.edges if edge.head is box and edge.kind == "data" for v in edge.values}
    return float(sum(v.nbytes for v in given if v.op is not None))


def _peak(graph: Graph) -> tuple[int, Op | None]:
    """Return the most bytes that values made by the graph hold at one time, and the operation that then runs.

    A value lives until its last use; where there is no backward pass, until the end if it is kept for one.
    """
    last: dict[Value, int] = {}
    owner: dict[Value, Value] = {}
    swept = any(op.phase == "backward" for op in graph.ops)
    for n, op in enumerate(graph.ops):
        for v in op.outputs:
            base = op.inputs[0] if op.allocated == 0 and op.inputs else v
            owner[v] = owner.get(base, base)
            last[owner[v]] = max(last.get(owner[v], 0), n)
        for v in op.inputs:
            last[owner.get(v, v)] = n
        if op.saved and not swept:
            last |= dict.fromkeys((owner.get(v, v) for v in (*op.inputs, *op.outputs)), len(graph.ops))
    for v in graph.outputs:
        last[owner.get(v, v)] = len(graph.ops)
    ends: dict[int, int] = {}
    now = peak = 0
    at = None
    for n, op in enumerate(graph.ops):
        for v in op.outputs:
            if owner[v] is v and op.allocated:
                now += v.nbytes
                ends[last[v]] = ends.get(last[v], 0) + v.nbytes
        if now > peak:
            peak, at = now, op
        now -= ends.get(n, 0)
    return peak, at
