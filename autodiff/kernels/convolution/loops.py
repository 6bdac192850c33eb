"""Loops of convolution: one pass where NumPy takes one or two for every element of the kernel.

A row is a run of memory of the result, the same run of the image moved by an element of the kernel for each `offset`.
"""

from __future__ import annotations

from typing import Any

from autodiff.kernels import compiled
from autodiff.kernels.compiled import loop


def usable(x: Any) -> bool:
    """Say whether the loops are to be used for an array."""
    return compiled.available() and x.dtype.char in "fdFD"


@loop
def forward(x: Any, starts: Any, offsets: Any, by: Any, y: Any) -> None:
    """Write the sums over k of x[starts[r] + offsets[k] + j] * by[k, j] into y[r, j]."""
    rows, length = y.shape
    for r in range(rows):
        row = y[r]
        at = x[starts[r] + offsets[0] :]
        weights = by[0]
        for j in range(length):
            row[j] = at[j] * weights[j]
        for k in range(1, len(offsets)):
            at = x[starts[r] + offsets[k] :]
            weights = by[k]
            for j in range(length):
                row[j] += at[j] * weights[j]


@loop
def weight(x: Any, starts: Any, offsets: Any, g: Any, by: Any) -> None:
    """Add the sums over r of x[starts[r] + offsets[k] + j] * g[r, j] to by[k, j]."""
    rows, length = g.shape
    for r in range(rows):
        row = g[r]
        for k in range(len(offsets)):
            at = x[starts[r] + offsets[k] :]
            total = by[k]
            for j in range(length):
                total[j] += at[j] * row[j]


@loop
def spread(columns: Any, starts: Any, offsets: Any, x: Any) -> None:
    """Add columns[r, k, j] to x[starts[r] + offsets[k] + j]."""
    rows, taps, length = columns.shape
    for r in range(rows):
        for k in range(taps):
            at = x[starts[r] + offsets[k] :]
            run = columns[r, k]
            for j in range(length):
                at[j] += run[j]
