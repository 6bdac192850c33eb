"""From samples to figures: medians, ratios, what was asked, and how far the machine's limit is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.engines import BEST, COMPILED, EAGER, OURS, VARIANTS
from benchmarks.row import Row
from benchmarks.runner import spread

Line = dict[str, Any]
VERDICTS = {True: "", False: " MISSED", None: " noisy"}
STEADY = 1.25  # a median further above the best round than this says more about the machine's load than the engine
CACHED = 2**25  # bytes that a step moves several times from caches


def figures(
    row: Row, samples: Mapping[str, list[float]], limits: Mapping[str, float], *, keep: bool = False
) -> list[Line]:
    """Summarise a row: for each engine its figures, the ratio of each of ours to it, and whether its limit holds."""
    ours = [name for name in VARIANTS if name in samples]
    eager = [name for name in EAGER if name in samples]
    best = min(eager, key=lambda name: statistics.median(samples[name])) if eager else ""
    floor = bound(row, limits)
    lines = []
    for engine, taken in samples.items():
        line: Line = {"work": row.name, "unit": row.unit, "engine": engine, **spread(taken)}
        line |= {"samples": taken} if keep else {}
        line |= {"axis": row.axis} if row.axis else {}
        if floor and row.unit.startswith("us") and not row.unit.startswith("us an op"):
            line["limit share"] = floor / line["median"]
        if engine not in ours and ours:
            ratios = {o: [a / b for a, b in zip(samples[o], taken, strict=True)] for o in ours}
            line["ratio"] = {o: spread(r) for o, r in ratios.items()}
            line["compiled"] = engine in COMPILED
        line |= verdicts(row, line, best, samples)
        lines.append(line)
    return lines


def verdicts(row: Row, line: Line, best: str, samples: Mapping[str, list[float]]) -> Line:
    """What is asked of a line and who keeps it (None: too noisy to say); nothing if nothing is asked."""
    engine = line["engine"]
    measured = (
        {engine: line["median"]} if engine == OURS else {o: r["median"] for o, r in line.get("ratio", {}).items()}
    )
    asked, holds = {}, {}
    for ours, value in measured.items():
        limits = row.limits if ours.endswith("onednn") else {**row.limits, **row.without_onednn}
        found = [limits[key] for key in (engine, BEST if engine == best else "") if key in limits]
        if not found:
            continue
        asked[ours] = min(found)
        steady = all(statistics.median(samples[e]) <= STEADY * min(samples[e]) for e in (ours, engine))
        holds[ours] = value <= asked[ours] if steady else None
    return {"asked": asked, "holds": holds, "best": engine == best} if asked else {}


def bound(row: Row, limits: Mapping[str, float]) -> float:
    """The time below which this machine cannot do a row's arithmetic or move its bytes, in us; 0 if not counted."""
    if not limits or not (row.flops or row.moved):
        return 0.0
    bandwidth = limits["copy in cache, GB/s" if row.moved < CACHED else "copy, GB/s"]
    return max(row.flops / limits["product, GFLOP/s"], row.moved / bandwidth) / 1e3


def absences(rows: list[Row]) -> list[str]:
    """Why peers are not among the engines."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for engine, why in row.absent.items():
            found.setdefault(f"left out: {engine} ({why})", []).append(row.name)
    return [note if len(of) == len(rows) else f"{note}, in {', '.join(of)}" for note, of in found.items()]


def slopes(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    """The slope of each series and engine on log-log axes, over its upper half, where constants matter least."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for line in lines:
        if "axis" in line:
            points.setdefault((line["axis"][0], line["engine"]), []).append((line["axis"][1], line["median"]))
    found: dict[str, dict[str, float]] = {}
    for (series, engine), pairs in points.items():
        upper = [(x, max(y, 1e-3)) for x, y in sorted(pairs)][-max(2, (len(pairs) + 1) // 2) :]
        if len(pairs) > 1:
            x, y = np.log(upper).T
            found.setdefault(series, {})[engine] = float(np.polyfit(x, y, 1)[0])
    return found


def means(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    """The geometric mean of ours over each peer, by peer and variant."""
    logs: dict[str, dict[str, list[float]]] = {}
    for line in lines:
        for ours, ratio in line.get("ratio", {}).items():
            logs.setdefault(line["engine"], {}).setdefault(ours, []).append(math.log(ratio["median"]))
    return {peer: {ours: math.exp(statistics.mean(v)) for ours, v in by.items()} for peer, by in logs.items()}


def summaries(workload: ModuleType, lines: list[Line]) -> list[str]:
    """Geometric means where a workload asks for them, slopes of its series, and whether they are what is asked."""
    text = []
    asked = getattr(workload, "SUMMARIES", {})
    if "mean" in asked:
        for peer, by in means(lines).items():
            limit = asked["mean"].get(peer)
            for ours, value in by.items():
                text.append(f"geometric mean, {ours} / {peer}: {value:.2f}" + judged(value, limit))
    for series, by in slopes(lines).items():
        limit = asked.get("slope", {}).get(series)
        for engine, slope in by.items():
            text.append(
                f"slope of {series}, {engine}: {slope:.2f}" + judged(slope, limit if engine in VARIANTS else None)
            )
    return text


def judged(value: float, limit: float | None) -> str:
    """What was asked, if anything was."""
    return "" if limit is None else f" (asked: <= {limit:g}{VERDICTS[value <= limit]})"


def figure(value: float) -> str:
    """Three digits, or all those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ranged(value: Mapping[str, float]) -> str:
    """A spread's ends."""
    return f"{figure(value['min'])}-{figure(value['max'])}"


def cells(line: Line, ours: list[str]) -> tuple[str, ...]:
    """One table line as text."""
    ratios = []
    for name in ours:
        ratio = line.get("ratio", {}).get(name)
        ratios.append(f"{ratio['median']:.2f}{VERDICTS[line.get('holds', {}).get(name, True)]}" if ratio else "")
    limits = sorted(set(line.get("asked", {}).values()))
    asked = " or ".join(f"<= {limit:g}" for limit in limits)
    notes = "best eager" if line.get("best") and asked else ""
    if line["engine"] == OURS and asked:
        notes = VERDICTS[line["holds"][OURS]].strip() or "holds"
    if line.get("compiled") and all(r["median"] > 1 for r in line["ratio"].values()):
        notes = "work for compilation"
    return (
        f"{line['work']} ({line['unit']})" if line["engine"] == OURS else "",
        line["engine"],
        figure(line["median"]),
        ranged(line),
        *ratios,
        asked,
        notes,
        f"{100 * line['limit share']:.0f} %" if "limit share" in line else "",
    )


def table(lines: list[Line]) -> str:
    """A Markdown table, aligned for the terminal."""
    ours = [name for name in VARIANTS if any(line["engine"] == name for line in lines)]
    header = ("work", "engine", "median", "min-max", *(f"{o} /" for o in ours), "asked", "", "of the machine's limit")
    return aligned([header, *(cells(line, ours) for line in lines)])


def aligned(text: list[tuple[str, ...]]) -> str:
    """Rows of text as a Markdown table, the first its header."""
    widths = [max(map(len, column)) for column in zip(*text, strict=True)]
    text = [text[0], tuple("-" * width for width in widths), *text[1:]]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(t, widths, strict=True)) + " |" for t in text)
