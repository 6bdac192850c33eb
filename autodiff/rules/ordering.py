"""Sorting, searching and sets: what is picked is taken by index, and its gradient goes back to where it came from.

Of equal values the chosen one gets the gradient: the first in order, since sorting is stable unless asked otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.ordering import common, distinct
from autodiff.primitive import composite, constant, register
from autodiff.rules.indexing import take

constant(np.argpartition, "a; kth, axis=-1, kind='introselect', order=None")
constant(np.searchsorted, "a, v; side='left', sorter=None")
constant(np.isin, "element, test_elements; assume_unique=False, invert=False, *, kind=None")
if (in1d := getattr(np, "in1d", None)) is not None:
    constant(in1d, "ar1, ar2; assume_unique=False, invert=False, *, kind=None")
register(np.lexsort, None, kind="boolean", bind=lambda keys, axis=-1: (tuple(keys), {"axis": axis}),
         kernel=lambda *keys, axis: np.lexsort(keys, axis))  # fmt: skip


@composite(np.sort, kinks=("tie",), complex=True)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: bool | None = None) -> Any:
    """Sort by taking: each element's gradient returns to where it came from."""
    _no_order("sort", order)
    if axis is None:
        a, axis = np.ravel(a), -1
    stable = True if kind is None and stable is None else stable
    return np.take_along_axis(a, np.argsort(a, axis=axis, kind=kind, stable=stable), axis=axis)


@composite(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    return np.sort(np.astype(a, np.result_type(a.dtype, np.complex64)))


@composite(np.partition, kinks=("tie",), complex=True)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None) -> Any:
    _no_order("partition", order)
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis, kind=kind), axis=axis)


def _no_order(name: str, order: Any) -> None:
    if order is not None:
        raise TypeError(f"{name} of a Tensor does not support order=; it has no fields.")


# --- sets ------------------------------------------------------------------------------------------------------------


@composite(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # they are in any case
) -> Any:
    places = distinct(ar, axis=axis, equal_nan=equal_nan)
    wanted = [part for part, want in zip(places, (return_index, return_inverse, return_counts), strict=True) if want]
    values = take(ar, places[0], axis=axis)
    return (values, *wanted) if wanted else values


composite(np.unique_values, lambda x: np.unique(x, equal_nan=False))
composite(np.unique_all, lambda x: _named(np.unique_all, np.unique(x, True, True, True, equal_nan=False)))
composite(np.unique_counts, lambda x: _named(np.unique_counts, np.unique(x, return_counts=True, equal_nan=False)))
composite(np.unique_inverse, lambda x: _named(np.unique_inverse, np.unique(x, return_inverse=True, equal_nan=False)))
composite(np.union1d, lambda ar1, ar2: np.unique(np.concatenate((ar1, ar2), axis=None)))


@composite(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """Take what both hold from the first, which gets the gradient; nothing of the second gives it the dtype of both."""
    first, second = common(ar1, ar2, assume_unique=assume_unique)
    values = np.concatenate((take(ar1, first), np.ravel(ar2)[:0]))
    return (values, first, second) if return_indices else values


@composite(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    values = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return np.extract(np.isin(values, ar2, assume_unique=assume_unique, invert=True), values)


@composite(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    parts = (ar1, ar2) if assume_unique else (np.unique(ar1), np.unique(ar2))
    values = np.sort(np.concatenate(parts, axis=None))
    ends = np.ones(min(1, values.size), bool)  # before the first and after the last stands another value
    differs = np.concatenate((ends, np.not_equal(values[1:], values[:-1]), ends))
    return np.extract(np.logical_and(differs[1:], differs[:-1]), values)


def _named(fun: Any, parts: Any) -> Any:
    """Return several results in the type that a function of NumPy gives them in."""
    return type(fun(np.empty(0)))(*parts)
