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
    if weight.ndim == 0:
        raise IndexError("a table has rows; got one number.")
    if ids.size and (ids.min() < 0 or ids.max() >= len(weight)):
        raise IndexError(f"the table has {len(weight)} rows; got numbers {ids.min()} to {ids.max()}; the first is 0.")
    return np.take(weight, ids, 0)


@primitive(None, kind="boolean")
def occurrences(ids: Any) -> Any:
    """Return for each number how often it is among all of them."""
    _, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    return counts[places].reshape(ids.shape)


@primitive(None, kind="boolean")
def bag_numbers(offsets: Any, *, size: int, last: bool = False) -> Any:
    """Return for each of `size` elements the number of the bag that it is in, given where each bag begins.

    With `last`, one more number says where the last one ends.

    >>> bag_numbers(np.array([0, 2, 2]), size=4)
    array([0, 0, 2, 2])
    """
    offsets = np.asarray(offsets, None if np.size(offsets) else np.intp)
    if offsets.dtype.kind not in "iu":
        raise TypeError(f"bags begin at integers; got {offsets.dtype}. Cast them with .astype(int).")
    if offsets.size and (offsets[0] != 0 or offsets[-1] > size or (offsets[1:] < offsets[:-1]).any()):
        raise ValueError(f"offsets must begin with 0, never decrease and end at most at {size}; got {offsets}.")
    if last and offsets[-1:] != [size]:
        raise ValueError(f"the last of the offsets must be {size}, where the last bag ends; got {offsets}.")
    return np.maximum(np.searchsorted(offsets, np.arange(size), side="right") - 1, 0)


@primitive(None, None, kind="boolean")
def first_largest(rows: Any, bags: Any, *, count: int) -> Any:
    """Return for each bag and feature the number of the first row of that bag that is the largest; 0 of an empty bag.

    >>> first_largest(np.array([[1.0], [3.0], [3.0], [2.0]]), np.array([0, 0, 0, 2]), count=3)
    array([[1],
           [0],
           [3]])
    """
    result = np.zeros((count, rows.shape[1]), np.intp)
    if len(rows):
        filled, starts = np.unique(bags, return_index=True)
        best = np.maximum.reduceat(rows, starts, axis=0)
        largest = (rows == np.repeat(best, np.diff(starts, append=len(rows)), axis=0)) | np.isnan(rows)
        numbers = np.where(largest, np.arange(len(rows))[:, None], len(rows))
        result[filled] = np.minimum.reduceat(numbers, starts, axis=0)
    return result
