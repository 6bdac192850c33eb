"""What stands together in a picture: modules to a depth, repeated blocks and loops once, updates by parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from autodiff.graph.look import Look
from autodiff.graph.pictures import repeats
from autodiff.graph.record import Graph, Group, Op, Value

READABLE = 28  # boxes in a column of a picture that is read at first sight
FEWEST = 3  # boxes in the fullest column of a picture that says something
TEACHING = 18  # where there are fewer boxes than this, modules are opened down to their operations
STRETCHES = 24  # into so many a sequence is cut that nothing else makes readable
SEVERAL = 8  # more updates than this are folded by module
ALL = 10**6


class Part:
    """A piece of the program: an operation, a call of a module, a group, a loop, an update or a stretch.

    `ops` are all operations in it. `children` are what is drawn inside where it is open; of a `loop` those are the
    first round, and `rounds` lists the operations of every round, in the same order in each. It is `stacked` if its
    rounds are modules of their own, as the blocks of a ResNet are: no loop of the program.
    """

    __slots__ = ("children", "kind", "level", "name", "ops", "path", "rounds", "served", "stacked")

    def __init__(
        self, kind: str, name: str, ops: list[Op], children: list[Part], level: int = 0, path: str = ""
    ) -> None:
        self.kind, self.name, self.ops, self.children, self.level, self.path = kind, name, ops, children, level, path
        self.rounds: list[list[Op]] = []
        self.served: tuple[Value, ...] = ()  # the parameters of an update, or the buffers
        self.stacked = False  # whether a loop's rounds are modules of their own, as the blocks of a ResNet are

    def below(self) -> Iterator[Part]:
        """Yield this part and all those in it."""
        yield self
        for child in self.children:
            yield from child.below()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}: {len(self.ops)}>"


@dataclass
class Column:
    """The operations of one phase and order of derivative; what works on derivatives stands with those."""

    phase: str
    order: int
    parts: list[Part]


@dataclass
class Folding:
    """What a picture shows: its columns, the depth to which modules are open, and what is said about it.

    `drawn_as` gives for an operation of a later round of a loop the one of the first round that is drawn in its place.
    """

    columns: list[Column]
    expand: tuple[str, ...] = ()
    depth: int = 0
    deepest: int = 0
    innermost: frozenset[Part] = frozenset()  # modules without modules in them, which are opened last
    around_opened: frozenset[Part] = frozenset()  # what must be open for an opened or a failed operation to be seen
    left_out: frozenset[Op] = frozenset()
    inner: dict[Op, Graph] = field(default_factory=dict)  # what opened operations are made of
    ops: list[Op] = field(default_factory=list)  # all operations, the opened ones replaced by theirs
    meant: dict[Value, Value] = field(default_factory=dict)  # of an opened operation's outputs, those in it
    drawn_as: dict[Op, Op] = field(default_factory=dict)
    loops: dict[Op, list[tuple[Part, int]]] = field(
        default_factory=dict
    )  # around an operation, and in which round it is
    notes: list[str] = field(default_factory=list)

    def is_open(self, part: Part) -> bool:
        """Say whether a part is drawn by what is in it."""
        if part.kind == "module":
            innermost = part.level + 1 if part not in self.innermost else self.deepest
            return innermost <= self.depth or self.asked(part) or part in self.around_opened
        opened = part.kind == "group" and (self.asked(part) or part in self.around_opened)
        return opened or part.kind in ("loop", "fused")

    def asked(self, part: Part) -> bool:
        """Say whether a part was asked to be opened: by its name, or its path with or without the root's."""
        paths = (part.name, part.path, part.path.partition(".")[2])
        return any(fnmatchcase(path, pattern) for pattern in self.expand for path in paths if path)

    def boxes(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Yield the parts that are boxes."""
        for part in parts:
            if self.is_open(part):
                yield from self.boxes(part.children)
            else:
                yield part

    def count(self) -> int:
        """Return how many boxes the fullest column has."""
        return max((sum(1 for _ in self.boxes(column.parts)) for column in self.columns), default=0)


def fold(graph: Graph, look: Look) -> Folding:
    """Decide what stands together in the picture of a graph."""
    if look.backward and not any(op.phase == "backward" for op in graph.ops):
        raise ValueError("backward=True: this graph has no backward pass; ad.draw(f, *args, backward=True) runs one.")
    everything = look.depth is None
    updates = {} if everything else _updates(graph)
    if graph.failed in updates:  # what led to the failure serves nothing yet
        updates = {op: served for op, served in updates.items() if served}
    kept = {} if everything else _bookkeeping(graph)
    hidden = set() if everything else _echoes(graph) | {op for op, served in updates.items() if not served}
    inner = _expansions(graph, look)
    columns: dict[tuple[str, int], list[Op]] = {}
    for op, stage in _stages(graph).items():
        if op not in hidden:
            columns.setdefault(stage, []).extend([op] if op not in updates else [])
    folding = Folding([Column(*key, _gathered(_nested(ops, inner), kept)) for key, ops in columns.items()], look.expand)
    folding.inner = inner
    folding.ops = [o for op in graph.ops for o in (inner[op].ops if op in inner else (op,))]
    folding.meant = {v: w for op, made in inner.items() for v, w in zip(op.outputs, made.outputs, strict=False)}
    folding.left_out = frozenset(hidden)
    if look.fold_repeats:
        seen = _Seen(graph, folding)
        for column in folding.columns:
            column.parts = seen.folded(column.parts)
    parts = [p for c in folding.columns for part in c.parts for p in part.below()] if inner or graph.failed else []
    folding.around_opened = frozenset(
        p for p in parts if any(q.kind == "fused" or (q.kind == "op" and graph.failed in q.ops) for q in p.below())
    )
    modules = [p for c in folding.columns for part in c.parts for p in part.below() if p.kind == "module"]
    folding.innermost = frozenset(p for p in modules if not any(q.kind == "module" for q in p.below() if q is not p))
    folding.deepest = max((p.level + 2 for p in modules if p not in folding.innermost), default=int(bool(modules)))
    folding.depth = look.depth if isinstance(look.depth, int) else folding.deepest
    if look.depth == "auto" and folding.depth and folding.count() > TEACHING:
        folding.depth -= 1
        while folding.depth and folding.count() > READABLE:
            folding.depth -= 1
        folding.depth += folding.count() < FEWEST  # what is then too much is cut
    for column in folding.columns:
        column.parts += _update_parts(updates, column, folding)
        if look.depth == "auto":
            column.parts = _cut(folding, column.parts)
    folding.notes = _said(graph, folding, len(hidden))
    return folding


def _stages(graph: Graph) -> dict[Op, tuple[str, int]]:
    """Return the phase of every operation, and its order; what is computed of derivatives alone stands with those."""
    orders: dict[Value, int] = {}
    stages = {}
    for op in graph.ops:
        order = op.order
        if op.phase == "forward" and not any(op.live):
            order = max((orders.get(v, 0) for v in op.inputs), default=0)
        stages[op] = ("backward" if order else op.phase), (order if op.phase != "update" else 0)
        orders |= dict.fromkeys(op.outputs, order if op.phase in ("forward", "backward") else 0)
    return stages


# --- modules -------------------------------------------------------------------------------------------------------


def _nested(
    ops: list[Op], inner: dict[Op, Graph], level: int = 0, path: str = "", inside: Group | None = None
) -> list[Part]:
    """Return operations as parts: each call of a module is one, and each group; `level` modules are around them."""
    together: dict[Any, list[Op]] = {}
    around: dict[Any, Any] = {}
    for op in ops:
        group = next((g for g in _groups(op) if g.parent is inside and len(g.scope) <= level), None)
        place = group or (op.scope[level] if level < len(op.scope) else op)
        together.setdefault(id(place), []).append(op)
        around[id(place)] = place
    parts = []
    for key, found in together.items():
        place = around[key]
        if isinstance(place, Op) and place in inner:
            made = [Part("op", op.name, [op], []) for op in inner[place].ops]
            parts.append(Part("fused", place.name, inner[place].ops, made, level, path))
        elif isinstance(place, Op):
            parts.append(Part("op", place.name, found, []))
        elif isinstance(place, str):
            here = f"{path}.{attribute(place)}" if path else attribute(place)
            parts.append(Part("module", str(place), found, _nested(found, inner, level + 1, here, inside), level, here))
        else:
            parts.append(Part("group", place.name, found, _nested(found, inner, level, path, place), level, path))
    return parts


def _expansions(graph: Graph, look: Look) -> dict[Op, Graph]:
    """Return what the fused operations are made of that the look opens, by name or as all that their module is."""
    found = {}
    outer = {op.scope[:n] for op in graph.ops for n in range(len(op.scope))}
    for op in graph.ops if look.expand else ():
        path = ".".join(map(attribute, op.scope)) if op.scope not in outer else ""
        names = {op.name, path, path.partition(".")[2]} - {""}
        if any(fnmatchcase(name, pattern) for name in names for pattern in look.expand):
            made = op.expansion()
            if made is not None and made.ops:
                found[op] = made
    read = {v for op in graph.ops for v in op.inputs} | {*graph.outputs} if found else set()
    for op, made in found.items():  # without what leads to outputs that nobody reads
        needed = {w for v, w in zip(op.outputs, made.outputs, strict=False) if v in read} or {*made.outputs[:1]}
        for inner in reversed(made.ops):
            if not needed.isdisjoint(inner.outputs):
                needed.update(inner.inputs)
        made.ops = [inner for inner in made.ops if not needed.isdisjoint(inner.outputs)]
    return found


def _groups(op: Op) -> list[Group]:
    """Return the groups around an operation, the innermost first."""
    return [] if op.group is None else [op.group, *op.group.around]


def attribute(label: str) -> str:
    """Return what a module is called in the one around it: `fc1` of "fc1: Linear"."""
    return label.partition(": ")[0]


def species(label: str) -> str:
    """Return a module's class: `Linear` of "fc1: Linear"."""
    return label.rpartition(": ")[2]


# --- repeats -------------------------------------------------------------------------------------------------------


class _Seen:
    """Folds what is repeated, from the inside out."""

    def __init__(self, graph: Graph, folding: Folding) -> None:
        self.graph, self.folding = graph, folding
        self.parameters = {v for v in graph.sources if v.role == "parameter"}
        self.parameters |= {w.value for w in graph.writes if w.target.role == "parameter"}
        self.kinds: dict[Any, int] = {}
        self.kind: dict[Part, int] = {}

    def folded(self, parts: list[Part]) -> list[Part]:
        """Return parts in which every loop and stack is one part."""
        for part in parts:
            if part.children:
                part.children = self.folded(part.children)
            self.kind[part] = self._kind(part)
        while len(parts) > 1:
            found = repeats.find([self.kind[part] for part in parts], partial(self._rounds, parts))
            if not found:
                break
            for start, period, count in reversed(found):
                loop = self._loop(parts[start : start + period * count], period)
                self.kind[loop] = self._kind(loop)
                parts = [*parts[:start], loop, *parts[start + period * count :]]
        return parts

    def _kind(self, part: Part) -> int:
        """Return a number for what a part looks like, from outside and inside."""
        if part.kind == "op":
            (op,) = part.ops
            given = tuple((x.type, x in self.parameters) if isinstance(x, Value) else type(x) for x in op.operands)
            facts: Any = op.name, given, tuple(v.type for v in op.outputs), self.graph.highlights.get(op)
        else:
            inner = tuple(self.kind[child] for child in part.children)
            facts = part.kind, species(part.name), len(part.rounds), self.folding.asked(part), inner
        return self.kinds.setdefault(facts, len(self.kinds))

    def _rounds(self, parts: list[Part], start: int, period: int, count: int) -> int:
        """Return how many of the candidate's rounds are joined as the rounds of one loop are."""
        first = parts[start : start + period]
        whole = period == 1 and first[0].kind == "module" and len(first[0].ops) > 2
        least = 2 if whole else 3 if period > 1 or first[0].kind != "op" else 4
        if count < least:
            return 0
        rounds: list[list[Op]] = []
        place: dict[Op, tuple[int, int]] = {}
        for n in range(count):
            pieces = parts[start + n * period : start + (n + 1) * period]
            ops = [op for part in pieces for op in part.ops]
            if rounds and (len(ops) != len(rounds[0]) or not _alike(rounds[-1], ops, n, place)):
                break
            place |= {op: (n, i) for i, op in enumerate(ops)}
            rounds.append(ops)
        return len(rounds) if len(rounds) >= least else 0

    def _loop(self, parts: list[Part], period: int) -> Part:
        ops = [op for part in parts for op in part.ops]
        loop = Part("loop", "", ops, parts[:period])
        size = sum(len(part.ops) for part in parts[:period])
        loop.rounds = [ops[i : i + size] for i in range(0, len(ops), size)]
        loop.stacked = len({round_[0].scope for round_ in loop.rounds}) == len(loop.rounds)
        for n, round_ in enumerate(loop.rounds):
            for first, op in zip(loop.rounds[0], round_, strict=True):
                self.folding.drawn_as[op] = self.folding.drawn_as.get(first, first)
                self.folding.loops.setdefault(op, []).append((loop, n))
        return loop


def _alike(before: list[Op], after: list[Op], n: int, place: dict[Op, tuple[int, int]]) -> bool:
    """Say whether round n is wired as the one before it: each operand comes from the same place, or from outside."""
    here = {op: (n, i) for i, op in enumerate(after)}
    for one, other in zip(before, after, strict=True):
        for x, y in zip(one.operands, other.operands, strict=True):
            if isinstance(x, Value) and isinstance(y, Value):
                was = place.get(x.op) if x.op is not None else None
                now = (here.get(y.op) or place.get(y.op)) if y.op is not None else None
                if now is None and was is None:
                    continue
                if now is None or (
                    was is None and now[0] != 0
                ):  # what comes from before the loop comes in its first round
                    return False
                if was is not None and (was[1] != now[1] or now[0] - was[0] != 1):
                    return False
    return True


# --- updates, and what is left out ---------------------------------------------------------------------------------


def _echoes(graph: Graph) -> set[Op]:
    """Return the operations of a backward pass that hand on what they are given, as it is."""
    names = ("reshape", "copy")
    ops = (op for op in graph.ops if op.phase == "backward" and op.name in names)
    return {op for op in ops if op.outputs[0].type == op.inputs[0].type}


def _updates(graph: Graph) -> dict[Op, tuple[Value, ...]]:
    """Return for each operation of an update the parameters it serves; none for what all share, if that is a number."""
    target = {w.value: w.target for w in graph.writes if w.target.role in ("parameter", "input")}
    serves: dict[Op, dict[Value, None]] = {}
    for op in reversed(graph.ops):
        if op.phase == "update":
            served = serves.setdefault(op, {})
            served |= {target[v]: None for v in op.outputs if v in target}
            for v in op.inputs:
                if v.op is not None and v.op.phase == "update":
                    serves.setdefault(v.op, {}).update(served)
    shared = {op for op, served in serves.items() if len(served) != 1}
    if any(v.size != 1 for op in shared for v in op.outputs):  # one operation that updates all of them
        shared = {op for op in shared if not serves[op]}
    place = {v: n for n, v in enumerate(graph.sources)}
    return {
        op: () if op in shared else tuple(sorted(serves[op], key=place.__getitem__)) for op in graph.ops if op in serves
    }


def _bookkeeping(graph: Graph) -> dict[Op, Value]:
    """Return the operations of modules that only keep a buffer up to date, as running statistics, and which one."""
    target = {w.value: w.target for w in graph.writes if w.target.role == "state"}
    users: dict[Value, list[Op]] = {}
    found: dict[Op, Value] = {}
    for op in reversed(graph.ops):
        after = [user for v in op.outputs for user in users.get(v, ())]
        served = {target[v] for v in op.outputs if v in target} | {found[user] for user in after if user in found}
        aside = op.phase == "forward" and op.scope and not any(op.live) and all(user in found for user in after)
        if aside and len(served) == 1:
            (found[op],) = served
        for v in op.inputs:
            users.setdefault(v, []).append(op)
    return found


def _gathered(parts: list[Part], kept: dict[Op, Value]) -> list[Part]:
    """Return parts in which all that keeps the buffers of a module up to date is one update."""
    for part in parts:
        part.children = _gathered(part.children, kept)
    mine = [part for part in parts if part.kind == "op" and part.ops[0] in kept]
    if not mine:
        return parts
    update = Part("update", "update", [part.ops[0] for part in mine], [])
    update.served = tuple(dict.fromkeys(kept[op] for op in update.ops))
    return [*(part for part in parts if part not in mine), update]


def _update_parts(updates: dict[Op, tuple[Value, ...]], column: Column, folding: Folding) -> list[Part]:
    """Return the updates as parts: one for each parameter, or for each module where those are many."""
    if column.phase != "update":
        return []
    found: list[Part] = []
    for depth in (ALL, folding.depth, 1, 0):
        together: dict[Any, list[Op]] = {}
        for op, served in updates.items():
            if served:
                modules = dict.fromkeys(".".join((v.name or "").split(".")[:-1][:depth]) for v in served)
                together.setdefault(served if depth == ALL else tuple(modules), []).append(op)
        found = [Part("update", ops[0].scope[-1] if ops[0].scope else "update", ops, []) for ops in together.values()]
        if len(found) <= SEVERAL:
            break
    for part in found:
        part.served = tuple(dict.fromkeys(v for op in part.ops for v in updates[op]))
    return found


def _cut(folding: Folding, parts: list[Part]) -> list[Part]:
    """Return parts, cut into stretches where they are too many to be read."""
    if sum(1 for _ in folding.boxes(parts)) <= 2 * READABLE:
        return parts
    for part in parts:
        if folding.is_open(part):
            part.children = _cut(folding, part.children)
    if len(parts) <= READABLE:
        return parts
    size = -(-len(parts) // STRETCHES)
    cut = []
    for start in range(0, len(parts), size):
        some = parts[start : start + size]
        ops = [op for part in some for op in part.ops]
        name = f"{len(ops):,} operations"
        if all(part.kind == "module" for part in some):
            name = f"{attribute(some[0].name)} \u2026 {attribute(some[-1].name)}: {len(some)} modules"
        cut += [Part("stretch", name, ops, [])] if len(some) > 1 else some
    return cut


# --- what is said about it -----------------------------------------------------------------------------------------


def _said(graph: Graph, folding: Folding, hidden: int) -> list[str]:
    """Return how much there is and what was folded, in words."""
    parts = list(_open(folding, (part for column in folding.columns for part in column.parts)))
    parameters = sum(v.size for v in graph.sources if v.role == "parameter")
    notes = []
    if len(graph.ops) > TEACHING:
        notes.append(_counted(len(graph.ops), "operation"))
        notes[0] += f", {_counted(parameters, 'parameter')}" if parameters else ""
    if any(p.kind == "module" and not folding.is_open(p) and len(p.children) > 1 for p in parts):
        notes.append(f"modules at depth {folding.depth} of {folding.deepest}")
    loops: Counter[str] = Counter()
    for p in parts:
        if p.kind == "loop":
            first = p.children[0]
            what = species(first.name) if len(p.children) == 1 else f"{len(p.children)} boxes"
            loops[f"{len(p.rounds)} \u00d7 {what}"] += 1
    if loops:
        notes.append(f"{', '.join(list(loops)[:3])}{', ...' * (len(loops) > 3)} drawn once")
    groups = Counter(p.name for p in parts if p.kind == "group" and not folding.is_open(p))
    if groups:
        notes.append(f"folded: {', '.join(list(groups)[:3])}{', ...' * (len(groups) > 3)}")
    stretches = [p for p in parts if p.kind == "stretch"]
    if stretches:
        notes.append(f"cut into {_counted(len(stretches), 'stretch', 'stretches')}")
    if hidden:
        notes.append(f"{_counted(hidden, 'copy or counter', 'copies and counters')} left out")
    return notes


def _open(folding: Folding, parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the parts that are drawn, as a box or around boxes."""
    for part in parts:
        yield part
        if folding.is_open(part):
            yield from _open(folding, part.children)


def _counted(n: int, one: str, several: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else several or one + 's'}"
