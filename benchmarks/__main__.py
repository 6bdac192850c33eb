"""Command line and tables."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.row import BASELINE, OURS, WORKLOADS, Row, load
from benchmarks.runner import PRESETS, BenchmarkError, Effort, environment, installed, run, spread

PEERS = ("torch", "mygrad", "autograd", "numpy", BASELINE)
QUICK = Effort(rounds=3, fresh_rounds=1, seconds=0.02)
VERDICTS = {True: "holds", False: "MISSED", None: "too noisy to say"}
STEADY = 1.25  # a median further above the best round than this says more about the machine's load than the engine
HEADER = ("work", "engine", "median", "min-max", f"{OURS} / engine", "min-max", "asked", "")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"which to run, of {', '.join(WORKLOADS)}; all unless given")
    parser.add_argument("--engines", nargs="+", choices=PEERS, default=PEERS, help="peers to run beside this engine")
    parser.add_argument("--threads", type=int, default=2, help="for BLAS and OpenMP (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a few short rounds: whether it works, not how fast")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every sample and the machine's description")
    args = parser.parse_args()
    if unknown := set(args.workloads) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    return args


def report(row: Row, samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Summarise a row: for each engine its figures, the ratio to ours, and if its limit holds (None: too noisy)."""
    lines = []
    for engine, figures in samples.items():
        line: dict[str, Any] = {"work": row.name, "unit": row.unit, "engine": engine, "samples": figures}
        line |= spread(figures)
        if engine != OURS:
            line["ratio"] = spread([a / b for a, b in zip(samples[OURS], figures, strict=True)])
        if engine in row.limits:
            measured = line["median"] if engine == OURS else line["ratio"]["median"]
            steady = all(statistics.median(samples[e]) <= STEADY * min(samples[e]) for e in (OURS, engine))
            line |= {"limit": row.limits[engine], "holds": measured <= row.limits[engine] if steady else None}
        lines.append(line)
    return lines


def figure(value: float) -> str:
    """Three digits, or all those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spelled(figures: dict[str, float] | None) -> tuple[str, str]:
    """Give a spread as a table shows it."""
    return (figure(figures["median"]), f"{figure(figures['min'])}-{figure(figures['max'])}") if figures else ("", "")


def cells(line: dict[str, Any]) -> tuple[str, ...]:
    """One table line as text."""
    return (
        f"{line['work']} ({line['unit']})" if line["engine"] == OURS else "",
        line["engine"],
        *spelled(line),
        *spelled(line.get("ratio")),
        f"<= {line['limit']:g}" if "limit" in line else "",
        VERDICTS[line["holds"]] if "limit" in line else "",
    )


def table(lines: list[dict[str, Any]]) -> str:
    """A Markdown table, aligned for the terminal."""
    text = [HEADER, *map(cells, lines)]
    widths = [max(map(len, column)) for column in zip(*text, strict=True)]
    text.insert(1, tuple("-" * width for width in widths))
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(t, widths, strict=True)) + " |" for t in text)


def main() -> None:
    """Run what was asked and print it."""
    args = arguments()
    env = environment(args.threads)
    peers = [peer for peer in args.engines if installed(peer)]
    description = machine.describe(env, [peer for peer in peers if peer != BASELINE])
    print("\n".join(f"{name}: {value}" for name, value in description.items()))
    for name, reason in PRESETS.items():
        print(f"removed from the children's environment: {name} ({reason})")
    for missing in set(args.engines) - set(peers):
        remedy = "git fetch --unshallow" if missing == BASELINE else f"pip install {missing}"
        print(f"not installed, left out: {missing} ({remedy})")
    lines: list[dict[str, Any]] = []
    for workload in args.workloads or WORKLOADS:
        measured = []
        for row in load(workload).ROWS:
            engines = [OURS, *(peer for peer in peers if peer in row.engines)]
            samples = run(workload, row, engines, QUICK if args.quick else Effort(), env)
            measured += [{"workload": workload, **line} for line in report(row, samples)]
        print(f"\n## {workload}\n\n{load(workload).__doc__}\n\n{table(measured)}", flush=True)
        lines += measured
    if args.json:
        args.json.write_text(json.dumps({"machine": description, "lines": lines}, indent=1) + "\n")
        print(f"\nevery sample: {args.json}")


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(str(error))
