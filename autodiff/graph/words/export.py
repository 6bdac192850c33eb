"""A graph as JSON: the whole record for other programs, and the form that Model Explorer opens."""

from __future__ import annotations

import inspect
import json
from ast import unparse
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import numpy as np

from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.statistics import statistics
from autodiff.graph.words.text import clean, literal, names_of
from autodiff.latex import single
from autodiff.plan import parameters
from autodiff.source import definition_of

FORMS = "ndtape", "model-explorer"
LETTERS = "abcdefghijklmnopqrstuvwxyz"  # how rules call operands without a name
SMALL = 16  # arrays of up to so many elements are written out


def export(graph: Graph, form: str) -> str:
    """Return a graph as JSON; see `Graph.json`."""
    if form not in FORMS:
        raise ValueError(f'form is "ndtape" or "model-explorer"; got {form!r}.')
    tree = document(graph) if form == "ndtape" else model_explorer(graph)
    return "{\n" + ",\n".join(f"{_plain(key)}: {_lines(part)}" for key, part in tree.items()) + "\n}\n"


def _lines(part: Any) -> str:
    """Return a list with one element a line, so that two files can be compared; anything else on one line."""
    return "[\n " + ",\n ".join(map(_plain, part)) + "\n]" if isinstance(part, list) and part else _plain(part)


def _plain(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, allow_nan=False)


def document(graph: Graph) -> dict[str, Any]:
    """Return the record as plain lists and dicts; a fact that is None, empty or 0 is left out.

    Values and operations refer to each other by their places in these lists, from 0; an operand is a value's place or
    {"literal": text}. A write came after so many operations. Arrays of up to 16 elements are written out, of larger
    ones there are statistics. Numbers that are not finite are the strings "NaN", "Infinity" and "-Infinity".
    `failed` is the operation that raised, if one did.
    """
    names = names_of(graph)
    values = {v: n for n, v in enumerate(graph.values)}
    ops = {op: n for n, op in enumerate(graph.ops)}
    groups = [
        {"name": g.name, "ops": [ops[op] for op in g.ops if op in ops], "outputs": _ids(g.outputs, values)}
        for g in graph.groups
    ]
    primitives = {op.name: op.primitive for op in graph.ops}
    failed = {} if graph.failed is None else {"failed": ops[graph.failed]}
    return {
        "format": "ndtape graph",
        "version": 1,
        "title": graph.title,
        "values": [_value(v, names, ops) for v in values],
        "ops": [_op(op, values, ops) for op in ops],
        "writes": [
            {"target": values[w.target], "value": values[w.value], "after": w.after}
            for w in graph.writes
            if w.target in values and w.value in values
        ],
        "groups": groups,
        "outputs": _ids(graph.outputs, values),
        "rules": {name: rules for name, primitive in primitives.items() if (rules := written(primitive))},
        **failed,
    }


def _ids(some: Iterable[Value], values: dict[Value, int]) -> list[int]:
    return [values[v] for v in some if v in values]


def _value(v: Value, names: dict[Value, str], ops: dict[Op, int]) -> dict[str, Any]:
    facts = {
        "label": names[v],
        "name": v.name and clean(v.name),
        "role": v.role,
        "type": v.type,
        "shape": list(v.shape),
        "dtype": str(v.dtype),
        "array": None if v.array is None else facts_of(v.array),
        "gradient": None if v.gradient is None else facts_of(v.gradient),
    }
    return _present(facts) | ({} if v.op is None else {"op": ops.get(v.op)})


def _op(op: Op, values: dict[Value, int], ops: dict[Op, int]) -> dict[str, Any]:
    facts = {
        "name": clean(op.name),
        "kind": op.kind,
        "phase": op.phase,
        "order": op.order,
        "scope": [clean(name) for name in op.scope],
        "line": op.line,
        "operands": [values[x] if isinstance(x, Value) else {"literal": literal(x)} for x in op.operands],
        "params": {clean(k): literal(x) for k, x in op.params.items() if x is not None and x is not False},
        "outputs": _ids(op.outputs, values),
        "seconds": op.seconds,
        "saved": op.saved,
        "allocated": op.allocated,
    }
    of = {} if op.of is None or op.of not in ops else {"of": ops[op.of]}
    return _present(facts) | of


def _present(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if fact or fact == [] or (fact == 0 and name == "seconds")}


def facts_of(array: Any) -> dict[str, Any]:
    """Return a small array's elements, or a large one's statistics."""
    x = np.asarray(array)
    if x.size <= SMALL:
        return {"elements": _elements(x)}
    found = statistics(x)
    facts = {"low": found.low, "high": found.high, "mean": found.mean, "std": found.std}
    counts = {"size": found.size, "zeros": found.zeros, "nan": found.nan, "inf": found.inf}
    return {k: _number(f) for k, f in (facts | counts).items() if f} | {"bars": list(found.bars)}


def _elements(x: Any) -> Any:
    """Return an array as nested lists of numbers."""
    return _number(x.item()) if x.ndim == 0 else [_elements(part) for part in x]


def _number(x: Any) -> Any:
    if isinstance(x, complex):
        return str(x)
    if isinstance(x, float):
        return float(f"{x:.9g}") if np.isfinite(x) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(x)]
    return x


# --- rules ---------------------------------------------------------------------------------------------------------


def written(primitive: Any) -> list[list[str]]:
    """Return for each operand that has a rule its name, and the rule as it is written.

    >>> import autodiff as ad, numpy as np
    >>> from autodiff import protocols
    >>> written(protocols.lookup(np.multiply))
    [['a', 'g * b'], ['b', 'g * a']]
    """
    joint = getattr(primitive, "joint", None)
    if joint is not None:
        return [["all", _code(joint)]]
    rules = getattr(primitive, "rules", ())
    given = primitive.signature.operands if len(rules) > 1 else ("x",)
    named = [given[i] if i < len(given) else LETTERS[i] for i in range(len(rules))]
    return [[name, _code(rule)] for name, rule in zip(named, rules, strict=True) if rule is not None]


def _code(rule: Callable[..., Any]) -> str:
    """Return the expression that a rule is, or else the call of the function that it is."""
    function = inspect.unwrap(rule)
    if isinstance(function, FunctionType):
        try:
            body = single(definition_of(function))
        except (ValueError, OSError):  # its file is gone or has changed
            body = None
        if body is not None and len(code := unparse(body)) <= 160:
            return code
    name = getattr(function, "__name__", type(function).__name__).strip("_")
    return f"{name}({', '.join(parameters(rule))})"


# --- Model Explorer ------------------------------------------------------------------------------------------------


def model_explorer(graph: Graph) -> dict[str, Any]:
    """Return the graph as Model Explorer's collection of one graph: its `model-explorer` program opens the file."""
    names = names_of(graph)
    ids = {v: f"source/{n}" for n, v in enumerate(graph.sources)}
    nodes = [
        {"id": ids[v], "label": names[v], "namespace": "", "attrs": _attrs({"role": v.role}), **_outputs([v])}
        for v in graph.sources
    ]
    made = {v: (f"op/{n}", str(k)) for n, op in enumerate(graph.ops) for k, v in enumerate(op.outputs)}
    for n, op in enumerate(graph.ops):
        edges = []
        for k, v in enumerate(op.inputs):
            source, output = made.get(v) or (ids[v], "0")
            edges.append({"sourceNodeId": source, "sourceNodeOutputId": output, "targetNodeInputId": str(k)})
        space = "/".join(clean(part).replace("/", "\u2215") for part in (op.phase, *op.scope))
        facts = {"kind": op.kind, "line": op.line, **op.params}
        shown = {k: x if isinstance(x, str) else literal(x) for k, x in facts.items() if x is not None}
        nodes.append({
            "id": f"op/{n}", "label": clean(op.name), "namespace": space, "incomingEdges": edges,
            "attrs": _attrs(shown), **_outputs(op.outputs),
        })  # fmt: skip
    return {"label": clean(graph.title), "graphs": [{"id": clean(graph.title), "nodes": nodes}]}


def _attrs(facts: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": clean(k), "value": clean(v)} for k, v in facts.items()]


def _outputs(values: Iterable[Value]) -> dict[str, Any]:
    """Return the types of a node's outputs."""
    facts = enumerate(values)
    return {"outputsMetadata": [{"id": str(k), "attrs": _attrs({"shape": v.type})} for k, v in facts]}
