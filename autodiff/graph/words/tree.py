"""A graph as a tree of modules: what each takes and returns, its parameters, and how many operations it ran."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from autodiff.graph.look import Look
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.words.text import clean

NAMED = 4  # operations that a row names; of more it says how many
HEADS = ("input", "output", "parameters", "forward", "backward", "update")
RIGHT = {"parameters", "backward", "update"}  # columns of numbers
Scope = tuple[str, ...]


class Row:
    """A module, or a run of operations that stand between modules, with all the operations that belong to it."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.rows: list[Row] = []
        self.ops: list[Op] = []  # all of them, those of the rows below as well
        self.times = 1  # how many rows like this one follow each other
        self.cells: tuple[str, ...] = ()

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What two rows have alike if one may stand for both: all but the names."""
        return self.label.rpartition(": ")[2], self.cells, tuple((row.times, row.likeness) for row in self.rows)


def tree(graph: Graph, look: Look) -> str:
    """Return the tree of a graph's modules as aligned text, as deep as the look says in figures; see `Graph.tree`."""
    root = _rows(graph)
    users = _users(graph)
    _fill(root, users, fold_repeats=look.fold_repeats)
    table = [("", HEADS), *_lines(root, "", "", look.depth if isinstance(look.depth, int) else None)]
    heads = [i for i, _ in enumerate(HEADS) if any(cells[i] for _, cells in table[1:])]
    columns = [[label for label, _ in table], *([cells[i] for _, cells in table] for i in heads)]
    right = [False, *(HEADS[i] in RIGHT for i in heads)]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(
            f"{cell:{'>' if flag else '<'}{width}}" for cell, flag, width in zip(line, right, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _lines(row: Row, first: str, rest: str, depth: int | None) -> list[tuple[str, tuple[str, ...]]]:
    """Return a row and those below it, each with the branches drawn before its label."""
    lines = [(f"{first}{row.label}{f'  x{row.times}' if row.times > 1 else ''}", row.cells)]
    for inner in row.rows if depth is None or depth > 0 else []:
        last = inner is row.rows[-1]
        below = None if depth is None else depth - 1
        lines += _lines(inner, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), below)
    return lines


# --- which rows there are ------------------------------------------------------------------------------------------


def _rows(graph: Graph) -> Row:
    """Return the root of the tree, its rows in the order in which they first ran."""
    root = Row(clean(graph.title))
    at: dict[Scope, Row] = {(): root}
    runs: dict[Scope, Row] = {}  # the run of operations that stands last among a module's rows
    home: dict[Op, Row] = {}
    for op in graph.ops:
        for n in range(len(op.scope)):
            inner, outer = op.scope[: n + 1], op.scope[:n]
            if inner not in at:
                at[inner] = Row(clean(op.scope[n]))
                at[outer].rows.append(at[inner])
                runs.pop(outer, None)
            at[inner].ops.append(op)
        root.ops.append(op)
        if op.phase == "forward":
            if op.scope not in runs:
                runs[op.scope] = Row("")
                at[op.scope].rows.append(runs[op.scope])
            home[op] = runs[op.scope]
        elif op.of in home:
            home[op] = home[op.of]
        if op in home:
            home[op].ops.append(op)
    for scope, row in at.items():
        if row.rows == [runs.get(scope)]:  # a module that holds no other: its row names its operations
            row.rows = []
    alone = len(root.rows) == 1 and root.rows[0].ops == root.ops
    return root.rows[0] if alone and root.rows[0].label == root.label else root


def _users(graph: Graph) -> dict[Value, list[Op | None]]:
    """Return for each value the forward operations that use it, and None where it is returned."""
    users: dict[Value, list[Op | None]] = {v: [None] for v in graph.outputs}
    for op in graph.ops:
        for v in op.inputs if op.phase == "forward" else ():
            users.setdefault(v, []).append(op)
    return users


# --- what they say -------------------------------------------------------------------------------------------------


def _fill(row: Row, users: dict[Value, list[Op | None]], *, fold_repeats: bool) -> None:
    """Give a row and those below it their cells, and fold rows alike that follow each other."""
    for inner in row.rows:
        _fill(inner, users, fold_repeats=fold_repeats)
    forward = [op for op in row.ops if op.phase == "forward"]
    own = {*row.ops}
    names = _counted([op.name for op in forward])
    bare = not row.label
    row.label = row.label or names
    taken = dict.fromkeys(v for op in forward for v in op.inputs if _arrives(v) and v.op not in own)
    left = dict.fromkeys(v for op in forward for v in op.outputs if any(user not in own for user in users.get(v, ())))
    if forward and not left:
        left = dict.fromkeys(forward[-1].outputs[:1])
    parameters = sum(v.size for v in dict.fromkeys(v for op in row.ops for v in op.inputs) if v.role == "parameter")
    counts = Counter(op.phase for op in row.ops)
    row.cells = (
        _counted([v.type for v in taken]),
        _counted([v.type for v in left]),
        f"{parameters:,}" if parameters else "",
        "" if bare else str(len(forward)) if row.rows else names,
        *(f"{counts[phase]}" if counts[phase] else "" for phase in HEADS[4:]),
    )
    if fold_repeats:
        row.rows = [_folded([*group]) for _, group in groupby(row.rows, key=lambda inner: inner.likeness)]


def _arrives(v: Value) -> bool:
    """Say whether a value comes to a module from outside, and is not its own or a constant."""
    return v.op is not None or v.role == "input"


def _folded(rows: list[Row]) -> Row:
    """Return the row that stands for rows alike."""
    first, last = rows[0], rows[-1]
    if len(rows) > 1:
        (start, _, kind), (end, _, _) = first.label.rpartition(": "), last.label.rpartition(": ")
        first.label = f"{start} .. {end}: {kind}" if start else kind
        first.times = len(rows)
    return first


def _counted(names: list[str]) -> str:
    """Return names or types in order, repeats counted: `linear, tanh x2`."""
    runs = [(clean(name), len([*group])) for name, group in groupby(names)]
    texts = [name if n == 1 else f"{name} x{n}" for name, n in runs]
    if len(texts) > NAMED:
        texts = [*texts[: NAMED - 1], f"... ({len(names)})"]
    return ", ".join(texts)
