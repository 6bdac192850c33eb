"""How long the packages take to import, in a new interpreter each time, on a warm file cache."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.engines import OURS
from benchmarks.row import Once, Row

TIMED = "from time import perf_counter as now; start = now(); import {}; print(now() - start)"


def import_time(modules: str) -> float:
    """Milliseconds that the import statement takes."""
    command = [sys.executable, "-c", TIMED.format(modules)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1e3


def importing(modules: str) -> Once:
    """One interpreter to warm the file cache, then one per measurement."""
    import_time(modules)
    return Once(partial(import_time, modules))


ROWS = (
    Row(
        "import autodiff, nn",
        "ms",
        {OURS: partial(importing, "autodiff, nn"), "numpy": partial(importing, "numpy")},
        limits={"numpy": 1.3},
    ),
)
