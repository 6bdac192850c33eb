"""The recorder that the engine reports to while a function is traced, and that builds its Graph."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import errors, tape
from autodiff.graph.record import Array, Graph, Group, Op, Value, Write, name_sources
from autodiff.graph.tape_graph import gradients
from autodiff.primitive import values
from autodiff.tape import Mode, Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves


def traced(f: Callable[..., Any]) -> Callable[..., Graph]:
    """Return a function that runs f and answers with its Graph."""

    @functools.wraps(f, updated=())
    def run(*args: Any, **kwargs: Any) -> Graph:
        recorder = Recorder(title(f))
        recorder.give(f, args, kwargs)
        try:
            with tape.Switch(graph=recorder, phase="forward", scope=()):
                result = f(*args, **kwargs)
        except Exception as error:
            recorder.fail(error)
            recorder.finish(None)
            error.graph = recorder.graph  # type: ignore[attr-defined]
            error.add_note(f"what was traced until then is this exception's .graph: {recorder.graph!r}")
            raise
        recorder.finish(result)
        return recorder.graph

    return run


def title(f: Callable[..., Any]) -> str:
    """Return what to call a function or module in a picture."""
    name = getattr(f, "__name__", None) or type(f).__name__
    return "lambda" if name == "<lambda>" else str(name)


class Recorder:
    """Builds a Graph out of what the engine reports.

    A value is known by its array: all arrays met stay alive until the trace ends, so that no id is used twice.
    """

    def __init__(self, title: str) -> None:
        self.graph = Graph(title)
        self.group: Group | None = None  # the one that runs
        self._alive: list[Array] = []
        self._known: dict[int, tuple[Value, int]] = {}  # with how many writes to its memory it has seen
        self._written: dict[int, list[tuple[Array, Value]]] = {}  # by the object that owns the memory
        self._held: dict[int, list[Value]] = {}  # the values whose arrays lie in that memory
        self._made: dict[Node, Value] = {}
        self._homes: dict[int, Value] = {}  # the source that an array was when it was first met
        self._owners: dict[Value, Tensor] = {}
        self._pulled: Op | None = None
        self._renewed: set[Value] = set()  # what parameters became
        self._failure: tuple[Op, Exception] | None = None
        self._saved: list[tuple[Op, Any]] = []

    # --- what the engine reports ---

    def note(
        self, primitive: Any, operands: Any, params: Any, result: Any, mode: Mode, node: Node | None, seconds: float
    ) -> None:
        """Record an operation that was run."""
        given = tuple([self.value(x) if isinstance(x, (Tensor, np.ndarray)) else x for x in operands])
        phase, of, order = mode.phase, None, mode.order
        makers = [x.op for x in given if isinstance(x, Value) and x.op is not None and x not in self._renewed]
        if phase == "backward":
            copied = primitive.fun is np.copy and bool(makers)  # at the end of a sweep: its gradients become their own
            of = makers[0].of if copied else self._pulled
        elif phase == "forward" and makers:
            if not mode.record and any(op.phase in ("backward", "update") for op in makers):
                phase = "update"  # by hand, as in `w -= lr * w.grad`
            elif node is not None:
                order = max([self._order(x) for x in operands if isinstance(x, Tensor)])
        tensors = result if isinstance(result, (tuple, list)) else (result,)
        outputs = tuple([self._output(t) for t in tensors])
        scope = mode.scope or (of.scope if of is not None else ())
        op = self._add(
            Op(primitive, given, params, outputs, phase=phase, scope=scope, line=_here(), of=of, order=order)
        )
        op.allocated = sum(self._fresh(t._data) for t in tensors)
        if node is not None and node.saved:
            self._saved.append((op, node.saved))
        for t, value in zip(tensors, outputs, strict=True):
            if t._node is not None:
                self._made[t._node] = value
                if t._node.plan is engine.PICK:
                    self._made[t._node.parents[0]] = value

    def drew(self, t: Tensor, name: str) -> None:
        """Hear of a random draw."""
        self._remember(t._data, self._source(t, t._data, "random", name), 0)

    def order(self, tensors: list[Any]) -> int:
        """Return the highest order of derivative that went into some tensors."""
        return max(map(self._order, tensors), default=0)

    def _order(self, t: Tensor) -> int:
        """Return the order of derivative of a value, through its history: what is detached starts anew."""
        value = self._made.get(t._node) if t._node is not None else None
        return value.op.order if value is not None and value.op is not None else 0

    def grouped(self, name: str, kind: str, function: Any, args: Any, kwargs: Any) -> Running:
        """Begin a group, of a composite or a custom Function: a context in which it runs."""
        now = tape.mode.get()
        assert now is not None
        given = tuple([self._given(x) for x in args])
        params = {key: self._given(x) for key, x in kwargs.items()}
        group = Group(name, kind, function, given, params, len(self.graph.ops))
        group.phase, group.scope, group.parent, group._at = now.phase, now.scope, self.group, _here()
        self.graph.groups.append(group)
        return Running(self, group)

    def answered(self, group: Group, answer: Any) -> None:
        """Hear what a composite returned."""
        group.outputs = tuple([self.value(t) for t in leaves(answer) if isinstance(t, Tensor)])
        group.differentiable = tuple(range(len(group.outputs)))

    def called(self, group: Group, outputs: list[Tensor], constant: list[bool]) -> None:
        """Hear what a custom Function returned; if NumPy did the work, it is an operation."""
        group.differentiable = tuple(k for k, c in enumerate(constant) if not c)
        if all(id(t._data) in self._known for t in outputs):
            group.outputs = tuple(map(self.value, outputs))
            return
        group.outputs = tuple(map(self._output, outputs))
        op = Op(_whole(group), group.operands, group.params, group.outputs, phase=group.phase, scope=group.scope)
        op._at, op.allocated = group._at, sum(self._fresh(t._data) for t in outputs)
        before, self.group = self.group, group
        self._add(op)
        self.group = before
        group.ops = self.graph.ops[group.start :]

    def failing(self, primitive: Any, operands: Any, params: Any, error: Exception) -> None:
        """Hear that an operation, or a group, raised an error: it is marked unless what caused that is."""
        if self._failure is not None and self._failure[1] in _causes(error):
            return
        now = tape.mode.get()
        op = Op(primitive, tuple(map(self._given, operands)), params, (Value((), None, "failed"),), line=_here())
        op.group = self.group
        if now is not None:
            op.phase, op.scope, op.order = now.phase, now.scope, now.order
        self._failure = op, error

    def fail(self, error: Exception) -> None:
        """Hear that the function ended with an error: what raised it is the last operation."""
        if self._failure is not None and self._failure[1] in _causes(error):
            self.graph.failed = self._add(self._failure[0])

    def _add(self, op: Op) -> Op:
        self.graph.ops.append(op)
        op.number = len(self.graph.ops)
        op.group = op.group or self.group
        return op

    def _given(self, x: Any) -> Any:
        return self.value(x) if isinstance(x, (Tensor, np.ndarray)) else x

    def pulling(self, node: Node, g: Any) -> None:
        """Hear that the sweep has the gradient of a node and is about to run its rules."""
        value = self._made.get(node)
        self._pulled = value.op if value is not None else None
        if value is not None and isinstance(g, Tensor):
            value.gradient = g._data

    def write(self, target: Tensor, y: Tensor) -> None:
        """Hear that a tensor's memory is about to take the value of y."""
        array, owner = target._data, tape.memory(target._data)
        if id(array) not in self._known:
            self._remember(array, self._source(target, array), 0)
        new = self.value(y)
        for value in self._held.get(id(owner), []):  # the graph keeps what was there before
            assert value.array is not None
            if value.array is array or np.may_share_memory(value.array, array):
                value.array = value.array.copy()
        writes = self._written.setdefault(id(owner), [])
        writes.append((array, new))
        self._remember(array, new, len(writes))
        if id(array) in self._homes:
            self._changed(self._homes[id(array)], new)
            if self._homes[id(array)].role == "parameter":
                self._renewed.add(new)

    def _changed(self, source: Value, new: Value) -> None:
        if source.role == "constant":
            source.role = "state"
        self.graph.writes.append(Write(source, new, len(self.graph.ops)))

    # --- values ---

    def value(self, x: Any) -> Value:
        """Return the value that a tensor or an array holds now."""
        array = x._data if isinstance(x, Tensor) else x
        value, seen = self._known.get(id(array)) or (None, 0)
        if value is None:
            value = self._source(x, array)
        writes = self._written.get(id(tape.memory(array)), [])
        for target, new in writes[seen:]:  # the memory was written since, through another array
            if target is not array and np.may_share_memory(target, array):
                value = self._overlaid(value, array, target, new)
        self._remember(array, value, len(writes))
        return value

    def _remember(self, array: Array, value: Value, seen: int) -> None:
        if id(array) not in self._known:
            self._alive.append(array)
        self._known[id(array)] = value, seen

    def _source(self, x: Any, array: Array, role: str = "constant", name: str | None = None) -> Value:
        owner = _owner(x) if isinstance(x, Tensor) else None
        if owner is not None:
            name = name or owner.name
            if role == "constant" and owner._node is not None and owner.is_leaf:
                role = "parameter"
        value = self._hold(Value(array.shape, array.dtype, role, name), array)
        self.graph.sources.append(value)
        self._homes[id(array)] = value
        if owner is not None:
            self._owners[value] = owner
        return value

    def _hold(self, value: Value, array: Array) -> Value:
        value.array = array
        self._held.setdefault(id(tape.memory(array)), []).append(value)
        return value

    def _output(self, t: Tensor) -> Value:
        if id(t._data) in self._known:  # the operation answered with its operand itself
            t._data = t._data.view()
        value = self._hold(Value(t.shape, t.dtype), t._data)
        self._remember(t._data, value, len(self._written.get(id(tape.memory(t._data)), [])))
        return value

    def _fresh(self, array: Array) -> int:
        """Return the bytes of memory that came with an output, 0 if it lies in that of another value."""
        owner = tape.memory(array)
        return int(owner.nbytes) if len(self._held[id(owner)]) == 1 and isinstance(owner, np.ndarray) else 0

    def _overlaid(self, value: Value, array: Array, target: Array, new: Value) -> Value:
        """Return the value of an array of which a part was written through a view."""
        _, put, take = np.intersect1d(_addresses(array), _addresses(target), return_indices=True)
        if not put.size:
            return value
        y = Value(array.shape, array.dtype)
        params = {"put": put, "take": take}
        y.array = _overlay(value.array, new.array, **params)
        self._add(Op(OVERLAY, (value, new), params, (y,), line=_here()))
        return y

    # --- beginning and end ---

    def give(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Name the arguments of f by its parameters."""
        for name, x in _named(f, args, kwargs):
            array = x._data if isinstance(x, Tensor) else x
            if isinstance(array, np.ndarray) and id(array) not in self._known:
                self._remember(array, self._source(x, array, "input", name), 0)

    def finish(self, result: Any) -> None:
        """Settle the roles of the values and let go of the tensors."""
        graph = self.graph
        graph.result = result
        graph.groups = [group for group in graph.groups if group.ops or group.kind == "function"]
        self._count_saved()
        answers = [t for t in leaves(result) if isinstance(t, Tensor)]
        graph.outputs = [self.value(t) for t in answers]
        read = {v for op in graph.ops for v in op.inputs} | {*graph.outputs}
        graph.sources = [v for v in graph.sources if v in read or v.name or v.role not in ("constant", "state")]
        graph.writes = [w for w in graph.writes if w.target in graph.sources]
        last = {w.target: w.value for w in graph.writes}
        for source in graph.sources[:]:
            now = self.value(self._owners[source]._data) if source in self._owners else source
            if now is not last.get(source, source):  # changed through a view, or its data was replaced
                self._changed(source, now)
        for value in graph.outputs:
            value.role = value.role or "result"
        for source, t in self._owners.items():
            if t._grad is not None and id(t._grad._data) in self._known:
                self._name_gradient(source, self.value(t._grad))
        if isinstance(result, Tensor) and result._node is not None and all(v.size == 1 for v in graph.values):
            self._add_gradients(result._node)
        name_sources(graph.sources)
        del self._alive, self._known, self._written, self._held, self._homes, self._made, self._owners
        del self._saved, self._failure, self._renewed, self._pulled

    def _count_saved(self) -> None:
        """Count for each operation the memory that it is the first to keep for the backward pass, and nobody else."""
        lasting = {owner for owner, values in self._held.items() if any(_lasts(v) for v in values)}
        for op, saved in self._saved:
            for array in leaves(saved):
                owner = tape.memory(array)
                if isinstance(owner, np.ndarray) and id(owner) not in lasting:
                    lasting.add(id(owner))
                    op.saved += owner.nbytes

    def _name_gradient(self, source: Value, gradient: Value) -> None:
        source.gradient = gradient.array
        gradient.name = gradient.name or (f"{source.name}.grad" if source.name else None)
        if gradient.op is not None:
            gradient.role = "gradient"

    def _add_gradients(self, root: Node) -> None:
        """Give every value of a scalar expression its gradient, where no backward pass has."""
        for node, g in gradients(root, {}).items():
            value = self._made.get(node)
            if value is None and node.plan is None:
                value = next((v for v, t in self._owners.items() if t._node is node), None)
            if value is not None and value.gradient is None:
                value.gradient = g


class Running:
    """The context in which a group's operations run."""

    def __init__(self, recorder: Recorder, group: Group) -> None:
        self._recorder, self._group = recorder, group

    def __enter__(self) -> Group:
        self._recorder.group = self._group
        return self._group

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        recorder, group = self._recorder, self._group
        if isinstance(error, Exception):  # where no operation inside is at fault
            recorder.failing(_whole(group), group.operands, group.params, error)
        recorder.group = group.parent
        group.ops = recorder.graph.ops[group.start :]


def _owner(t: Tensor) -> Tensor:
    """Return the leaf that a tensor stands for: a saved leaf comes wrapped anew."""
    leaf = t._node if t.is_leaf else None
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


def _whole(group: Group) -> Any:
    """Return a group as the primitive of one operation, for a graph that cannot see into it."""

    def kernel(*operands: Any, **params: Any) -> Any:
        given = [engine.wrap(x, None) if isinstance(x, np.ndarray) else x for x in operands]
        run = group.function.apply if group.kind == "function" else group.function
        return values(run(*given, **params))

    form = "outputs" if len(group.outputs) > 1 else "operands"
    facts = {"name": group.name, "fun": group.function, "kind": "other", "form": form, "kernel": kernel}
    return SimpleNamespace(**facts, differentiable=False, analytic=False, carries=lambda i: False)


def _here() -> tuple[Any, int]:
    """Return the place in the program that the engine was called from."""
    frame = errors.user_frame()
    return frame.f_code, frame.f_lasti


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error and those that led to it."""
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def _lasts(value: Value) -> bool:
    """Say whether an array is there whether or not it is kept for the backward pass."""
    return value.op is None and value.role != "random"


def _addresses(array: Array) -> Array:
    """Return where in memory each element lies."""
    at = np.asarray(array.__array_interface__["data"][0])
    for n, stride in zip(array.shape, array.strides, strict=True):
        at = at[..., None] + np.arange(n) * stride
    return at.reshape(-1)


def _named(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a function's arguments with their names: `x`, `batch.0`, `state.h`."""
    called = f if inspect.isroutine(f) else getattr(f, "forward", f)
    try:
        bound = inspect.signature(called).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # no signature to read, or not one that fits: f itself will say so
        bound = {f"arg{i}": x for i, x in enumerate(args)} | kwargs
    for name, x in bound.items():
        yield from _paths(name, x)


def _paths(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, x in tree.items():
            yield from _paths(f"{name}.{key}", x)
    elif isinstance(tree, (list, tuple)):
        for i, x in enumerate(tree):
            yield from _paths(f"{name}.{i}", x)
    else:
        yield name, tree
