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
from autodiff.errors import AutodiffError
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
        tangent = None if known is None else known.get(index)
        if isinstance(tangent, AutodiffError):  # there is none, and now it is asked for
            raise tangent
        return tangent

    def give(self, x: Tensor, tangent: Any) -> None:
        """Give a value its tangent."""
        assert x._node is not None
        node, index = _place(x._node)
        self._tangents.setdefault(node, {})[index] = tangent

    def moved(self, x: Tensor, y: Tensor) -> None:
        """Give a value that was written in place the tangent of what was written, if any."""
        t = self.tangent(y)
        if t is None and self.tangent(x) is not None:
            t = np.zeros_like(self.tangent(x))
        if t is not None:
            x._node = tape.dual(x.shape, x.dtype) if x._node is None else x._node
            self.give(x, t)

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
    return tape.changed(levels=now.levels[:depth], record=record, phase="tangent", order=now.order + 1)


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
    return [_fitted(t, y, lead) if y.dtype.kind in "fc" else None for t, y in zip(found, results, strict=True)]


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

    Of several results each is asked for by itself: one may have no derivative (a vector of a repeated eigenvalue), and
    that matters only where its tangent is used.
    """
    moving = [i for i, t in enumerate(given) if t is not None]
    keep = tape.is_grad_enabled() or bool(levels())

    def alone(x: Any) -> Any:
        """Return a value in a Tensor of its own, told from the others, with its history only where that is wanted."""
        return engine.wrap(x._data, x._node if keep else None) if isinstance(x, Tensor) else x

    own, results = list(map(alone, operands)), list(map(alone, results))
    if primitive.joint is None:
        key, parents = sum(1 << i for i in moving), tuple([own[i] for i in moving])
    else:
        key, parents = 0, tuple([x if i in moving else None for i, x in enumerate(own)])
    plan = primitive.plans.get(key) or primitive.plan(key)
    several = primitive.form == "outputs"
    values = plan.save(tuple(results) if several else results[0], *own)
    directions = {id(own[i]): given[i] for i in moving}
    like = SimpleNamespace(shape=tuple(y.shape for y in results), dtype=tuple(y.dtype for y in results))

    def tangent(k: int, y: Any) -> Any:
        if y.dtype.kind not in "fc":
            return None
        with tape.enable_grad():
            g = dummy = _cotangent(y, several)
            pulled = plan.pull(engine.Parts(like, {k: g}) if several else g, values, parents, params)
        live = [(h, directions[id(x)]) for x, h in pulled if isinstance(h, Tensor) and h._node is not None]
        if not live or rows == 0:
            return np.zeros_like(y) if rows is None else np.zeros_like(y, shape=(rows, *y.shape))
        each = [_paired(live if n is None else [(h, t[n]) for h, t in live], dummy, keep) for n in _numbers(rows)]
        return each[0] if rows is None else np.stack(each)

    def known(k: int, y: Any) -> Any:
        try:
            return tangent(k, y)
        except AutodiffError as error:
            return error

    return [known(k, y) for k, y in enumerate(results)] if several else [tangent(0, results[0])]


def _numbers(rows: int | None) -> list[int | None]:
    return [None] if rows is None else list(range(rows))


def _paired(live: list[tuple[Any, Any]], dummy: Any, keep: bool) -> Any:
    """Return how the pairing of gradients h(dummy) with directions depends on the dummy."""
    ts = [sweep.conjugate(np.broadcast_to(t, h.shape)) for h, t in live]
    (found,) = sweep.grad([h for h, _ in live], [dummy], ts, True, keep, allow_unused=True)
    return np.zeros_like(dummy) if found is None else sweep.conjugate(found)


def _cotangent(y: Any, several: bool) -> Any:
    """Return a cotangent to transpose with: ones (where a rule looks for zeros, as `ratio` does, it must find none).

    Of a decomposition's part, its conjugate: a cotangent that depends on no choice of a basis.
    """
    value = numpy.asarray(numpy.conjugate(y._data)) if several else numpy.ones(y.shape, y.dtype)
    return engine.wrap(value, None).requires_grad_(value.dtype.kind in "fc")


def _real(t: Any, y: Any) -> Any:
    """Return a tangent as its value is: real where that is."""
    return np.real(t) if t.dtype.kind == "c" and y.dtype.kind != "c" else t


def _fitted(t: Any, y: Any, lead: tuple[int, ...]) -> Any:
    """Give a tangent the dtype and shape of its value."""
    if isinstance(t, AutodiffError):
        return t
    t = _real(t if isinstance(t, Tensor) else engine.wrap(numpy.asarray(t), None), y)
    t = t if t.shape == lead + y.shape else np.broadcast_to(t, lead + y.shape)
    return t if t.dtype == y.dtype else t.astype(y.dtype)
