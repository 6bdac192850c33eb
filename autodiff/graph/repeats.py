"""Finding what is repeated: the rounds of a loop, the blocks of a stack.

A sequence of pieces, each with a number for what it looks like, is searched for stretches A B A B A B. The shortest
period is taken first, so that a loop within a loop is folded from the inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Stretch = tuple[int, int, int]  # where it begins, its period, how many rounds it has
PERIODS = 48  # as many distances are tried as periods, the most frequent ones


def find(kinds: Sequence[int], rounds: Callable[[int, int, int], int]) -> Stretch | None:
    """Return the first stretch of the shortest period that repeats, or None.

    `rounds(start, period, count)` says how many of a candidate's rounds are rounds of one loop, 0 for none.
    """
    array = np.asarray(kinds)
    for period in _periods(array):
        for start, end in _runs(array[period:] == array[:-period]):
            for at in range(start, min(end - period, start + period) + 1):  # it may begin a little later
                count = rounds(at, period, (end - at) // period + 1)
                if count:
                    return at, period, count
    return None


def _runs(same: Any) -> Iterator[tuple[int, int]]:
    """Yield the beginnings and ends of the stretches in which all is true."""
    edges = np.flatnonzero(np.diff(same, prepend=False, append=False)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def _periods(array: Any) -> list[int]:
    """Return the distances at which like pieces, and like rows of pieces, follow each other, the shortest first."""
    gaps: Counter[int] = Counter()
    for length in (1, 3, 9):
        if len(array) < 2 * length:
            break
        rows = np.lib.stride_tricks.sliding_window_view(array, length)
        alike = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
        order = np.argsort(alike, kind="stable")
        gaps.update(np.diff(order)[np.diff(alike[order]) == 0].tolist())
    likely = [gap for gap, _ in gaps.most_common() if gap <= len(array) // 2]
    return sorted(likely[:PERIODS])
