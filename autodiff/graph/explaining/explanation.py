"""`explain`: why a gradient is None, zero, NaN or tiny; the paths that it would take and the first blocker on them."""

from __future__ import annotations

import difflib
import functools
import glob
import html
from collections import deque
from collections.abc import Container
from typing import Any

import numpy as np

from autodiff.graph.explaining import reasons
from autodiff.graph.explaining.blockers import Blocker, Search, largest, origins
from autodiff.graph.explaining.flow import Flow, Step, losses
from autodiff.graph.explaining.reasons import finite
from autodiff.graph.notebook import shown
from autodiff.graph.pictures.folding import attribute
from autodiff.graph.pictures.render import available
from autodiff.graph.pictures.style import STARTS
from autodiff.graph.record import Array, Graph, Group, Op, Value
from autodiff.graph.words.text import clean, literal, names_of

PASSES = "on its path"
SHOWN = 12  # values of a path shown, and blockers
FREED = (
    "The record lacks arrays that the rules need, freed by backward() or not kept by a profile: "
    "backward(retain_graph=True) keeps them, ad.trace(step)(x) has all."
)


class Explanation:
    """Why one gradient is what it is.

    `status` is "fine", "None", "zero", "tiny", "NaN" or "infinite"; `blockers` are the first ones on the ways from the
    loss, none where the gradient is fine; `paths` are ways from the loss to the value, one through each blocker, and
    `count` is how many there are in all. `text` says it in words, `graph` is the record with both highlighted.

    >>> import autodiff as ad, numpy as np
    >>> w = ad.tensor([-1.0, -2.0], requires_grad=True)
    >>> w.name = "w"
    >>> ad.explain(w, np.sum(ad.relu(w))).status
    'zero'
    """

    def __init__(self, value: Value, flow: Flow, *, tiny: float = 1e-6, tensor: Any = None) -> None:
        """Explain the gradient of a value, or of the tensor whose value it is."""
        self.value, self._flow = value, flow
        self._note = _note(tensor, flow, value) if tensor is not None else ""
        held = np.asarray(tensor.grad.data) if tensor is not None and tensor.grad is not None else None
        self._names = flow.names
        self.name = self._names.get(value) or clean(value.name or value.type)
        wanted = value.tracked or (tensor is not None and tensor.requires_grad)
        self._search = Search(value, self.name, wanted, flow)
        sums = [flow.gradients[v] for v in self._search.places if v in flow.gradients]
        self.gradient: Array | None = held if not flow.ends else None
        if sums:
            self.gradient = np.sum([g for g in sums if g is not None], axis=0)
        if freed := any(g is None for g in sums):
            self.gradient = held
            self._note = FREED
        self._scale = max((largest(flow.gradients.get(v)) for v in flow.ends), default=0.0) or 1.0
        self.status = "unknown" if freed and held is None else self._status(tiny)
        self.blockers = self._search.blockers(self.status)

    # --- what the gradient is ---

    def _status(self, tiny: float) -> str:
        g = self.gradient
        if g is None:
            return "None"
        if not finite(g):
            return "NaN" if np.isnan(g).any() else "infinite"
        if not g.any():
            return "zero" if g.size else "fine"
        return "tiny" if largest(g) < tiny * self._scale else "fine"

    # --- the ways to it ---

    @functools.cached_property
    def paths(self) -> list[list[Value]]:
        """Return a shortest path from a loss to the value, through each blocker that has one."""
        ends, places = self._flow.ends, self._search.places
        ways: list[list[Value]] = []
        for blocker in self.blockers[:SHOWN]:
            step, through = blocker.step, blocker.operand
            if through not in self._search.on:
                continue
            last = step if step is not None and through not in step.outputs else None
            way = self._way(ends, {through} if through not in places else places, last)
            if way and through not in places:
                way = way[:-1] + self._way([through], places, None)
            if way and way not in ways:
                ways.append(way)
        return ways or [way for way in [self._way(ends, places, None)] if way]

    def _way(self, starts: list[Value], goals: Container[Value], last: Step | None) -> list[Value]:
        """Return a shortest path against the flow of values, whose last step is the one given."""
        before: dict[Value, Value | None] = {v: None for v in starts if v in self._search.on}
        waiting = deque(before)
        reached = [v for v in before if v in goals]
        if reached and last is None:
            return reached[:1]
        while waiting:
            v = waiting.popleft()
            step = self._flow.maker.get(v)
            for _, x in self._search.operands(step) if step is not None else ():
                if x in goals and (last is None or step is last):
                    way, at = [x], v
                    while at is not None:
                        way.append(at)
                        at = before[at]  # type: ignore[assignment]
                    return way[::-1]
                if x not in before:
                    before[x] = v
                    waiting.append(x)
        return []

    @functools.cached_property
    def count(self) -> int:
        """Return how many paths lead from the losses to the value."""
        paths = dict.fromkeys((v for v in self._search.places if v in self._search.on), 1)
        for step in self._flow.steps:
            for v in step.outputs:
                if v in self._search.on and v not in self._search.places:
                    paths[v] = sum(paths.get(x, 0) for _, x in self._search.operands(step))
        return sum(paths.get(v, 0) for v in self._flow.ends)

    # --- showing it ---

    @property
    def text(self) -> str:
        """The explanation in words."""
        head = f"{self.name} {self.value.type}: the gradient is {self._described()}."
        lines = [head, *([self._note] if self._note else [])]
        lines += _listed(self.blockers, self._names)
        blocked = {(b.step, b.operand): f"  <- {_start(b, self.status)}" for b in self.blockers}
        for way in self.paths[:1]:
            many = f"{self.count:,}" if self.count < 1e6 else "over a million"
            of = "the path" if self.count == 1 else f"one of {many} paths"
            lines += ["", f"{of} from the loss, with the largest |gradient| at each value"]
            lines += self._column(way, blocked)
        return "\n".join(lines)

    def _described(self) -> str:
        g = self.gradient
        if self.status == "unknown":
            return "not None, but its size cannot be told"
        if self.status == "fine" and g is not None and g.size:
            flat = f", 0 at {np.count_nonzero(g == 0)} of {g.size} elements" if (g == 0).any() else ""
            return f"fine (largest {largest(g):.3g}{flat})"
        return f"tiny (largest {largest(g):.3g})" if self.status == "tiny" else self.status

    def _column(self, way: list[Value], blocked: dict[tuple[Step | None, Value], str]) -> list[str]:
        """Return a path as a column of values; a long one without its middle."""
        rows = []
        for v, x in zip(way, [*way[1:], None], strict=True):
            step = self._flow.maker.get(v) if x is not None else None
            g = self._flow.gradients.get(v) if v not in self._search.places else self.gradient
            size = f"{largest(g):.3g}" if g is not None else "?" if v in self._flow.gradients else "None"
            mark = (blocked.get((step, x)) if x is not None else None) or blocked.get((step, v), "")
            scope = clean(step.scope[-1]) if step is not None and step.scope else ""
            rows.append((self._names[v], step.name if step is not None else "", scope, size + mark))
        if len(rows) > 2 * SHOWN:
            rows = [*rows[:SHOWN], ("...", "", "", ""), *rows[-SHOWN:]]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        return ["  " + "  ".join(f"{c:{w}}" for c, w in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]

    @property
    def graph(self) -> Graph:
        """The record, with the blockers and the paths highlighted."""
        steps = [step for way in self.paths for v in way[:-1] if (step := self._flow.maker.get(v)) is not None]
        starts = {b.step: _start(b, self.status) for b in self.blockers if b.step is not None}
        return highlighted(self._flow.graph, [self.value], steps, starts)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(self.text, self.graph)


class Audit:
    """The gradients of all parameters, one line each: `[i]` is the Explanation of one."""

    def __init__(self, graph: Graph, explanations: list[Explanation], flow: Flow) -> None:
        self.explanations, self._flow = explanations, flow
        self._names = flow.names
        self.births = list(dict.fromkeys(origins(flow, graph.values, self._names)))
        if graph.failed is not None and all(b.step is not graph.failed for b in self.births):
            self.births.append(
                Blocker(graph.failed, graph.failed.outputs[0], *reasons.failed(graph.failed, graph.error, self._names))
            )

    @property
    def text(self) -> str:
        """The explanations in short."""
        found = [e.status for e in self.explanations]
        counts = ", ".join(f"{found.count(s)} {s}" for s in dict.fromkeys(found))
        lines = [f"{len(found)} gradient{'s' * (len(found) != 1)}: {counts}" if found else self._nothing()]
        width = max((len(e.name) for e in self.explanations), default=0)
        for e in self.explanations:
            why = f"  {e.blockers[0].kind}{_mark(e.blockers[0], self._names)}" if e.blockers else ""
            size = f"{largest(e.gradient):.3g}" if e.status in ("fine", "tiny") and e.gradient is not None else ""
            lines.append(f"  {e.name:{width}}  {e.status:8}  {size:8}{why}".rstrip())
        first = [e.blockers[0] for e in self.explanations if e.blockers and e.blockers[0].kind != "unused"]
        return "\n".join([*lines, *_listed(list(dict.fromkeys([*first, *self.births])), self._names)])

    def _nothing(self) -> str:
        graph = self._flow.graph
        if graph.failed is not None:
            return f"{graph.title} raised an error before there was a loss."
        return f"{graph.title} has no parameters." if self._flow.ends else f"{graph.title} has no loss."

    @property
    def graph(self) -> Graph:
        """The record, with all blockers highlighted."""
        found = [*((b, e.status) for e in self.explanations for b in e.blockers), *((b, "failed") for b in self.births)]
        return highlighted(self._flow.graph, [], [], {b.step: _start(b, s) for b, s in found if b.step is not None})

    def __getitem__(self, i: int) -> Explanation:
        return self.explanations[i]

    def __len__(self) -> int:
        return len(self.explanations)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(self.text, self.graph)


# --- asking ----------------------------------------------------------------------------------------------------------


def explain(what: Any, where: Any, tiny: float) -> Explanation | Audit:
    """Explain a gradient, or those of all parameters; see `autodiff.graph.explain`."""
    from autodiff.graph.recording.tape_graph import read
    from autodiff.tensor import Tensor

    if where is None and isinstance(what, (Graph, Tensor)) and not (isinstance(what, Tensor) and what.is_leaf):
        what, where = None, what
    nodes: dict[Any, Value] = {}
    if isinstance(where, Graph):
        graph = where
    elif isinstance(where, Tensor):
        graph, nodes = read(where)
    elif where is None and isinstance(what, Tensor):
        return _alone(what)
    else:
        raise TypeError(
            f"explain: expected a Graph (of ad.trace) or a loss tensor, as in ad.explain({_spelled(what)}, "
            f"ad.trace(step)(x)); got {type(where).__name__}."
        )
    ends = losses(graph)
    flow = Flow(graph, ends)
    if what is None or hasattr(what, "named_parameters"):
        return _audit(what, graph, flow, tiny)
    if not ends:
        raise ValueError(
            f"explain: the graph of {graph.title} has no loss: nothing was returned and backward() did not run. "
            + ("It raised an error; ad.explain(graph) tells where. " if graph.failed is not None else "")
            + "Return the loss from the traced function, or call backward() in it."
        )
    if isinstance(what, str):
        return Explanation(_named(what, graph), flow, tiny=tiny)
    if isinstance(what, Value):
        return Explanation(what, flow, tiny=tiny)
    if not isinstance(what, Tensor):
        raise TypeError(
            f"explain: expected a tensor, the name of one or a module; got {type(what).__name__}. "
            "ad.explain(graph) explains all parameters."
        )
    value = nodes.get(what._node) if what._node is not None else None
    value = value or _value_of(what, graph)
    if value is None:
        value = Value(what.shape, what.dtype, "parameter", what.name or "the tensor")
    return Explanation(value, flow, tiny=tiny, tensor=what)


def _audit(module: Any, graph: Graph, flow: Flow, tiny: float) -> Audit:
    """Explain all parameters, of a module or of the graph."""
    if module is None:
        found = [(v, None) for v in graph.sources if v.role == "parameter" or (v.role == "input" and v.tracked)]
    else:
        named = module.named_parameters()
        found = [(_value_of(p, graph) or Value(p.shape, p.dtype, "parameter", name), p) for name, p in named]
    return Audit(graph, [Explanation(v, flow, tiny=tiny, tensor=p) for v, p in found] if flow.ends else [], flow)


def _alone(p: Any) -> Explanation:
    """Explain the gradient of a tensor of which nothing is known but itself."""
    value = Value(p.shape, p.dtype, "parameter", p.name or "the tensor")
    value.array = p.data
    graph = Graph(value.name or "")
    graph.sources.append(value)
    return Explanation(value, Flow(graph, []), tensor=p)


def _spelled(what: Any) -> str:
    return repr(what) if isinstance(what, str) else getattr(what, "name", None) or "p"


def _named(name: str, graph: Graph) -> Value:
    """Return the value of a name: a source's, an output's, or %1, %2, ..."""
    names = names_of(graph)
    found = [v for v in graph.values if name in (v.name, names[v])]
    if not found:
        known = [n for v, n in names.items() if v.name]
        near = difflib.get_close_matches(name, known, 3) or known[:8]
        raise ValueError(
            f"explain: {name!r} names nothing in the graph of {graph.title}. If it is a parameter, no operation read "
            f"it there, and its gradient is None; else look at the name: {', '.join(near) or 'there are none'}."
        )
    return found[0]


def _value_of(t: Any, graph: Graph) -> Value | None:
    """Return the value of a tensor in a graph: the source that it owns, or else the one with its array."""
    owned = next((v for v in graph.sources if v.owner is not None and v.owner() is t), None)
    return owned or next((v for v in graph.values if v.array is t.data), None)


def _note(t: Any, flow: Flow, value: Value) -> str:
    """Return what is to be said of a tensor beside the record."""
    if not flow.ends:
        return f"ad.explain({_spelled(t)}, loss) or ad.explain({_spelled(t)}, ad.trace(step)(x)) looks at the paths."
    if t.is_leaf or t.grad is not None:
        return ""
    return "It is an inner tensor, whose .grad stays None unless .retain_grad() is called."


# --- parts of both -------------------------------------------------------------------------------------------------


def highlighted(graph: Graph, values: list[Value], passing: list[Step], starts: dict[Step, str]) -> Graph:
    """Return a view of the graph with some values and steps highlighted, and the modules open in which it starts."""
    first: dict[Op | Value, str] = {op: why for step, why in starts.items() for op in _operations(step)}
    outer = {op.scope[:n] for op in graph.ops for n in range(1, len(op.scope))}  # modules with modules in them
    steps = [op for step in starts for op in _operations(step)][:SHOWN]
    opened = [op.scope[:n] for op in steps for n in range(1, len(op.scope) + 1) if op.scope[:n] in outer]
    paths = [".".join(map(attribute, scope)) for scope in opened]
    view = graph.with_look(expand=(*graph.look.expand, *map(glob.escape, dict.fromkeys(paths))))
    view.highlights = dict.fromkeys([*values, *(op for step in passing for op in _operations(step))], PASSES)
    view.highlights |= first
    return view


def _start(b: Blocker, status: str) -> str:
    """Return what begins at a blocker: what its step makes, or else what becomes of the gradient there."""
    made = [v.array for v in b.step.outputs if not finite(v.array)] if b.step is not None else []
    if made:
        status = "NaN" if any(np.isnan(x).any() for x in made if x is not None) else "infinite"
    return STARTS.get(status, status)


def _operations(step: Step) -> list[Op]:
    return step.ops if isinstance(step, Group) else [step]


def bundle(text: str, graph: Graph) -> dict[str, Any]:
    """Return what a notebook shows: the picture and the words."""
    data = {"text/plain": text}
    if shown("text/html") and available():
        svg = graph.svg()
        data["text/html"] = f"<pre>{html.escape(text)}</pre>{svg[svg.index('<svg') :]}"
    return data


def _listed(blockers: list[Blocker], names: dict[Value, str]) -> list[str]:
    """Return blockers as lines; of several that are alike the first one in full."""
    alike: dict[Any, list[Blocker]] = {}
    for b in blockers:
        alike.setdefault((b.kind, b.step.name, b.fix) if b.step is not None else (b.kind, b.operand), []).append(b)
    lines: list[str] = []
    for first, *others in list(alike.values())[:SHOWN]:
        lines += ["", f"{first.kind}: {_place(first, names)}", f"  {first.why}."]
        if others:
            more = [names[v] for b in others if b.step is not None for v in b.step.outputs[:1]]
            lines.append(f"  So {'do' if len(more) > 1 else 'does'} {', '.join(more[:SHOWN])}"
                         + (f" and {len(more) - SHOWN} more" if len(more) > SHOWN else "") + ".")  # fmt: skip
        lines += [f"  Fix: {first.fix}."] if first.fix else []
    return lines


def _mark(b: Blocker, names: dict[Value, str]) -> str:
    """Return where a blocker is, in short."""
    return f", {names[b.step.outputs[0]]} {clean(b.step.name)}" if b.step is not None else ""


def _place(b: Blocker, names: dict[Value, str]) -> str:
    """Return where a blocker is: the call, the module and the line."""
    if b.step is None:
        return names.get(b.operand) or clean(b.operand.name or "")
    given = ", ".join(names[x] if isinstance(x, Value) else literal(x) for x in b.step.operands)
    made = ", ".join(names[v] for v in b.step.outputs)
    scope = " / ".join(map(clean, b.step.scope))
    return "  ".join(filter(None, [f"{made} = {clean(b.step.name)}({given})", scope, b.step.line]))
