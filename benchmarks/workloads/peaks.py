"""Peak memory of each training step: the high-water mark over five, above what is resident after imports, in MiB."""

from __future__ import annotations

from benchmarks.row import STEPS, load

ROWS = tuple(load(workload).STEP.memory() for workload in STEPS)
