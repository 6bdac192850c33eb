"""What holds a row: the functions in which an engine spends a row's time, their own calls into NumPy included.

`python -m benchmarks.costs resnet` profiles the rows of a workload; the profiler's own cost, about 0.1 us a call, is in
the shares of functions that are called often.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from pathlib import Path

from benchmarks.engines import ENGINES, ROOT, VARIANTS, prepare
from benchmarks.report import aligned
from benchmarks.row import WORKLOADS, Timed, load


def costs(work: Timed, count: int, seconds: float = 1.0) -> tuple[float, list[tuple[str, ...]]]:
    """Time a step without the profiler, in us, then profile as many steps as fit and return the dearest functions."""
    us = work.measure(seconds / 2) * work.operations
    profiler = cProfile.Profile()
    end = time.perf_counter() + seconds
    steps = 0
    while steps < 3 or time.perf_counter() < end:
        profiler.enable()
        work.step()
        profiler.disable()
        steps += 1
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    found = sorted(stats.items(), key=lambda item: -item[1][2])[:count]
    rows = [
        (f"{100 * own / total:.1f} %", f"{own / steps * 1e6:.0f}", f"{calls / steps:.0f}", named(*where))
        for where, (_, calls, own, _, _) in found
    ]
    return us, rows


def named(path: str, line: int, function: str) -> str:
    """A function and where it stands."""
    if path == "~":
        return function
    place = Path(path)
    return f"{function}, {place.relative_to(ROOT) if place.is_relative_to(ROOT) else place.name}:{line}"


def main() -> None:
    """Profile what was asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--rows", default="", metavar="TEXT", help="only the rows whose name has this in it")
    parser.add_argument("--engine", choices=ENGINES, default=VARIANTS[-1], help="(default: %(default)s)")
    parser.add_argument("--count", type=int, default=20, help="how many functions (default: %(default)s)")
    args = parser.parse_args()
    prepare(args.engine)
    for row in load(args.workload).ROWS:
        if args.rows not in row.name or args.engine not in row.engines:
            continue
        work = row.engines[args.engine]()
        if not isinstance(work, Timed):
            continue
        work.result()
        us, rows = costs(work, args.count)
        print(f"\n{row.name}, {args.engine}: {us:.0f} us\n")
        print(aligned([("own time", "us", "calls", "function"), *rows]))


if __name__ == "__main__":
    main()
