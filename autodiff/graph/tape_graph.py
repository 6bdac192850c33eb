"""The graph of a plain tensor: what its history on the tape tells, and for scalars every value and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import sweep, tape
from autodiff.errors import AutodiffError
from autodiff.graph.record import Array, Graph, Op, Value, name_sources
from autodiff.tape import Node
from autodiff.tensor import Tensor

UNKNOWN = ...  # an operand that needs no gradient and that no rule asked to keep


def from_tape(y: Tensor) -> Graph:
    """Return the graph of the operations that made y, as far as the tape remembers them."""
    return read(y)[0]


def read(y: Tensor) -> tuple[Graph, dict[Node, Value]]:
    """Return the graph of the operations that made y, and the values of the nodes of one output."""
    graph = Graph(y.name or (y._node.name if y._node is not None else "tensor"))
    graph.partial = True
    nodes = history(y._node)
    made: dict[Node, tuple[Value, ...]] = {}
    for node in nodes:
        if node.plan is None:
            made[node] = (_leaf(graph, node),)
        elif node.plan is engine.PICK:
            made[node] = (made[node.parents[0]][node.params["index"]],)
        else:
            made[node] = _operation(graph, node, made)
    values = {node: value for node, (value, *rest) in made.items() if not rest}
    for node in nodes:
        _remember(node, values, made[node])
    if y._node is None:
        values = {}
        graph.sources.append(Value(y.shape, y.dtype, "constant", y.name))
        graph.outputs, graph.sources[0].array = graph.sources[:], y._data
    else:
        graph.outputs = [values[y._node]]
        values[y._node].role = values[y._node].role or "result"
        values[y._node].name = values[y._node].name or y.name
        values[y._node].array = y._data
        if all(v.size == 1 for v in graph.values):
            _fill(y, nodes, values)
    name_sources(graph.sources)
    return graph, values


def history(root: Node | None) -> list[Node]:
    """Return a node and all it was computed from, oldest first."""
    seen: set[Node] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting.extend(node.parents)
    return sorted(seen, key=lambda node: -node.stamp)


def _leaf(graph: Graph, node: Node) -> Value:
    owner = node.meta.owner() if node.meta is not None else None
    value = Value(node.shape, node.dtype, "parameter", owner.name if owner is not None else None)
    value.tracked = True
    if owner is not None:
        value.array, value.owner = owner._data, tape.weakly(owner)
    graph.sources.append(value)
    return value


def _operation(graph: Graph, node: Node, made: dict[Node, tuple[Value, ...]]) -> tuple[Value, ...]:
    operands: list[Any] = []
    for parent, constant in _operands(node):
        if parent is not None:
            operands.append(made[parent][0])
        elif isinstance(constant, np.ndarray) and constant.ndim:
            operands.append(Value(constant.shape, constant.dtype, "constant"))
            operands[-1].array = constant
            graph.sources.append(operands[-1])
        else:
            operands.append(constant)
    several = isinstance(node.dtype, tuple)
    types = zip(node.shape, node.dtype, strict=True) if several else [(node.shape, node.dtype)]
    outputs = tuple(Value(shape, dtype) for shape, dtype in types)
    scope, line = (node.meta.scope, node.meta.line) if node.meta is not None else ((), None)
    op = Op(node.plan.primitive, tuple(operands), node.params or {}, outputs, scope=scope, at=line)
    op.number = len(graph.ops) + 1
    op.live = tuple(parent is not None for parent, _ in _operands(node))
    for value in outputs:
        value.tracked = True
    graph.ops.append(op)
    return outputs


def _remember(node: Node, values: dict[Node, Value], made: tuple[Value, ...]) -> None:
    """Note the arrays that a node saved for its rules."""
    for origin, saved in _kept(node).items() if node.plan is not None else ():
        several = saved if isinstance(saved, tuple) else (saved,)
        of = made if origin == "y" else (values.get(node.plan.parent(node, origin)),)
        for value, array in zip(of, several, strict=False):
            if value is not None and value.array is None and isinstance(array, np.ndarray):
                value.array = array


def _operands(node: Node) -> list[tuple[Node | None, Any]]:
    """Return each operand of a node: the node it came from, or else its constant value if a rule kept that."""
    plan = node.plan
    kept = _kept(node)
    arity = getattr(getattr(plan.primitive, "signature", None), "arity", None)
    active = getattr(plan, "active", None)
    last = [i for i in (*kept, *(active if active is not None else range(len(node.parents)))) if isinstance(i, int)]
    count = arity if arity is not None else max(last, default=-1) + 1
    return [(plan.parent(node, i), kept.get(i, UNKNOWN)) for i in range(count)]


def _kept(node: Node) -> dict[Any, Any]:
    """Return what a node saved, by the operand's number or "y"."""
    kept: dict[Any, Any] = {}
    for origin, value in zip(node.plan.origins, node.saved or (), strict=False):
        if origin in ("xs", "rest"):
            kept |= dict(enumerate(value, start=origin == "rest"))
        else:
            kept[origin] = value
    return kept


# --- values and gradients of scalar expressions --------------------------------------------------------------------


def _fill(y: Tensor, nodes: list[Node], values: dict[Node, Value]) -> None:
    """Give every value its number, where the tape kept it or it can be computed again, and its gradient."""
    assert y._node is not None
    known = {node: value.array for node, value in values.items() if value.array is not None} | {y._node: y._data}
    inner = [node for node in nodes if node.plan is not None]
    for node in inner:
        for origin, value in _kept(node).items():
            at = node if origin == "y" else node.plan.parent(node, origin)
            if at in values:
                known[at] = np.asarray(value)
    for node in inner:
        operands = [known.get(parent, UNKNOWN) if parent else constant for parent, constant in _operands(node)]
        if node in values and node not in known and all(x is not UNKNOWN for x in operands):
            with np.errstate(all="ignore"):
                known[node] = np.asarray(node.plan.primitive.kernel(*operands, **(node.params or {})))
    for node, array in known.items():
        values[node].array = array
    for node, g in gradients(y._node, known).items():
        if node in values:
            values[node].gradient = g
    for node, value in values.items():  # a freed graph still has what backward left on its leaves
        owner = node.meta.owner() if node.plan is None and node.meta is not None else None
        if value.gradient is None and owner is not None and owner._grad is not None:
            value.gradient = owner._grad._data


def gradients(root: Node, known: dict[Node, Array]) -> dict[Node, Array]:
    """Return the gradient of a scalar with respect to every node.

    The sweep runs on a copy of the tape, so that no hook and no `.grad` is touched. What was freed is computed from the
    `known` arrays; where that cannot be done, there are no gradients.
    """
    copies: dict[Node, Node] = {}
    for node in history(root):
        twin = Node()
        twin.plan, twin.params, twin.stamp, twin.meta = node.plan, node.params, node.stamp, None
        twin.shape, twin.dtype, twin.saved = node.shape, node.dtype, node.saved
        twin.parents = tuple(copies[parent] if parent is not None else None for parent in node.parents)
        if twin.saved is None and node.plan is not None:
            operands = [known.get(parent, UNKNOWN) if parent else constant for parent, constant in _operands(node)]
            if node not in known or any(x is UNKNOWN for x in operands):
                return {}
            twin.saved = node.plan.save(known[node], *operands)
        copies[node] = twin
    try:
        with tape.Switch(record=False, graph=None, anomaly=False), np.errstate(all="ignore"):
            seeds: dict[Node, Any] = {copies[root]: np.ones(root.shape, root.dtype)}
            found = sweep.sweep(seeds, set(copies.values()), retain=True, lift=False)
    except AutodiffError:  # something saved was changed in place since
        return {}
    return {node: sweep.conjugate(found[twin]) for node, twin in copies.items() if twin in found}
