"""What a figure depends on: processor, threads, versions, and the BLAS kernels that are live."""

from __future__ import annotations

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


def describe(env: Mapping[str, str], peers: Iterable[str]) -> dict[str, Any]:
    """Describe the machine as the children see it."""
    versions = {"ndtape": autodiff.__version__} | {name: metadata.version(name) for name in ("numpy", *peers)}
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "threads": env["OMP_NUM_THREADS"],
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
