"""Running an operation and recording it: `apply` in general form, and unrolled for one and for two operands.

Nothing else records. `apply` reads a registry entry (its kernel, rules and plans) and makes a Tensor and a Node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy import asarray, ndarray

from autodiff import errors, tape
from autodiff.plan import Plan
from autodiff.signature import Signature
from autodiff.tape import QUIET, Mode, Node, mode

if TYPE_CHECKING:
    from autodiff.primitive import Primitive
    from autodiff.tensor import Tensor as Tensor  # noqa: TC004 (see install)

new = object.__new__
stamp = tape.stamps.__next__
OPERANDS = (ndarray, np.generic, int, float, complex, list, tuple)  # what may stand beside a Tensor


def install(tensor: type[Tensor]) -> None:
    """Make Tensor known here: its operators are entries of the registry, and `apply` returns it."""
    globals()["Tensor"] = tensor


def tracing() -> bool:
    """Say whether a graph is being traced in this thread."""
    now = mode.get()
    return now is not None and now.graph is not None


def levels() -> tuple[Any, ...]:
    """Return the forward differentiations in progress in this thread, the outermost first."""
    now = mode.get()
    return now.levels if now is not None else ()


def apply(primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an operation on its operands and, where a gradient may be wanted, record it."""
    arrays, nodes, key, plain, dtype = [], [], 0, True, None
    for i, x in enumerate(operands):
        if isinstance(x, Tensor):
            arrays.append(x._data)
            nodes.append(x._node)
            if x._node is not None:
                key |= 1 << i
            if dtype is None:
                dtype = x._data.dtype
            elif dtype is not x._data.dtype and primitive.carries(i):
                plain = False
        else:
            arrays.append(x)
            nodes.append(None)
            kind = type(x)
            if kind is ndarray:
                plain = plain and (x.dtype.kind in "fc" or not primitive.carries(i))
            elif kind is not float and kind is not int and x is not None:
                plain = False
    now = mode.get()
    met = arrays  # what the operands hold themselves
    if not plain:
        met = arrays[:]
        _settle(primitive, operands, arrays)
    kernel = primitive.kernel
    if now is not None and now.graph is not None and now.graph.timed:
        kernel = now.graph.clocked(kernel)
    try:
        y = kernel(*arrays, **params)
    except Exception as error:
        raise errors.explained(error, primitive.name, arrays, params) from error
    if type(y) is not ndarray and primitive.form != "outputs":
        y = asarray(y)
    node = None
    if (
        key
        and primitive.differentiable
        and (
            now is None
            or (now.record and (not now.levels or any(n is not None and type(n) is not tape.Dual for n in nodes)))
        )
    ):
        node = _record(primitive, key, y, arrays, nodes, params)
    if type(y) is ndarray:
        result = new(Tensor)
        result._data, result._node = y, node
    else:
        result = _results(y, node)
    if now is not None and now is not QUIET:
        if now.graph is not None:
            now.graph.note(primitive, operands, met, nodes, params, result, node, now)
        if now.anomaly or now.segment is not None:
            _notice(now, primitive, met, params, result, node)
        if now.levels:
            placed = [x if isinstance(x, Tensor) else a for x, a in zip(operands, arrays, strict=True)]
            now.levels[-1].push(now, primitive, placed, nodes, params, result)
    return result


def wrap(array: Any, node: Node | None) -> Any:
    """Return an array (or a tuple of them, one operation's outputs) as a Tensor with the given history."""
    if type(array) is not ndarray:
        return _results(array, node) if isinstance(array, (tuple, list)) else array
    out = new(Tensor)
    out._data, out._node = array, node
    return out


def _record(
    primitive: Primitive, key: int, y: Any, arrays: list[Any], nodes: list[Node | None], params: dict[str, Any]
) -> Node | None:
    """Make the node of an operation; `key` has a bit for each operand that has a node."""
    if key & primitive.unruled:
        refuse(primitive, next(i for i in range(len(nodes)) if key & primitive.unruled & 1 << i))
    if primitive.joint is not None:
        key = 0
    several = type(y) is not ndarray
    if not several and y.dtype.kind not in "fc":
        return None
    plan = primitive.plans.get(key) or primitive.plan(key)
    node: Node = new(Node)
    node.plan, node.parents, node.params, node.meta = plan, plan.parents(nodes), params, None
    node.saved, node.stamp = plan.save(y, *arrays), stamp()
    node.shape = tuple([asarray(part).shape for part in y]) if several else y.shape
    node.dtype = tuple([asarray(part).dtype for part in y]) if several else y.dtype
    return node


def refuse(primitive: Any, i: int) -> NoReturn:
    """Refuse a gradient or a tangent for an operand that has no rule."""
    raise TypeError(
        f"{primitive.name}: operand {i} is a Tensor that requires a gradient, and none can flow to it; pass t.detach() "
        "if only its value is meant."
    )


def _settle(primitive: Primitive, operands: tuple[Any, ...], arrays: list[Any]) -> None:
    """Make every operand an array or a number; a floating tensor's dtype wins over NumPy scalars and integers."""
    floats = [x._data.dtype for x in operands if isinstance(x, Tensor) and x._data.dtype.kind in "fc"]
    dtype = np.result_type(*floats) if floats else None
    for i, x in enumerate(arrays):
        weak = dtype is not None and primitive.carries(i)
        if x is None or (isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic)):
            continue
        if isinstance(x, np.generic):
            arrays[i] = x.item() if weak else asarray(x)
        elif isinstance(x, (ndarray, list, tuple)):
            array = asarray(x)
            if array.dtype.kind not in "biufc":
                raise TypeError(
                    f"{primitive.name}: operand {i} holds values of dtype {array.dtype}; expected "
                    "numbers. Join tensors with np.stack([...]) first."
                )
            if weak and array.dtype.kind in ("biu" if isinstance(x, ndarray) else "biuf"):
                array = array.astype(dtype)
            arrays[i] = array
        else:
            raise TypeError(
                f"{primitive.name}: operand {i} is a {type(x).__name__}; expected a Tensor, an ndarray or a number."
            )


def _notice(
    now: Mode, primitive: Primitive, arrays: Any, params: dict[str, Any], result: Any, node: Node | None
) -> None:
    """Tell the checkpointed segment and the anomaly check."""
    if now.segment is not None and node is not None:
        now.segment.note(node)
    if now.anomaly:
        line = errors.user_line()
        if node is not None:
            tape.meta(node).line = line
        made = [t._data for t in (result if isinstance(result, (tuple, list)) else (result,))]
        if not all(map(finite, made)) and all(map(finite, arrays)):
            raise FloatingPointError(
                f"{errors.describe_call(primitive.name, arrays, params)} made the first NaN or infinity, from finite "
                f"operands, at {line}. ad.explain(ad.trace(f)(...)) shows the way to it."
            )


def finite(x: Any) -> bool:
    """Say whether an array holds no NaN and no infinity (what is no floating array does not)."""
    return getattr(getattr(x, "dtype", None), "kind", "") not in ("f", "c") or bool(np.isfinite(x).all())


def unary(primitive: Primitive) -> Callable[[Any], Any]:
    """Return `apply` unrolled for one operand and no keywords."""
    kernel, plans = primitive.kernel, primitive.plans

    def call(x: Any) -> Any:
        now = mode.get()
        if (now is not None and now is not QUIET) or not isinstance(x, Tensor):
            return apply(primitive, (x,), {})
        a, p = x._data, x._node if now is None else None
        y = kernel(a)
        if type(y) is not ndarray:
            y = asarray(y)
        out = new(Tensor)
        out._data = y
        if p is None:
            out._node = None
            return out
        plan = plans[1] if 1 in plans else primitive.plan(1)
        node = new(Node)
        node.plan = plan
        node.parents = (p,)
        node.saved = plan.save(y, a) if plan.origins else ()
        node.params = None
        node.stamp = stamp()
        node.shape = y.shape
        node.dtype = y.dtype
        node.meta = None
        out._node = node
        return out

    return call


def binary(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return `apply` unrolled for two operands and no keywords; it serves the operators and NumPy's protocol alike."""
    kernel, plans = primitive.kernel, primitive.plans

    def call(x: Any, z: Any) -> Any:
        a: Any
        b: Any
        now = mode.get()
        if now is not None and now is not QUIET:
            known = isinstance(x, (Tensor, OPERANDS)) and isinstance(z, (Tensor, OPERANDS))
            return apply(primitive, (x, z), {}) if known else NotImplemented
        if isinstance(x, Tensor):
            a, p = x._data, x._node
            if isinstance(z, Tensor):
                b, q = z._data, z._node
                if a.dtype is not b.dtype:
                    return apply(primitive, (x, z), {})
            elif type(z) is float or type(z) is int or (type(z) is ndarray and z.dtype is a.dtype):
                b, q = z, None
            else:  # an unknown type may know what to do with a Tensor
                return apply(primitive, (x, z), {}) if isinstance(z, OPERANDS) else NotImplemented
        elif type(x) is float or type(x) is int or (type(x) is ndarray and x.dtype is z._data.dtype):
            a, p, b, q = x, None, z._data, z._node
        else:
            return apply(primitive, (x, z), {}) if isinstance(x, OPERANDS) else NotImplemented
        try:
            y = kernel(a, b)
        except Exception as error:
            raise errors.explained(error, primitive.name, (a, b), {}) from error
        if type(y) is not ndarray:
            y = asarray(y)
        out = new(Tensor)
        out._data = y
        if now is not None:
            out._node = None
            return out
        if p is not None:
            if q is not None:
                plan = plans[3] if 3 in plans else primitive.plan(3)
                parents: Any = (p, q)
            else:
                plan = plans[1] if 1 in plans else primitive.plan(1)
                parents = (p,)
        elif q is not None:
            plan = plans[2] if 2 in plans else primitive.plan(2)
            parents = (q,)
        else:
            out._node = None
            return out
        node = new(Node)
        node.plan = plan
        node.parents = parents
        node.saved = plan.save(y, a, b) if plan.origins else ()
        node.params = None
        node.stamp = stamp()
        node.shape = y.shape
        node.dtype = y.dtype
        node.meta = None
        out._node = node
        return out

    return call


def positional(primitive: Primitive, count: int) -> Callable[..., Any]:
    """Return `apply` for `count` operands, some of which may have a default, and no keywords."""

    def call(*operands: Any) -> Any:
        return apply(primitive, operands, {}) if len(operands) == count else primitive._call(*operands)

    return call


# --- several outputs -----------------------------------------------------------------------------------------------


class Parts:
    """The gradients of one operation's several outputs: `g[k]`, None for an output that nobody used."""

    __slots__ = ("_parts", "dtype", "shape")

    def __init__(self, node: Any, parts: dict[int, Any]) -> None:
        self.shape, self.dtype, self._parts = node.shape, node.dtype, parts

    def __add__(self, other: Parts) -> Parts:
        both = dict(self._parts)
        for k, g in other._parts.items():
            both[k] = both[k] + g if k in both else g
        return Parts(self, both)

    def __getitem__(self, k: int) -> Any:
        return self._parts.get(range(len(self.shape))[k])

    def __len__(self) -> int:
        return len(self.shape)

    def __iter__(self) -> Iterator[Any]:
        return map(self._parts.get, range(len(self.shape)))

    def filled(self) -> list[Any]:
        """Return all gradients, zeros for the outputs that nobody used."""
        like = next(iter(self._parts.values()))
        return [
            self._parts[k] if k in self._parts else np.zeros_like(like, shape=s, dtype=d)
            for k, (s, d) in enumerate(zip(self.shape, self.dtype, strict=True))
        ]


def _pick(several: Any, *, index: int) -> Any:
    """Take one output of an operation that has several."""
    return several[index]


PICK = Plan(
    SimpleNamespace(
        name="pick",
        kind="linear",
        form="operands",
        fun=_pick,
        kernel=_pick,
        signature=Signature(None, (), 1, {}),
        joint=None,
        rules=(lambda g, s, index: Parts(s, {index: g}),),
    ),
    (0,),
)


def picked(array: Any, node: Node | None, index: int) -> Any:
    """Return one output of a recorded operation as a tensor whose node picks it."""
    array = asarray(array)
    if node is None or array.dtype.kind not in "fc":
        return wrap(array, None)
    pick: Node = new(Node)
    pick.plan, pick.parents, pick.saved, pick.params, pick.meta = PICK, (node,), (), {"index": index}, None
    pick.stamp, pick.shape, pick.dtype = stamp(), array.shape, array.dtype
    return wrap(array, pick)


def _results(ys: Any, node: Node | None) -> Any:
    """Return an operation's outputs as tensors, in NumPy's own result type."""
    tensors = [picked(y, node, index) for index, y in enumerate(ys)]
    return type(ys)(*tensors) if hasattr(ys, "_fields") else type(ys)(tensors)


class Placed:
    """A gradient that is 0 but for a few places of a large array: added there, never made into zeros of its own.

    `add(out, values)` adds the values where they belong. Many lookups of one array cost one array of zeros.
    """

    __slots__ = ("add", "shape", "values")
    dtype = None  # no array's: by this the sweep tells it from one

    def __init__(self, values: Any, shape: tuple[int, ...], add: Callable[[Any, Any], None]) -> None:
        self.values, self.shape, self.add = values, shape, add

    def added_to(self, out: Any) -> Any:
        """Add it to an array in place, and return that."""
        values = np.real(self.values) if out.dtype.kind != "c" else self.values
        if out.dtype != np.float16:
            self.add(out, values if values.dtype == out.dtype else values.astype(out.dtype))
            return out
        wide = out.astype(np.float32)
        self.add(wide, values.astype(np.float32))
        np.copyto(out, wide, casting="same_kind")
        return out

    def whole(self, dtype: Any) -> Any:
        """Return it as an array."""
        return self.added_to(np.zeros(self.shape, dtype))


# --- NumPy's other keywords ----------------------------------------------------------------------------------------


def with_extras(primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], given: dict[str, Any]) -> Any:
    """Run an operation given `dtype=` (the operands are cast), `out=` (written where nothing is lost) or a mask."""
    masks = primitive.masks if primitive.masked is not None else ()
    known = ("dtype", *masks) if primitive.form == "outputs" else ("out", "dtype", *masks)
    for name, value in given.items():
        if name not in known:
            raise TypeError(
                f"{primitive.path} of a Tensor does not support {name}= (given {value!r}); leave it out. "
                f"{primitive.supported}"
            )
    out, dtype = given.pop("out", None), given.pop("dtype", None)
    masked = primitive.masked if given else None
    if dtype is not None:
        for x in operands:
            if isinstance(x, Tensor) and not np.can_cast(x._data.dtype, dtype, "same_kind"):
                raise TypeError(
                    f"{primitive.path}: dtype={np.dtype(dtype)} cannot hold the values of {errors.describe(x._data)}; "
                    "cast the operand first, t.astype(dtype), if its value is meant."
                )
        operands = tuple(x.astype(dtype) if isinstance(x, Tensor) else x for x in operands)
    result = masked(*operands, **params, **given) if masked else apply(primitive, operands, params)
    return result if out is None else write_out(primitive.name, result, out)


def write(target: Any, y: Any) -> None:
    """Write a tensor's value into another's memory; a graph being traced is told first."""
    now = mode.get()
    if now is not None and now.graph is not None:
        now.graph.write(target, y)
    np.copyto(target._data, y._data)
    tape.touch(target._data)


def write_out(name: str, result: Any, out: Any) -> Any:
    """Write a result where `out=` asks: a Tensor takes the value and its history; an array only if none is lost."""
    target = out[0] if isinstance(out, tuple) else out
    if isinstance(target, Tensor):
        return target._become(result)
    now = mode.get()
    if result._node is not None or (now is not None and now.graph is not None):
        raise TypeError(
            f"{name}(..., out=ndarray): the result {errors.describe(result._data)} has a gradient history that an "
            "ndarray cannot keep. Drop out=, pass a Tensor as out=, or work under ad.no_grad()."
        )
    np.copyto(target, result._data, casting="same_kind")
    tape.touch(target)
    return target
