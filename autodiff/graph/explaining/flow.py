"""What flows back through a recorded graph: the gradient of every value, and what each step sends to each operand.

Only the record is read: nothing on the tape is freed, no hook runs and no `.grad` changes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import sweep, tape
from autodiff.graph.record import Array, Graph, Group, Op, Value
from autodiff.graph.words.text import names_of
from autodiff.tape import Node

Step = Op | Group  # an operation, or the whole call of a custom Function, whose backward stands for its operations
Edge = tuple[Step, int]  # a step and the number of one of its operands


def steps(graph: Graph) -> list[Step]:
    """Return the steps of a graph in order; a call of a custom Function is one."""
    found: dict[Step, None] = {}
    for op in graph.ops:
        step: Step = op
        group = op.group
        while group is not None:
            if group.kind == "function":
                step = group
            group = group.parent
        found[step] = None
    return list(found)


def losses(graph: Graph) -> list[Value]:
    """Return the values whose `backward()` ran, or where there is none the outputs: scalars if there are."""
    if graph.losses:
        return list(dict.fromkeys(graph.losses))
    floating = [v for v in dict.fromkeys(graph.outputs) if v.dtype.kind in "fc"] or graph.outputs
    return [v for v in floating if v.size == 1] or floating


class Flow:
    """The reverse sweep over a record.

    `edges` holds what each step sends to each operand to which a gradient flows, `gradients` their sums. An entry is
    None where a gradient flows whose value cannot be told: the record does not hold an array that the rule needs.
    `errors` holds what a rule raised.
    """

    def __init__(self, graph: Graph, ends: Sequence[Value]) -> None:
        self.graph, self.ends = graph, list(ends)
        self.steps = steps(graph)
        self.maker = {v: step for step in self.steps for v in step.outputs}
        self.edges: dict[Edge, Array | None] = {}
        self.gradients: dict[Value, Array | None] = {}
        self.errors: dict[Step, Exception] = {}
        self.users: dict[Value, list[Edge]] = {}
        for step in self.steps:
            for i, x in enumerate(step.operands):
                if isinstance(x, Value):
                    self.users.setdefault(x, []).append((step, i))
        for v in self.ends:
            if not v.tracked:
                continue
            self.gradients[v] = v.gradient if v.gradient is not None else np.ones(v.shape, v.dtype)
        quiet = tape.Switch(record=False, graph=None, anomaly=False, levels=(), segment=None)
        with quiet, np.errstate(all="ignore"):
            for step in reversed(self.steps):
                self._pull(step)

    @functools.cached_property
    def names(self) -> dict[Value, str]:
        """What the values are called."""
        return names_of(self.graph)

    @functools.cached_property
    def history(self) -> set[Value]:
        """The values that the losses were computed from, whether or not a gradient flows, and these."""
        found = set(self.ends)
        for step in reversed(self.steps):
            if not found.isdisjoint(step.outputs):
                found.update(step.inputs)
        return found

    def future(self, starts: Iterable[Value]) -> set[Value]:
        """Return the values that were computed from some values, and these."""
        found = set(starts)
        waiting = list(found)
        while waiting:
            for step, _ in self.users.get(waiting.pop(), ()):
                waiting += [v for v in step.outputs if v not in found]
                found.update(step.outputs)
        return found

    def _pull(self, step: Step) -> None:
        """Send the gradients of a step's outputs to its operands."""
        arrived = {k: self.gradients[v] for k, v in enumerate(step.outputs) if v.tracked and v in self.gradients}
        live = [i for i, on in enumerate(step.live) if on]
        if not arrived or not live:
            return
        sent: dict[int, Array | None] = dict.fromkeys(live)
        known = {k: g for k, g in arrived.items() if g is not None}
        if len(known) == len(arrived):
            try:
                sent = _called(step, known, live) if isinstance(step, Group) else ruled(step, known, live)
            except Exception as error:
                self.errors[step] = error
        for i, h in sent.items():
            x = step.operands[i]
            self.edges[step, i] = h
            before = self.gradients.get(x, h)
            self.gradients[x] = h if x not in self.gradients or h is None or before is None else before + h


def ruled(op: Op, known: dict[int, Any], live: list[int]) -> dict[int, Array | None]:
    """Run an operation's rules on the recorded arrays."""
    primitive = op.primitive
    key = 0 if primitive.joint is not None else sum(1 << i for i in live)
    plan = primitive.plans.get(key) or primitive.plan(key)
    several = primitive.form == "outputs"
    if any(not _holds(op, origin) for origin in plan.origins):
        return dict.fromkeys(live)
    given = [x.array if isinstance(x, Value) and x.array is not None else x for x in op.operands]
    made = tuple(v.array for v in op.outputs)
    nodes = [_stand_in(x) if i in live else None for i, x in enumerate(op.operands)]
    saved = plan.save(made if several else made[0], *given)
    g = engine.Parts(_joined(op.outputs), known) if several else known[0]
    sent: dict[int, Array | None] = {}
    parents = plan.parents(nodes) if hasattr(plan, "parents") else tuple(nodes)  # a Function's has all
    for node, h in plan.pull(g, saved, parents, op.params):
        i = nodes.index(node)
        sent[i] = fitted(h, node)
    return sent


def fitted(h: Any, node: Node) -> Array:
    """Return a gradient with the shape and dtype of the operand that it is for."""
    if type(h) is engine.Placed:
        return np.asarray(h.whole(node.dtype))
    return np.asarray(sweep.fit(h, node) if h.shape != node.shape or h.dtype != node.dtype else h)


def _called(group: Group, known: dict[int, Any], live: list[int]) -> dict[int, Array | None]:
    """Run the backward of a custom Function, after its forward, on the recorded arrays."""
    given = [engine.wrap(x.array, None) if isinstance(x, Value) else x for x in group.operands]
    for i in live:
        given[i].requires_grad_()
    with tape.Switch(record=True):
        answer = group.function.apply(*given, **group.params)
    made = answer if isinstance(answer, (tuple, list)) else (answer,)
    seeds = [engine.wrap(g, None) for g in known.values()]
    found = sweep.grad([made[k] for k in known], [given[i] for i in live], seeds, allow_unused=True)
    return {i: g.data for i, g in zip(live, found, strict=True) if g is not None}


def _holds(op: Op, origin: Any) -> bool:
    """Say whether the record holds what a rule asks for."""
    if origin == "shapes" or origin is None:
        return True
    if isinstance(origin, int):
        needed: Any = op.operands[origin : origin + 1]
    else:
        needed = op.operands if origin in ("xs", "rest") else op.outputs
    return all((x.array is not None if isinstance(x, Value) else x is not ...) for x in needed)


def _stand_in(v: Value) -> Node:
    return _node(v.shape, v.dtype)


def _joined(outputs: Sequence[Value]) -> Node:
    return _node(tuple(v.shape for v in outputs), tuple(v.dtype for v in outputs))


def _node(shape: Any, dtype: Any) -> Node:
    node = Node()
    node.plan, node.parents, node.saved, node.params, node.meta = None, (), (), None, None
    node.stamp, node.shape, node.dtype = 0, shape, dtype
    return node
