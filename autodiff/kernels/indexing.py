"""Indexing and its adjoint. Index arrays are operands (they may vary); what is left of the index is a template.

In a template `ARRAY` holds the place of an index array; slices, integers, None and Ellipsis stand for themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.apply import Placed
from autodiff.kernels import scatter
from autodiff.kernels.scatter import ARRAY as ARRAY
from autodiff.kernels.scatter import ROWS as ROWS
from autodiff.kernels.scatter import filled
from autodiff.primitive import linear, primitive


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


def _bind(x: Any, *arrays: Any, index: tuple[Any, ...], **params: Any) -> Any:
    return (x, *arrays), {"index": index, **params}


@linear(lambda g, s, rest, index: placed(g, rest, index, s.shape), bind=_bind)
def getitem(x: Any, *arrays: Any, index: tuple[Any, ...]) -> Any:
    """Return x[index], the template's places filled with the index arrays."""
    if index == ROWS and arrays[0].dtype.kind != "b" and x.ndim and x.flags.c_contiguous:
        return np.take(x, arrays[0], 0)  # in half the time
    return x[filled(index, arrays)]


@linear(lambda g, rest, index: getitem(g, *rest, index=index), bind=_bind)
def scatter_add(x: Any, *arrays: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return zeros of a shape with x added at an index: the adjoint of getitem, so repeated indices accumulate."""
    out = np.zeros(shape, np.float32 if x.dtype == np.float16 else x.dtype)
    scatter.add_at(out, arrays, index, x)
    return out.astype(x.dtype, copy=False)


def placed(g: Any, arrays: tuple[Any, ...], index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return scatter_add of a gradient: of an array as what the sweep adds where it belongs."""
    if type(g) is not np.ndarray:
        return scatter_add(g, *arrays, index=index, shape=shape)
    return Placed(g, shape, lambda out, values: scatter.add_at(out, arrays, index, values))


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
    out[filled(index, arrays)] = v
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
    where, writer = filled(index, arrays), np.empty(shape, dtype=np.intp)
    number = np.arange(writer[where].size).reshape(writer[where].shape)
    writer[where] = number
    return writer[where] == number
