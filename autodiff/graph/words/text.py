"""A graph as text: one operation a line, the same bytes for the same program."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from autodiff import errors
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.statistics import statistics
from autodiff.kernels.scatter import ARRAY


def listing(graph: Graph, show: tuple[str, ...] = ()) -> str:
    """Return the graph's sources, its operations by phase with the changes in place, and what it returns.

    `show` adds facts to each line: values, grads, bytes, time.
    """
    names = names_of(graph)
    lines = [clean(graph.title)]
    shown = [v for v in graph.sources if not is_literal(v)]
    lines += [f"  {names[v]}: {v.type}  {'; '.join([v.role, *_known(v, show)])}" for v in shown]
    numbered = enumerate(graph.ops, 1)
    for head, group in groupby(numbered, key=lambda pair: heading(pair[1])):
        lines.append(head)
        for n, op in group:
            lines.append("  " + line(op, names, show))
            lines += [f"  {names[w.target]} <- {names[w.value]}" for w in graph.writes if w.after == n]
    if graph.outputs:
        lines.append("return " + ", ".join(names[v] for v in graph.outputs))
    return "\n".join(lines)


def heading(op: Op) -> str:
    """Return what stands above operations of a phase and an order of derivative: `backward`, `backward, order 2`."""
    return op.phase if op.order == (op.phase == "backward") else f"{op.phase}, order {op.order}"


def line(op: Op, names: dict[Value, str], show: tuple[str, ...] = ()) -> str:
    """Return an operation as `%3: f32[64,10] = matmul(%1, fc1.weight)  # fc1: Linear`.

    The comment names the modules around it, the composites and custom Functions that it is part of, and its gradient.
    """
    made = ", ".join(names[v] for v in op.outputs)
    types = ", ".join(v.type for v in op.outputs)
    given = [names[x] if isinstance(x, Value) else literal(x) for x in op.operands] + settings(op)
    groups = [op.group, *op.group.around] if op.group is not None else []
    around = [*op.scope, *(f"{group.name}()" for group in reversed(groups))]
    notes = [" / ".join(map(clean, around))] if around else []
    notes += [clean(v.name) for v in op.outputs if v.role == "gradient" and v.name]
    notes += ["failed"] * any(v.role == "failed" for v in op.outputs)
    notes += [text for v in op.outputs for text in _known(v, show)]
    if "bytes" in show:
        notes.append(f"{op.allocated:,} bytes made, {op.saved:,} kept")
    if "time" in show and op.seconds is not None:
        notes.append(f"{op.seconds * 1e6:.1f} us")
    comment = f"  # {'; '.join(notes)}" if notes else ""
    return f"{made}: {types} = {clean(op.name)}({', '.join(given)}){comment}"


def _known(v: Value, show: tuple[str, ...]) -> list[str]:
    """Return a value and its gradient, as far as they are known and shown: a number, or its mean, range and faults."""
    known = {"value": ("values", v.array), "grad": ("grads", v.gradient)}
    lost = ["value changed since"] if v.changed and "values" in show else []
    return lost + [f"{name} {_brief(x)}" for name, (what, x) in known.items() if x is not None and what in show]


def _brief(array: Any) -> str:
    if np.size(array) == 1:
        return number(array)
    found = statistics(array)
    spread = "" if found.mean is None else f"{found.mean:.4g} in {found.low:.4g}..{found.high:.4g}"
    return ", ".join(filter(None, (spread, found.warning))) or "empty"


def names_of(graph: Graph) -> dict[Value, str]:
    """Return what each value is called: its name for a source, its value for a number, else %1, %2, ..."""
    names = {v: number(v.array) if is_literal(v) else _told_apart(clean(v.name or v.role)) for v in graph.sources}
    made = (v for op in graph.ops for v in op.outputs)
    return names | {v: f"%{n}" for n, v in enumerate(made, 1)}


def _told_apart(name: str) -> str:
    return f'"{name}"' if name.startswith("%") else name


def is_literal(value: Value) -> bool:
    """Say whether a value is a constant number, which is written out instead of being given a name."""
    return value.role == "constant" and value.shape == () and value.array is not None


def number(array: Any, digits: int = 6) -> str:
    """Return a number in few digits."""
    x = np.asarray(array).reshape(-1)[0]
    return f"{x:.{digits}g}" if x.dtype.kind in "fc" else str(x)


def settings(op: Op) -> list[str]:
    """Return an operation's keywords as they would be written, without those that are off."""
    hidden = ("put", "take") if op.name == "overlay" else ()
    params = ((k, v) for k, v in op.params.items() if k not in hidden and v != op.outputs[0].shape)
    return [f"{clean(k)}={literal(v)}" for k, v in params if v is not None and v is not False]


def literal(x: Any) -> str:
    """Return a keyword's or operand's value, short."""
    if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
        return errors.short(np.dtype(x))
    if isinstance(x, tuple) and len(x) == 1 and type(x[0]) is int:
        return str(x[0])  # an axis, a size
    if isinstance(x, tuple) and any(map(_is_index, x)):
        return f"[{', '.join(map(_place, x))}]"
    if isinstance(x, (np.ndarray, np.generic)) and np.ndim(x) == 0:
        return number(x)
    if isinstance(x, np.ndarray):
        return errors.describe(x)
    if isinstance(x, float):
        return repr(x) if len(repr(x)) <= 8 else number(x)
    text = _written(x)
    return clean(text if len(text) <= 40 else text[:37] + "...")


def _written(x: Any) -> str:
    """Return what does not depend on where in memory x lies, nor on the order of a set."""
    if x is Ellipsis:
        return "?"
    if isinstance(x, (list, tuple)):
        inner = ", ".join(map(literal, x))
        return f"[{inner}]" if isinstance(x, list) else f"({inner}{',' * (len(x) == 1)})"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in x.items())}}}"
    if isinstance(x, (set, frozenset)):
        return f"{{{', '.join(sorted(map(literal, x)))}}}"
    if callable(x):
        return str(getattr(x, "__name__", type(x).__name__))
    return repr(x) if x is None or isinstance(x, (bool, int, complex, str, bytes, slice)) else type(x).__name__


def _is_index(part: Any) -> bool:
    return isinstance(part, slice) or part is None or part is Ellipsis or part is ARRAY


def _place(part: Any) -> str:
    if isinstance(part, slice):
        bounds = ["" if x is None else str(x) for x in (part.start, part.stop, part.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    return "..." if part is Ellipsis else "\u2022" if part is ARRAY else str(part)


def clean(text: str) -> str:
    """Return text on one line: control characters are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
