"""The loop of index gradients."""

from __future__ import annotations

from typing import Any

from autodiff.kernels.compiled import loop


@loop
def add_rows(out: Any, numbers: Any, x: Any) -> None:
    """Add each row of x to the row of a number, which lies within."""
    rows, columns = x.shape
    for n in range(rows):
        row = numbers[n]
        for j in range(columns):
            out[row, j] += x[n, j]
