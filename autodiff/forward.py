"""Forward mode: every operation hands the derivatives along some directions on, as it runs.

No rule is written for it: the class of an operation's reverse rule says how its tangent comes about.

    elementwise   the rule applied to the tangent: a diagonal Jacobian is its own transpose
    linear        the operation itself, on the tangents
    bilinear      the product rule
    reduction     the rule of ones weighs the tangent, which is summed
    other         the rule, which is linear in g, transposed by the reverse sweep

Nothing is kept of an operation but its result and the result's tangent, so memory does not grow with depth.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy

from autodiff import apply as engine
from autodiff import batching, sweep, tape
from autodiff.apply import levels as levels
from autodiff.kernels.division import product
from autodiff.primitive import Primitive
from autodiff.tape import Dual, Mode, Node, mode
from autodiff.tensor import Tensor

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


class Level:
    """One forward differentiation in progress: the tangents of what depends on its variables.

    With `rows`, tangents have one more axis in front: so many directions are handed on at once. Levels nest; an inner
    one's tangents have tangents at the outer ones, never the other way round.
    """

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows
        self.stamp = next(tape.stamps)
        self._tangents: WeakKeyDictionary[Node, dict[int, Any]] = WeakKeyDictionary()  # one for each output
        self._outside: WeakSet[Node] = WeakSet()  # what depends on a variable that is older than this level

    def tangent(self, x: Any) -> Any:
        """Return the tangent of a value; None if it does not depend on the level's variables."""
        return self._of(x._node) if isinstance(x, Tensor) and x._node is not None else None

    def _of(self, node: Node) -> Any:
        node, index = _place(node)
        known = self._tangents.get(node)
        return None if known is None else known.get(index)

    def give(self, x: Tensor, tangent: Any) -> None:
        """Give a value its tangent."""
        assert x._node is not None
        node, index = _place(x._node)
        self._tangents.setdefault(node, {})[index] = tangent

    def _lasts(self, node: Node | None) -> bool:
        """Say whether a value has a history that began before this level: that of its tangent is wanted too."""
        if node is None or type(node) is Dual:
            return False
        node, _ = _place(node)
        return node.stamp > self.stamp or node in self._outside

    def push(
        self,
        now: Mode,
        primitive: Primitive,
        operands: list[Any],
        nodes: list[Node | None],
        params: dict[str, Any],
        result: Any,
    ) -> None:
        """Give an operation's results their tangents at every level; called once for all levels."""
        pure = all(node is None or type(node) is Dual for node in nodes)
        results = _listed(result)
        lasting = [not pure and any(map(level._lasts, nodes)) for level in now.levels]
        for level, lasts in zip(now.levels, lasting, strict=True):
            if lasts:
                level._outside.update([_place(y._node)[0] for y in results if y._node is not None])
        given = [[None if node is None else level._of(node) for node in nodes] for level in now.levels]
        moving = {i for ts in given for i, t in enumerate(ts) if t is not None}
        if not moving or primitive.kind in ("zero", "boolean", "plain"):
            return
        for i in moving:
            if not primitive.carries(i):
                engine.refuse(primitive, i)
        for y in results:
            if y._data.dtype.kind in "fc" and (pure or y._node is None):
                y._node = tape.dual(y._data.shape, y._data.dtype)
        with numpy.errstate(all="ignore"):
            for depth, (level, ts) in enumerate(zip(now.levels, given, strict=True)):
                if any(t is not None for t in ts):
                    record = (now.record and lasting[depth]) or any(map(recorded, ts))
                    mode.set(_outside_of(now, depth, record))
                    try:
                        found = tangents(primitive, operands, ts, params, results, level.rows)
                    finally:
                        mode.set(now)
                    for y, t in zip(results, found, strict=True):
                        if t is not None and y._node is not None:
                            level.give(y, t)


def _outside_of(now: Mode, depth: int, record: bool) -> Mode | None:
    """Return the mode in which the tangents of a level are computed: that of the levels around it."""
    if depth == 0 and now.graph is None and not now.anomaly:
        return None if record else tape.QUIET
    return tape.changed(levels=now.levels[:depth], record=record)


def recorded(x: Any) -> bool:
    """Say whether a value has a history of the reverse mode."""
    return isinstance(x, Tensor) and x._node is not None and type(x._node) is not Dual


def dual(x: Tensor) -> Tensor:
    """Return a value as a variable of the forward mode, which keeps its tangents at outer levels."""
    return _carrying(x, engine.wrap(x._data, tape.dual(x.shape, x.dtype)))


def closed(x: Tensor) -> Tensor:
    """Return a result of a level that is over: without a history, if it has none but there."""
    return x if recorded(x) else plain(x)


def leaf(x: Tensor) -> Tensor:
    """Return a value as a fresh leaf of the reverse mode that keeps its tangents."""
    return _carrying(x, x.detach().requires_grad_())


def plain(x: Tensor) -> Tensor:
    """Return a value without its history of the reverse mode, but with its tangents."""
    return x.detach() if all(level.tangent(x) is None for level in levels()) else dual(x)


def _carrying(x: Tensor, y: Tensor) -> Tensor:
    for level in levels():
        if (t := level.tangent(x)) is not None:
            level.give(y, t)
    return y


def _place(node: Node) -> tuple[Node, int]:
    """Return the node and the number of an output: a sweep picks the outputs of an operation anew."""
    return (node.parents[0], node.params["index"]) if node.plan is engine.PICK else (node, 0)


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


# --- one operation -------------------------------------------------------------------------------------------------


def tangents(
    primitive: Primitive,
    operands: list[Any],
    given: list[Any],
    params: dict[str, Any],
    results: list[Any],
    rows: int | None,
) -> list[Any]:
    """Return the tangents of an operation's results, from those of its operands (None: it does not move)."""
    one = primitive.form == "operands" and primitive.joint is None
    if one and (primitive.kind == "elementwise" or _flat(primitive)):
        found = [_elementwise(primitive, operands, given, params, results[0], rows)]
    elif primitive.kind in ("linear", "bilinear", "multilinear"):
        found = _linear(primitive, operands, given, params, results, rows)
    elif one and primitive.kind == "reduction":
        found = [_reduction(primitive, operands[0], given[0], params, results[0], rows)]
    else:
        found = _transposed(primitive, operands, given, params, results, rows)
    lead = () if rows is None else (rows,)
    return [None if t is None or y.dtype.kind not in "fc" else _fitted(t, y, lead)
            for t, y in zip(found, results, strict=True)]  # fmt: skip


def _flat(primitive: Primitive) -> bool:
    """Say whether a linear or bilinear operation is elementwise."""
    flat = isinstance(primitive.fun, np.ufunc) and not primitive.fun.signature
    return primitive.kind in ("linear", "bilinear") and (flat or primitive.fun is product)


def _pull(primitive: Primitive, i: int, g: Any, y: Any, operands: list[Any], params: dict[str, Any]) -> Any:
    """Apply one operand's rule."""
    plan = primitive.plans.get(1 << i) or primitive.plan(1 << i)
    ((_, h),) = plan.pull(g, plan.save(y, *operands), (operands[i],), params)
    return h


def _elementwise(
    primitive: Primitive, operands: list[Any], given: list[Any], params: dict[str, Any], y: Any, rows: int | None
) -> Any:
    total = None
    for i, t in enumerate(given):
        if t is not None:
            t = t if rows is None else batching.aligned(t, y.ndim)
            h = _real(_pull(primitive, i, t, y, operands, params), y)
            total = h if total is None else total + h
    return total


def _linear(
    primitive: Primitive, operands: list[Any], given: list[Any], params: dict[str, Any], results: list[Any], rows: Any
) -> list[Any]:
    """Run the operation on the tangents: at once if all is linear together, else on one at a time."""
    moving = [i for i, t in enumerate(given) if t is not None]
    if primitive.kind == "linear":
        pairs = enumerate(zip(operands, given, strict=True))
        calls = [[_still(primitive, i, x) if t is None else t for i, (x, t) in pairs]]
    else:
        calls = [[given[i] if j == i else x for j, x in enumerate(operands)] for i in moving]
    groups = [moving] if primitive.kind == "linear" else [[i] for i in moving]
    terms = [
        _listed(engine.apply(primitive, tuple(xs), params))
        if rows is None
        else batching.run(primitive, xs, group, params, results, rows)
        for xs, group in zip(calls, groups, strict=True)
    ]
    return [sum(parts[1:], parts[0]) for parts in zip(*terms, strict=True)]


def _still(primitive: Primitive, i: int, x: Any) -> Any:
    """Return the tangent of an operand that does not move: zeros, or an index array as it is."""
    if x is None or not primitive.carries(i):
        return x
    return np.zeros_like(x) if hasattr(x, "shape") else x * 0


def _reduction(primitive: Primitive, x: Any, t: Any, params: dict[str, Any], y: Any, rows: int | None) -> Any:
    weights = _pull(primitive, 0, np.ones_like(y), y, [x], params)
    axis = params["axis"] if rows is None else batching.shifted(params["axis"], x.ndim)
    return _real(np.sum(weights * t, axis=axis, keepdims=params.get("keepdims", False)), y)


def _transposed(
    primitive: Primitive, operands: list[Any], given: list[Any], params: dict[str, Any], results: list[Any], rows: Any
) -> list[Any]:
    """Pull a cotangent back by the rules, and ask how its pairing with the tangents depends on it.

    The cotangent is ones: where a rule looks for zeros, as `ratio` does, it must find none.
    """
    moving = [i for i, t in enumerate(given) if t is not None]
    # each operand in a Tensor of its own, so that what is pulled back to it can be told from the others
    own = [engine.wrap(x._data, x._node) if isinstance(x, Tensor) else x for x in operands]
    if primitive.joint is None:
        key, parents = sum(1 << i for i in moving), tuple([own[i] for i in moving])
    else:
        key, parents = 0, tuple([x if i in moving else None for i, x in enumerate(own)])
    plan = primitive.plans.get(key) or primitive.plan(key)
    several = primitive.form == "outputs"
    values = plan.save(tuple(results) if several else results[0], *own)
    directions = {id(own[i]): given[i] for i in moving}
    return _transpose(plan, values, parents, directions, params, results, several, rows)


def _transpose(
    plan: Any, values: Any, parents: Any, directions: Any, params: Any, results: list[Any], several: bool, rows: Any
) -> list[Any]:
    """Return the tangents of results from a plan's `pull` and the directions of its parents, by their identity."""
    keep = tape.is_grad_enabled() or bool(levels())
    with tape.enable_grad():
        dummies = [_cotangent(y, several) for y in results]
        g: Any = dummies[0]
        if several:
            like = SimpleNamespace(shape=tuple(y.shape for y in results), dtype=tuple(y.dtype for y in results))
            g = engine.Parts(like, {k: d for k, d in enumerate(dummies) if d.dtype.kind in "fc"})
        pulled = [(h, directions[id(x)]) for x, h in plan.pull(g, values, parents, params)]
    live = [(h, t) for h, t in pulled if isinstance(h, Tensor) and h._node is not None]
    asked = [d for d in dummies if d.dtype.kind in "fc"]

    def push(k: int | None) -> list[Any]:
        """Sweep for one direction."""
        if not live:
            return [None] * len(results)
        ts = [np.broadcast_to(t if k is None else t[k], h.shape) for h, t in live]
        found = iter(
            sweep.grad([h for h, _ in live], asked, [sweep.conjugate(t) for t in ts], True, keep, allow_unused=True)
        )
        return [next(found) if d.dtype.kind in "fc" else None for d in dummies]

    each = [push(k) for k in ([None] if rows is None else range(rows))]
    zeros = [np.zeros_like(y) for y in results]
    columns = [
        [z if t is None else sweep.conjugate(t) for t in c] for z, c in zip(zeros, zip(*each, strict=True), strict=True)
    ]
    return [column[0] if rows is None else np.stack(column) for column in columns]


def _cotangent(y: Any, several: bool) -> Any:
    """Return a cotangent to transpose with; of a decomposition's part its conjugate, which depends on no basis."""
    value = numpy.asarray(numpy.conjugate(y._data)) if several else numpy.ones(y.shape, y.dtype)
    return engine.wrap(value, None).requires_grad_(value.dtype.kind in "fc")


def _real(t: Any, y: Any) -> Any:
    """Return a tangent as its value is: real where that is."""
    return np.real(t) if t.dtype.kind == "c" and y.dtype.kind != "c" else t


def _fitted(t: Any, y: Any, lead: tuple[int, ...]) -> Any:
    """Give a tangent the dtype and shape of its value."""
    t = _real(t if isinstance(t, Tensor) else engine.wrap(numpy.asarray(t), None), y)
    t = t if t.shape == lead + y.shape else np.broadcast_to(t, lead + y.shape)
    return t if t.dtype == y.dtype else t.astype(y.dtype)
