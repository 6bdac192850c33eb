"""The tables of docs/performance.md from a run's figures: `python -m benchmarks.page benchmarks/results/RUN.json`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import history
from benchmarks.engines import BASELINE, COMPILED, EAGER, ENGINES, FLOOR, VARIANTS
from benchmarks.report import Line, aligned, figure

WHOLE = ("attention", "convolution", "growth", "spine", "einsum", "elementwise", "optimizers", "mixture")  # many rows
MARKS = {True: "", False: " missed", None: " noisy"}


def rows(lines: Iterable[Line], threads: int) -> dict[tuple[str, str], dict[str, Line]]:
    """Lines by workload and work, then by engine."""
    found: dict[tuple[str, str], dict[str, Line]] = {}
    for line in lines:
        if line["threads"] == threads:
            found.setdefault((line["workload"], line["work"]), {})[line["engine"]] = line
    return found


def best(by: dict[str, Line]) -> Line | None:
    """The fastest eager peer."""
    eager = [by[name] for name in EAGER if name in by]
    return min(eager, key=lambda line: line["median"], default=None)


def against(by: dict[str, Line], peer: Line | None) -> list[str]:
    """Each of ours over a peer, with what became of the limit."""
    if peer is None:
        return [""] * len(VARIANTS)
    cells = []
    for name in VARIANTS:
        ratio = peer.get("ratio", {}).get(name)
        cells.append(f"{ratio['median']:.2f}{MARKS[peer.get('holds', {}).get(name, True)]}" if ratio else "")
    return cells


def times(chosen: dict[tuple[str, str], dict[str, Line]]) -> str:
    """Ours over the best eager peer, the floor and the others, and the share of the machine's limit."""
    header = ("work", "best eager", *(f"{name} /" for name in VARIANTS), "asked", "/ floor", "of the machine's limit")
    text: list[tuple[str, ...]] = [header]
    for (_, work), by in chosen.items():
        peer = best(by)
        if peer is None or VARIANTS[0] not in by:
            continue
        asked = sorted(set(peer.get("asked", {}).values()))
        share = max((by[name].get("limit share", 0) for name in VARIANTS if name in by), default=0)
        text.append(
            (
                work,
                f"{peer['engine']} {spelled(peer)}",
                *against(by, peer),
                " or ".join(f"{limit:g}" for limit in asked),
                against(by, by.get(FLOOR))[0],
                f"{100 * share:.0f} %" if share else "",
            )
        )
    return aligned(text)


def spelled(line: Line) -> str:
    """A figure with the unit that suits it."""
    value, unit = line["median"], line["unit"].partition(" ")[0]
    return f"{figure(value / 1e3)} ms" if unit == "us" and value >= 1e4 else f"{figure(value)} {unit}"


def medians(chosen: dict[tuple[str, str], dict[str, Line]]) -> str:
    """Every engine's median."""
    names = [name for name in ENGINES if name != BASELINE and any(name in by for by in chosen.values())]
    text: list[tuple[str, ...]] = [("work", *names)]
    for (_, work), by in chosen.items():
        text.append((work, *(spelled(by[name]) if name in by else "" for name in names)))
    return aligned(text)


def compiled(chosen: dict[tuple[str, str], dict[str, Line]]) -> list[str]:
    """Rows in which a compiling peer is ahead of all of ours: work for compilation."""
    text = []
    for (_, work), by in chosen.items():
        ahead = [
            f"{name} {min(r['median'] for r in by[name]['ratio'].values()):.1f} x"
            for name in COMPILED
            if name in by and by[name].get("ratio") and all(r["median"] > 1 for r in by[name]["ratio"].values())
        ]
        if ahead:
            text.append(f"- {work}: {', '.join(ahead)}")
    return text


def tally(record: dict[str, Any], threads: int) -> str:
    """How many limits hold, are missed, or cannot be judged."""
    verdicts = [v for line in record["lines"] if line["threads"] == threads for v in line.get("holds", {}).values()]
    count = {
        mark: sum(v is kind for v in verdicts) for kind, mark in ((True, "hold"), (False, "missed"), (None, "noisy"))
    }
    return ", ".join(f"{number} {mark}" for mark, number in count.items())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    record = history.load(args.run)
    found = rows(record["lines"], args.threads)
    timed = {key: by for key, by in found.items() if next(iter(by.values()))["unit"].startswith("us")}
    memory = {key: by for key, by in found.items() if next(iter(by.values()))["unit"] == "MiB"}
    print(f"limits: {tally(record, args.threads)}\n")
    print("\n".join(f"- {name}: {figure(value)}" for name, value in record["limits"][str(args.threads)].items()))
    for title, chosen in (
        ("Steps and single rows", {key: by for key, by in timed.items() if key[0] not in WHOLE}),
        *((name, {key: by for key, by in timed.items() if key[0] == name}) for name in WHOLE),
        ("Memory", memory),
    ):
        if chosen:
            print(f"\n## {title}\n\n{times(chosen)}\n\n{medians(chosen)}\n")
            print("\n".join(compiled(chosen)))


if __name__ == "__main__":
    main()
