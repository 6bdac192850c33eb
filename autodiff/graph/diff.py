"""What differs between two graphs: operations added, removed and changed, as text and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path
from typing import Any

from autodiff.graph.pictures.render import written
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.words.text import clean, heading, is_literal, line, literal, names_of, number, settings

LONGEST = 3000  # longer runs of operations are matched one by one in order, since alignment takes quadratic time
NUMBERED = ("constant", "random")  # sources whose names are numbers given in order
Key = Callable[[Op], Hashable]


class Difference(Graph):
    """The second of two graphs, with the operations put in that only the first one has; false if the two are alike.

    `added`, `removed` and `changed` list operations; `was[op]` is what an operation was in the first graph. The
    `highlights` say so as well, so that every view of a Graph shows them; `text()` is the difference as text.

    >>> import autodiff as ad, numpy as np
    >>> x = ad.ones(3)
    >>> before, after = ad.trace(lambda x: np.exp(x).sum())(x), ad.trace(lambda x: np.exp(-x).sum())(x)
    >>> difference = ad.graph_diff(before, after)
    >>> bool(difference), [op.name for op in difference.added]
    (True, ['negative'])
    """

    def __init__(self, a: Graph, b: Graph) -> None:
        super().__init__("")
        self.before, self.after = a, b
        self.was = dict(_matched(a, b))
        self._same = _corresponding(a, b, self.was)  # each value of a as the one of b that it corresponds to
        kept = {*self.was.values()}
        self.added = [op for op in b.ops if op not in self.was]
        self.removed = [op for op in a.ops if op not in kept]
        self.changed = [op for op in b.ops if op in self.was and self._facts(op) != self._facts(self.was[op])]
        self._names = self._called()
        self.title = f"{' -> '.join(dict.fromkeys((a.title, b.title)))}: {self._counts()}"
        self._around = [*self._sources(), *self._ends()]
        self._twins: dict[Op, Op] = {}  # the removed operations, by what stands for them here
        self._merge()

    def __bool__(self) -> bool:
        return bool(self.highlights or self._around)

    def __repr__(self) -> str:
        return f"<Difference of {self.title}>"

    def text(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the difference: what was removed (-), added (+) and changed (both); the rest is counted.

        Values have the names of the second graph's listing; those that only the first one has keep theirs, primed: %4'.
        """
        self.look.updated(**options)  # says what options there are
        lines = [f"--- {clean(self.before.title)}", f"+++ {clean(self.after.title)}", self._counts(), *self._around]
        for head, ops in groupby(self.ops, key=heading):
            body = list(self._body(ops))
            if any(not text.startswith("  ...") for text in body):
                lines += [head, *body]
        text = "\n".join(lines)
        return written(text.encode(), path).decode()

    def _called(self) -> dict[Value, str]:
        """Return what the values of both graphs are called."""
        mine = names_of(self.after)
        taken = {*mine.values()}
        names = {
            v: f"{name}'" if v.op is not None or (name in taken and not is_literal(v)) else name
            for v, name in names_of(self.before).items()
        }
        return names | mine | {v: mine[w] for v, w in self._same.items()}

    # --- comparing ---

    def _facts(self, op: Op) -> Hashable:
        """Return all of an operation that can change, its operands as values of the second graph."""
        operands = tuple(self._operand(x) if isinstance(x, Value) else literal(x) for x in op.operands)
        return op.name, operands, *_look(op), op.phase, op.scope

    def _operand(self, v: Value) -> Hashable:
        return number(v.array) if is_literal(v) else self._same.get(v, v)

    def _sources(self) -> list[str]:
        """Return the sources that one graph has and the other has not, or not so."""
        kinds = [{self._same.get(v, v): (v.type, v.role) for v in g.sources} for g in (self.before, self.after)]
        return [
            f"{sign} {self._names[v]}: {v.type}  {v.role}"
            for sign, graph, other in (("-", self.before, kinds[1]), ("+", self.after, kinds[0]))
            for v in graph.sources
            if not is_literal(v) and other.get(self._same.get(v, v)) != (v.type, v.role)
        ]

    def _ends(self) -> Iterator[str]:
        """Yield the changes in place and the results that only one graph has."""
        a, b = self.before, self.after
        writes = [{(self._operand(w.target), self._operand(w.value)): w for w in graph.writes} for graph in (a, b)]
        for sign, here, there in (("-", writes[0], writes[1]), ("+", writes[1], writes[0])):
            for key, w in here.items():
                if key not in there:
                    yield f"{sign} {self._names[w.target]} <- {self._names[w.value]}"
        if [*map(self._operand, a.outputs)] != [*map(self._operand, b.outputs)]:
            for sign, graph in (("-", a), ("+", b)):
                yield f"{sign} return {', '.join(self._names[v] for v in graph.outputs) or 'nothing'}"

    # --- the merged graph ---

    def _merge(self) -> None:
        """Put the removed operations into the second graph, each after what came before it in the first."""
        b = self.after
        self.sources, self.outputs, self.writes, self.result = [*b.sources], [*b.outputs], b.writes, b.result
        self.groups, self.failed = b.groups, b.failed
        here = {was: op for op, was in self.was.items()}  # what stands here for each operation of the first graph
        values = dict(self._same)
        # A call of a module is one string object: a removed operation joins the call that the second graph has.
        modules = {op.scope[: n + 1]: op.scope[n] for op in b.ops for n in range(len(op.scope))}
        place = {op: i for i, op in enumerate(b.ops)}
        after: dict[int, list[Op]] = {}
        at = -1
        for old in self.before.ops:
            if old in here:
                at = place[here[old]]
                continue
            for v in old.inputs:
                if v not in values:  # a source: operations that made a value came before
                    values[v] = copy(v)
                    self.sources.append(values[v])
            twin = copy(old)
            twin.scope = tuple(modules.get(old.scope[: n + 1], name) for n, name in enumerate(old.scope))
            twin.operands = tuple(values[x] if isinstance(x, Value) else x for x in old.operands)
            twin.outputs = tuple(map(copy, old.outputs))
            for v in twin.outputs:
                v.op = twin
            values |= dict(zip(old.outputs, twin.outputs, strict=True))
            at = max([at, *(place[v.op] for v in twin.inputs if v.op is not None)])
            here[old] = twin
            twin.of, twin.group = here.get(old.of) if old.of is not None else None, None
            self._twins[twin], place[twin] = old, at
            after.setdefault(at, []).append(twin)
        self.ops = [*after.get(-1, ()), *(op for i, x in enumerate(b.ops) for op in (x, *after.get(i, ())))]
        for why, ops in (("added", self.added), ("removed", self._twins), ("changed", self.changed)):
            self.highlights |= dict.fromkeys(ops, why)

    # --- the text ---

    def _counts(self) -> str:
        counts = {"added": self.added, "removed": self.removed, "changed": self.changed}
        texts = [f"{len(ops)} {name}" for name, ops in counts.items() if ops]
        return ", ".join([*texts, f"{len(self.was) - len(self.changed)} the same"])

    def _body(self, ops: Iterable[Op]) -> Iterator[str]:
        for why, run in groupby(ops, key=lambda op: self.highlights.get(op, "")):
            group = list(run)
            if not why:
                yield f"  ... {len(group)} the same"
            for op in group:
                if why == "removed":
                    yield "- " + line(self._twins[op], self._names)
                if why == "changed":
                    yield "- " + line(self.was[op], self._names)
                if why in ("added", "changed"):
                    yield "+ " + line(op, self._names)


# --- what corresponds to what --------------------------------------------------------------------------------------


def _matched(a: Graph, b: Graph) -> Iterator[tuple[Op, Op]]:
    """Yield pairs of operations (of b, of a) that correspond, found by ever looser likeness."""

    def module(op: Op) -> Hashable:
        return op.phase, op.scope

    looks: list[tuple[Key, Key]] = [
        (module, lambda op: (op.name, _look(op))),
        (module, lambda op: op.name),
        (lambda op: op.phase, lambda op: (op.name, _look(op))),
    ]
    left, right = a.ops, b.ops
    for group, likeness in looks:
        ours = _grouped(left, group)
        pairs = [
            (new, old)
            for key, ops in _grouped(right, group).items()
            for old, new in _aligned(ours.get(key, []), ops, likeness)
        ]
        yield from pairs
        taken = {op for pair in pairs for op in pair}
        left, right = ([op for op in ops if op not in taken] for ops in (left, right))


def _grouped(ops: list[Op], key: Key) -> dict[Hashable, list[Op]]:
    groups: dict[Hashable, list[Op]] = {}
    for op in ops:
        groups.setdefault(key(op), []).append(op)
    return groups


def _aligned(a: list[Op], b: list[Op], likeness: Key) -> Iterator[tuple[Op, Op]]:
    """Yield pairs of operations alike, in order, as many as an alignment finds."""
    x, y = [likeness(op) for op in a], [likeness(op) for op in b]
    start = next((i for i, (u, v) in enumerate(zip(x, y, strict=False)) if u != v), min(len(x), len(y)))
    yield from zip(a[:start], b[:start], strict=True)
    a, b, x, y = a[start:], b[start:], x[start:], y[start:]
    if max(len(a), len(b)) <= LONGEST:
        for i, j, n in SequenceMatcher(None, x, y, autojunk=False).get_matching_blocks():
            yield from zip(a[i : i + n], b[j : j + n], strict=True)
        return
    ours = _grouped(a, likeness)
    for key, ops in _grouped(b, likeness).items():
        yield from zip(ours.get(key, []), ops, strict=False)


def _look(op: Op) -> tuple[Hashable, ...]:
    """Return an operation's settings and the types of its outputs."""
    return tuple(settings(op)), tuple(v.type for v in op.outputs)


def _corresponding(a: Graph, b: Graph, was: dict[Op, Op]) -> dict[Value, Value]:
    """Return for each value of a the one of b that corresponds: sources by their names, constants by their use."""
    named = {v.name: v for v in b.sources if v.role not in NUMBERED}
    same = {v: named[v.name] for v in a.sources if v.role not in NUMBERED and v.name in named}
    met = {*same.values()}
    for new, old in was.items():
        same |= dict(zip(old.outputs, new.outputs, strict=False))
        for v, w in zip(old.operands, new.operands, strict=False):
            if _numbered(v) and _numbered(w) and v not in same and w not in met:
                same[v] = w
                met.add(w)
    return same


def _numbered(x: Any) -> bool:
    return isinstance(x, Value) and x.role in NUMBERED and not is_literal(x)
