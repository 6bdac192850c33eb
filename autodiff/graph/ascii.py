"""A picture in plain characters: one box a line, and to the left of them the edges that run from line to line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count, groupby

from autodiff.graph.boxes import Box, Picture
from autodiff.graph.text import clean

LANES = 10  # edges side by side; what would take more is written as a reference
WIDTH = 110  # of a line
Edge = tuple[Box, Box]


def ascii(picture: Picture) -> str:
    """Return the picture of a graph for a plain terminal.

    `o` is a source and `*` an operation, whose operands come down the lanes that meet there: `+` goes on, `'` ends. An edge
    from another phase, or one lane too many, is written as `<- [2]`, the number of the box that it comes from.
    """
    order = {box: n for n, box in enumerate(picture.boxes)}
    edges = sorted({(tail, head) for tail, head, *_ in picture.edges}, key=lambda e: (order[e[1]], order[e[0]]))
    drawn, written = _split(picture.boxes, edges)
    numbers = {tail: f"[{n}]" for n, tail in enumerate(sorted({t for t, _ in written}, key=order.__getitem__), 1)}
    rails = _rails(picture.boxes, drawn)
    width = max(map(len, rails), default=0)
    lines: list[str] = []
    for phase, group in groupby(zip(picture.boxes, rails, strict=True), key=lambda pair: pair[0].phase):
        lines += [phase] if len(picture.phases) > 1 else []
        for box, rail in group:
            given = [numbers[tail] for tail, head in written if head is box]
            said = [numbers.get(box, ""), *_says(box), f"<- {' '.join(given)}" if given else ""]
            lines.append(_cut(f"{rail:{width}}  {'  '.join(filter(None, said))}", f"  # {' / '.join(box.path[1:])}"))
    return "\n".join(lines)


def _says(box: Box) -> Iterable[str]:
    """Yield what stands in a box, on one line."""
    yield clean(box.title)
    yield from map(clean, (*box.lines, *box.outputs))
    yield from (f"{name} {value}" for name, value in box.numbers)
    if box.highlight:
        yield f"! {box.highlight}"


def _cut(text: str, comment: str) -> str:
    text = text.rstrip() + clean(comment.rstrip("# "))
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


# --- edges ---------------------------------------------------------------------------------------------------------


def _split(boxes: list[Box], edges: list[Edge]) -> tuple[list[Edge], list[Edge]]:
    """Return the edges that are drawn and those that are written: between phases, and the longest of too many."""
    drawn = [(tail, head) for tail, head in edges if tail.phase == head.phase]
    row = {box: n for n, box in enumerate(boxes)}
    last: dict[Box, int] = {}
    for tail, head in drawn:
        last[tail] = max(last.get(tail, 0), row[head])
    live: set[Box] = set()
    ends: dict[Box, int] = {}  # from that row on, a box's edges are written
    for n, box in enumerate(boxes):
        live = {tail for tail in live if last[tail] > n}
        if box in last:
            live.add(box)
        while len(live) > LANES:
            longest = max(live, key=lambda tail: (last[tail], row[tail]))
            ends[longest] = n + 1
            live.remove(longest)
    lane = [edge for edge in drawn if row[edge[1]] < ends.get(edge[0], len(boxes))]
    kept = {*lane}
    return lane, [edge for edge in edges if edge not in kept]


def _rails(boxes: list[Box], edges: list[Edge]) -> list[str]:
    """Return what stands left of each box."""
    left: dict[Box, int] = {}  # how many edges of a box are still to come
    tails: dict[Box, list[Box]] = {}
    for tail, head in edges:
        left[tail] = left.get(tail, 0) + 1
        tails.setdefault(head, []).append(tail)
    lanes: list[Box | None] = []
    rails: list[str] = []
    closed: int | None = None  # the lane whose box was the last of it: what begins below begins beside
    for box in boxes:
        given = sorted(lanes.index(tail) for tail in tails.get(box, ()))
        for tail in tails.get(box, ()):
            left[tail] -= 1
        ended = {i for i in given if left[lanes[i]] == 0}  # type: ignore[index]
        free = (i for i in count() if i >= len(lanes) or lanes[i] is None)
        at = min(ended) if ended else next(i for i in free if i != closed)
        lanes += [None] * (at + 1 - len(lanes))
        rails.append(_rail(lanes, at, given, ended, "*" if box.ops else "o"))
        for i in ended:
            lanes[i] = None
        lanes[at] = box if left.get(box) else None
        closed = None if left.get(box) else at
        while lanes and lanes[-1] is None:
            lanes.pop()
    return rails


def _rail(lanes: list[Box | None], at: int, given: list[int], ended: set[int], mark: str) -> str:
    first, last = min([at, *given]), max([at, *given])
    text = ""
    for i, lane in enumerate(lanes):
        inside = first <= i <= last
        here = mark if i == at else "'" if i in ended else "+" if i in given else "|" if lane else "-" if inside else " "
        text += here + ("-" if first <= i < last else " ")
    return text.rstrip()
