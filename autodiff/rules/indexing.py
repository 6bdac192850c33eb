"""NumPy's indexing functions, written with getitem, and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.indexing import getitem, parse, scatter_add
from autodiff.primitive import composite, outputs, plain


@composite(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or mode != "raise":
        raise TypeError(f"take of a Tensor does not support out= or mode={mode!r}; clip or wrap the indices first.")
    if axis is None:
        a, axis = np.ravel(a), 0
    place = (slice(None),) * (axis % np.ndim(a)) + (
        indices if isinstance(indices, int) else np.asarray(_values(indices)),
    )
    template, arrays = parse(place)
    return getitem(a, *arrays, index=template)


@composite(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    template, arrays = parse(along(arr.ndim, indices, axis))
    return getitem(arr, *arrays, index=template)


@composite(np.diagonal, shapes="(m,n)->(k)")
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    moved = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = _diagonal_places(moved.shape[-2:], offset)
    template, arrays = parse((Ellipsis, rows, columns))
    return getitem(moved, *arrays, index=template)


@composite(np.trace, shapes="(m,n)->()")
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@composite(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim != 1:
        return np.diagonal(v, k)
    n = len(v) + abs(k)
    rows, columns = _diagonal_places((n, n), k)
    return scatter_add(v, rows, columns, index=parse((rows, columns))[0], shape=(n, n))


@composite(np.sort, kinks=("tie",))
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """Sort by taking: each element's gradient returns to where it came from."""
    if order is not None:
        raise TypeError("sort of a Tensor does not support order=; it has no fields.")
    if axis is None:
        a, axis = np.ravel(a), -1
    places = np.argsort(_values(a), axis=axis, kind=kind, stable=stable)
    return np.take_along_axis(a, places, axis=axis)


outputs(np.nonzero, None, sig="a;")
plain(np.unravel_index, np.ravel_multi_index)


def along(ndim: int, indices: Any, axis: int) -> tuple[Any, ...]:
    """Return the index arrays that pick `indices` along one axis and each place along the others."""
    shape = indices.shape
    grids = np.ogrid[tuple(slice(n) for n in shape)]
    return tuple(indices if i == axis % ndim else grids[i] for i in range(ndim))


def _diagonal_places(shape: tuple[int, ...], offset: int) -> tuple[Any, Any]:
    row, column = max(-offset, 0), max(offset, 0)
    steps = np.arange(max(min(shape[0] - row, shape[1] - column), 0))
    return steps + row, steps + column


def _values(x: Any) -> Any:
    return getattr(x, "_data", x)
