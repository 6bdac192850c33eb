"""Localisation: which operation's rule makes a function's derivative wrong, by checking each where it was used."""

from __future__ import annotations

import inspect
import linecache
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import creation
from autodiff.graph import trace
from autodiff.graph.record import Graph, Group, Op, Value
from autodiff.testing.checks.gradcheck import gradcheck
from autodiff.testing.report import Report, Verdict
from autodiff.tree import leaves, map_leaves

RAISED = "raised by the rule of"  # the sweep's note on an error
HIGHLIGHTS = {Verdict.FAIL: "wrong derivative", Verdict.INCONCLUSIVE: "not decided"}


@dataclass(frozen=True)
class Finding:
    """What checking one operation, on the values it was given, came to.

    `number` counts the operations in the order they ran, `line` is where the function called it, `rule` where the rule
    in question is written; `ops` are what the graph shows of it.
    """

    name: str
    number: int
    line: str
    rule: str
    report: Report
    ops: tuple[Op, ...]

    @property
    def code(self) -> str:
        """The source line of the call."""
        place = self.line.partition(" in ")[0]
        path, _, number = place.rpartition(":")
        return linecache.getline(path, int(number)).strip() if number.isdigit() else ""

    def lines(self) -> list[str]:
        """Return the finding as lines of text."""
        lines = [f"{HIGHLIGHTS[self.report.verdict]}: {self.name}, operation {self.number}, at {self.line}"]
        lines += [f"    {self.code}"] if self.code else []
        lines += [f"  its rule is at {self.rule}"] if self.rule else []
        return lines + [f"  {line}" for line in self.report.lines()[1:]]

    def __repr__(self) -> str:
        return f"<{self.name} at {self.line}: {self.report.reason or self.report.verdict}>"


@dataclass
class Localisation:
    """The operations of a function whose derivatives are wrong, in the order they ran; true if all are right.

    `wrong` and `undecided` list Findings, `first` is the first wrong one; `graph` draws with them coloured.
    """

    function: str
    graph: Graph
    order: int = 1
    checked: int = 0
    wrong: list[Finding] = field(default_factory=list)
    undecided: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def first(self) -> Finding | None:
        """The first operation whose derivative is wrong."""
        return self.wrong[0] if self.wrong else None

    def __bool__(self) -> bool:
        return not self.wrong and not self.undecided

    def __repr__(self) -> str:
        if self.first is not None:
            others = f" and {len(self.wrong) - 1} more" if len(self.wrong) > 1 else ""
            return f"<{self.function}: {self.first.name} is wrong at {self.first.line}{others}>"
        unsure = f", {len(self.undecided)} not decided" if self.undecided else ""
        return f"<{self.function}: no wrong derivative in {_count(self.checked, 'operation')}{unsure}>"

    def __str__(self) -> str:
        found = [line for finding in [*self.wrong, *self.undecided] for line in finding.lines()]
        head = f"{self.function}: {_count(len(self.wrong), 'wrong derivative')} in {_count(self.checked, 'operation')}"
        head += f", {len(self.undecided)} not decided" if self.undecided else ""
        order = f", order {self.order}" if self.order > 1 else ""
        hint = "" if self.wrong else (
            "Each operation's own derivative is right. If the whole one is not, a value left the graph on its way: "
            "look for detach(), .data, .numpy() and changes in place."
        )  # fmt: skip
        return "\n".join([head + order, *found, *([hint] if hint else [])])

    def svg(self, path: str | Path | None = None, **look: Any) -> str:
        """Return the graph's picture as SVG, wrong operations coloured; write it where a path is given."""
        return self.graph.svg(path, **look)

    def png(self, path: str | Path | None = None, **look: Any) -> bytes:
        """Return the graph's picture as PNG, wrong operations coloured; write it where a path is given."""
        return self.graph.png(path, **look)

    def _repr_svg_(self) -> str | None:
        return self.graph._repr_svg_()


def locate(f: Callable[..., Any], *inputs: Any, order: int = 1, **options: Any) -> Localisation:
    """Find the operations of a function whose derivatives are wrong, each checked by itself on the values it met.

    `f` is a function of Tensors or a module; `inputs` are those of `gradcheck`, which does the checking and takes the
    `options`. Every operation of the registry that ran is checked and every `ad.Function`, by its `backward`; backward
    passes inside `f` are looked into as well. `order=2` checks second derivatives too.

    >>> import autodiff as ad, numpy as np
    >>> class Double(ad.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x + x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return g
    >>> locate(lambda x: np.sum(Double.apply(np.sin(x))), np.ones(3)).first.name
    'Double'
    """
    if hasattr(f, "bind"):
        raise TypeError(
            "locate reads the graph of a function of Tensors; gradcheck takes functions of other libraries."
        )
    started = time.perf_counter()
    graph = trace(f)(*map_leaves(_variable, list(inputs)))
    found = Localisation(graph.title, graph, order)
    for number, step in enumerate(_steps(graph), 1):
        checked = _check(step, {"order": order, **options})
        if checked is None:
            continue
        found.checked += 1
        if checked:
            continue
        ops = tuple(step.ops) if isinstance(step, Group) else (step,)
        finding = Finding(step.name, number, step.place or "", _rule(step, checked), checked, ops)
        (found.wrong if checked.verdict is Verdict.FAIL else found.undecided).append(finding)
        graph.highlights |= dict.fromkeys(ops, HIGHLIGHTS[checked.verdict])
    found.seconds = time.perf_counter() - started
    return found


def _variable(x: Any) -> Any:
    """Return a floating input as a Tensor that requires a gradient; what is none, or is a Tensor, stays."""
    if isinstance(x, engine.Tensor) or np.asarray(x).dtype.kind not in "fc":
        return x
    return creation.as_tensor(np.asarray(x)).detach().requires_grad_()


def _steps(graph: Graph) -> list[Op | Group]:
    """Return what ran, in order: custom Functions, and the operations outside of them."""
    every = [group for group in graph.groups if group.kind == "function"]
    calls = [call for call in every if not any(around in every for around in call.around)]
    inside = {op for call in calls for op in call.ops}
    placed: list[tuple[int, Op | Group]] = [(n, op) for n, op in enumerate(graph.ops) if op not in inside]
    placed += [(call.start, call) for call in calls]
    return [step for _, step in sorted(placed, key=lambda pair: (pair[0], isinstance(pair[1], Op)))]


def _check(step: Op | Group, options: dict[str, Any]) -> Report | None:
    """Check one operation's derivative on the values it was given; None if it has none to check."""
    if isinstance(step, Op) and not step.primitive.differentiable:
        return None
    places = [i for i, x in enumerate(step.operands) if _is_checked(step, i, x)]
    if isinstance(step, Group) and not step.differentiable:
        return None
    if not places or not any(y.dtype.kind in "fc" and y.size for y in step.outputs):
        return None
    given = [x.array if isinstance(x, Value) else x for x in step.operands]

    def local(*tensors: Any) -> Any:
        operands = given.copy()
        for i, t in zip(places, tensors, strict=True):
            operands[i] = t
        if isinstance(step, Op):
            return engine.apply(step.primitive, tuple(operands), step.params)
        made = leaves(step.function.apply(*map(_tensor, operands), **step.params))
        return [made[k] for k in step.differentiable]

    names = [inspect.Parameter(_letter(i, len(places)), inspect.Parameter.POSITIONAL_ONLY) for i in places]
    local.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
    inputs = [np.asarray(given[i]) for i in places]
    try:
        return gradcheck(local, *inputs, name=step.name, **options)
    except Exception as error:
        if not any(RAISED in note for note in getattr(error, "__notes__", [])):
            raise
        why = f"{type(error).__name__}: {error}"
        return Report(step.name, Verdict.FAIL, "the rule raised an error", why, order=options["order"])


def _letter(i: int, count: int) -> str:
    """Return what rules call operand i."""
    return "x" if count == 1 else "abcde"[i] if i < 5 else f"x{i}"


def _is_checked(step: Op | Group, i: int, x: Any) -> bool:
    if not isinstance(x, Value) or x.dtype.kind not in "fc" or not x.size:
        return False
    return isinstance(step, Group) or bool(step.primitive.carries(i))


def _tensor(x: Any) -> Any:
    return creation.as_tensor(x) if isinstance(x, np.ndarray) else x


def _rule(step: Op | Group, found: Report) -> str:
    """Return where the rule is written that an operation's check found wrong, if that can be known."""
    if isinstance(step, Group):
        rules = [step.function.backward]
    else:
        primitive, at = step.primitive, found.worst.input[:1] if found.worst is not None else ""
        one = "abcde".find(at) if at else -1
        rules = [r for r in (*primitive.rules, primitive.joint) if isinstance(r, FunctionType)]
        if (
            primitive.joint is None
            and 0 <= one < len(primitive.rules)
            and isinstance(primitive.rules[one], FunctionType)
        ):
            rules = [primitive.rules[one]]
    lines = dict.fromkeys(f"{r.__code__.co_filename}:{r.__code__.co_firstlineno}" for r in rules)
    return " or ".join(lines)


def _count(n: int, name: str) -> str:
    return f"{n} {name}{'s' * (n != 1)}"
