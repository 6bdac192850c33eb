"""Making a Graph out of the log of a trace: which array is which value, who made it, and what was written where."""

from __future__ import annotations

import functools
import weakref
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from autodiff import apply as engine
from autodiff import tape
from autodiff.graph.record import Array, Group, Op, Value, Write, name_sources
from autodiff.graph.recording.history import gradients
from autodiff.primitive import values
from autodiff.tape import Mode, Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves


class Given(NamedTuple):
    """A tensor, or an array, with the array and the history that it had when it was met."""

    x: Any
    array: Array
    node: Node | None


def given(x: Any) -> Any:
    """Return a tensor or an array with what it holds now; anything else as it is."""
    if isinstance(x, Tensor):
        return Given(x, x._data, x._node)
    return Given(x, x, None) if isinstance(x, np.ndarray) else x


class End:
    """What there is when a trace ends: its answers, and what tensors from before it hold then."""

    def __init__(self, answers: list[Given], tensors: list[Tensor], gradients: dict[Node, Tensor]) -> None:
        self.answers, self.stamp = answers, next(tape.stamps)
        self.held: dict[int, tuple[Array, Array | None]] = {}  # by the tensor's id: its data and its gradient
        for t in tensors:
            owner = _owner(t, t._node)
            if id(owner) not in self.held:
                found = gradients.get(owner._node, owner._grad) if owner._node is not None else owner._grad
                self.held[id(owner)] = owner._data, None if found is None else found._data


class Builder:
    """Builds the fields of a Graph out of a log.

    A value is known by its array: all arrays met stay alive until the end, so that no id is used twice. Or else, where
    the log is read as it is written, they are let go of as soon as the program does, and values hold no arrays.
    """

    def __init__(self, keep: bool = True) -> None:
        """Begin; `keep` says whether the values keep their arrays."""
        self._keep = keep
        self.sources: list[Value] = []
        self.ops: list[Op] = []
        self.writes: list[Write] = []
        self.groups: list[Group] = []
        self.failed: Op | None = None
        self.losses: list[Value] = []
        self.owners: dict[Value, Tensor] = {}
        self.made: dict[Node, Value] = {}
        self._alive: dict[int, Any] = {}  # what keeps arrays, or hears of their end
        self._known: dict[int, tuple[Value, int]] = {}  # with how many writes to its memory it has seen
        self._written: dict[int, list[tuple[Array, Value]]] = {}  # by the object that owns the memory
        self._held: dict[int, list[Value]] = {}  # the values whose arrays lie in that memory
        self._homes: dict[int, Value] = {}  # the source that an array was when it was first met
        self._renewed: set[Value] = set()  # what parameters became
        self._saved: list[tuple[Op, Any]] = []
        self._orders: dict[Node, int] = {}
        self._pulled: Op | None = None
        self._group: Group | None = None
        self._ended: Group | None = None

    # --- the events of a log ---

    def op(
        self,
        primitive: Any,
        operands: tuple[Any, ...],
        arrays: list[Any],
        nodes: list[Node | None],
        params: dict[str, Any],
        result: Any,
        node: Node | None,
        saved: Any,
        mode: Mode,
        code: Any,
        place: int,
        time: tuple[float, float] | None,
    ) -> None:
        """Add an operation."""
        read: list[Any] = []
        live: list[bool] = []
        phase, of, order = mode.phase, None, mode.order
        for x, array, history in zip(operands, arrays, nodes, strict=True):
            if isinstance(x, Tensor):
                value = self.value(x, array, history)
                live.append(self._hands_on(value, history))
                read.append(value)
            else:
                live.append(False)
                read.append(self.value(x, x, None) if isinstance(x, np.ndarray) else x)
        if phase == "backward":
            makers = [x.op for x in read if isinstance(x, Value) and x.op is not None]
            copied = bool(makers) and primitive.fun is np.copy  # at the end of a sweep: its gradients become their own
            of = makers[0].of if copied else self._pulled
        elif phase == "forward":
            if not mode.record:
                if any(map(self._updates, read)):
                    phase = "update"  # by hand, as in `w -= lr * w.grad`
            elif True in live:
                order = max(
                    [v.op.order for v, lives in zip(read, live, strict=True) if lives and v.op is not None] or [0]
                )
        made = [(result, node)] if type(result) is not list else result
        outputs = tuple([self._output(array, history is not None) for array, history in made])
        op = self._add(
            Op(primitive, tuple(read), params, outputs, phase, mode.scope or (of.scope if of else ()), (code, place))
        )
        op.of, op.order, op.live, op.quiet = of, order, tuple(live), not mode.record
        op.allocated = sum([self._fresh(array) for array, _ in made])
        if time is not None:
            op.began, op.seconds = time
        if saved and self._keep:
            self._saved.append((op, saved))
        for value, (_, history) in zip(outputs, made, strict=True):
            if history is not None:
                self.made[history] = value
                if history.plan is engine.PICK:
                    self.made[history.parents[0]] = value

    def _hands_on(self, value: Value, node: Node | None) -> bool:
        """Say whether a tensor has the history of its value: not if it was detached, made a leaf anew even."""
        return node is not None and (value.op is None or self.made.get(node) is value or value in self._renewed)

    def _updates(self, x: Any) -> bool:
        """Say whether a value comes of a gradient: of a backward pass or an update, and no parameter became it."""
        made = isinstance(x, Value) and x.op is not None and x.op.phase in ("backward", "update")
        return made and x not in self._renewed

    def draw(self, given: Given, name: str) -> None:
        """Add a random draw."""
        self._remember(given.array, self._source(given.x, given.array, None, "random", name), 0)

    def open(self, name: str, kind: str, function: Any, operands: Any, params: Any, mode: Mode, at: Any) -> None:
        """Begin a group."""
        read = tuple([self._read(x) for x in operands])
        group = Group(name, kind, function, read, {k: self._read(x) for k, x in params.items()}, len(self.ops))
        group.phase, group.scope, group.parent, group._at = mode.phase, mode.scope, self._group, at
        pairs = zip(operands, read, strict=True)
        group.live = tuple([type(x) is Given and self._hands_on(value, x.node) for x, value in pairs])
        group.quiet = not mode.record
        self.groups.append(group)
        self._group = group

    def close(self) -> None:
        """End a group."""
        group = self._ended = self._group
        assert group is not None
        self._group = group.parent
        group.ops = self.ops[group.start :]

    def answer(self, outputs: list[Given], constant: list[bool]) -> None:
        """Give the group that ended last its outputs; a Function that NumPy computed is an operation."""
        group = self._ended
        assert group is not None
        group.differentiable = tuple(k for k, c in enumerate(constant) if not c)
        if group.kind == "composite" or all(id(t.array) in self._known for t in outputs):
            group.outputs = tuple(map(self._read, outputs))
            return
        group.outputs = tuple([self._output(t.array, False) for t in outputs])
        primitive = whole(group.name, group.kind, group.function, len(outputs))
        op = Op(primitive, group.operands, group.params, group.outputs, group.phase, group.scope, group._at)
        op.allocated = sum(self._fresh(t.array) for t in outputs)
        op.group = group
        self._add(op)
        group.ops = self.ops[group.start :]

    def record(self, node: Node, saved: Any, results: list[tuple[Array, Node | None]]) -> None:
        """Give the group that ended last its history, that of a custom Function."""
        group = self._ended
        assert group is not None
        for value, (_, history) in zip(group.outputs, results, strict=True):
            if history is not None:
                value.tracked = True
                self.made[history] = self.made[node] = value
        if group.ops and saved:
            self._saved.append((group.ops[-1], saved))

    def lose(self, given: Given) -> None:
        """Take a loss, whose gradients are added to those of its leaves."""
        self.losses.append(self._read(given))

    def pull(self, node: Node, g: Array | None) -> None:
        """Take the gradient of a node, whose rules are about to run."""
        value = self.made.get(node)
        self._pulled = value.op if value is not None else None
        if value is not None and g is not None and self._keep:
            value.gradient = g

    def fail(
        self, ran: bool, primitive: Any, operands: Any, params: Any, mode: Mode | None, at: tuple[Any, int] | None
    ) -> None:
        """Mark the operation that raised an error: the last one if it ran, else it is added."""
        if ran:
            self.failed = self.ops[-1]
            return
        mode = mode or Mode()
        read = tuple([self._read(x) for x in operands])
        last = self.ops[-1].scope if self.ops else ()  # of which calls it is, where only the modules' names are known
        scope = [b if type(a) is str and a == b else a for a, b in zip_longest(mode.scope, last[: len(mode.scope)])]
        op = self.failed = self._add(
            Op(primitive, read, params, (Value((), None, "failed"),), mode.phase, tuple(scope), at)
        )
        op.order, op.quiet = mode.order, not mode.record
        if op.phase == "backward" and self._pulled is not None:
            op.of, op.scope = self._pulled, op.scope or self._pulled.scope

    def write(self, target: Given, y: Given) -> None:
        """Write the value of y into the memory of a tensor, which still holds what it held."""
        array, owner = target.array, tape.memory(target.array)
        if id(array) not in self._known:
            self._remember(array, self._source(*target), 0)
        new = self._read(y)
        for value in self._held.get(id(owner), []):  # the graph keeps what was there before
            assert value.array is not None
            if value.array is array or np.may_share_memory(value.array, array):
                value.array = value.array.copy()
        writes = self._written.setdefault(id(owner), [])
        writes.append((array, new))
        self._remember(array, new, len(writes))
        home = self._homes.get(id(array))
        if home is not None:
            self._changed(home, new)
            if home.role == "parameter":
                self._renewed.add(new)

    def _changed(self, source: Value, new: Value) -> None:
        if source.role == "constant":
            source.role = "state"
        self.writes.append(Write(source, new, len(self.ops)))

    def _add(self, op: Op) -> Op:
        self.ops.append(op)
        op.number = len(self.ops)
        op.group = op.group or self._group
        return op

    # --- values ---

    def _read(self, x: Any) -> Any:
        return self.value(*x) if type(x) is Given else x

    def value(self, x: Any, array: Array, node: Node | None) -> Value:
        """Return the value that an array holds now; x is the array or a tensor that holds it, with its history."""
        known = self._known.get(id(array))
        if known is not None and not self._written:
            return known[0]
        value, seen = known if known is not None else (self._source(x, array, node), 0)
        writes = self._written.get(id(tape.memory(array)), [])
        for target, new in writes[seen:]:  # the memory was written since, through another array
            if target is not array and np.may_share_memory(target, array):
                value = self._overlaid(value, array, target, new)
        self._remember(array, value, len(writes))
        return value

    def _remember(self, array: Array, value: Value, seen: int) -> None:
        key = id(array)
        if key not in self._known:
            self._alive[key] = array if self._keep else weakref.ref(array, functools.partial(self._forget, key))
        self._known[key] = value, seen

    def _forget(self, key: int, _: object) -> None:
        """Hear that an array is gone, whose id may be another's soon."""
        for known in (self._alive, self._known, self._homes):
            known.pop(key, None)

    def _source(
        self, x: Any, array: Array, node: Node | None, role: str = "constant", name: str | None = None
    ) -> Value:
        owner = _owner(x, node) if isinstance(x, Tensor) else None
        if owner is not None:
            name = name or owner.name
            if role == "constant" and node is not None and node.plan is None:
                role = "parameter"
        value = self._hold(Value(array.shape, array.dtype, role, name), array)
        value.tracked = node is not None
        self.sources.append(value)
        self._homes[id(array)] = value
        if owner is not None:
            self.owners[value] = owner
            value.owner = tape.weakly(owner)
        return value

    def source(self, value: Value) -> Value:
        """Add a source whose array may be unknown."""
        self.sources.append(value)
        return value

    def know(self, value: Value, array: Array) -> None:
        """Say which array a value is."""
        self._remember(array, self._hold(value, array), 0)

    def meet(self, array: Array, value: Value) -> None:
        """Say that an array is a value of another graph."""
        self._remember(array, value, 0)

    def ran(self, op: Op, saved: Any) -> None:
        """Add an operation that is made already, and what it saved."""
        self._add(op)
        if saved:
            self._saved.append((op, saved))

    def argument(self, given: Given, name: str) -> None:
        """Name an argument of the traced function."""
        if id(given.array) not in self._known:
            self._remember(given.array, self._source(*given, "input", name), 0)

    def _hold(self, value: Value, array: Array) -> Value:
        if self._keep or array.size == 1:
            value.array = array
        if not self._keep:
            return value
        self._held.setdefault(id(tape.memory(array)), []).append(value)
        return value

    def _output(self, array: Array, tracked: bool) -> Value:
        value = self._hold(Value(array.shape, array.dtype), array)
        value.tracked = tracked
        self._remember(array, value, len(self._written.get(id(tape.memory(array)), [])))
        return value

    def _fresh(self, array: Array) -> int:
        """Return the bytes of memory that came with an output, 0 if it lies in that of another value."""
        if array.base is None:
            return array.nbytes
        owner = tape.memory(array)
        first = len(self._held.get(id(owner), ())) == 1 if self._keep else id(owner) not in self._known
        return int(owner.nbytes) if first and isinstance(owner, np.ndarray) else 0

    def _overlaid(self, value: Value, array: Array, target: Array, new: Value) -> Value:
        """Return the value of an array of which a part was written through a view."""
        _, put, take = np.intersect1d(_addresses(array), _addresses(target), return_indices=True)
        if not put.size:
            return value
        y = Value(array.shape, array.dtype)
        params = {"put": put, "take": take}
        y.array = _overlay(value.array, new.array, **params) if self._keep else None
        self._add(Op(OVERLAY, (value, new), params, (y,), at=new.op._at if new.op is not None else None))
        return y

    # --- the end ---

    def finish(self, end: End) -> dict[str, Any]:
        """Settle the roles of the values and return the fields of the graph."""
        outputs = list(map(self._read, end.answers))
        for node, value in self.made.items():
            if node.meta is not None and node.meta.name and value.role != "gradient":
                value.name = value.name or node.meta.name
        read = {v for op in self.ops for v in op.inputs} | {*outputs}
        self.sources = [v for v in self.sources if v in read or v.name or v.role not in ("constant", "state")]
        kept = {*self.sources}
        self.writes = [w for w in self.writes if w.target in kept]
        last = {w.target: w.value for w in self.writes}
        for source in self.sources[:]:
            owner = self.owners.get(source)
            data, gradient = end.held.get(id(owner)) or ((owner._data, None) if owner is not None else (None, None))
            now = self.value(data, data, None) if data is not None else source
            if now is not last.get(source, source):  # changed through a view, or its data was replaced
                self._changed(source, now)
            if gradient is not None:
                self.name_gradient(source, gradient)
        for value in outputs:
            value.role = value.role or "result"
        self.groups = [group for group in self.groups if group.ops or group.kind == "function"]
        self._count_saved()
        roots = [t.node for t in end.answers if t.node is not None]
        every = [*self.sources, *(v for op in self.ops for v in op.outputs)]
        if self._keep and len(end.answers) == len(roots) == 1 and all(v.size == 1 for v in every):
            self._add_gradients(roots[0])
        for v in every:
            v.until = end.stamp
        name_sources(self.sources)
        fields = {name: getattr(self, name) for name in ("sources", "ops", "writes", "groups", "losses", "failed")}
        return fields | {"outputs": outputs}

    def _count_saved(self) -> None:
        """Count for each operation the memory that it is the first to keep for the backward pass, and nobody else."""
        lasting = {
            owner for owner, held in self._held.items() if any(v.op is None and v.role != "random" for v in held)
        }
        for op, saved in self._saved:
            for array in leaves(saved):
                owner = tape.memory(array)
                if isinstance(owner, np.ndarray) and id(owner) not in lasting:
                    lasting.add(id(owner))
                    op.saved += owner.nbytes

    def name_gradient(self, source: Value, array: Array) -> None:
        """Say which array is the gradient of a source, if it is one of the graph's."""
        if id(array) not in self._known:
            return
        gradient = self.value(array, array, None)
        source.gradient = gradient.array
        gradient.name = gradient.name or (f"{source.name}.grad" if source.name else None)
        if gradient.op is not None:
            gradient.role = "gradient"

    def _add_gradients(self, root: Node) -> None:
        """Give every value of a scalar expression its gradient, where no backward pass has."""
        places = self.made | {t._node: v for v, t in self.owners.items() if t._node is not None and t.is_leaf}
        known = {node: value.array for node, value in places.items() if value.array is not None}
        for node, g in gradients(root, known).items():
            value = places.get(node)
            if value is not None and value.gradient is None:
                value.gradient = g


def _owner(t: Tensor, node: Node | None) -> Tensor:
    """Return the leaf that a tensor stands for: a saved leaf comes wrapped anew."""
    leaf = node if node is not None and node.plan is None else None
    owner = leaf.meta.owner() if leaf is not None and leaf.meta is not None else None
    return t if owner is None else owner


def _overlay(x: Any, new: Any, *, put: Any, take: Any) -> Any:
    """Return x with those of its elements replaced that a view wrote."""
    y = np.array(x)
    y.reshape(-1)[put] = new.reshape(-1)[take]
    return y


OVERLAY = SimpleNamespace(
    name="overlay", kind="linear", form="operands", kernel=_overlay, differentiable=False, carries=lambda i: False
)


def whole(name: str, kind: str, function: Any, outputs: int = 1) -> Any:
    """Return a group as the primitive of one operation, for a graph that cannot see into it."""

    def kernel(*operands: Any, **params: Any) -> Any:
        tensors = [engine.wrap(x, None) if isinstance(x, np.ndarray) else x for x in operands]
        return values((function.apply if kind == "function" else function)(*tensors, **params))

    facts = {"name": name, "fun": function, "kind": "other", "form": "outputs" if outputs > 1 else "operands"}
    return SimpleNamespace(**facts, kernel=kernel, differentiable=False, analytic=False, carries=lambda i: False)


def _addresses(array: Array) -> Array:
    """Return where in memory each element lies."""
    at = np.asarray(array.__array_interface__["data"][0])
    for n, stride in zip(array.shape, array.strides, strict=True):
        at = at[..., None] + np.arange(n) * stride
    return at.reshape(-1)
