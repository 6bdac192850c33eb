"""Indexing and its adjoint. Index arrays are operands (they may vary); what is left of the index is a template.

In a template `ARRAY` holds the place of an index array; slices, integers, None and Ellipsis stand for themselves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.apply import Placed
from autodiff.kernels import compiled, scatter_loops
from autodiff.primitive import linear, primitive


class _Array:
    def __repr__(self) -> str:
        return "array"


ARRAY = _Array()
ROWS = (ARRAY,)


def parse(index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split an index into its template and its arrays: `x[1:, [0, 2]]` gives (slice, ARRAY) and ([0, 2],)."""
    template: list[Any] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if (
            part is None
            or part is Ellipsis
            or isinstance(part, slice)
            or (isinstance(part, (int, np.integer)) and not isinstance(part, bool))
        ):
            template.append(part)
        else:
            template.append(ARRAY)
            arrays.append(_checked(part))
    return tuple(template), tuple(arrays)


def _checked(part: Any) -> Any:
    array = part if hasattr(part, "dtype") else np.asarray(part, dtype=None if np.size(part) else np.intp)
    if array.dtype.kind not in "biu":
        raise IndexError(
            f"index of dtype {array.dtype}: expected integers, a boolean mask, slices, None or ...; "
            "cast it with .astype(int)."
        )
    return array


def _filled(template: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    waiting = iter(arrays)
    return tuple(next(waiting) if part is ARRAY else part for part in template)


def _bind(x: Any, *arrays: Any, index: tuple[Any, ...], **params: Any) -> Any:
    return (x, *arrays), {"index": index, **params}


@linear(lambda g, s, rest, index: placed(g, rest, index, s.shape), bind=_bind)
def getitem(x: Any, *arrays: Any, index: tuple[Any, ...]) -> Any:
    """Return x[index], the template's places filled with the index arrays."""
    if index == ROWS and arrays[0].dtype.kind != "b" and x.flags.c_contiguous:
        return np.take(x, arrays[0], 0)  # in half the time
    return x[_filled(index, arrays)]


@linear(lambda g, rest, index: getitem(g, *rest, index=index), bind=_bind)
def scatter_add(x: Any, *arrays: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return zeros of a shape with x added at an index: the adjoint of getitem, so repeated indices accumulate."""
    out = np.zeros(shape, np.float32 if x.dtype == np.float16 else x.dtype)
    add_at(out, arrays, index, x)
    return out.astype(x.dtype, copy=False)


def placed(g: Any, arrays: tuple[Any, ...], index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return scatter_add of a gradient: of an array as what the sweep adds where it belongs."""
    if type(g) is not np.ndarray:
        return scatter_add(g, *arrays, index=index, shape=shape)
    return Placed(g, shape, lambda out, values: add_at(out, arrays, index, values))


def add_at(out: Any, arrays: tuple[Any, ...], index: tuple[Any, ...], x: Any) -> None:
    """Add x to an array in place at an index whose places may repeat, by what is fastest.

    us for 2048 rows of 128 into 65: np.add.at 2731, sorted reduceat 611, a sparse product 124, a compiled loop 38; for
    16 rows of 128: 23, 26, 24, 3, and np.add.at over single elements 10; for 10,000 numbers into 1000: bincount 17,
    np.add.at 13, the loop 15.
    """
    if all(a.dtype.kind == "b" for a in arrays):  # basic indices and masks never meet twice
        out[_filled(index, arrays)] += x
        return
    found = _row_numbers(index, arrays, out.shape) if out.flags.c_contiguous else None
    if found is None:
        np.add.at(out, _filled(index, arrays), x)
    elif x.size:
        numbers, rest = found
        x = np.ascontiguousarray(x, out.dtype).reshape(numbers.size, math.prod(rest))
        _add_rows(out.reshape(-1, x.shape[1]), numbers.reshape(-1), x)


def _row_numbers(index: tuple[Any, ...], arrays: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return which rows an index means, row by row, and their shape; None where it does not mean rows.

    It does if integers, one by one or in arrays, stand side by side among axes that are taken whole.
    """
    whole = slice(None)
    lead = next((i for i, part in enumerate(index) if part != whole), 0)
    stop = next((i for i, part in enumerate(index[lead:], lead) if not _integer(part)), len(index))
    if stop == lead or any(part is not Ellipsis and part != whole for part in index[stop:]):
        return None
    if any(a.dtype.kind == "b" for a in arrays):
        return None
    waiting, numbers = iter(arrays), np.zeros((), np.intp)
    for part, n in zip(index[lead:stop], shape[lead:stop], strict=True):
        numbers = numbers * n + _counted(next(waiting) if part is ARRAY else part, n)
    if lead:
        before = np.arange(math.prod(shape[:lead])).reshape(-1, *[1] * numbers.ndim)
        numbers = before * math.prod(shape[lead:stop]) + numbers
    return numbers, shape[stop:]


def _integer(part: Any) -> bool:
    return part is ARRAY or isinstance(part, (int, np.integer))


def _counted(part: Any, n: int) -> Any:
    """Return integers counted from the front; refuse those that are no places of n."""
    part = np.asarray(part, np.intp)
    if part.size and (low := part.min()) < 0:
        part = np.where(part < 0, part + n, part)
        low += n
    if part.size and (low < 0 or part.max() >= n):
        raise IndexError(f"index {part.min()}..{part.max()} is out of bounds for an axis of size {n}.")
    return part


def _add_rows(out: Any, numbers: Any, x: Any) -> None:
    """Add each row of x to the row of a number."""
    if compiled.available() and out.dtype in (np.float32, np.float64):
        scatter_loops.add_rows(out, numbers, x)
    elif x.shape[1] == 1:
        np.add.at(out.reshape(-1), numbers, x.reshape(-1))
    elif x.size < 6000 or out.dtype.kind not in "fc":
        places = numbers[:, None] * x.shape[1] + np.arange(x.shape[1])
        np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
    else:
        from scipy.sparse import csc_array

        rows, column = np.unique(numbers, return_inverse=True)  # of a large table only the rows that are met
        ones, ends = np.ones(len(numbers), out.dtype), np.arange(len(numbers) + 1)
        out[rows] += csc_array((ones, column, ends), shape=(len(rows), len(numbers))) @ x


def _bind_put(x: Any, v: Any, *arrays: Any, index: tuple[Any, ...]) -> Any:
    return (x, v, *arrays), {"index": index}


@primitive(
    lambda g, xs, index: put(g, 0.0, *xs[2:], index=index),  # type: ignore[has-type]
    lambda g, s, xs, index: _written(g, s, xs[2:], index),
    bind=_bind_put,
    kind="linear",
    analytic=False,
    complex=True,  # a real x has no room for a complex value
)
def put(x: Any, v: Any, *arrays: Any, index: tuple[Any, ...]) -> Any:
    """Return a copy of x with x[index] = v; where an index repeats, the last value stays, as in NumPy."""
    out = np.array(x)
    out[_filled(index, arrays)] = v
    return out


def _written(g: Any, s: Any, arrays: tuple[Any, ...], index: tuple[Any, ...]) -> Any:
    """Return the gradient of the values written: that of their places, 0 for a value that was overwritten."""
    taken: Any = getitem(g, *arrays, index=index)
    if not all(a.dtype.kind == "b" for a in arrays):
        taken = np.where(last_written(*arrays, index=index, shape=g.shape), taken, 0)
    return np.reshape(taken, (1,) * (s.ndim - taken.ndim) + taken.shape) if s.ndim > taken.ndim else taken


def _bind_places(*arrays: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    return arrays, {"index": index, "shape": shape}


@primitive(None, bind=_bind_places, kind="boolean")
def last_written(*arrays: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Say for each place of an index whether it is the last one that means its element."""
    where, writer = _filled(index, arrays), np.empty(shape, dtype=np.intp)
    number = np.arange(writer[where].size).reshape(writer[where].shape)
    writer[where] = number
    return writer[where] == number
