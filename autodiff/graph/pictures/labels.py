"""What a box says: its title, its types, its settings, its parameters, its numbers."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Hashable
from functools import cache
from typing import Any

import numpy as np

from autodiff.graph.look import Look
from autodiff.graph.pictures import style
from autodiff.graph.pictures.folding import Folding, Part, attribute, species
from autodiff.graph.pictures.picture import Box, Number
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.statistics import statistics
from autodiff.graph.words.text import clean, is_literal, line, literal, names_of, number

LINES = 12  # of a long list, so many are shown
TOLD = 3  # so many of what is changed in place are told by name
RULE, RAISED = 64, 48  # characters of a rule on one line, of an error
FEW, SHORT = 6, 40  # an array of so many elements is written out, if it takes no more characters


class Labels:
    """Fills boxes in, for one graph and one look."""

    def __init__(self, graph: Graph, look: Look, folding: Folding) -> None:
        self.graph, self.look = graph, look
        self.scalar = bool(graph.ops) and all(v.size == 1 for v in graph.values)
        self.names = names_of(graph)
        for op, made in folding.inner.items():
            for v, name in names_of(made).items():
                self.names.setdefault(
                    v, name.replace("%", f"{self.names[op.outputs[0]]}.") if v.op is not None else name
                )
        self.users: dict[Value, list[Op]] = {}
        for op in folding.ops:
            for v in op.inputs:
                self.users.setdefault(folding.meant.get(v, v), []).append(op)
        self.answers = {folding.meant.get(v, v) for v in graph.outputs}

    def shows(self, what: str) -> bool:
        """Say whether a fact is shown."""
        return self.look.shows(what, self.scalar)

    # --- the boxes ---

    def source(self, values: list[Value], phase: str) -> Box:
        """Return the box of a source, or of the same source of every round of a loop."""
        v = values[0]
        box = Box(ranged([u.name or "" for u in values]), v.role or "constant", phase, (), tuple(values))
        box.count = len(values)
        if self.shows("shapes"):
            box.lines.append((v.type, "shape"))
        if self.shows("params") and v.role == "parameter" and v.size > 1:
            box.lines.append((params(sum(u.size for u in values)), "params"))
        if self.shows("bytes") and v.size > 1:
            box.lines.append((size(sum(u.nbytes for u in values)), "bytes"))
        box.numbers = self.numbers(v)
        box.notes = [f"{v.role or 'constant'} {clean(v.name or '')}: {v.type}"]
        return box

    def operation(self, part: Part, op: Op, ops: tuple[Op, ...], phase: str) -> Box:
        """Return the box of an operation, or of a module that is just that."""
        box = Box(op.name, op.kind if op.kind in style.LIGHT.kinds else "other", phase, ops, self.leaving(ops))
        if part.kind == "module":
            box.title, box.subtitle = attribute(part.name), species(part.name) if ": " in part.name else ""
            if op.name.replace("_", "") not in part.name.lower():
                box.lines.append((op.name, "rule"))
        elif self.scalar:
            named = next((v.name for v in op.outputs if v.name), None)
            box.title = f"{named} = {op.name}" if named else op.name
        same = ops if len(ops) <= LINES else (ops[0], ops[-1])
        settings = dict.fromkeys(", ".join([*_numbers(o), *_settings(o)]) for o in same)
        texts = [text for text in settings if text]
        if texts:
            box.lines.append((ranged(texts), "setting"))
        if op is self.graph.failed:
            box.lines.append((", ".join(v.type for v in op.inputs), "shape"))
        else:
            self._types(box, op)
        if not self.scalar:
            box.lines += [(v.name, "name") for v in op.outputs if v.name]
        self._costs(box)
        if self.shows("rules") and isinstance(op.primitive, Hashable):  # else it stands for what has none
            box.lines += [(text, "rule") for text in _rule(op.primitive)]
        box.numbers = self.numbers(op.outputs[0] if op.outputs[0] in box.values or not box.values else box.values[0])
        return box

    def folded(self, part: Part, ops: tuple[Op, ...], phase: str) -> Box:
        """Return the box of a module, a group, an update or a stretch."""
        box = Box(part.name, part.kind, phase, ops, self.leaving(ops))
        first = part.ops
        if part.kind in ("module", "stretch") and ": " in part.name:
            box.title, box.subtitle = attribute(part.name), species(part.name)
        if part.kind == "update":
            self._update(box, part)
        elif phase == "backward":
            self._types(box, None)
            named = [v.name for op in first for v in op.outputs if v.role == "gradient" and v.name]
            grads = [name.split(".", part.path.count("."))[-1] for name in named]
            box.lines += [(text, "name") for text in (grads if len(grads) <= 2 else [f"{len(grads)} gradients"])]
        else:
            self._types(box, None)
            parameters = dict.fromkeys(v for op in ops for v in op.inputs if v.role == "parameter")
            if parameters and self.shows("params"):
                box.given.append((params(sum(v.size for v in parameters)), "parameter"))
        if part.kind == "stretch":
            box.lines += [(f"{name} \u00d7{n:,}", "note") for name, n in _most(first)]
        self._costs(box)
        box.numbers = self.numbers(box.values[-1]) if box.values else []
        return box

    def _update(self, box: Box, part: Part) -> None:
        """Say what is changed in place: each by its name, or how much there is."""
        served = part.served
        if len(served) <= TOLD:
            names = [short_name(v, box.ops[0]) if v.role == "state" else v.name or "" for v in served]
            texts = [
                f"{name} {v.type}" if self.shows("shapes") else name for name, v in zip(names, served, strict=True)
            ]
        else:
            where = _common([v.name or "" for v in served])
            texts = [", ".join(filter(None, [where, params(sum(v.size for v in served))]))]
        box.given += [(text, v.role) for text, v in zip(texts, served, strict=False)]

    def written(self, targets: list[Value], values: list[Value], writer: Box) -> Box:
        """Return the box of what memory holds after the last change in place."""
        v, count = targets[0], len(targets)
        title = short_name(v, writer.ops[0]) if v.role == "state" else v.name or ""
        if count > 1:
            title = _common([v.name or "" for v in targets]) if v.role != "state" else f"{count} buffers"
        box = Box(title or f"{count} parameters", style.CHANGED, writer.phase, (), tuple(values), "after")
        box.order, box.path = writer.order, writer.path
        box.numbers = self.numbers(values[0]) if len(values) == 1 else []
        box.notes = [f"{v.name} after its change in place: {v.type}" for v in targets[:LINES]]
        return box

    def _types(self, box: Box, op: Op | None) -> None:
        """Say of what types the outputs are that are used."""
        if not self.shows("shapes"):
            return
        onward = [v for v in box.values if op is None or v in op.outputs]
        if len(box.ops) == 1 and len(onward) > 1:
            box.outputs = [v.type for v in onward]
        else:
            box.lines += [(v.type, "shape") for v in onward[-1:]]

    def raised(self) -> list[tuple[str, str]]:
        """Return what the error said at which the program ended, on a few lines."""
        lines = textwrap.wrap(clean(self.graph.error.partition("\n")[0]), RAISED)
        return [(text, "alarm") for text in (lines if len(lines) <= FEW else [*lines[: FEW - 1], "\u2026"])]

    def _costs(self, box: Box) -> None:
        if self.shows("bytes"):
            made, kept = sum(op.allocated for op in box.ops), sum(op.saved for op in box.ops)
            box.lines.append((f"{size(made)} made, {size(kept)} kept", "bytes"))
        times = [op.seconds for op in box.ops if op.seconds is not None]
        if self.shows("time") and times:
            box.lines.append((duration(sum(times)), "time"))

    def leaving(self, ops: tuple[Op, ...]) -> tuple[Value, ...]:
        """Return the outputs that lead on: answers, and what others of the phase use; else what any others use."""
        inside, phase = set(ops), ops[0].phase
        made = [v for op in ops for v in op.outputs]
        users = {v: [op for op in self.users.get(v, ()) if op not in inside] for v in made}
        leading = tuple(v for v in made if v in self.answers or any(op.phase == phase for op in users[v]))
        onward = tuple(v for v in leading if v.role != "gradient")
        return (
            onward
            or leading
            or tuple(v for v in made if users[v])[:1]
            or tuple(made[:1] if len(ops) == 1 else made[-1:])
        )

    def notes(self, ops: tuple[Op, ...]) -> list[str]:
        """Return what is said of operations under the mouse."""
        lines = [line(op, self.names) for op in ops[:LINES]]
        more = [f"... and {len(ops) - LINES:,} more"] if len(ops) > LINES else []
        where = dict.fromkeys(op.line for op in ops[:1] if op.line)
        return [*lines, *more, *where]

    # --- numbers ---

    def numbers(self, v: Value) -> list[Number]:
        """Return a value and its gradient, as far as they are known and shown."""
        known = {"value": ("values", v.array), "grad": ("grads", v.gradient)}
        lost = [Number("value", "changed since")] if v.changed and self.shows("values") else []
        shown = ((name, x) for name, (what, x) in known.items() if x is not None and self.shows(what))
        return lost + [Number(name, *summary(x)) for name, x in shown]


def first_not_finite(graph: Graph) -> Op | None:
    """Return the first operation that makes NaN or infinity of finite operands, as far as the arrays are known."""
    finite: dict[Value, bool] = {}

    def sound(v: Value) -> bool:
        if v not in finite:
            finite[v] = v.array is None or v.array.dtype.kind not in "fc" or bool(np.isfinite(v.array).all())
        return finite[v]

    return next((op for op in graph.ops if all(map(sound, op.inputs)) and not all(map(sound, op.outputs))), None)


def summary(array: Any) -> tuple[str, tuple[int, ...]]:
    """Return an array in few characters: a number, its elements, or its mean and spread with a histogram's bars.

    >>> import numpy as np
    >>> summary(np.array([1.0, 2.5])), summary(np.arange(100.0))[0]
    (('[1, 2.5]', ()), '49.5 ± 28.9')
    """
    x = np.asarray(array)
    if x.size == 1:
        return number(x, 4), ()
    if 0 < x.size <= FEW and len(written := _elements(x)) <= SHORT:
        return written, ()
    found = statistics(x)
    if found.mean is None or found.std is None:
        return found.warning or "empty", ()
    text = f"{found.mean:.3g} \u00b1 {found.std:.3g}"
    return (f"{text}, {found.warning}" if found.warning else text), found.bars


def _elements(x: Any) -> str:
    return f"[{', '.join(_elements(e) if x.ndim > 1 else number(e, 3) for e in x)}]"


def params(n: int) -> str:
    """Return a number of parameters: `7,850 params`, `11.7 M params`."""
    if n == 1:
        return "1 param"
    return f"{n:,} params" if n < 1e6 else f"{n / 1e6:.3g} M params" if n < 1e9 else f"{n / 1e9:.3g} G params"


def size(n: float) -> str:
    """Return a number of bytes: `512 B`, `3.1 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.3g} {unit}" if n < 1000 else f"{n:,.0f} {unit}"
        n /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Return a time: `3.2 ms`."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} \u00b5s"


def ranged(names: list[str]) -> str:
    """Return the names of like things: the first and the last of them."""
    return names[0] if len({*names}) == 1 else f"{names[0]} \u2026 {names[-1]}"


def shortened(names: list[str], most: int) -> list[str]:
    """Return a list of names, its middle left out where it is long."""
    return names if len(names) <= most else [*names[: most - 1], f"\u2026 {len(names) - most + 1} more"]


def short_name(v: Value, op: Op) -> str:
    """Return what a source is called where its module's name stands beside it."""
    name = v.name or v.role
    return name.rpartition(".")[2] if op.scope else name


def _common(names: list[str]) -> str:
    """Return the path that names have in common."""
    paths = [name.split(".")[:-1] for name in names]
    shared = [parts[0] for parts in zip(*paths, strict=False) if len({*parts}) == 1]
    return ".".join(shared)


def _most(ops: list[Op]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for op in ops:
        counts[op.name] = counts.get(op.name, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]


def _numbers(op: Op) -> list[str]:
    """Return the operands where one is a plain number, a dot in the place of each array; nothing if they are many."""
    if len(op.operands) > 3:
        return []
    operands = (x for x in op.operands if x is not None)
    texts = [
        literal(x) if not isinstance(x, Value) else number(x.array) if is_literal(x) else "\u2022" for x in operands
    ]
    return [] if {*texts} <= {"\u2022"} else texts


def _settings(op: Op) -> list[str]:
    """Return an operation's keywords that are not what they are by default."""
    usual = _defaults(op.primitive.kernel)
    found = []
    for key, value in op.params.items():
        plain = value is None or value is False or value == () or key in ("put", "take")
        follows = key == "scale" and "windows" in op.params  # a mean's divisor, from the size of its windows
        if plain or follows or value == op.outputs[0].shape or (key in usual and _same(usual[key], value)):
            continue
        if key == "windows":
            found += _windows(value)
            continue
        every = (
            {*value} if isinstance(value, tuple) and len(value) > 1 and all(type(x) is int for x in value) else set()
        )
        value = next(iter(every)) if len(every) == 1 else value
        if key not in usual or not _same(usual[key], value):
            found.append(f"{clean(key)}={literal(value)}")
    return found


def _windows(windows: Any) -> list[str]:
    """Return the windows of a pooling, (count, size, stride, padding, dilation) of each axis, as they are asked for."""
    facts = {"window": 1, "stride": 2, "padding": 3, "dilation": 4}
    usual = {"padding": 0, "dilation": 1}
    found = []
    for name, place in facts.items():
        values = [axis[place] for axis in windows]
        if name in usual and {*values} == {usual[name]}:
            continue
        found.append(f"{name}={values[0] if len({*values}) == 1 else tuple(values)}")
    return found


def _same(x: Any, y: Any) -> bool:
    return type(x) is type(y) and not isinstance(x, np.ndarray) and bool(x == y)


@cache
def _defaults(kernel: Any) -> dict[str, Any]:
    try:
        parameters = inspect.signature(kernel).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not p.empty}


@cache
def _rule(primitive: Any) -> list[str]:
    """Return the rule of an operation as it is written in the table, without the parts that every entry has."""
    from autodiff.reading import rule

    try:
        written = str(rule(primitive)).partition("\ndef ")[0].splitlines()
    except (KeyError, AttributeError):
        return []
    plain = (text.partition("  # ")[0].strip() for text in written)
    return [line for text in plain for line in textwrap.wrap(text, RULE)][:4]
