"""Joins and splits, insertion and deletion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.kernels.indexing import ARRAY, getitem, scatter_add
from autodiff.primitive import composite, outputs, primitive, sequence, values
from autodiff.rules import shapes
from autodiff.rules.shapes import array


def _join(fun: Any) -> Any:
    def join(*arrays: Any, axis: int | None, dtype: Any, casting: str | None) -> Any:
        cast = dtype is not None or casting is not None
        return fun(arrays, axis, dtype=dtype, casting=casting or "same_kind") if cast else fun(arrays, axis)

    return join


sequence(np.concatenate, lambda g, shapes, axis: _parts(g, shapes, axis), kind="linear", kernel=_join(np.concatenate),
         sig="*arrays; axis=0, out=None, *, dtype=None, casting=None", takes=("dtype", "casting"))  # fmt: skip
sequence(np.stack, lambda g, shapes, axis: [getitem(g, index=_at(axis, k)) for k in range(len(shapes))], kind="linear",
         kernel=_join(np.stack), sig="*arrays; axis=0, out=None, *, dtype=None, casting=None",
         takes=("dtype", "casting"))  # fmt: skip
for _split in (np.split, np.array_split):
    outputs(_split, lambda g, s, indices_or_sections, axis: _whole(g.filled(), s, indices_or_sections, axis),
            kind="linear", sig="ary; indices_or_sections, axis=0")  # fmt: skip
outputs(np.unstack, lambda g, axis: np.stack(g.filled(), axis), kind="linear", sig="x; *, axis=0")


def _parts(g: Any, shapes: tuple[tuple[int, ...], ...], axis: int | None) -> list[Any]:
    """Cut the gradient of a concatenation into those of its operands."""
    if axis is None:
        sizes = [math.prod(shape) for shape in shapes]
        flat = _parts(g, tuple((n,) for n in sizes), 0)
        return [np.reshape(part, shape) for part, shape in zip(flat, shapes, strict=True)]
    parts: list[Any] = []
    start = 0
    for shape in shapes:
        stop = start + shape[axis]
        parts.append(getitem(g, index=_at(axis % len(shape), slice(start, stop))))
        start = stop
    return parts


def _whole(parts: list[Any], s: Any, at: Any, axis: int) -> Any:
    """Join the gradients of the parts of a split; parts at places out of order overlap, and are added up."""
    joined: Any = np.concatenate(parts, axis)
    if joined.shape == s.shape:
        return joined
    places = np.concatenate(np.array_split(np.arange(s.shape[axis]), at))
    return scatter_add(joined, places, index=_at(axis, ARRAY), shape=s.shape)


def _at(axis: int, place: Any) -> tuple[Any, ...]:
    """Return the index that selects a place along one axis."""
    return (slice(None),) * axis + (place,) if axis >= 0 else (Ellipsis, place) + (slice(None),) * (-axis - 1)


# --- joins -----------------------------------------------------------------------------------------------------------


@composite(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    joined: Any = [np.atleast_1d(t) for t in tup]
    return np.concatenate(joined, axis=0 if joined and joined[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@composite(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return np.concatenate([np.atleast_2d(t) for t in tup], axis=0, dtype=dtype, casting=casting)


@composite(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(t) for t in tup], axis=2)


@composite(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [np.reshape(t, (-1, 1)) if np.ndim(t) < 2 else t for t in tup]
    return np.concatenate(columns, axis=1)


@composite(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate(shapes.arrays(arr, values), axis)


@composite(np.block)
def _block(arrays: Any) -> Any:
    """Join the innermost lists along the last axis, those around them along the one before, and so on."""
    depth = _depth(arrays)
    parts = shapes.arrays(*_innermost(arrays))
    rank = max(depth, *[part.ndim for part in parts])
    blocks = iter([np.reshape(part, (1,) * (rank - part.ndim) + part.shape) for part in parts])
    return _joined(arrays, blocks, rank - depth)


def _joined(nested: Any, blocks: Any, axis: int) -> Any:
    if isinstance(nested, list):
        return np.concatenate([_joined(part, blocks, axis + 1) for part in nested], axis)
    return next(blocks)


def _innermost(nested: Any) -> Any:
    if not isinstance(nested, list):
        yield nested
    else:
        for part in nested:
            yield from _innermost(part)


def _depth(nested: Any) -> int:
    """Return how deep lists are nested, the same everywhere."""
    if isinstance(nested, tuple):
        raise TypeError("block: a tuple is given; expected lists of lists of arrays. Write [...] in place of (...).")
    if not isinstance(nested, list):
        return 0
    depths = {_depth(part) for part in nested}
    if len(depths) != 1:
        raise ValueError(
            "block: a list is empty." if not depths else
            f"block: lists are nested to different depths ({', '.join(map(str, sorted(depths)))}); write [a] for a "
            "block that stands alone in its row."
        )  # fmt: skip
    return 1 + depths.pop()


# --- splits ----------------------------------------------------------------------------------------------------------


def _split_along(name: str, axis: int, rank: int) -> Any:
    """Return what splits arrays of some axes at least along one of them."""

    def split(ary: Any, indices_or_sections: Any) -> Any:
        ndim = np.ndim(ary)
        if ndim < rank:
            raise ValueError(f"{name}: the array has {ndim} axes; expected {rank} or more.")
        return np.split(ary, indices_or_sections, axis=min(axis, ndim - 1))

    return split


composite(np.hsplit, _split_along("hsplit", 1, 1))
composite(np.vsplit, _split_along("vsplit", 0, 2))
composite(np.dsplit, _split_along("dsplit", 2, 3))


# --- insertion and deletion ------------------------------------------------------------------------------------------


@composite(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """Take the places that are left."""
    arr, axis = _flat_if_none(arr, axis)
    return np.take(arr, left(_listed(obj, arr.shape[axis]), ndim=arr.ndim, axis=axis, count=arr.shape[axis]), axis)


@primitive(None, kind="boolean")
def left(places: Any, *, ndim: int, axis: int, count: int) -> Any:
    """Return the numbers of the places along an axis that are left when some are deleted."""
    return np.ravel(np.delete(_places(ndim, axis, count), places, axis))


@composite(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Take the array's places and those of the new values behind it, in the order that NumPy gives them."""
    arr, axis = _flat_if_none(arr, axis)
    obj, values = _listed(obj, arr.shape[axis]), array(values)
    values = np.reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
    count = _inserted(obj, arr.shape[axis])
    if count == 1:  # in one place go as many as there are; a row of a matrix is the first axis of what is inserted
        values = values if np.ndim(obj) else np.moveaxis(values, 0, axis)
        count = values.shape[axis]
    values = np.broadcast_to(values, (*arr.shape[:axis], count, *arr.shape[axis + 1 :]))
    joined = np.concatenate((arr, values.astype(arr.dtype) if arr.dtype.kind in "fc" else values), axis)
    return np.take(joined, mixed(obj, ndim=arr.ndim, axis=axis, counts=(arr.shape[axis], count)), axis)


@primitive(None, kind="boolean")
def mixed(places: Any, *, ndim: int, axis: int, counts: tuple[int, int]) -> Any:
    """Return the order of old and new places, numbered one after the other, when the new ones are inserted."""
    old, new = (_places(ndim, axis, n) for n in counts)
    new = new + counts[0]
    return np.ravel(np.insert(old, places, new if np.ndim(places) else np.moveaxis(new, axis, 0), axis))


def _inserted(obj: Any, n: int) -> int:
    """Return how many places are inserted among n."""
    return int(np.insert(np.zeros(n), values(obj), 1).size) - n


def _listed(obj: Any, n: int) -> Any:
    """Return the places that a slice of n stands for, and others as they are."""
    return np.arange(n)[obj] if isinstance(obj, slice) else obj


def _flat_if_none(arr: Any, axis: int | None) -> tuple[Any, int]:
    return (np.ravel(arr), 0) if axis is None else (array(arr), normalize_axis_index(axis, np.ndim(arr)))


def _places(ndim: int, axis: int, count: int) -> Any:
    """Return the numbers of the places along an axis of an array of so many axes."""
    return np.reshape(np.arange(count), [count if i == axis else 1 for i in range(ndim)])
