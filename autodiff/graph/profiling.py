"""`profile`: where the time of a function goes, by operation and by module, and as a timeline."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from autodiff.graph import facts
from autodiff.graph.pictures.labels import duration, size
from autodiff.graph.pictures.render import written
from autodiff.graph.record import Graph, Op
from autodiff.graph.recording.recorder import title, traced
from autodiff.graph.words.text import clean

SHOWN = 25  # rows of a table that are printed


class Row(NamedTuple):
    """A line of a table: how often, how long (in seconds), how much arithmetic, how many bytes of new memory.

    `name` is an operation's or the last part of a module's path; `seconds`, `flops` and `allocated` of a module hold
    what its parts took as well, `own` only what its own operations took.
    """

    name: str
    phase: str
    calls: int
    seconds: float
    flops: int
    allocated: int
    own: float
    depth: int = 0


class Profile:
    """What a profiled call took: `graph` (every operation with its `seconds`), `result`, and `wall`, in seconds.

    `operations` are Rows by name and phase, the slowest first; `modules` are Rows in the order of first use, each after
    the one that it is part of. Printed, both are tables.
    """

    def __init__(self, graph: Graph, wall: float) -> None:
        self.graph, self.wall, self.result = graph, wall, graph.result
        self.seconds = sum(op.seconds or 0.0 for op in graph.ops)
        self.operations = sorted(self._operations(), key=lambda row: (-row.seconds, row.name, row.phase))
        self.modules = list(self._modules())

    def _operations(self) -> Iterator[Row]:
        groups: dict[tuple[str, str], list[Op]] = {}
        for op in self.graph.ops:
            groups.setdefault((op.name, op.phase), []).append(op)
        for (name, phase), ops in groups.items():
            yield _row(name, phase, ops, ops)

    def _modules(self) -> Iterator[Row]:
        """Yield a row for each module, parents first."""
        groups: dict[tuple[str, ...], list[Op]] = {}
        for op in self.graph.ops:
            for depth in range(1, len(op.scope) + 1):
                groups.setdefault(op.scope[:depth], []).append(op)
        children: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for path in groups:
            children.setdefault(path[:-1], []).append(path)
        waiting = children.get((), [])[::-1]
        while waiting:
            path = waiting.pop()
            waiting += children.get(path, [])[::-1]
            own = [op for op in groups[path] if op.scope == path]
            yield _row(path[-1], "", groups[path], own, len(path) - 1)

    # --- showing it ---

    @property
    def text(self) -> str:
        """The tables."""
        rest = max(self.wall - self.seconds, 0.0)
        inside = f"{duration(self.seconds)} in {len(self.graph.ops)} operations"
        outside = f"{duration(rest)} ({_share(rest, self.wall)}) between them, in Python"
        lines = [f"{clean(self.graph.title)}: {duration(self.wall)}, of which {inside} and {outside}"]
        lines += ["", *_table(("operation", "phase"), [(row.name, row.phase) for row in self.operations],
                              self.operations, self.seconds)]  # fmt: skip
        if self.modules:
            names = [("  " * row.depth + clean(row.name),) for row in self.modules]
            lines += ["", *_table(("module",), names, self.modules, self.seconds)]
        return "\n".join(lines)

    def draw(self, **look: Any) -> Graph:
        """Return the graph, whose picture is coloured by time; see `ad.draw` for the options."""
        return self.graph.with_look(**{"overlay": "time"} | look)

    def chrome_trace(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the timeline in Chrome's trace event format, and write it where a path is given.

        chrome://tracing and ui.perfetto.dev show it: operations lie within their modules, those within their phases.
        """
        ran = [op for op in self.graph.ops if op.seconds is not None]
        events = [_named("process_name", clean(self.graph.title)), _named("thread_name", "operations")]
        for phase, ops in groupby(ran, key=lambda op: op.phase):
            events += _spans(phase, phase, list(ops), 0)
        trace = {"traceEvents": events, "displayTimeUnit": "ms"}
        if path is not None:
            written(json.dumps(trace).encode(), path)
        return trace

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def profiled(f: Callable[..., Any], warmup: int) -> Callable[..., Profile]:
    """Return a function that runs f and answers with its Profile."""

    @functools.wraps(f, updated=())
    def run(*args: Any, **kwargs: Any) -> Profile:
        wall = [0.0]

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = perf_counter()
            try:
                return f(*args, **kwargs)
            finally:
                wall[0] = perf_counter() - began

        timed.__name__ = title(f)
        timed.__wrapped__ = f if inspect.isroutine(f) else getattr(f, "forward", f)  # type: ignore[attr-defined]
        for _ in range(warmup):
            f(*args, **kwargs)
        return Profile(traced(timed, timed=True)(*args, **kwargs), wall[0])

    return run


# --- tables --------------------------------------------------------------------------------------------------------


def _row(name: str, phase: str, ops: list[Op], own: list[Op], depth: int = 0) -> Row:
    seconds = sum(op.seconds or 0.0 for op in ops)
    flops, allocated = sum(map(facts.flops, ops)), sum(op.allocated for op in ops)
    return Row(name, phase, len(ops), seconds, flops, allocated, sum(op.seconds or 0.0 for op in own), depth)


def _table(heads: tuple[str, ...], names: Sequence[tuple[str, ...]], rows: list[Row], total: float) -> list[str]:
    """Return rows as lines of a table, below each other."""
    measures = ("calls", "time", "share", "FLOPs", "FLOP/s", "allocated")
    cells = [[*heads, *measures]]
    if len(heads) == 1:
        cells[0].insert(3, "own time")
    for name, row in list(zip(names, rows, strict=True))[:SHOWN]:
        rate = _count(row.flops / row.seconds) if row.flops and row.seconds else ""
        took = [duration(row.seconds), *([duration(row.own)] if len(heads) == 1 else []), _share(row.seconds, total)]
        cells.append([*name, str(row.calls), *took, _count(row.flops) if row.flops else "", rate,
                      size(row.allocated) if row.allocated else ""])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(f"{c:{'<' if k < len(heads) else '>'}{w}}" for k, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
    more = [f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [line.rstrip() for line in lines] + more


def _share(part: float, total: float) -> str:
    return f"{100 * part / total:.1f} %" if total else ""


def _count(n: float) -> str:
    for unit in ("", "k", "M", "G"):
        if n < 1000:
            return f"{n:.3g} {unit}".rstrip()
        n /= 1000
    return f"{n:,.3g} T"


# --- the timeline --------------------------------------------------------------------------------------------------


def _spans(name: str, phase: str, ops: list[Op], depth: int) -> Iterator[dict[str, Any]]:
    """Yield the event of a span and those of what lies in it."""
    begins, ends = _nanoseconds(ops[0])[0], _nanoseconds(ops[-1])[1]
    yield _event(name, phase if depth == 0 else "module", begins, ends, {})
    for part, run in groupby(ops, key=lambda op: op.scope[depth] if len(op.scope) > depth else None):
        if part is not None:
            yield from _spans(clean(part), phase, list(run), depth + 1)
            continue
        for op in run:
            known = {"makes": ", ".join(v.type for v in op.outputs), "line": op.line, "flops": facts.flops(op)}
            told = {key: value for key, value in known.items() if value}
            yield _event(clean(op.name), op.phase, *_nanoseconds(op), told | {"allocated": op.allocated})


def _nanoseconds(op: Op) -> tuple[int, int]:
    """Return when an operation began and ended."""
    began = round((op.began or 0.0) * 1e9)
    return began, began + round((op.seconds or 0.0) * 1e9)


def _event(name: str, kind: str, begins: int, ends: int, known: dict[str, Any]) -> dict[str, Any]:
    """Return a complete event; times are in microseconds."""
    times = {"ts": begins / 1000, "dur": (ends - begins) / 1000}
    return {"name": name, "cat": kind, "ph": "X", **times, "pid": 1, "tid": 1, "args": known}


def _named(what: str, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "ts": 0, "pid": 1, "tid": 1, "args": {"name": name}}
