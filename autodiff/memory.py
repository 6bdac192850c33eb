"""Memory that is freed is kept for the next array, where the C library is glibc.

By default glibc gives the memory of every large array back to the system when it is freed, and each page of the next
array costs a fault: several times what the arithmetic on it costs. Recording makes and frees arrays at every step.
"""

from __future__ import annotations

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
KEPT = 2**30  # bytes that may stay unused in the process before some are given back
LARGEST = (2**30, 2**25)  # bytes of an array that is still taken from what is kept; older releases allow the second


def keep_freed() -> bool:
    """Let the process keep up to 1 GiB of freed memory; say whether the C library agreed.

    It concerns the whole process and is done at import. `AUTODIFF_MALLOC=system` in the environment leaves it alone.
    """
    if os.environ.get("AUTODIFF_MALLOC") == "system" or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return any(mallopt(MMAP_THRESHOLD, n) for n in LARGEST) and bool(mallopt(TRIM_THRESHOLD, KEPT))
