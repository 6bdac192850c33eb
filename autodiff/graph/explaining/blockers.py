"""Where a gradient is lost: the first blockers on the ways from the losses to a value."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

import numpy as np

from autodiff.graph.explaining import reasons
from autodiff.graph.explaining.flow import Edge, Flow, Step
from autodiff.graph.explaining.reasons import Reason, finite
from autodiff.graph.record import Array, Value

TRACE = "ad.explain(p, ad.trace(step)(x)) sees what was detached"
COPIES = "what .item(), .numpy() and ad.tensor(t) copy leaves no trace"


class Blocker(NamedTuple):
    """Where a gradient is lost: a step (None: at a source), the operand it does not reach, and the reason."""

    step: Step | None
    operand: Value
    kind: str
    why: str
    fix: str


class Search:
    """What looks for blockers: `places` are the value and what it became in place."""

    def __init__(self, value: Value, name: str, wanted: bool, flow: Flow) -> None:
        """Prepare; `wanted` says that the value requires a gradient, whether or not the record knows."""
        self.value, self.flow = value, flow
        self.names = flow.names if value in flow.names else flow.names | {value: name}
        written = [w.value for w in flow.graph.writes if w.target is value]
        self.places = dict.fromkeys([value, *written])
        self.wanted = wanted or any(v.tracked for v in self.places)

    @functools.cached_property
    def on(self) -> set[Value]:
        """What lies on a path from a loss to the value."""
        return self.flow.future(self.places) & self.flow.history

    def blockers(self, status: str) -> list[Blocker]:
        """Return the first blockers on the ways from the losses, for what the gradient is."""
        if status in ("fine", "unknown"):
            return []
        if self.value.op is None and status == "None" and not self.wanted:
            return [Blocker(None, self.value, *reasons.frozen(self.value, self.names))]
        if not self.on:
            return [Blocker(None, self.value, *self._unused())] if self.flow.ends else []
        walk = {"None": self._cut, "zero": self._cut, "tiny": self._shrinking}.get(status, self._births)
        return list(dict.fromkeys(walk()))

    def operands(self, step: Step) -> Iterator[tuple[int, Value]]:
        """Yield the operands of a step that lie on a path."""
        return ((i, x) for i, x in enumerate(step.operands) if isinstance(x, Value) and x in self.on)

    def _unused(self) -> Reason:
        """Say why no loss depends on a value, as far as the record shows."""
        flow, names, name = self.flow, self.names, self.names[self.value]
        if flow.graph.partial:
            cut = "no operation reads it, or what does was detached or ran under no_grad, which a tape does not keep"
            return Reason("unused", f"the loss has no history that leads to {name}: {cut}", TRACE)
        if not any(v in flow.users for v in self.places):
            return Reason("unused", f"no operation reads {name} ({COPIES})")
        future = flow.future(self.places)
        last = [v for step in flow.steps for v in step.outputs if v in future and v not in flow.users]
        ends = ", ".join(f"{names[v]} = {flow.maker[v].name}(...)" for v in last[:3])
        return Reason("unused", f"the loss does not depend on it: what is computed from it ends in {ends} ({COPIES})")

    def _cut(self) -> Iterator[Blocker]:
        """Walk from the losses as far as a gradient goes that is not 0; yield the edges on which it ends."""
        flow, seen = self.flow, set[Value]()
        waiting = deque(v for v in flow.ends if v in self.on)
        while waiting:
            v = waiting.popleft()
            step = flow.maker.get(v)
            if v in seen or step is None or v in self.places:
                continue
            seen.add(v)
            if vanished(flow.gradients.get(v)):
                yield Blocker(step, v, "zero", "the gradient that the loss starts with is 0", "")
                continue
            for i, x in self.operands(step):
                if (step, i) not in flow.edges:
                    yield from self._lost(step, i, x, set())
                elif vanished(flow.edges[step, i]):
                    yield Blocker(step, x, *reasons.zeros(step, i, flow, self.names))
                elif vanished(flow.gradients[x]):
                    users = " and ".join(dict.fromkeys(e[0].name for e in flow.users[x] if e in flow.edges))
                    yield Blocker(step, x, "cancels", f"what its uses in {users} send adds up to 0", "")
                else:
                    waiting.append(x)

    def _lost(self, step: Step, i: int, x: Value, seen: set[Edge]) -> Iterator[Blocker]:
        """Yield where the history of an operand was lost: at this step, or before it."""
        if (step, i) in seen:
            return
        seen.add((step, i))
        if step.live[i]:
            yield Blocker(step, x, *reasons.not_sent(step, i, self.flow, self.names))
        elif x.tracked or (x is self.value and self.wanted):
            yield Blocker(step, x, *reasons.detached(x, self.names))
        elif (maker := self.flow.maker.get(x)) is None:
            yield Blocker(None, x, *reasons.frozen(x, self.names))
        else:
            for j, y in self.operands(maker):
                yield from self._lost(maker, j, y, seen)

    def _shrinking(self) -> Iterator[Blocker]:
        """Yield the steps on the strongest path that make the gradient small: one, or all those of one name."""
        factors: dict[str, list[tuple[float, Edge]]] = {}
        for step, i in self._strongest():
            arrived = max((largest(g) for v in step.outputs if known(g := self.flow.gradients.get(v))), default=0.0)
            factor = largest(self.flow.edges[step, i]) / arrived if arrived else 1.0
            factors.setdefault(step.name, []).append((factor, (step, i)))
        altogether = {name: float(np.prod([f for f, _ in found])) for name, found in factors.items()}
        if not altogether:
            return
        name = min(altogether, key=lambda name: altogether[name])
        found = sorted(factors[name], key=lambda pair: pair[0])
        if found[0][0] <= altogether[name] ** 0.5:  # one of them does at least half of it
            found = found[:1]
        for factor, (step, i) in found:
            reason = reasons.small(step, i, self.flow, factor, altogether[name] if len(found) > 1 else None)
            yield Blocker(step, step.operands[i], *reason)

    def _strongest(self) -> Iterator[Edge]:
        """Yield the edges from the value up to a loss along which the largest gradients come."""
        flow = self.flow
        at: Value | None = max(
            (v for v in self.places if v in flow.gradients), key=lambda v: largest(flow.gradients[v])
        )
        while at is not None and at not in flow.ends:
            edges = [e for e in flow.users.get(at, ()) if known(flow.edges.get(e))]
            if not edges:
                return
            edge = max(edges, key=lambda e: largest(flow.edges[e]))
            yield edge
            at = max(
                (v for v in edge[0].outputs if known(flow.gradients.get(v))),
                key=lambda v: largest(flow.gradients[v]),
                default=None,
            )

    def _births(self) -> Iterator[Blocker]:
        """Walk from the value towards the losses through what is not finite; yield where it came to be."""
        flow, names, seen = self.flow, self.names, set[Value]()
        waiting = deque(self.places)
        while waiting:
            v = waiting.popleft()
            if v in seen:
                continue
            seen.add(v)
            for step, i in flow.users.get(v, ()):
                h = flow.edges.get((step, i))
                if h is None or finite(h):
                    continue
                worse = [y for y in step.outputs if not finite(flow.gradients.get(y))]
                waiting.extend(worse)
                if worse:
                    continue
                held = [x for x in (*step.inputs, *step.outputs) if not finite(x.array)]
                if held:
                    yield from origins(flow, held, names)
                else:
                    yield Blocker(step, v, *reasons.steep(step, i, h, flow, names))


def origins(flow: Flow, values: list[Value], names: dict[Value, str]) -> Iterator[Blocker]:
    """Yield the steps, and the sources, from which values got their NaNs and infinities."""
    seen: set[Value] = set()
    waiting = deque(v for v in values if not finite(v.array))
    while waiting:
        v = waiting.popleft()
        if v in seen:
            continue
        seen.add(v)
        step = flow.maker.get(v)
        if step is None:
            yield Blocker(None, v, *reasons.given(v, names))
        elif bad := [x for x in step.inputs if not finite(x.array)]:
            waiting.extend(bad)
        else:
            yield Blocker(step, v, *reasons.born(step, names))


def known(g: Array | None) -> TypeGuard[Array]:
    """Say whether a gradient is there and its values can be told."""
    return g is not None


def vanished(g: Array | None) -> bool:
    """Say whether a gradient is 0 everywhere."""
    return g is not None and g.size > 0 and not g.any()


def largest(g: Array | None) -> float:
    """Return the largest absolute value."""
    return float(np.abs(g).max()) if g is not None and g.size else 0.0
