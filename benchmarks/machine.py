"""What a figure depends on: processor, threads, versions, the BLAS kernels that are live, and the machine's limits."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import autodiff

LIVE_BLAS = """
import numpy, threadpoolctl
for library in threadpoolctl.threadpool_info():
    print("{internal_api} {version}, {architecture} kernels, {num_threads} threads".format(**library))
"""

LIMITS = """
import json, sys, time
import numpy as np

def rate(work, amount, seconds):
    best, end = 1e9, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return amount / best / 1e9

def product(m, k, n, kind):
    a, b, c = np.ones((m, k), kind), np.ones((k, n), kind), np.empty((m, n), kind)
    return rate(lambda: np.matmul(a, b, c), 2 * m * k * n, 0.5 if m * k * n > 1e8 else 0.05)

def copy(size):
    a, b = np.ones(size // 4, "f4"), np.ones(size // 4, "f4")
    return rate(lambda: np.copyto(b, a), 2 * size, 0.3)

found = {
    "product, GFLOP/s": product(1536, 1536, 1536, "f4"),
    "product in float64, GFLOP/s": product(1536, 1536, 1536, "f8"),
    "copy, GB/s": copy(2**27),
    "copy in cache, GB/s": copy(2**18),
    "one ufunc of 4x4, us": 1e6 / rate(lambda x=np.ones((4, 4), "f4"): np.multiply(x, x), 1, 0.1) / 1e9,
}
for shape in json.loads(sys.argv[1]):
    found["product {} x {} x {}, GFLOP/s".format(*shape)] = product(*shape, "f4")
print(json.dumps(found))
"""


def describe(env: Mapping[str, str], packages: Iterable[str]) -> dict[str, Any]:
    """Describe the machine as the children see it."""
    versions = {"ndtape": autodiff.__version__} | {name: metadata.version(name) for name in packages}
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "numpy's blas": live_blas(env),
    }


def processor() -> str:
    """The processor's name, from Linux where it says more than Python does."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def live_blas(env: Mapping[str, str]) -> str:
    """The BLAS that NumPy runs in a child, with the kernels it chose for this processor."""
    child = subprocess.run([sys.executable, "-c", LIVE_BLAS], env=env, capture_output=True, text=True, check=False)
    return child.stdout.strip() or "unknown: pip install threadpoolctl"


def limits(env: Mapping[str, str], products: Iterable[tuple[int, int, int]]) -> dict[str, float]:
    """What the machine reaches in NumPy: matrix products of 1536 and of given shapes, copies, one small call."""
    command = [sys.executable, "-c", LIMITS, json.dumps(sorted(set(products)))]
    child = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(child.stdout)
    return found
