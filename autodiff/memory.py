"""Freed memory that is kept for the next array, where the C library is glibc and its user asks for it."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
LARGEST = (2**30, 2**25)  # bytes of an array that is still taken from what is kept; most releases allow the second only
DEFAULT = 2**17  # both of glibc's thresholds


def tune_allocator(keep: int = 2**30) -> bool:
    """Let the whole process keep up to `keep` bytes of freed memory for its next arrays; say whether it will.

    By default glibc gives the memory of every array above 128 KiB back to the system when it is freed, and each page of
    the next one costs a fault: up to twenty times what the arithmetic on it costs. A training step makes and frees such
    arrays all the time, so this pays wherever they hold 128 KiB to some MiB. It concerns everything in the process,
    whose resident size stays near its highest; nothing is changed until it is called. `tune_allocator(0)` returns to
    glibc's initial thresholds and gives back what is unused. False, and nothing is changed, with other C libraries.

    >>> import autodiff as ad
    >>> ad.tune_allocator()  # doctest: +SKIP
    True
    """
    if isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep < 2**31:
        raise ValueError(f"tune_allocator: keep is a number of bytes from 0 to 2**31 - 1; got {keep!r}.")
    libc = _libc()
    if libc is None:
        return False
    if not keep:
        done = bool(libc.mallopt(MMAP_THRESHOLD, DEFAULT) and libc.mallopt(TRIM_THRESHOLD, DEFAULT))
        libc.malloc_trim(0)
        return done
    return any(libc.mallopt(MMAP_THRESHOLD, n) for n in LARGEST) and bool(libc.mallopt(TRIM_THRESHOLD, keep))


def _libc() -> Any:
    """Return the C library if its allocator can be tuned; musl has no mallopt, macOS and Windows neither."""
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
