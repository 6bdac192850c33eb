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
MIX = np.uint64(0x9E3779B97F4A7C15)


def find(kinds: Sequence[int], rounds: Callable[[int, int, int], int]) -> list[Stretch]:
    """Return the stretches of the shortest period that repeats; none if nothing does.

    `rounds(start, period, count)` says how many of a candidate's rounds are rounds of one loop, 0 for none.
    """
    array = np.asarray(kinds)
    for period in _periods(array):
        found: list[Stretch] = []
        done = 0
        for start, end in _runs(array[period:] == array[:-period]):
            for at in range(max(start, done), min(end - period, start + period) + 1):  # it may begin a little later
                count = rounds(at, period, (end - at) // period + 1)
                if count:
                    found.append((at, period, count))
                    done = at + period * count
                    break
        if found:
            return found
    return []


def _runs(same: Any) -> Iterator[tuple[int, int]]:
    """Yield the beginnings and ends of the stretches in which all is true."""
    edges = np.flatnonzero(np.diff(same, prepend=False, append=False)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def _periods(array: Any) -> list[int]:
    """Return the distances at which like pieces, and like rows of pieces, follow each other, the shortest first."""
    gaps: Counter[int] = Counter()
    rows = array.astype(np.uint64)
    for length in (1, 3, 9):  # a row is told by a number; that two rows share one only costs a vain attempt
        if len(array) < 2 * length:
            break
        if length > 1:
            third = length // 3
            rows = (rows[: -2 * third] * MIX + rows[third:-third]) * MIX + rows[2 * third :]
        order = np.argsort(rows, kind="stable")
        gaps.update(np.diff(order)[np.diff(rows[order]) == 0].tolist())
    likely = [gap for gap, _ in gaps.most_common() if gap <= len(array) // 2]
    return sorted(likely[:PERIODS])
