"""The graph of a plain tensor: what its history on the tape tells, and for scalars every value and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import sweep, tape
from autodiff.errors import AutodiffError
from autodiff.graph.record import Array, Graph, Op, Value
from autodiff.graph.recording.building import Builder, End, Given
from autodiff.graph.recording.history import UNKNOWN, copied, gradients, history, kept, operands_of
from autodiff.graph.recording.recorder import Recorder, seed
from autodiff.tape import Node
from autodiff.tensor import Tensor

Made = dict[Node, tuple[Value, ...]]


def from_tape(y: Tensor, *, backward: bool = False) -> Graph:
    """Return the graph of the operations that made y, as far as the tape remembers them.

    With `backward`, its gradient (of ones) is computed too; no `.grad` changes, nothing is freed and no hook runs.
    """
    return read(y, backward=backward)[0]


def read(y: Tensor, *, backward: bool = False) -> tuple[Graph, dict[Node, Value]]:
    """Return the graph of the operations that made y, and the values of the nodes of one output."""
    root = y._node
    recorder = Recorder(y.name or (root.name if root is not None else "tensor"))
    builder = recorder.builder
    made: Made = {}
    nodes = history(root)
    for node in nodes:
        if node.plan is None:
            made[node] = (_leaf(builder, node),)
        elif node.plan is engine.PICK:
            made[node] = (made[node.parents[0]][node.params["index"]],)
        else:
            made[node] = _operation(builder, node, made)
    values = {node: value for node, (value, *rest) in made.items() if not rest}
    builder.made |= values
    known = _known(y, nodes, values)
    for node, array in known.items():
        builder.know(values[node], array)
    for node in nodes:
        for value, array in zip(made[node], _several(node), strict=False):
            builder.know(value, array)
    if root is not None and backward:
        _sweep(recorder, root, made, known)
    if root is not None:
        values[root].name = values[root].name or y.name
    fields = builder.finish(End([Given(y, y._data, None)], [], {}))
    if root is not None and all(v.size == 1 for vs in made.values() for v in vs):
        _add_gradients(root, values, known)
    graph = Graph(recorder.title, lambda: fields)
    graph.partial = True
    return graph, values


def _leaf(builder: Builder, node: Node) -> Value:
    owner = node.meta.owner() if node.meta is not None else None
    value = builder.source(Value(node.shape, node.dtype, "parameter", owner.name if owner is not None else None))
    value.tracked = True
    if owner is not None:
        value.owner = tape.weakly(owner)
    return value


def _operation(builder: Builder, node: Node, made: Made) -> tuple[Value, ...]:
    operands: list[Any] = []
    for parent, constant in operands_of(node):
        if parent is not None:
            operands.append(made[parent][0])
        elif isinstance(constant, np.ndarray) and constant.ndim:
            operands.append(builder.source(Value(constant.shape, constant.dtype, "constant")))
            builder.know(operands[-1], constant)
        else:
            operands.append(constant)
    several = isinstance(node.dtype, tuple)
    types = zip(node.shape, node.dtype, strict=True) if several else [(node.shape, node.dtype)]
    outputs = tuple(Value(shape, dtype) for shape, dtype in types)
    for value in outputs:
        value.tracked = True
    scope, line = (node.meta.scope, node.meta.line) if node.meta is not None else ((), None)
    op = Op(node.plan.primitive, tuple(operands), node.params or {}, outputs, "forward", scope, line)
    op.live = tuple(parent is not None for parent, _ in operands_of(node))
    builder.ran(op, node.saved)
    return outputs


def _known(y: Tensor, nodes: list[Node], values: dict[Node, Value]) -> dict[Node, Array]:
    """Return the arrays that the tape still has; of a scalar expression, those that can be computed from them too."""
    known: dict[Node, Array] = {} if y._node is None else {y._node: y._data}
    read = {parent: node.stamp for node in nodes for parent in node.parents if parent is not None}  # the newest wins
    for node in nodes:
        owner = node.meta.owner() if node.plan is None and node.meta is not None else None
        if owner is not None and not tape.written_since(owner._data, read.get(node, node.stamp)):
            known[node] = owner._data
        for origin, array in kept(node).items() if node.plan is not None else ():
            at = node if origin == "y" else node.plan.parent(node, origin)
            if at in values and not (isinstance(array, np.ndarray) and tape.written_since(array, node.stamp)):
                known[at] = np.asarray(array)
    if all(v.size == 1 for v in values.values()):
        for node in nodes:
            if node in values and node not in known and node.plan is not None:
                operands = [
                    known.get(parent, UNKNOWN) if parent else constant for parent, constant in operands_of(node)
                ]
                if all(x is not UNKNOWN for x in operands):
                    with np.errstate(all="ignore"):
                        known[node] = np.asarray(node.plan.primitive.kernel(*operands, **(node.params or {})))
    return known


def _several(node: Node) -> tuple[Array, ...]:
    """Return the outputs of an operation that has several, if it saved them."""
    outputs = kept(node).get("y") if isinstance(node.dtype, tuple) else None
    return tuple(map(np.asarray, outputs)) if isinstance(outputs, tuple) else ()


def _sweep(recorder: Recorder, root: Node, made: Made, known: dict[Node, Array]) -> None:
    """Run the backward pass on a copy of the tape, recorded, with the values that the graph has."""
    copies = copied(root, known)
    if copies is None:
        raise AutodiffError(
            "backward=True: the graph was swept before, and its saved values are freed. Draw before backward(), or "
            "pass it retain_graph=True."
        )
    recorder.builder.made |= {twin: made[node][0] for node, twin in copies.items()}
    with tape.Switch(graph=recorder, record=False, phase="backward", order=1, anomaly=False), np.errstate(all="ignore"):
        found = sweep.sweep({copies[root]: seed(root.shape, root.dtype)}, None, retain=True, lift=True)
        conjugated = {node: sweep.conjugate(g) for node, g in found.items()}
    recorder.flush()
    for node, g in conjugated.items():
        recorder.builder.name_gradient(recorder.builder.made[node], g._data)


def _add_gradients(root: Node, values: dict[Node, Value], known: dict[Node, Array]) -> None:
    """Give every value its gradient: of a freed graph, what backward left on its leaves."""
    for node, g in gradients(root, known).items():
        if node in values:
            values[node].gradient = g
    for value in values.values():
        owner = value.owner() if value.owner is not None else None
        if value.gradient is None and owner is not None and owner._grad is not None:
            value.gradient = owner._grad._data
