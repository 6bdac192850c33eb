"""The tape: what a recorded operation is, the modes that decide whether one is recorded, and who wrote where.

Nothing here knows Tensor or NumPy's functions; `sweep.py` walks what `primitive.py` records.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import itertools
import weakref
from collections.abc import Callable
from threading import get_ident
from types import SimpleNamespace
from typing import Any, Self

stamps = itertools.count(0, -1)  # the newest node has the smallest stamp: a heap pops it first


class Node:
    """One recorded operation, or a leaf (`plan` is None). This is also what `tensor.grad_fn` hands out.

    A node holds its parents and what its rules asked to save, never a Tensor, so a graph has no reference cycle.
    `shape` and `dtype` are those of the output (tuples of them where an operation has several outputs).
    """

    __slots__ = ("__weakref__", "dtype", "meta", "params", "parents", "plan", "saved", "shape", "stamp")

    plan: Any
    parents: tuple[Any, ...]
    saved: Any  # a tuple in the plan's order; None once the sweep has freed it
    params: Any
    stamp: int
    shape: Any
    dtype: Any
    meta: Meta | None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def name(self) -> str:
        """The operation's name, or the tensor's own name for a leaf."""
        if self.plan is not None:
            picks = self.plan.name == "pick"  # one output of an operation that has several
            return f"{self.parents[0].name}[{self.params['index']}]" if picks else str(self.plan.name)
        owner = self.meta.owner() if self.meta is not None else None
        return getattr(owner, "name", None) or "leaf"

    @property
    def next_functions(self) -> tuple[tuple[Node, int], ...]:
        """The nodes of the operands that need a gradient, each with 0, in PyTorch's form."""
        return tuple((parent, 0) for parent in self.parents if parent is not None)

    @property
    def saved_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the arrays kept alive for the backward pass."""
        return tuple(v.shape for v in self.saved or () if hasattr(v, "shape"))

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Dual(Node):
    """The history of a value known in forward mode alone: a name by which `forward.Level`s keep its tangents."""

    __slots__ = ()


def dual(shape: tuple[int, ...], dtype: Any) -> Dual:
    """Return a new node without parents, on which a reverse sweep ends."""
    node = Dual()
    node.plan, node.parents, node.saved, node.params, node.meta = _END, (), (), None, None
    node.stamp, node.shape, node.dtype = next(stamps), shape, dtype
    return node


_END = SimpleNamespace(
    name="dual",
    kind="other",
    form="operands",
    origins=(),
    active=(),
    foreign=False,
    primitive=None,
    lift=lambda node, wrap: (),
    pull=lambda g, values, parents, params: (),
)


class Meta:
    """The rare facts of a node: its leaf Tensor (weakly), its tensor's name, hooks, the forward source line."""

    __slots__ = ("hooks", "line", "name", "owner", "retains", "scope")

    def __init__(self) -> None:
        self.owner: Callable[[], Any] = _nobody
        self.name: str | None = None
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retains = False
        self.line: str | None = None
        self.scope: tuple[str, ...] = ()


def _nobody() -> None:
    return None


def leaf(owner: Any, shape: tuple[int, ...], dtype: Any) -> Node:
    """Return a new leaf node for the tensor `owner`, held weakly."""
    node = Node()
    node.plan, node.parents, node.saved, node.params = None, (), (), None
    node.stamp, node.shape, node.dtype = next(stamps), shape, dtype
    node.meta = Meta()
    node.meta.owner, node.meta.name = weakref.ref(owner), getattr(owner, "_name_", None)
    return node


def meta(node: Node) -> Meta:
    """Return the node's rare facts, making room for them first."""
    if node.meta is None:
        node.meta = Meta()
    return node.meta


def weakly(owner: Any) -> Callable[[], Any]:
    """Return a weak reference to a node's tensor."""
    return weakref.ref(owner)


class Removable:
    """A registered hook; `remove()` takes it away again."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks, self._key = hooks, next(stamps)
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


# --- modes ---------------------------------------------------------------------------------------------------------


class Mode:
    """How operations run in this thread.

    Recorded or not, checked for NaN, traced into a graph (in a phase, under a name, for a derivative of some order),
    differentiated forwards at some levels, the outermost first, or part of a checkpointed segment, which hears of
    every node and every random draw.
    """

    __slots__ = ("anomaly", "graph", "levels", "order", "phase", "record", "scope", "segment")

    def __init__(
        self,
        record: bool = True,
        graph: Any = None,
        scope: tuple[str, ...] = (),
        phase: str = "forward",
        anomaly: bool = False,
        levels: tuple[Any, ...] = (),
        segment: Any = None,
        order: int = 0,
    ) -> None:
        self.record, self.graph, self.scope, self.phase, self.order = record, graph, scope, phase, order
        self.anomaly, self.levels, self.segment = anomaly, levels, segment


QUIET = Mode(record=False)
mode: contextvars.ContextVar[Mode | None] = contextvars.ContextVar("mode", default=None)  # None: just record


def changed(**facts: Any) -> Mode | None:
    """Return the present mode with some facts changed, in its cheapest form."""
    now = mode.get()
    if now is None and "record" in facts and not facts.keys() & {"anomaly", "graph", "levels", "segment"}:
        return None if facts["record"] else QUIET
    now = now or Mode()
    fields = {name: facts.get(name, getattr(now, name)) for name in Mode.__slots__}
    if fields["graph"] is None and not fields["anomaly"] and not fields["levels"] and fields["segment"] is None:
        return None if fields["record"] else QUIET
    return Mode(**fields)


class Switch:
    """A change of mode as a context manager (reusable, nestable) and as a decorator of functions and generators."""

    def __init__(self, **facts: Any) -> None:
        self._facts = facts
        self._before: dict[int, list[Mode | None]] = {}  # per thread: an object may be shared

    def __enter__(self) -> None:
        self._before.setdefault(get_ident(), []).append(mode.get())
        mode.set(changed(**self._facts))

    def __exit__(self, *exc: object) -> None:
        mode.set(self._before[get_ident()].pop())

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        facts = self._facts
        if inspect.isgeneratorfunction(fun):

            @functools.wraps(fun)
            def generator(*args: Any, **kwargs: Any) -> Any:
                running = fun(*args, **kwargs)
                resume = functools.partial(next, running)
                while True:  # the mode holds only while the generator's own code runs
                    try:
                        with Switch(**facts):
                            item = resume()
                    except StopIteration as stop:
                        return stop.value
                    try:
                        resume = functools.partial(running.send, (yield item))
                    except GeneratorExit:
                        with Switch(**facts):
                            running.close()
                        raise
                    except BaseException as error:
                        resume = functools.partial(running.throw, error)

            return generator

        @functools.wraps(fun)
        def function(*args: Any, **kwargs: Any) -> Any:
            with Switch(**facts):
                return fun(*args, **kwargs)

        return function


def _decorator_or_switch(fun: Callable[..., Any] | None, **facts: Any) -> Any:
    return Switch(**facts) if fun is None else Switch(**facts)(fun)


def no_grad(fun: Callable[..., Any] | None = None) -> Any:
    """Run code without recording it: `with no_grad():`, `@no_grad()` or `@no_grad`; per thread, as in PyTorch."""
    return _decorator_or_switch(fun, record=False)


def enable_grad(fun: Callable[..., Any] | None = None) -> Any:
    """Record again inside `no_grad`; a context manager and a decorator."""
    return _decorator_or_switch(fun, record=True)


class set_grad_enabled(Switch):
    """Switch recording on or off from here on, or for a `with` block or a function."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(record=bool(enabled))
        super().__enter__()

    def __enter__(self) -> None:
        """Nothing to do: the switch was thrown on construction, as in PyTorch."""

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        self.__exit__()
        return super().__call__(fun)


def is_grad_enabled() -> bool:
    """Say whether operations are being recorded in this thread."""
    now = mode.get()
    return now is None or now.record


def detect_anomaly(fun: Callable[..., Any] | None = None) -> Any:
    """Raise at the first NaN or infinity an operation makes, forward or backward, naming it and its source line."""
    return _decorator_or_switch(fun, anomaly=True)


class Place(str):
    """The name of a module within a scope: another object for each call, so that two calls can be told apart."""

    __slots__ = ()


class scope:
    """The module under which operations are traced, e.g. `with scope("fc1: Linear"):`."""

    __slots__ = ("_before", "_name")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        now = self._before = mode.get()
        if now is not None and now is not QUIET:
            # changed(scope=...) written out: every call of a module while a graph is traced comes here
            inner = Mode(now.record, now.graph, (*now.scope, Place(self._name)), now.phase, now.anomaly)
            inner.levels, inner.segment, inner.order = now.levels, now.segment, now.order
            mode.set(inner)

    def __exit__(self, *error: object) -> None:
        mode.set(self._before)


# nodes whose saved values were dropped: the segment that computes them again, and their place in it
dropped: weakref.WeakKeyDictionary[Node, tuple[Any, int]] = weakref.WeakKeyDictionary()


# --- writes in place -----------------------------------------------------------------------------------------------

last_write = 1  # the stamp of the newest write; a node older than that must look whether it saved what was written
_writes: dict[int, tuple[int, Any]] = {}


def memory(array: Any) -> Any:
    """Return the object that owns an array's memory, which all its views share."""
    while (base := getattr(array, "base", None)) is not None:
        array = base
    return array


def touch(*arrays: Any) -> None:
    """Say that arrays were written in place, so that a graph which saved one (or a view of it) refuses to go on."""
    global last_write
    last_write = stamp = next(stamps)
    for array in arrays:
        owner = memory(array)
        key = id(owner)
        known = _writes.get(key)
        if known is not None:
            _writes[key] = stamp, known[1]
            continue
        try:  # the reference only tidies up: an entry outliving its memory can never match a node older than the write
            _writes[key] = stamp, weakref.ref(owner, functools.partial(_forget, key))
        except TypeError:
            _writes[key] = stamp, None


def _forget(key: int, _: object) -> None:
    _writes.pop(key, None)


def written_since(array: Any, stamp: int) -> bool:
    """Say whether the memory of `array` was written after the given stamp."""
    entry = _writes.get(id(memory(array)))
    return entry is not None and entry[0] < stamp
