"""What a picture shows: which operations share a box, which are left out, and the edges between the boxes."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from autodiff.graph import style
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.text import is_literal, line, literal, names_of, number, settings

LARGEST = 100  # with more boxes than this, a box is a module
Key = tuple[Any, ...]  # operations of one key share a box: ("op", n), ("module", n) or ("update", parameters)


class Box:
    """A node of the picture: a source, an operation, or several operations folded into one."""

    def __init__(self, path: tuple[str, ...], title: str, kind: str) -> None:
        self.id = ""
        self.path, self.title, self.kind = path, title, kind
        self.phase = path[0]
        self.lines: list[str] = []
        self.outputs: list[str] = []  # the types of several outputs
        self.numbers: list[tuple[str, str]] = []  # a scalar's value and gradient
        self.notes: list[str] = []  # shown under the mouse
        self.bold = False
        self.highlight = ""
        self.fill, self.border, self.style = style.ROLES.get(kind) or (*style.KINDS[kind], "filled,rounded")


class Picture:
    """The boxes of a picture, in order, and its edges: from, to, and which of several outputs."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.edges: dict[tuple[Box, Box, int | None], None] = {}  # in order, each once

    @property
    def kinds(self) -> set[str]:
        """The classes of operations and roles of sources that occur."""
        return {box.kind for box in self.boxes if not box.highlight}

    @property
    def highlights(self) -> set[str]:
        """What boxes are highlighted for."""
        return {box.highlight for box in self.boxes}

    @property
    def phases(self) -> set[str]:
        """The phases that occur."""
        return {box.phase for box in self.boxes}


def arrange(graph: Graph, detail: str) -> Picture:
    """Decide what the picture of a graph shows."""
    if detail not in ("auto", "full", "folded"):
        raise ValueError(f'detail is "auto", "full" or "folded"; got {detail!r}.')
    keys = _keys(graph, detail)
    picture = Picture()
    at = _placed(picture, graph, keys)
    for op, key in keys.items():
        for v in op.inputs if key is not None else ():
            head = at[op.outputs[0]]
            if v in at and at[v] is not head and (v.op is not None or head.kind != "update"):  # it names its parameter
                port = v.op.outputs.index(v) if v.op is not None and at[v].outputs else None
                picture.edges[at[v], head, port] = None
    for write in graph.writes:
        if write.value in at and at[write.value].kind != "update":
            at[write.value].lines.append(f"in place: {write.target.name}")
    for v in graph.outputs:
        if v in at:
            at[v].bold = True
    for op, why in graph.highlights.items():
        if op.outputs[0] in at:
            box = at[op.outputs[0]]
            box.highlight, box.bold = why, True
            box.fill, box.border = style.HIGHLIGHTS[why]
    return picture


def _placed(picture: Picture, graph: Graph, keys: dict[Op, Key | None]) -> dict[Value, Box]:
    """Make the boxes, each source just before its first use; return the box that each value stands in."""
    groups: dict[Key, list[Op]] = {}
    for op, key in keys.items():
        groups.setdefault(key or (), []).append(op)
    names = names_of(graph)
    scalar = all(v.size == 1 for v in graph.values)
    made: dict[Key, Box] = {}
    at: dict[Value, Box] = {}

    def add(box: Box) -> Box:
        box.id = f"n{len(picture.boxes)}"
        picture.boxes.append(box)
        return box

    for op, key in keys.items():
        if key is None:  # left out: its result is its operand, seen again
            if op.phase != "update" and op.inputs[0] in at:
                at[op.outputs[0]] = at[op.inputs[0]]
            continue
        for v in op.inputs:
            if v.op is None and v not in at and _stands_alone(v, key):
                at[v] = add(_source(v, op, scalar))
        if key not in made:
            made[key] = add(_BUILDERS[key[0]](groups[key], scalar))
            made[key].notes = [line(op, names) for op in groups[key]]
        at |= dict.fromkeys(op.outputs, made[key])
    for v in graph.outputs:
        if v.op is None and v not in at:
            at[v] = add(_source(v, None, scalar))
    return at


def _stands_alone(v: Value, key: Key) -> bool:
    """Say whether a source has a box: not a number, nor what the box of a module or an update lists."""
    return not is_literal(v) and (key[0] == "op" or (key[0] == "module" and v.role == "input"))


# --- which operations share a box ----------------------------------------------------------------------------------


def _keys(graph: Graph, detail: str) -> dict[Op, Key | None]:
    """Return the key of each operation's box; None where it is left out."""
    keys: dict[Op, Key | None] = {op: ("op", i) for i, op in enumerate(graph.ops)}
    if detail == "full":
        return keys
    for op in graph.ops:
        if op.name in ("reshape", "copy") and op.phase == "backward" and op.outputs[0].type == op.inputs[0].type:
            keys[op] = None
    keys |= _updates(graph)
    if detail == "folded" or len({*keys.values()}) > LARGEST:
        keys |= _modules([op for op, key in keys.items() if key is not None and key[0] == "op"])
        keys |= {
            op: ("update", _together(key[1])) for op, key in keys.items() if key is not None and key[0] == "update"
        }
    return keys


def _modules(ops: list[Op]) -> dict[Op, Key | None]:
    """Return one key for each run of operations in the same module and phase."""
    runs = groupby(ops, key=lambda op: (op.phase, op.scope))
    return {op: ("module", n) for n, ((_, scope), run) in enumerate(runs) if scope for op in run}


def _updates(graph: Graph) -> dict[Op, Key | None]:
    """Return for each operation of an update the parameters that it serves."""
    target = {w.value: w.target for w in graph.writes if w.target.role in ("parameter", "input")}
    serves: dict[Op, dict[Value, None]] = {}
    keys: dict[Op, Key | None] = {}
    for op in reversed(graph.ops):
        if op.phase == "update":
            served = serves.setdefault(op, {})
            served |= {target[v]: None for v in op.outputs if v in target}
            for v in op.inputs:
                if v.op is not None and v.op.phase == "update":
                    serves.setdefault(v.op, {}).update(served)
            keys[op] = ("update", frozenset(served))
    shared = [op for op in keys if len(serves[op]) != 1]
    if all(v.size == 1 for op in shared for v in op.outputs):  # the step count, the learning rate
        keys |= dict.fromkeys(shared)
    return keys


def _together(parameters: frozenset[Value]) -> frozenset[str]:
    """Return the modules that parameters belong to."""
    return frozenset((v.name or "").rpartition(".")[0] for v in parameters)


# --- the boxes -----------------------------------------------------------------------------------------------------


def _source(v: Value, user: Op | None, scalar: bool) -> Box:
    path = (user.phase, *user.scope) if user is not None and v.role != "input" else ("forward",)
    box = Box(path, v.name or "", v.role or "constant")
    box.lines = [] if scalar else [v.type]
    box.numbers = _numbers(v) if scalar else []
    return box


def _operation(ops: list[Op], scalar: bool) -> Box:
    (op,) = ops
    named = next((f"{v.name} = " for v in op.outputs if v.name), "") if scalar else ""
    box = Box((op.phase, *op.scope), named + op.name, op.kind if op.kind in style.KINDS else "other")
    given = [*_given(op), *settings(op)]
    box.lines = [", ".join(given)] if given else []
    if scalar:
        box.numbers = _numbers(op.outputs[0])
    else:
        types = [v.type for v in op.outputs]
        if len(types) > 1:
            box.outputs = types
        else:
            box.lines += types
        box.lines += [v.name for v in op.outputs if v.name]
    return box


def _given(op: Op) -> list[str]:
    """Return the operands that are plain numbers, a dot in the place of each array; nothing if all are arrays."""
    operands = (x for x in op.operands if x is not None)
    texts = [literal(x) if not isinstance(x, Value) else number(x.array) if is_literal(x) else "•" for x in operands]
    return [] if {*texts} <= {"•"} else texts


def _module(ops: list[Op], scalar: bool) -> Box:
    first, last = ops[0], ops[-1]
    box = Box((first.phase, *first.scope[:-1]), first.scope[-1], "module")
    parameters = dict.fromkeys(v for op in ops for v in op.inputs if v.role == "parameter")
    if first.phase == "forward":
        box.lines = [last.outputs[0].type, *(f"{v.name} {v.type}" for v in parameters)]
    else:
        box.lines = [v.name or v.type for op in ops for v in op.outputs if v.role == "gradient"]
    return box


def _update(ops: list[Op], scalar: bool) -> Box:
    served = list(dict.fromkeys(v for op in ops for v in op.inputs if v.role in ("parameter", "input")))
    title = ops[0].scope[-1] if ops[0].scope else "update"
    box = Box(("update",), title if len(served) != 1 else f"{title} {served[0].name}", "update")
    box.lines = [v.type if len(served) == 1 else f"{v.name} {v.type}" for v in served]
    return box


_BUILDERS = {"op": _operation, "module": _module, "update": _update}


def _numbers(v: Value) -> list[tuple[str, str]]:
    known = {"value": v.array, "grad": v.gradient}
    return [(name, number(x, 4)) for name, x in known.items() if x is not None]
