"""In which order the values and gradients of a graph became known: the steps of the page's slider."""

from __future__ import annotations

from dataclasses import dataclass, field

from autodiff.graph.record import Graph, Op, Value


@dataclass
class Step:
    """One operation that ran, or one gradient that the sweep completed, with what was known after it and not before."""

    phase: str
    op: Op | None = None
    values: list[Value] = field(default_factory=list)
    gradients: list[Value] = field(default_factory=list)


def timeline(graph: Graph) -> list[Step]:
    """Return the steps of a graph: its operations as they ran, then the reverse sweep where that was not recorded.

    A gradient is shown when the sweep has added up all that flows into it, not when its first part is known.
    """
    steps = [Step(op.phase, op, list(op.outputs)) for op in graph.ops]
    waiting = [v for v in graph.values if v.gradient is not None]
    if any(op.phase == "backward" for op in graph.ops):
        _place(waiting, steps)
    else:
        steps += _swept(graph, waiting)
    return steps


def _place(waiting: list[Value], steps: list[Step]) -> None:
    """Put each gradient at the recorded operation that made it, or else where the sweep reached its value."""
    made = {id(v.array): step for step in steps if step.phase == "backward" for v in step.values}
    number = {step.op: n for n, step in enumerate(steps)}
    sweep = [(step, number[step.op.of]) for step in steps if step.op and step.phase == "backward" and step.op.of]
    for v in waiting:
        step = made.get(id(v.gradient))
        if step is None:  # the seed, or a gradient that a rule handed on as it was
            own = number.get(v.op, -1)
            reached = (step for step, at in sweep if at <= own) if v.op else (step for step, _ in reversed(sweep))
            step = next(reached, steps[-1])
        step.gradients.append(v)


def _swept(graph: Graph, waiting: list[Value]) -> list[Step]:
    """Return the steps of a sweep that was not recorded: backwards, a source after all that it went into."""
    first: dict[Value, Op] = {}
    for op in reversed(graph.ops):
        first |= dict.fromkeys((v for v in op.inputs if v.op is None), op)
    wanted = set(waiting)
    steps = []
    for op in reversed(graph.ops):
        steps += [Step("backward", op, [], [v]) for v in op.outputs if v in wanted]
        steps += [
            Step("backward", None, [], [v]) for v in dict.fromkeys(op.inputs) if v in wanted and first.get(v) is op
        ]
    return steps
