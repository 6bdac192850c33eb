"""Loops of depthwise convolution: one pass over the result where NumPy takes two for every element of the kernel.

A row is a run of memory of the result, the same run of the image moved by an element of the kernel for each `offset`.
"""

from __future__ import annotations

from typing import Any

from autodiff.kernels.compiled import loop


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
