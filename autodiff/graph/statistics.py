"""What is said of an array that is too large to be shown: its range, mean, zeros, NaN, and the shape of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BARS = 16
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Statistics:
    """The statistics of an array's finite values; of complex numbers, those of their absolute values.

    `low`, `high`, `mean` and `std` are None where nothing is finite. `bars` counts the finite values in equal intervals
    from low to high.
    """

    size: int
    low: float | None
    high: float | None
    mean: float | None
    std: float | None
    zeros: int
    nan: int
    inf: int
    bars: tuple[int, ...]

    @property
    def warning(self) -> str:
        """What is wrong with the values: `3 NaN`, `1 inf`, `3 NaN, 1 inf`, or nothing.

        >>> statistics([1.0, float("nan"), float("inf")]).warning
        '1 NaN, 1 inf'
        """
        return ", ".join(f"{count} {name}" for name, count in (("NaN", self.nan), ("inf", self.inf)) if count)


def sparkline(bars: Sequence[int]) -> str:
    """Return bars as text, one character each; an interval without values is a blank.

    >>> sparkline(statistics(np.linspace(-2, 2, 1000) ** 3).bars)
    '▁▁▁▁▂▂▃██▃▂▂▁▁▁▁'
    """
    tallest = max(bars, default=0)
    return "".join(BLOCKS[-(-len(BLOCKS) * n // tallest) - 1] if n else " " for n in bars)


def statistics(array: Any) -> Statistics:
    """Return the statistics of an array.

    >>> statistics([0.0, 1.0, 2.0, 5.0]).mean
    2.0
    """
    x = np.asarray(array).reshape(-1)
    x = np.abs(x) if x.dtype.kind == "c" else x
    x = x.astype(np.float64) if x.dtype.itemsize < 8 or x.dtype.kind != "f" else x
    finite = np.isfinite(x)
    nan = int(np.count_nonzero(np.isnan(x)))
    kept = x if finite.all() else x[finite]
    facts = x.size, nan, x.size - kept.size - nan
    if not kept.size:
        return Statistics(facts[0], None, None, None, None, 0, *facts[1:], ())
    low, high = float(kept.min()), float(kept.max())
    scale = 2.0 ** (np.frexp(max(-low, high, 0))[1] - 1)  # exact, and nothing overflows
    kept = kept / scale
    mean, std = float(kept.mean() * scale), float(kept.std() * scale)
    place = (
        np.minimum((kept - low / scale) / (high / scale - low / scale) * BARS, BARS - 1)
        if high > low
        else np.full(kept.size, BARS // 2)
    )
    bars = np.bincount(place.astype(np.int64), minlength=BARS)
    zeros = x.size - int(np.count_nonzero(x))
    return Statistics(facts[0], low, high, mean, std, zeros, *facts[1:], tuple(map(int, bars)))
