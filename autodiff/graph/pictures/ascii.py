"""A picture in plain characters: one box a line, and to the left of them the edges that run from line to line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count, groupby

from autodiff.graph.pictures.picture import Box, Cluster, Picture
from autodiff.graph.words.text import clean

LANES = 10  # edges side by side; what would take more is written as a reference
WIDTH, SHORTEST = 110, 30  # of a line, of what a box says on it
PLAIN = str.maketrans({"•": ".", "\u00d7": "x", "…": "...", "±": "+-", "→": "->", "µ": "u"})
Pair = tuple[Box, Box]


def ascii(picture: Picture) -> str:
    """Return a picture for a plain terminal; see `Graph.ascii`."""
    titles, column = _columns(picture)
    edges = {(edge.tail, edge.head): edge.kind for edge in picture.edges}
    boxes = _ordered(picture, [pair for pair, kind in edges.items() if kind != "loop"], column)
    row = {box: n for n, box in enumerate(boxes)}
    pairs = sorted(edges, key=lambda pair: (row[pair[1]], row[pair[0]]))
    lanes = [(t, h) for t, h in pairs if column[t] == column[h] and row[t] < row[h] and edges[t, h] != "loop"]
    drawn = _few(boxes, lanes, row)
    written = [pair for pair in pairs if pair not in drawn]
    referred = sorted({tail for tail, head in written if tail is not head}, key=row.__getitem__)
    numbers = {tail: f"[{n}]" for n, tail in enumerate(referred, 1)}
    sources: dict[Box, str] = {}
    for tail, head in written:
        arrow = "<~" if edges[tail, head] == "loop" else "<-"
        said = sources.get(head, "")
        name = numbers[tail] if tail is not head else "itself"
        sources[head] = f"{said} {name}" if arrow in said else f"{said}  {arrow} {name}".lstrip()
    rails = _rails(boxes, list(drawn))
    width = max(map(len, rails), default=0)
    where = dict(_where(picture.root, ()))
    lines = [clean(text).translate(PLAIN) for text in (picture.title, *picture.caption)]
    for n, group in groupby(zip(boxes, rails, strict=True), key=lambda pair: column[pair[0]]):
        lines += titles[n : n + 1]
        for box, rail in group:
            said = f"{rail:{width}}  {'  '.join(filter(None, (numbers.get(box), *_says(box))))}"
            source = f"  {sources[box]}" if box in sources else ""
            room = max(WIDTH - len(source), width + SHORTEST)
            line = _cut(said.translate(PLAIN), room) + source
            comment, left = where[box].translate(PLAIN), WIDTH - len(line)
            lines.append(
                line + (comment if len(comment) <= left else f"  # ...{comment[-left + 8 :]}" if left > 24 else "")
            )
    return "\n".join(lines)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _columns(picture: Picture) -> tuple[list[str], dict[Box, int]]:
    """Return the titles of the phases, if there are several, and which one each box stands in."""
    titles: list[str] = []
    column: dict[Box, int] = {}
    for item in picture.root.inner:
        if isinstance(item, Cluster) and item.kind == "phase":
            titles.append(clean(item.title))
        inner = [item] if isinstance(item, Box) else item.boxes()
        column |= dict.fromkeys(inner, max(len(titles) - 1, 0))
    return titles, column


def _says(box: Box) -> Iterable[str]:
    """Yield what stands in a box, on one line."""
    yield clean(_titled(box)) + (f"  ! {box.highlight}" if box.highlight else "")
    yield from map(clean, (*(text for text, _ in box.lines), *box.outputs, *(text for text, _ in box.given)))
    yield from map(str, box.numbers)


def _where(cluster: Cluster, around: tuple[str, ...]) -> Iterator[tuple[Box, str]]:
    """Yield each box with the modules, groups and loops around it, as a comment."""
    for item in cluster.inner:
        if isinstance(item, Box):
            yield item, f"  # {' / '.join(around)}" if around else ""
        elif item.kind == "phase":
            yield from _where(item, around)
        else:
            yield from _where(item, (*around, clean(_titled(item))))


def _titled(item: Box | Cluster) -> str:
    return f"{item.title} {item.subtitle}".strip() + (f" x{item.count:,}" if item.count > 1 else "")


# --- edges ---------------------------------------------------------------------------------------------------------


def _ordered(picture: Picture, pairs: list[Pair], column: dict[Box, int]) -> list[Box]:
    """Return the boxes by phase, each after those that its edges come from, else as they stand in the picture."""
    place = {box: (column[box], n) for n, box in enumerate(picture.boxes)}
    heads: dict[Box, list[Box]] = {}
    waits = dict.fromkeys(place, 0)
    for tail, head in pairs:
        if column[tail] == column[head]:
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


def _few(boxes: list[Box], pairs: list[Pair], row: dict[Box, int]) -> dict[Pair, None]:
    """Return the edges without those that would take too many lanes, the longest first."""
    last: dict[Box, int] = {}
    for tail, head in pairs:
        last[tail] = max(last.get(tail, 0), row[head])
    live: list[Box] = []
    ends: dict[Box, int] = {}  # from that row on, a box's edges are written
    for n, box in enumerate(boxes):
        live = [tail for tail in (*live, box) if last.get(tail, 0) > n]
        while len(live) > LANES:
            longest = max(live, key=last.__getitem__)
            ends[longest] = n + 1
            live.remove(longest)
    return {(tail, head): None for tail, head in pairs if row[head] < ends.get(tail, len(boxes))}


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
