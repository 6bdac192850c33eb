"""From a graph to a picture: which boxes there are, in which clusters, and which edges join them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from autodiff.graph.look import Look
from autodiff.graph.pictures import overlays, style
from autodiff.graph.pictures.folding import ALL, Column, Part, attribute, fold, species
from autodiff.graph.pictures.labels import Labels, first_not_finite, ranged, short_name
from autodiff.graph.pictures.naming import variable
from autodiff.graph.pictures.picture import Box, Cluster, Edge, Picture
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.words.text import is_literal

ROOMY = 16  # boxes of operations; where there are more, a parameter used once stands in the box that uses it


def arrange(graph: Graph, look: Look) -> Picture:
    """Decide what the picture of a graph shows."""
    arranger = _Arranger(graph, look)
    overlays.lay(graph, arranger.picture)
    return arranger.picture


class _Arranger:
    def __init__(self, graph: Graph, look: Look) -> None:
        self.graph, self.look = graph, look
        self.folding = fold(graph, look)
        self.labels = Labels(graph, look, self.folding)
        self.picture = Picture(graph.title, look, style.THEMES[look.theme], Cluster("", "root", ""))
        self.picture.caption = self.folding.notes
        self.place: dict[Box, Cluster] = {}
        self.outer: dict[Cluster, Cluster] = {}
        self.loops: set[Part] = set()  # those that are seen
        self.served: dict[Box, tuple[Value, ...]] = {}  # by the boxes of updates
        self.writer: dict[Box, Box] = {}  # of what memory holds after a change, the box that changed it
        self._place_parts()
        self._place_sources()
        self._place_written()
        self._join()
        self._name_loops(self.picture.root)
        self._mark()
        self._number(self.picture.root)

    # --- boxes and clusters, from the parts ---

    def _place_parts(self) -> None:
        columns = sorted(self.folding.columns, key=_column_place)
        for column in columns:
            around = self.picture.root
            if len(columns) > 1:
                name = _column_name(column)
                around = Cluster(name, "phase", column.phase, order=column.order, path=(name,))
                self.picture.root.inner.append(around)
                self.outer[around] = self.picture.root
            for part in column.parts:
                self._add(part, around, column.phase, column.order)
        for op, made in self.folding.inner.items():
            if made.ops[-1] in self.picture.home:
                self.picture.home[op] = self.picture.home[made.ops[-1]]
        for op, first in self.folding.drawn_as.items():
            if op not in self.picture.home and first in self.picture.home:
                self.picture.home[op] = self.picture.home[first]

    def _add(self, part: Part, around: Cluster, phase: str, order: int, loop: Part | None = None) -> None:
        """Draw a part as a box, or as a cluster around its children; `loop` is that of which it is the only child."""
        if part.kind == "loop":
            self.loops.add(part)
        if part.kind == "loop" and len(part.children) == 1:
            self._add(part.children[0], around, phase, order, part)
            return
        single = _single(part)
        title, subtitle = attribute(part.name), species(part.name) if ": " in part.name else ""
        if loop is not None and loop.stacked and part.kind == "module":
            title = ranged([attribute(round_[0].scope[part.level]) for round_ in loop.rounds])
        count = len(loop.rounds) if loop is not None else len(part.rounds) or 1
        if single is None and self.folding.is_open(part):
            name = title or ("repeated" if part.stacked else "loop")
            path = (*around.path, name)
            cluster = Cluster(name, part.kind, phase, subtitle, count, order, path=path)
            around.inner.append(cluster)
            self.outer[cluster] = around
            for child in part.children:
                self._add(child, cluster, phase, order)
            return
        ops = tuple(loop.ops if loop is not None else part.ops)
        if single is not None:
            box = self.labels.operation(part, single, ops, phase)
        else:
            box = self.labels.folded(part, ops, phase)
        if part.kind == "module":
            box.title = title
        if part.kind == "update":
            self.served[box] = part.served
        box.count, box.order, box.path = count, order, around.path
        box.notes = self.labels.notes(tuple(part.ops))
        around.inner.append(box)
        self.place[box] = around
        self.picture.home |= dict.fromkeys(ops, box)

    # --- sources ---

    def _place_sources(self) -> None:
        """Draw what is given: inputs, shared parameters, constants; the rest is written into the box that uses it."""
        uses: dict[Value, list[tuple[Op, int]]] = {}
        for op in filter(self.picture.home.__contains__, self.folding.ops):
            for i, x in enumerate(op.operands):
                if isinstance(x, Value) and x.op is None and not is_literal(x):
                    uses.setdefault(x, []).append((self.folding.drawn_as.get(op, op), i))
        together: dict[object, list[Value]] = {}
        for v, places in uses.items():
            together.setdefault((tuple(dict.fromkeys(places)), v.role), []).append(v)
        roomy = sum(1 for box in self.place if len(box.ops) == 1 and box.phase == "forward") <= ROOMY
        for values in together.values():
            v, users = values[0], list(dict.fromkeys(self.picture.home[op] for op, _ in uses[values[0]]))
            apart = [box for box in users if box.kind != "update"]
            if not apart:
                continue
            first = [box for box in apart if box.phase == apart[0].phase]
            scopes = {op.scope for box in first for op in box.ops[:1]}
            module = len(scopes) == 1 and scopes != {()}  # all are calls of one
            closed = any(len(box.ops) != box.count for box in first)
            if v.role != "input" and (module or (len(first) == 1 and (closed or not roomy))):
                self._write_into(first, values)
                continue
            box = self.labels.source(values, apart[0].phase)
            around = self._around(apart if v.role != "input" else [])
            while around.kind == "loop" and len(values) == 1:  # the same in every round
                around = self.outer[around]
            box.phase, box.path = around.phase or "forward", around.path
            around.inner.insert(self._first_use(around, apart), box)
            self.place[box] = around
            self.picture.sources |= dict.fromkeys(values, box)
        idle = [v for v in self.graph.sources if v.role == "input" and v not in self.labels.users]
        for v in dict.fromkeys((*self.graph.outputs, *idle)):
            if v.op is None and v not in self.picture.sources:
                box = self.labels.source([v], "forward")
                box.subtitle = "" if v in self.graph.outputs else "unused"
                self._around([]).inner.append(box)
                self.picture.sources[v] = box

    def _write_into(self, boxes: list[Box], values: list[Value]) -> None:
        """Say of a source in the boxes that use it; what else uses it is joined to the first."""
        v = values[0]
        self.picture.sources |= dict.fromkeys(values, boxes[0])
        for box in boxes:
            if box.kind not in style.FOLDED:
                name = short_name(v, box.ops[0])
                box.given.append((f"{name} {v.type}" if self.labels.shows("shapes") else name, v.role))

    def _place_written(self) -> None:
        """Draw what memory that has a name holds after its last change in place, behind the box that changes it."""
        changed: dict[Box, dict[Value, Value]] = {}
        for w in self.graph.writes:
            v = self._origin(w.value)
            box = self.picture.home.get(v.op) if v.op is not None else None
            if box is None or (box.kind in style.FOLDED and box.phase != "update"):
                continue
            named = w.target.role != "state" or not (w.target.name or "").removeprefix("state").isdigit()
            if named and w.target in self.served.get(box, (w.target,)):
                changed.setdefault(box, {})[w.target] = w.value
        last = {w.target: w.value for w in self.graph.writes}
        for writer, found in changed.items():
            ends = {target: v for target, v in found.items() if last[target] is v}
            if ends:
                box = self.labels.written([*ends], [*ends.values()], writer)
                around = self.place[box] = self.place[writer]
                around.inner.insert(around.inner.index(writer) + 1, box)
                self.writer[box] = writer
                whole = writer.kind == "update"  # which reads no such value halfway
                taken = (w.value for w in self.graph.writes if w.target in ends)
                self.picture.sources |= dict.fromkeys(taken if whole else ends.values(), box)

    def _around(self, boxes: list[Box]) -> Cluster:
        """Return the innermost cluster around boxes; the one that the inputs stand in if there are none."""
        root = self.picture.root
        if not boxes:
            return next((c for c in root.inner if isinstance(c, Cluster) and c.kind == "phase"), root)
        home = self.place[boxes[0]]
        paths = {box.path for box in boxes if box.phase == boxes[0].phase}
        while not all(path[: len(home.path)] == home.path for path in paths):
            home = self.outer[home]
        return home

    def _first_use(self, around: Cluster, users: list[Box]) -> int:
        """Return the place in a cluster before the first thing in it that is, or holds, a user."""
        for i, item in enumerate(around.inner):
            if any(box in users for box in ([item] if isinstance(item, Box) else item.boxes())):
                return i
        return 0

    # --- edges ---

    def _join(self) -> None:
        edges: dict[tuple[Box, Box, str, int | None], dict[Value, None]] = {}
        for op in self.folding.ops:
            head = self.picture.home.get(op)
            for v in op.inputs if head is not None else ():
                v = self._origin(v)
                tail = self.picture.box_of(v)
                if tail is None or head is None or self.writer.get(tail) is head:
                    continue
                kind = self._kind(v, op, tail, head)
                if v.op is None and (head.kind == "update" or (kind == "data" and tail.ops)):  # it is written there
                    continue
                if kind == "saved" and head.kind == "module":
                    tail = self._twin(op, tail)
                if not kind:
                    continue
                port = self._port(v, tail) if kind == "data" and tail.outputs else None
                edges.setdefault((tail, head, kind, port), {})[v] = None
        edges |= {(writer, box, "data", None): dict.fromkeys(box.values) for box, writer in self.writer.items()}
        self.picture.edges = [Edge(*ends, values=list(values)) for ends, values in edges.items()]
        for edge in self.picture.edges:
            others = {e.head for e in self.picture.edges if e.kind == "loop" and e.tail is edge.tail} - {edge.tail}
            if edge.kind == "loop" and not (edge.head is edge.tail and others):  # it is said of one of them
                edge.label = ", ".join(dict.fromkeys(filter(None, map(self._called, edge.values))))

    def _name_loops(self, cluster: Cluster) -> None:
        """Call what is drawn once a loop only if a round hands something to the next."""
        carried = {edge.tail for edge in self.picture.edges if edge.kind == "loop"}
        for inner in cluster.inner:
            if isinstance(inner, Cluster):
                if inner.title == "loop" and carried.isdisjoint(inner.boxes()):
                    inner.title = "repeated"
                self._name_loops(inner)

    def _origin(self, v: Value) -> Value:
        """Return the value that is drawn in a value's place: what it repeats, or the result of what was opened."""
        v = self.folding.meant.get(v, v)
        while v.op is not None and v.op in self.folding.left_out and v.op.inputs:
            v = self.folding.meant.get(v.op.inputs[0], v.op.inputs[0])
        return v

    def _kind(self, v: Value, op: Op, tail: Box, head: Box) -> str:
        """Return what an edge is: data, saved for the backward pass, the carry of a loop, or nothing to be drawn."""
        if v.op is not None:
            rounds = dict(self.folding.loops.get(op, ()))
            for loop, n in self.folding.loops.get(v.op, ()):
                if loop in rounds and rounds[loop] != n:
                    return "loop" if loop in self.loops and not loop.stacked else ""
        if tail is head:
            return ""
        return "saved" if head.phase == "backward" and (tail.phase != "backward" or tail.order < head.order) else "data"

    def _port(self, v: Value, tail: Box) -> int | None:
        """Return which of a box's several outputs a value is; one of a later round stands where the first one does."""
        if v.op is not None:
            v = self.folding.drawn_as.get(v.op, v.op).outputs[v.op.outputs.index(v)]
        return tail.values.index(v) if v in tail.values else None

    def _called(self, v: Value) -> str:
        """Return what the program calls a value that a loop carries; an opened operation stands for several."""
        if v.name or v.op is None or any(v.op in made.ops for made in self.folding.inner.values()):
            return v.name or ""
        return variable(v, [u for u in v.op.outputs if u in self.labels.users])

    def _twin(self, op: Op, tail: Box) -> Box:
        """Return the forward box of the module whose backward box uses a value, as that has kept the value for it."""
        twin = self.picture.home.get(op.of) if op.of is not None else None
        return twin if twin is not None and twin.phase == "forward" else tail

    # --- what is pointed at, and names ---

    def _mark(self) -> None:
        """Say what is an answer, what is highlighted, what failed, and where the first value is not finite."""
        picture = self.picture
        for v in self.graph.outputs:
            box = picture.box_of(self._origin(v))
            if box is not None:
                box.bold = True
        marks = self.graph.highlights | dict.fromkeys(self._asked(), "highlighted")
        if self.labels.shows("values") and (bad := first_not_finite(self.graph)) is not None:
            marks.setdefault(bad, "first not finite")
        if self.graph.failed is not None:
            marks[self.graph.failed] = "failed"
            picture.home[self.graph.failed].lines += self.labels.raised()
        else:
            picture.caption += [text for text, _ in self.labels.raised()]
        for thing, why in marks.items():
            found = picture.home.get(thing) if isinstance(thing, Op) else picture.box_of(thing)
            if found is not None:
                found.highlight, found.bold = why, True

    def _asked(self) -> list[Op | Value]:
        """Return the operations and values that the look highlights."""
        found: list[Op | Value] = []
        for asked in self.look.highlight:
            if not isinstance(asked, str):
                found.append(asked)
                continue
            for op in self.graph.ops:
                path = ".".join(map(attribute, op.scope))
                names = (op.name, path, path.partition(".")[2], *(v.name or "" for v in op.outputs))
                found += [op] if any(name and fnmatchcase(name, asked) for name in names) else []
            found += [v for v in self.graph.sources if v.name and fnmatchcase(v.name, asked)]
        return found

    def _number(self, cluster: Cluster) -> None:
        """Give every box, cluster and edge an id, in the order in which they are drawn."""
        picture = self.picture
        for item in cluster.inner:
            if isinstance(item, Box):
                item.id = f"n{len(picture.boxes)}"
                picture.boxes.append(item)
            else:
                item.id = f"c{len(picture.clusters)}"
                picture.clusters.append(item)
                self._number(item)
        if cluster is picture.root:
            for n, edge in enumerate(picture.edges):
                edge.id = f"e{n}"


def _column_name(column: Column) -> str:
    if column.phase == "backward":
        return style.SWEEPS[min(max(column.order, 1), 4)]
    return column.phase


def _column_place(column: Column) -> tuple[int, int]:
    """Return where a column stands: a sweep right of what it differentiates, updates at the end."""
    if column.phase == "update":
        return ALL, 0
    return column.order, int(column.phase == "tangent")


def _single(part: Part) -> Op | None:
    """Return the operation that a module consists of, if it is but one."""
    while part.kind == "module" and len(part.children) == 1:
        (part,) = part.children
    return part.ops[0] if part.kind == "op" else None
