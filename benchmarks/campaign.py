"""How often gradcheck is wrong about right derivatives: thousands of drawn calls of every operation of the registry.

`python -m benchmarks.campaign` draws smooth calls (away from kinks and singular points) and prints how many were
called wrong (false alarms), how many inconclusive, and the time it took.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from autodiff.testing import gradcheck, op_inputs
from autodiff.testing.strategies.operations import operations


def check(number: int, count: int, order: int) -> tuple[str, list[tuple[str, str, str]], float]:
    """Check drawn calls of the operation of a number; return its name, and for each call verdict, reason and code."""
    entry = operations()[number]
    found: list[tuple[str, str, str]] = []
    started = time.perf_counter()
    while len(found) < count:

        @seed(number + 1000 * len(found))
        @settings(
            max_examples=count - len(found),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(op_inputs(entry))
        def draw(call: Any) -> None:
            if call.inputs and len(found) < count:
                with np.errstate(all="ignore"):
                    report = gradcheck(call.function, *call.inputs, order=order)
                found.append((str(report.verdict), report.reason, repr(call)))

        before = len(found)
        draw()
        if len(found) == before:  # nothing here can be differentiated
            break
    return entry.name, found, time.perf_counter() - started


def main() -> None:
    """Run the campaign and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=main.__doc__)
    parser.add_argument("--checks", type=int, default=10_000, help="how many checks in all (default 10,000)")
    parser.add_argument("--order", type=int, default=1, help="up to which order of derivative (default 1)")
    parser.add_argument("--processes", type=int, default=2, help="how many processes share the work (default 2)")
    options = parser.parse_args()
    numbers = range(len(operations()))
    count = -(-options.checks // len(numbers))
    started = time.perf_counter()
    with ProcessPoolExecutor(options.processes) as pool:
        results = list(pool.map(check, numbers, [count] * len(numbers), [options.order] * len(numbers)))
    seconds = time.perf_counter() - started
    verdicts = Counter(verdict for _, found, _ in results for verdict, _, _ in found)
    for name, found, _ in results:
        for verdict, reason, code in found:
            if verdict != "pass":
                print(f"{verdict:12s} {name:18s} {reason:16s} {code}")
    total = sum(verdicts.values())
    print(f"{total:,} checks of {len(results)} operations, order {options.order}: {dict(verdicts)}")
    print(f"false alarms {verdicts['fail']}, inconclusive {100 * verdicts['inconclusive'] / total:.2f} %")
    each = 1e3 * sum(spent for _, _, spent in results) / total
    print(f"{seconds:.0f} s in {options.processes} processes, {each:.1f} ms a check")


if __name__ == "__main__":
    main()
