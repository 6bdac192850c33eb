"""What a picture shows: which operations share a box, which are left out, and the edges between the boxes."""

from __future__ import annotations

from typing import Any

from autodiff.graph import style
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.text import is_literal, literal, number, settings

LARGEST = 120  # with more operations than this, a box is a module


class Box:
    """A node of the picture: a source, an operation, or several operations folded into one."""

    def __init__(self, id: str, phase: str, path: tuple[str, ...], title: str, kind: str) -> None:
        self.id, self.phase, self.path, self.title, self.kind = id, phase, path, title, kind
        self.lines: list[str] = []
        self.numbers: list[tuple[str, str]] = []
        self.tooltip = ""
        self.bold = False
        self.style = "filled,rounded"
        if kind in style.ROLES:
            self.fill, self.border, self.style = style.ROLES[kind]
        else:
            self.fill, self.border = style.KINDS.get(kind, style.KINDS["other"])


class Picture:
    """The boxes of a picture, in order, and its edges."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.edges: list[tuple[Box, Box, str]] = []

    @property
    def kinds(self) -> set[str]:
        """The classes of operations and roles of sources that occur."""
        return {box.kind for box in self.boxes}


def arrange(graph: Graph, detail: str) -> Picture:
    """Decide what the picture of a graph shows."""
    if detail not in ("auto", "full", "folded"):
        raise ValueError(f'detail is "auto", "full" or "folded"; got {detail!r}.')
    picture = Picture()
    groups = _groups(graph, detail)
    scalar = all(v.size == 1 for v in graph.values)
    several_phases = len({op.phase for op in graph.ops}) > 1
    at: dict[Value, Box] = {}
    seen: set[Any] = set()
    sources = {id(v): v for v in graph.sources}

    def add(box: Box) -> Box:
        if not several_phases:
            box.path = box.path[1:]
        picture.boxes.append(box)
        return box

    made: dict[Any, Box] = {}
    for op in graph.ops:
        key = groups[op]
        if key is None:  # left out: its result is its operand, seen again
            at |= {op.outputs[0]: at[v] for v in op.inputs[:1] if v in at and op.phase != "update"}
            continue
        for v in op.inputs:
            if v.op is None and v not in at and _shown(v, key):
                at[v] = add(_source(f"s{len(at)}", v, op, scalar))
        box = made.get(key)
        if box is None:
            box = made[key] = add(_operation(f"n{len(made)}", key, op, scalar))
        for v in op.outputs:
            at[v] = box
        for v in op.inputs if key[0] != "update" else [v for v in op.inputs if v.op is not None]:
            place = f"[{v.op.outputs.index(v)}]" if v.op is not None and len(v.op.outputs) > 1 else ""
            if v in at and at[v] is not box and (at[v], box, place) not in seen:
                seen.add((at[v], box, place))
                picture.edges.append((at[v], box, place))
    for v in graph.outputs:
        if v in at:
            at[v].bold = True
    return picture


def _shown(v: Value, key: Any) -> bool:
    return not is_literal(v) and not (key[0] == "update")


def _groups(graph: Graph, detail: str) -> dict[Op, Any]:
    """Return the key of each operation's box; None where it is left out."""
    keys: dict[Op, Any] = {op: ("op", i) for i, op in enumerate(graph.ops)}
    if detail == "full":
        return keys
    for op in graph.ops:
        if op.name in ("reshape", "copy") and op.phase == "backward" and op.outputs[0].type == op.inputs[0].type:
            keys[op] = None
    return keys | _updates(graph)


def _updates(graph: Graph) -> dict[Op, Any]:
    """Return for each operation of an update the parameter that it serves, or that it serves several."""
    target = {w.value: w.target for w in graph.writes if w.target.role in ("parameter", "input")}
    serves: dict[Op, set[Value]] = {}
    keys: dict[Op, Any] = {}
    for op in reversed(graph.ops):
        if op.phase != "update":
            continue
        served = serves.setdefault(op, set())
        served |= {target[v] for v in op.outputs if v in target}
        for v in op.inputs:
            if v.op is not None and v.op.phase == "update":
                serves.setdefault(v.op, set()).update(served)
        keys[op] = ("update", next(iter(served)) if len(served) == 1 else None)
    shared = [op for op in keys if keys[op] == ("update", None)]
    if all(v.size == 1 for op in shared for v in op.outputs):  # the step count, the learning rate
        keys |= dict.fromkeys(shared)
    return keys


def _source(id: str, v: Value, user: Op, scalar: bool) -> Box:
    box = Box(id, user.phase, (user.phase, *user.scope), v.name or "", v.role)
    if v.role == "input":
        box.path = ("forward",)
    box.lines = [] if scalar else [v.type]
    _numbers(box, v, scalar)
    return box


def _operation(id: str, key: Any, op: Op, scalar: bool) -> Box:
    if key[0] == "update":
        target = key[1]
        title = op.scope[-1] if op.scope else "update"
        box = Box(id, "update", ("update",), f"{title} {target.name}" if target is not None else title, "update")
        box.lines = [target.type] if target is not None else ["for all parameters"]
        return box
    named = next((f"{v.name} = " for v in op.outputs if v.name), "") if scalar else ""
    box = Box(id, op.phase, (op.phase, *op.scope), named + op.name, op.kind)
    literals = [literal(x) for x in op.operands if not isinstance(x, Value) and x is not None]
    literals += [number(v.array, 4) for v in op.inputs if is_literal(v)]
    box.lines = [", ".join([*literals, *settings(op)])] if literals or settings(op) else []
    if not scalar:
        several = len(op.outputs) > 1
        box.lines += [f"[{i}] {v.type}" if several else v.type for i, v in enumerate(op.outputs)]
        box.lines += [v.name for v in op.outputs if v.name]
    if op.line:
        box.tooltip = op.line.rpartition("/")[2]
    _numbers(box, op.outputs[0], scalar)
    return box


def _numbers(box: Box, v: Value, scalar: bool) -> None:
    if scalar:
        known = {"value": v.array, "grad": v.gradient}
        box.numbers = [(name, number(x, 4)) for name, x in known.items() if x is not None]
