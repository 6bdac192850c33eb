"""The graph of a function read forwards: a derivative along a direction that does not come from the reverse sweep.

A linear operation is its own derivative and a bilinear one follows the product rule, so for these no rule is used; for
the others the rule is transposed, which shows errors of shape, broadcasting and transposition but not a wrong factor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import functional, tape
from autodiff.graph import trace
from autodiff.graph.record import Op, Value
from autodiff.tensor import Tensor
from autodiff.testing.subject import Subject

Tangents = dict[Value, Any]


def push(subject: Subject, xs: list[Any], directions: list[Any]) -> list[Any]:
    """Return the tangents of a subject's outputs for tangents of its inputs.

    >>> push(Subject(np.multiply, (np.ones(2), np.full(2, 3.0))), [np.ones(2), np.full(2, 3.0)], [np.ones(2)] * 2)
    [array([4., 4.])]
    """
    if type(subject) is not Subject:
        raise TypeError(f"{subject.name}: the forward oracle reads a graph, and this function's is not seen.")
    graph = trace(lambda *ts: subject.call(list(ts)))(*[Tensor(x) for x in xs])
    inputs = [value for value in graph.sources if value.role == "input"]
    tangents: Tangents = dict(zip(inputs, directions, strict=True))
    for op in graph.ops:
        given = [tangents.get(x) if isinstance(x, Value) else None for x in op.operands]
        if any(t is not None for t in given) and op.kind not in ("zero", "boolean"):
            tangents.update(zip(op.outputs, _pushed(op, given), strict=True))
    return [tangents.get(y, np.zeros(y.shape, y.dtype)) for y in graph.outputs]


def _pushed(op: Op, given: list[Any]) -> list[Any]:
    """Return the tangents of one operation's outputs, from those of its operands (None: it does not move)."""
    values = [x.array if isinstance(x, Value) else x for x in op.operands]
    moving = [i for i, t in enumerate(given) if t is not None]
    if op.kind == "linear":  # as f(t) - f(0): a constant border is not linear, but affine
        still = [np.zeros_like(v) if op.primitive.carries(i) and v is not None else v for i, v in enumerate(values)]
        moved = [v if t is None else t for v, t in zip(still, given, strict=True)]
        return [y - z for y, z in zip(_run(op, moved), _run(op, still), strict=True)]
    if op.kind in ("bilinear", "multilinear"):
        terms = [_run(op, [given[j] if j == i else v for j, v in enumerate(values)]) for i in moving]
        return [sum(parts[1:], parts[0]) for parts in zip(*terms, strict=True)]

    def local(*ts: Tensor) -> Any:
        placed = dict(zip(moving, ts, strict=True))
        operands = tuple(placed.get(i, v) for i, v in enumerate(values))
        if isinstance(getattr(op.primitive, "fun", None), type):  # a Function, whose forward another library computes
            return op.primitive.fun.apply(*operands, **op.params)
        return engine.apply(op.primitive, operands, op.params)

    _, pushed = functional.jvp(local, tuple(values[i] for i in moving), tuple(given[i] for i in moving))
    return [t.data for t in (pushed if isinstance(pushed, (tuple, list)) else [pushed])]


def _run(op: Op, operands: list[Any]) -> list[Any]:
    with tape.no_grad():
        wrapped = tuple(engine.wrap(x, None) if isinstance(x, np.ndarray) else x for x in operands)
        made = engine.apply(op.primitive, wrapped, op.params)
    return [t.data for t in (made if isinstance(made, (tuple, list)) else [made])]
