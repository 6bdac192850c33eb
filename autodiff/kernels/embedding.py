"""Looking up rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.indexing import ROWS, placed
from autodiff.primitive import primitive


def _rule(g: Any, s: Any, ids: Any, padding_idx: int | None, by_frequency: bool) -> Any:
    if padding_idx is not None:
        g = np.where(np.expand_dims(np.not_equal(ids, padding_idx), -1), g, 0)
    if by_frequency:
        g = g / np.expand_dims(occurrences(ids), -1)
    return placed(g, (ids,), ROWS, s.shape)


@primitive(_rule, None, analytic=True)
def embedding(weight: Any, ids: Any, *, padding_idx: int | None = None, by_frequency: bool = False) -> Any:
    """Return the rows of a table (v, m) with numbers `ids`, of any shape: (..., m).

    The row `padding_idx` gets no gradient; `by_frequency` divides that of a row by how often it is looked up.

    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]))
    array([[3., 4.],
           [3., 4.]])
    """
    ids = np.asarray(ids, None if np.size(ids) else np.intp)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"rows are numbered by integers; got {ids.dtype}. Cast it with .astype(int).")
    if ids.size and (ids.min() < 0 or ids.max() >= len(weight)):
        raise IndexError(f"the table has {len(weight)} rows; got numbers {ids.min()} to {ids.max()}.")
    return np.take(weight, ids, 0)


@primitive(None, kind="boolean")
def occurrences(ids: Any) -> Any:
    """Return for each number how often it is among all of them."""
    _, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    return counts[places].reshape(ids.shape)
