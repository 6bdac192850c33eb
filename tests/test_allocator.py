"""Freed memory stays in the process, unless the environment asks otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, numpy as np, autodiff
a = np.ones(2**18)
for _ in range(50):
    b = a * a; c = b * a; d = c + b; e = d * c
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(**environment: str) -> int:
    """Count the page faults of a program that makes and frees arrays of 2 MiB."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_arrays_are_not_faulted_in_again_unless_the_environment_asks_for_it() -> None:
    kept, given_back = faults(AUTODIFF_MALLOC=""), faults(AUTODIFF_MALLOC="system")
    assert kept < given_back / 3
