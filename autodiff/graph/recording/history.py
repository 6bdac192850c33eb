"""What the tape remembers of a computation: nodes, their operands and what they saved; a sweep over a copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import sweep, tape
from autodiff.errors import AutodiffError
from autodiff.graph.record import Array
from autodiff.tape import Node

UNKNOWN = ...  # an operand that needs no gradient and that no rule asked to keep


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


def operands_of(node: Node) -> list[tuple[Node | None, Any]]:
    """Return each operand of a node: the node it came from, or else its constant value if a rule kept that."""
    plan = node.plan
    saved = kept(node)
    arity = getattr(getattr(plan.primitive, "signature", None), "arity", None)
    active = getattr(plan, "active", None)
    last = [i for i in (*saved, *(active if active is not None else range(len(node.parents)))) if isinstance(i, int)]
    count = arity if arity is not None else max(last, default=-1) + 1
    return [(plan.parent(node, i), saved.get(i, UNKNOWN)) for i in range(count)]


def kept(node: Node) -> dict[Any, Any]:
    """Return what a node saved, by the operand's number or "y"."""
    kept: dict[Any, Any] = {}
    for origin, value in zip(node.plan.origins, node.saved or (), strict=False):
        if origin in ("xs", "rest"):
            kept |= dict(enumerate(value, start=origin == "rest"))
        else:
            kept[origin] = value
    return kept


def copied(root: Node, known: dict[Node, Array]) -> dict[Node, Node] | None:
    """Return what a value was computed from, each node with a copy: a sweep over those runs no hook and frees nothing.

    What was freed is computed from the `known` arrays; where that cannot be done, the answer is None.
    """
    copies: dict[Node, Node] = {}
    for node in history(root):
        twin = Node()
        twin.plan, twin.params, twin.stamp, twin.meta = node.plan, node.params, node.stamp, None
        twin.shape, twin.dtype, twin.saved = node.shape, node.dtype, node.saved
        twin.parents = tuple(copies[parent] if parent is not None else None for parent in node.parents)
        if twin.saved is None and node.plan is not None:
            operands = [known.get(parent, UNKNOWN) if parent else constant for parent, constant in operands_of(node)]
            if node not in known or any(x is UNKNOWN for x in operands):
                return None
            twin.saved = node.plan.save(known[node], *operands)
        copies[node] = twin
    return copies


def gradients(root: Node, known: dict[Node, Array]) -> dict[Node, Array]:
    """Return the gradient of a scalar with respect to every node; none where the graph was freed, or written since."""
    copies = copied(root, known)
    if copies is None:
        return {}
    try:
        with tape.Switch(record=False, graph=None, anomaly=False), np.errstate(all="ignore"):
            seeds: dict[Node, Any] = {copies[root]: np.ones(root.shape, root.dtype)}
            found = sweep.sweep(seeds, set(copies.values()), retain=True, lift=False)
    except AutodiffError:  # something saved was changed in place since
        return {}
    return {node: sweep.conjugate(found[twin]) for node, twin in copies.items() if twin in found}
