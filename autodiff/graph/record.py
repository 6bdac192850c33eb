"""Graph: the full record of what a function did, which text, pictures and later tools read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import errors, tape

Array = np.ndarray[Any, Any]


class Value:
    """An array of a graph: a source, or an output of an operation.

    `role` is input, parameter, constant, state (a constant that is changed in place), gradient, result, or "" for what
    lies between. `array` is what it held when it was made, `gradient` the gradient that reached it, where known.
    """

    __slots__ = ("array", "dtype", "gradient", "name", "op", "role", "shape")

    def __init__(self, shape: Any, dtype: Any, role: str = "", name: str | None = None) -> None:
        self.shape, self.dtype, self.role, self.name = tuple(shape), dtype, role, name
        self.array: Array | None = None
        self.gradient: Array | None = None
        self.op: Op | None = None

    @property
    def type(self) -> str:
        """The short type, e.g. `f32[64,128]`."""
        return errors.short(self.dtype, self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __repr__(self) -> str:
        return f"<{self.role or 'value'} {self.name or ''}{': ' if self.name else ''}{self.type}>"


class Op:
    """One operation that was run.

    `operands` holds Values, and whatever else was given as it is. `phase` is forward, backward or update, `scope` the
    names of the modules around it, `line` the source line, `of` the operation that a backward operation differentiates.
    """

    __slots__ = ("line", "of", "operands", "outputs", "params", "phase", "primitive", "scope")

    def __init__(
        self,
        primitive: Any,
        operands: tuple[Any, ...],
        params: Mapping[str, Any],
        outputs: tuple[Value, ...],
        *,
        phase: str = "forward",
        scope: tuple[str, ...] = (),
        line: str | None = None,
        of: Op | None = None,
    ) -> None:
        self.primitive, self.operands, self.params, self.outputs = primitive, operands, dict(params), outputs
        self.phase, self.scope, self.line, self.of = phase, scope, line, of
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

    def __repr__(self) -> str:
        return f"<{self.phase} {self.name}>"


class Write:
    """A change in place: the source `target` took `value` after the first `after` operations."""

    __slots__ = ("after", "target", "value")

    def __init__(self, target: Value, value: Value, after: int) -> None:
        self.target, self.value, self.after = target, value, after


class Call:
    """One call of an `ad.Function`: `ops` are the operations of its forward, whose rules its backward stands in for."""

    __slots__ = ("differentiable", "function", "line", "number", "operands", "ops", "outputs", "params", "start")

    def __init__(
        self, function: Any, operands: tuple[Any, ...], params: Mapping[str, Any], start: int, number: int, line: str
    ) -> None:
        self.function, self.operands, self.params = function, operands, dict(params)
        self.start, self.number, self.line = start, number, line  # how many operations and calls came before; where
        self.ops: list[Op] = []
        self.outputs: tuple[Value, ...] = ()
        self.differentiable: tuple[int, ...] = ()  # the outputs that are not marked as carrying no gradient

    @property
    def name(self) -> str:
        """The name of the Function's class."""
        return str(self.function.__name__)

    def __repr__(self) -> str:
        return f"<call of {self.name}>"


class Graph:
    """Operations in the order they ran, the values between them, and the changes made in place.

    `outputs` are the Values that were returned, `result` what the function itself answered. `calls` are those of custom
    Functions. `highlights` says what is to be seen of some operations, "wrong derivative" or "not decided".
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.sources: list[Value] = []
        self.ops: list[Op] = []
        self.writes: list[Write] = []
        self.calls: list[Call] = []
        self.highlights: dict[Op, str] = {}
        self.outputs: list[Value] = []
        self.result: Any = None

    @property
    def values(self) -> list[Value]:
        """All values: the sources, then the outputs of every operation."""
        return [*self.sources, *(value for op in self.ops for value in op.outputs)]

    def replay(self, given: Mapping[Value, Any] | None = None) -> dict[Value, Array]:
        """Run the operations again, on the recorded sources or on those `given`; return what every value becomes."""
        known = {v: np.asarray((given or {}).get(v, v.array)) for v in self.sources}
        with tape.no_grad(), np.errstate(all="ignore"):
            for op in self.ops:
                operands = tuple(engine.wrap(known[x], None) if isinstance(x, Value) else x for x in op.operands)
                made = engine.apply(op.primitive, operands, op.params)
                for value, y in zip(op.outputs, made if isinstance(made, (tuple, list)) else [made], strict=True):
                    known[value] = y._data
        return known

    # --- showing it ---

    def text(self) -> str:
        """Return a listing with one operation a line; two listings can be compared with diff."""
        from autodiff.graph.text import listing

        return listing(self)

    def tree(self, depth: int | None = None, *, fold_repeats: bool = True) -> str:
        """Return the modules as a tree: what each takes and returns, its parameters and its operations by phase.

        >>> import autodiff as ad, nn
        >>> print(ad.trace(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))(ad.ones(4, 2)).tree())
                       input     output    parameters  forward
        Sequential     f32[4,2]  f32[4,3]           9  2
        ├─ 0: Linear   f32[4,2]  f32[4,3]           9  linear
        └─ 1: Tanh     f32[4,3]  f32[4,3]              tanh
        """
        from autodiff.graph.tree import tree

        return tree(self, depth, fold_repeats=fold_repeats)

    def dot(self, *, detail: str = "auto") -> str:
        """Return the picture in Graphviz's language.

        `detail` is "full" (every operation), "folded" (one box a module, its backward pass and its update), or "auto":
        updates are folded, and everything is where the full picture would be too large to read.
        """
        from autodiff.graph.dot import dot

        return dot(self, detail)

    def svg(self, path: str | Path | None = None, *, detail: str = "auto") -> str:
        """Return the picture as SVG, and write it where a path is given."""
        return self._picture("svg", path, detail).decode()

    def png(self, path: str | Path | None = None, *, detail: str = "auto") -> bytes:
        """Return the picture as PNG, and write it where a path is given."""
        return self._picture("png", path, detail)

    def pdf(self, path: str | Path | None = None, *, detail: str = "auto") -> bytes:
        """Return the picture as PDF, and write it where a path is given."""
        return self._picture("pdf", path, detail)

    def _picture(self, kind: str, path: str | Path | None, detail: str) -> bytes:
        from autodiff.graph.render import render

        picture = render(self.dot(detail=detail), kind)
        if path is not None:
            Path(path).write_bytes(picture)
        return picture

    def _repr_svg_(self) -> str | None:
        from autodiff.graph.render import available

        return self.svg() if available() else None

    def __str__(self) -> str:
        return self.text()

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
