"""Graph: the full record of what a function did, which text, pictures and later tools read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from autodiff import apply as engine
from autodiff import errors, tape
from autodiff.errors import AutodiffError
from autodiff.graph.look import Look
from autodiff.graph.views import Views

Array = np.ndarray[Any, Any]


class Value:
    """An array of a graph: a source, or an output of an operation.

    `role` is input, parameter, constant, state (a constant that is changed in place), random (a draw), gradient,
    result, failed (what an operation that raised did not give, without a dtype), or "" for what lies between. `array`
    is what it held when it was made, `gradient` the gradient that reached it, where known; each is None again once its
    memory is written after the trace, unless NumPy alone does so, which nobody hears of. `tracked` says whether it
    had a history, or requires a gradient; `owner()` is the tensor that a source was, if that is still there.
    """

    __slots__ = ("_array", "_gradient", "dtype", "name", "op", "owner", "role", "shape", "tracked", "until")

    def __init__(self, shape: tuple[int, ...], dtype: Any, role: str = "", name: str | None = None) -> None:
        self.shape, self.dtype, self.role, self.name = shape, dtype, role, name
        self._array: Array | None = None
        self._gradient: Array | None = None
        self.op: Op | None = None
        self.tracked = False
        self.owner: Callable[[], Any] | None = None
        self.until: int | None = None  # the stamp of the end of the trace

    @property
    def array(self) -> Array | None:
        """What it held."""
        return self._array if not self.changed else None

    @array.setter
    def array(self, array: Array | None) -> None:
        self._array = array

    @property
    def gradient(self) -> Array | None:
        """The gradient that reached it."""
        return self._gradient if not self._written(self._gradient) else None

    @gradient.setter
    def gradient(self, gradient: Array | None) -> None:
        self._gradient = gradient

    @property
    def changed(self) -> bool:
        """Whether its memory was written after the trace, so that what it held is not known any more."""
        return self._written(self._array)

    def _written(self, array: Array | None) -> bool:
        return array is not None and self.until is not None and tape.written_since(array, self.until)

    @property
    def type(self) -> str:
        """The short type, e.g. `f32[64,128]`; `?` of what an operation that raised did not give."""
        return errors.short(self.dtype, self.shape) if self.dtype is not None else "?"

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of its elements."""
        return self.size * self.dtype.itemsize if self.dtype is not None else 0

    def __repr__(self) -> str:
        return f"<{self.role or 'value'} {self.name or ''}{': ' if self.name else ''}{self.type}>"


class Located:
    """What was called at a line of the program."""

    __slots__ = ("_at",)

    _at: Any  # the frame's code and the place in it; or a text

    @property
    def line(self) -> str | None:
        """The line of the program that called it, e.g. `train.py:12`."""
        return self.place and os.path.basename(self.place.partition(" in ")[0])

    @property
    def place(self) -> str | None:
        """That line with its whole path and its function, which machines differ in: `/home/me/train.py:12 in step`."""
        return errors.line_of(*self._at) if isinstance(self._at, tuple) else self._at


class Op(Located):
    """One operation that was run.

    operands   Values, and whatever else was given as it is
    phase      forward, backward, update, or tangent (of forward mode)
    order      of the derivative it computes: 0 forward, 1 in a backward pass, 2 in the backward pass of one
    scope      the names of the modules around it, outermost first, e.g. `("GPT", "blocks.0: Block")`
    group      the innermost composite or custom Function that it is part of
    of         the operation that a backward operation differentiates
    number     its place among the graph's operations, from 1
    saved      bytes that it is the first to keep alive for the backward pass
    allocated  bytes of new memory that its outputs lie in, 0 for a view
    live       for each operand, whether a history was handed to this operation: not of t.detach() or t.data
    quiet      whether it ran under no_grad
    seconds    how long its kernel ran, None unless that was asked for; `began`, how long after the start of the trace
    """

    __slots__ = (
        "allocated", "began", "group", "live", "number", "of", "operands", "order", "outputs", "params", "phase",
        "primitive", "quiet", "saved", "scope", "seconds",
    )  # fmt: skip

    def __init__(
        self,
        primitive: Any,
        operands: tuple[Any, ...],
        params: dict[str, Any],
        outputs: tuple[Value, ...],
        phase: str = "forward",
        scope: tuple[str, ...] = (),
        at: Any = None,
    ) -> None:
        self.primitive, self.operands, self.params, self.outputs = primitive, operands, params, outputs
        self.phase, self.scope, self._at = phase, scope, at
        self.live: tuple[bool, ...] = ()
        self.quiet = False
        self.order = self.number = self.saved = self.allocated = 0
        self.of: Op | None = None
        self.group: Group | None = None
        self.seconds: float | None = None
        self.began: float | None = None
        for value in outputs:
            value.op = self

    @property
    def name(self) -> str:
        """The operation's name."""
        return str(self.primitive.name)

    @property
    def kind(self) -> str:
        """The class of its rules: elementwise, linear, bilinear, reduction, zero, boolean, other."""
        return str(self.primitive.kind)

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The operands that are Values."""
        return tuple(x for x in self.operands if isinstance(x, Value))

    def expansion(self) -> Graph | None:
        """Return what a fused operation computes as a graph of plain operations on its operands; None of a plain one.

        >>> import autodiff as ad
        >>> op = ad.trace(ad.softmax)(ad.ones(2, 3)).ops[0]
        >>> [inner.name for inner in op.expansion().ops]
        ['max', 'subtract', 'exp', 'sum', 'divide']
        """
        from autodiff.graph.expansions import expansion

        return expansion(self)

    def __repr__(self) -> str:
        return f"<{self.phase} {self.name}>"


class Write:
    """A change in place: the source `target` took `value` after the first `after` operations."""

    __slots__ = ("after", "target", "value")

    def __init__(self, target: Value, value: Value, after: int) -> None:
        self.target, self.value, self.after = target, value, after


class Group(Located):
    """Operations that are one call: of a composite (`kind` "composite") or of an `ad.Function` ("function").

    Its Function's backward stands in for the rules of a function's `ops`. `parent` is the group around it. `outputs`
    are the Values of the answer, `differentiable` the places of those that are not marked as carrying no gradient;
    `live` and `quiet` are those of an Op.
    """

    __slots__ = (
        "differentiable", "function", "kind", "live", "name", "operands", "ops", "outputs", "params", "parent", "phase",
        "quiet", "scope", "start",
    )  # fmt: skip

    def __init__(
        self, name: str, kind: str, function: Any, operands: tuple[Any, ...], params: dict[str, Any], start: int
    ) -> None:
        self.name, self.kind, self.function, self.operands, self.params = name, kind, function, operands, params
        self.start = start  # how many operations came before
        self.ops: list[Op] = []
        self.outputs: tuple[Value, ...] = ()
        self.differentiable: tuple[int, ...] = ()
        self.live: tuple[bool, ...] = ()
        self.quiet = False
        self.parent: Group | None = None
        self.phase = "forward"
        self.scope: tuple[str, ...] = ()
        self._at = None

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The Values that its operations read and did not make."""
        made = {v for op in self.ops for v in op.outputs}
        return tuple(dict.fromkeys(v for op in self.ops for v in op.inputs if v not in made))

    @property
    def around(self) -> list[Group]:
        """The groups that it is part of, the innermost first."""
        return [] if self.parent is None else [self.parent, *self.parent.around]

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


class Graph(Views):
    """Operations in the order they ran, the values between them, and the changes made in place.

    `outputs` are the Values that were returned, `losses` those whose `backward()` ran, `result` what the function
    itself answered. `groups` are the calls of composites and custom Functions, outer ones first. `failed` is the
    operation that raised an error, the last one, and `error` what it said. `partial` says that it was read from a tape,
    which keeps only what gradients flow through. `highlights` says what is to be seen of operations, "wrong derivative"
    or "not decided".
    """

    sources: list[Value]
    ops: list[Op]
    writes: list[Write]
    groups: list[Group]
    outputs: list[Value]
    losses: list[Value]
    failed: Op | None

    def __init__(self, title: str, build: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """Make an empty graph, or one whose fields `build` returns when the first of them is read."""
        self.title = title
        self.highlights: dict[Op | Value, str] = {}
        self.partial = False
        self.result: Any = None
        self.error = ""
        self.look = Look()
        self._build = build or dict
        if build is None:
            self.sources, self.ops, self.writes, self.groups, self.failed = [], [], [], [], None
            self.outputs, self.losses = [], []

    def __getattr__(self, name: str) -> Any:
        if name not in Graph.__annotations__ or "_build" not in vars(self):
            raise AttributeError(f"a Graph has no attribute {name!r}.", name=name, obj=self)
        vars(self).update(self._build())
        return vars(self)[name]

    @property
    def values(self) -> list[Value]:
        """All values: the sources, then the outputs of every operation."""
        return [*self.sources, *(value for op in self.ops for value in op.outputs)]

    def replay(self, given: Mapping[Value, Any] | None = None) -> dict[Value, Array]:
        """Run the operations again, on the recorded sources or on those `given`; return what every value becomes."""
        lost = [v.name for v in self.sources if v.changed and v not in (given or {})]
        if lost:
            raise AutodiffError(
                f"replay: the memory of {', '.join(map(str, lost[:3]))}{', ...' * (len(lost) > 3)} was written since "
                "the trace, so that its value then is not known: replay before that, or pass replay({value: array})."
            )
        known = {v: np.asarray((given or {}).get(v, v.array)) for v in self.sources}
        with tape.no_grad(), np.errstate(all="ignore"):
            for op in self.ops:
                if op is self.failed:
                    break
                operands = tuple(engine.wrap(known[x], None) if isinstance(x, Value) else x for x in op.operands)
                made = engine.apply(op.primitive, operands, op.params)
                for value, y in zip(op.outputs, made if isinstance(made, (tuple, list)) else [made], strict=True):
                    known[value] = y._data
        return known

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "a Graph is neither pickled nor deep-copied: it holds tensors, functions and code of the running program. "
            "graph.json(path) keeps its record, graph.html(path) a page with all of it; copy.copy(graph) is a view."
        )

    def __repr__(self) -> str:
        return f"<Graph of {self.title}: {_count(self.ops, 'operation')}, {_count(self.sources, 'source')}>"


def _count(things: list[Any], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def name_sources(sources: list[Value]) -> None:
    """Give every source a name of its own."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for value in sources:
        stem = value.name or {"parameter": "leaf"}.get(value.role, value.role)
        name = value.name
        while name is None or name in taken:
            counts[stem] = counts.get(stem, 0) + 1
            name = f"{stem}{counts[stem]}" if value.name is None else f"{stem}#{counts[stem] + 1}"
        value.name = name
        taken.add(name)
