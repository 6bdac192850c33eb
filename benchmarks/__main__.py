"""Command line and tables."""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import history, machine, report
from benchmarks.engines import PEERS, VARIANTS, missing
from benchmarks.row import WORKLOADS, Row, load
from benchmarks.runner import PRESETS, BenchmarkError, Effort, Workers, environment

QUICK = Effort(rounds=3, fresh_rounds=1, seconds=0.02)
PACKAGES = ("numpy", "scipy", "numba", "onednn-cpu-gomp", "torch", "autograd", "mygrad", "jax", "tinygrad")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"which to run, of {', '.join(WORKLOADS)}; all unless given")
    known = (*VARIANTS, *PEERS)
    parser.add_argument(
        "--engines", nargs="+", choices=known, default=known, help="which to run; the first of ours always"
    )
    parser.add_argument("--rows", metavar="TEXT", default="", help="only the rows whose name has this in it")
    parser.add_argument("--threads", type=int, nargs="+", default=[2], help="for BLAS and OpenMP (default: 2)")
    parser.add_argument("--quick", action="store_true", help="a few short rounds: whether it works, not how fast")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every sample there, not to benchmarks/results")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the figures there (needs matplotlib)")
    parser.add_argument(
        "--compare", type=Path, nargs="+", metavar="JSON", help="what changed since; of two, between them"
    )
    args = parser.parse_args()
    if unknown := set(args.workloads) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    for path in args.compare or []:
        if not path.is_file():
            parser.error(f"--compare: no file {path}; runs are kept in {history.RESULTS}")
    return args


def versions() -> list[str]:
    """The packages that are installed."""
    found = []
    for name in PACKAGES:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def chosen(workload: str, text: str) -> list[Row]:
    """The rows of a workload that were asked for."""
    return [row for row in load(workload).ROWS if text in row.name]


def run(args: argparse.Namespace, threads: int, engines: list[str], record: dict[str, Any]) -> None:
    """Measure and print the tables for one number of threads."""
    env = environment(threads)
    names = [name for name in args.workloads or WORKLOADS if chosen(name, args.rows)]
    products = [row.product for name in names for row in chosen(name, args.rows) if row.product]
    limits = record["limits"][threads] = machine.limits(env, [] if args.quick else products)
    print(f"\n# {threads} thread{'s' * (threads > 1)}\n")
    print("\n".join(f"{name}: {report.figure(value)}" for name, value in limits.items()))
    for name in names:
        workload, lines = load(name), []
        with Workers(name, env) as workers:
            for row in chosen(name, args.rows):
                present = [engine for engine in engines if engine in row.engines]
                samples, failures = measured(workers, row, present, QUICK if args.quick else Effort())
                record["failures"] += failures
                found = report.figures(row, samples, limits, keep=bool(args.json))
                lines += [{"workload": name, "threads": threads, **line} for line in found]
        print(f"\n## {name}\n\n{workload.__doc__}\n")
        if lines:
            print(report.table(lines))
        for note in (*report.summaries(workload, lines), *report.absences(chosen(name, args.rows))):
            print(f"- {note}")
        sys.stdout.flush()
        record["lines"] += lines


def measured(
    workers: Workers, row: Row, engines: list[str], effort: Effort
) -> tuple[dict[str, list[float]], list[str]]:
    """Measure a row; one whose engines disagree has no figures."""
    try:
        samples, failures = workers.run(row, engines, effort)
    except BenchmarkError as error:
        samples, failures = {}, [str(error)]
    for failure in failures:
        print(f"\nFAILED: {failure}", flush=True)
    return samples, failures


def main() -> None:
    """Run what was asked and print it."""
    args = arguments()
    if args.compare and len(args.compare) > 1:
        old, new = map(history.load, args.compare[:2])
        print(history.compared(old["lines"], new["lines"]))
        return
    absent = {name: why for name in args.engines if (why := missing(name))}
    engines = [name for name in (*VARIANTS, *PEERS) if name in {VARIANTS[0], *args.engines} - set(absent)]
    description = machine.describe(environment(args.threads[0]), versions())
    print("\n".join(f"{name}: {value}" for name, value in description.items()))
    for name, reason in PRESETS.items():
        print(f"removed from the children's environment: {name} ({reason})")
    for name, remedy in absent.items():
        print(f"left out: {name} ({remedy})")
    record: dict[str, Any] = {"machine": description, "quick": args.quick, "limits": {}, "failures": [], "lines": []}
    for threads in args.threads:
        run(args, threads, engines, record)
    if args.json or not args.quick:
        path = args.json or history.place()
        history.save(path, record)
        print(f"\nfigures: {path}")
    if args.plots:
        from benchmarks import plots

        print("pictures:", *plots.draw(record["lines"], args.plots, "benchmarks"))
    if args.compare:
        print("\n" + history.compared(history.load(args.compare[0])["lines"], record["lines"]))
    if record["failures"]:
        sys.exit(
            f"{len(record['failures'])} rows failed: " + "; ".join(f.partition("\n")[0] for f in record["failures"])
        )


if __name__ == "__main__":
    main()
