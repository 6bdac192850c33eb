"""A picture in plain characters: one box a line, and to the left of them the edges that run from line to line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count, groupby

from autodiff.graph.picture import Box, Cluster, Picture
from autodiff.graph.text import clean

LANES = 10  # edges side by side; what would take more is written as a reference
WIDTH = 110  # of a line
PLAIN = str.maketrans({"•": ".", "\u00d7": "x", "…": "...", "±": "+-", "→": "->", "µ": "u"})
Pair = tuple[Box, Box]


def ascii(picture: Picture) -> str:
    """Return a picture for a plain terminal.

    `o` is a source and `*` an operation, whose operands come down the lanes that meet there: `+` goes on, `'` ends. An
    edge from another phase, a loop's, or one lane too many is written as `<- [2]`, the number of the box it comes from.
    """
    edges = {(edge.tail, edge.head): edge.kind for edge in picture.edges if edge.tail is not edge.head}
    boxes = _ordered(picture, [pair for pair, kind in edges.items() if kind != "loop"])
    row = {box: n for n, box in enumerate(boxes)}
    pairs = sorted(edges, key=lambda pair: (row[pair[1]], row[pair[0]]))
    drawn, written = _split(boxes, pairs, row)
    numbers = {tail: f"[{n}]" for n, tail in enumerate(sorted({t for t, _ in written}, key=row.__getitem__), 1)}
    given: dict[Box, list[str]] = {}
    for tail, head in written:
        given.setdefault(head, []).append(numbers[tail])
    for box in {edge.head: None for edge in picture.edges if edge.tail is edge.head}:
        given.setdefault(box, []).append("itself")
    rails = _rails(boxes, drawn)
    width = max(map(len, rails), default=0)
    where = dict(_where(picture.root, ()))
    several = len(picture.phases) > 1
    lines = [clean(text).translate(PLAIN) for text in (picture.title, *picture.caption)]
    for phase, group in groupby(zip(boxes, rails, strict=True), key=lambda pair: pair[0].phase):
        lines += [phase] * several
        for box, rail in group:
            source = f"<- {' '.join(given[box])}" if box in given else ""
            said = [numbers.get(box, ""), *_says(box), source, where[box]]
            text = f"{rail:{width}}  {'  '.join(filter(None, said))}".translate(PLAIN)
            lines.append(text if len(text) <= WIDTH else text[: WIDTH - 3] + "...")
    return "\n".join(lines)


def _says(box: Box) -> Iterable[str]:
    """Yield what stands in a box, on one line."""
    yield clean(_titled(box))
    yield from (clean(text) for text, _ in box.lines)
    yield from map(clean, box.outputs)
    yield from (f"{name} {value}" for name, value in box.numbers)
    if box.highlight:
        yield f"! {box.highlight}"


def _where(cluster: Cluster, around: tuple[str, ...]) -> Iterator[tuple[Box, str]]:
    """Yield each box with the modules, groups and loops around it, as a comment."""
    for item in cluster.inner:
        if isinstance(item, Box):
            yield item, f"# {' / '.join(around)}" if around else ""
        elif item.kind == "phase":
            yield from _where(item, around)
        else:
            yield from _where(item, (*around, clean(_titled(item))))


def _titled(item: Box | Cluster) -> str:
    return f"{item.title} {item.subtitle}".strip() + (f" x{item.count:,}" if item.count > 1 else "")


# --- edges ---------------------------------------------------------------------------------------------------------


def _ordered(picture: Picture, pairs: list[Pair]) -> list[Box]:
    """Return the boxes by phase, each after those that its edges come from, else as they stand in the picture."""
    rank = {phase: n for n, phase in enumerate(picture.phases)}
    place = {box: (rank[box.phase], n) for n, box in enumerate(picture.boxes)}
    heads: dict[Box, list[Box]] = {}
    waits = dict.fromkeys(place, 0)
    for tail, head in pairs:
        if tail.phase == head.phase:
            heads.setdefault(tail, []).append(head)
            waits[head] += 1
    ready = [(place[box], box) for box in picture.boxes if not waits[box]]
    ready.sort(key=lambda item: item[0])
    order: list[Box] = []
    while ready:
        _, box = heappop(ready)
        order.append(box)
        for head in heads.get(box, ()):
            waits[head] -= 1
            if not waits[head]:
                heappush(ready, (place[head], head))
    met = {*order}
    return sorted([*order, *(box for box in place if box not in met)], key=lambda box: place[box][0])


def _split(boxes: list[Box], pairs: list[Pair], row: dict[Box, int]) -> tuple[list[Pair], list[Pair]]:
    """Return the edges that are drawn and those that are written: between phases, backwards, and too many."""
    drawn = [(tail, head) for tail, head in pairs if tail.phase == head.phase and row[tail] < row[head]]
    last: dict[Box, int] = {}
    for tail, head in drawn:
        last[tail] = max(last.get(tail, 0), row[head])
    live: list[Box] = []
    ends: dict[Box, int] = {}  # from that row on, a box's edges are written
    for n, box in enumerate(boxes):
        live = [tail for tail in (*live, box) if last.get(tail, 0) > n]
        while len(live) > LANES:
            longest = max(live, key=last.__getitem__)
            ends[longest] = n + 1
            live.remove(longest)
    lanes = {(tail, head): None for tail, head in drawn if row[head] < ends.get(tail, len(boxes))}
    return list(lanes), [pair for pair in pairs if pair not in lanes]


def _rails(boxes: list[Box], pairs: list[Pair]) -> list[str]:
    """Return what stands left of each box."""
    left: dict[Box, int] = {}  # how many edges of a box are still to come
    tails: dict[Box, list[Box]] = {}
    for tail, head in pairs:
        left[tail] = left.get(tail, 0) + 1
        tails.setdefault(head, []).append(tail)
    lanes: list[Box | None] = []
    rails: list[str] = []
    closed: int | None = None  # the lane whose box was the last of it: what begins below begins beside
    for box in boxes:
        given = [lanes.index(tail) for tail in tails.get(box, ())]
        for tail in tails.get(box, ()):
            left[tail] -= 1
        ended = {i for i in given if not left[lanes[i]]}  # type: ignore[index]
        free = (i for i in count() if i != closed and (i >= len(lanes) or lanes[i] is None))
        at = min(ended) if ended else next(free)
        lanes += [None] * (at + 1 - len(lanes))
        rails.append(_rail(lanes, at, {*given}, ended, "*" if box.ops else "o"))
        for i in ended:
            lanes[i] = None
        lanes[at] = box if left.get(box) else None
        closed = None if left.get(box) else at
        while lanes and lanes[-1] is None:
            lanes.pop()
    return rails


def _rail(lanes: list[Box | None], at: int, given: set[int], ended: set[int], mark: str) -> str:
    first, last = min([at, *given]), max([at, *given])
    text = ""
    for i, lane in enumerate(lanes):
        across = "-" if first <= i <= last else " "
        text += mark if i == at else "'" if i in ended else "+" if i in given else "|" if lane else across
        text += "-" if first <= i < last else " "
    return text.rstrip()
