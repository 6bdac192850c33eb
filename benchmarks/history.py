"""Figures kept from run to run, and what changed between two of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.engines import BASELINE, ROOT, VARIANTS
from benchmarks.report import Line, aligned, figure

RESULTS = ROOT / "benchmarks" / "results"


def place() -> Path:
    """Where this run's figures go: named by the day and the commit."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{commit}.json"


def rounded(value: Any) -> Any:
    """Four digits: a file is kept for every run."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def save(path: Path, record: dict[str, Any]) -> None:
    """One line of the file for each line of the tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(rounded(line)) for line in record["lines"])
    head = json.dumps({key: rounded(value) for key, value in record.items() if key != "lines"}, indent=1)
    path.write_text(f'{head[:-2]},\n "lines": [\n{lines}\n]}}\n')


def load(path: Path) -> dict[str, Any]:
    """Read a file of figures."""
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def key(line: Line) -> tuple[Any, ...]:
    """What makes two lines the same work."""
    return line.get("threads"), line["workload"], line["work"], line["engine"]


def compared(old: Iterable[Line], new: Iterable[Line]) -> str:
    """A table of ours then and now; and beside a peer of both runs, which does not depend on the machine's mood."""
    before = {key(line): line for line in old}
    text: list[tuple[str, ...]] = [("work", "threads", "engine", "old", "new", "new / old", "beside", "new / old", "")]
    lines = list(new)
    beside = peers(lines)
    for line in lines:
        then = before.get(key(line))
        if then is None or line["engine"] not in VARIANTS:
            continue
        change = line["median"] / then["median"]
        clear = line["min"] > then["max"] or line["max"] < then["min"]
        peer = beside.get(key(line)[:3])
        relative = ""
        if peer and (other := before.get(key(peer))) and line["engine"] in other.get("ratio", {}):
            ratio = peer["ratio"][line["engine"]]["median"] / other["ratio"][line["engine"]]["median"]
            relative = f"{ratio:.2f}"
        verdict = ("slower" if change > 1 else "faster") if clear else "within the ranges"
        text.append(
            (
                f"{line['workload']}: {line['work']}",
                str(line.get("threads", "")),
                line["engine"],
                figure(then["median"]),
                figure(line["median"]),
                f"{change:.2f}",
                peer["engine"] if peer and relative else "",
                relative,
                verdict,
            )
        )
    return aligned(text) if len(text) > 1 else "no line of ours is in both"


def peers(lines: Iterable[Line]) -> dict[tuple[Any, ...], Line]:
    """For every row the first peer that is not an older self."""
    found: dict[tuple[Any, ...], Line] = {}
    for line in lines:
        if "ratio" in line and line["engine"] != BASELINE:
            found.setdefault(key(line)[:3], line)
    return found
