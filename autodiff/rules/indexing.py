"""NumPy's indexing functions, written with getitem; diagonals; and the functions that write into an array."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff import apply as engine
from autodiff import tape
from autodiff.kernels.indexing import ARRAY, getitem, parse, put, scatter_add
from autodiff.primitive import composite, constant, outputs, plain

outputs(np.nonzero, None, sig="a;", kind="boolean")
outputs(np.ix_, None, bind=lambda *args: (args, {}), kind="boolean")
constant(np.argwhere, "a;")
constant(np.flatnonzero, "a;")
plain(np.unravel_index, np.ravel_multi_index)
plain(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)


@composite(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """Take by getitem. NumPy dispatches on `a` alone: what may be given an array and tensors as indices calls this."""
    _no_out("take", out)
    a, axis = (np.ravel(a), 0) if axis is None else (a if np.ndim(a) else np.reshape(a, 1), axis)
    axis = normalize_axis_index(axis, np.ndim(a))
    template, arrays = parse((slice(None),) * axis + (resolved(indices, np.shape(a)[axis], mode),))
    return getitem(a, *arrays, index=template)


@composite(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    template, arrays = parse(_lines(np.shape(arr), indices, axis))
    return getitem(arr, *arrays, index=template)


@composite(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    _no_out("compress", out)
    if np.ndim(condition) != 1:
        raise ValueError(f"compress: condition must have one axis; got {np.ndim(condition)} of them.")
    return take(a, np.flatnonzero(condition), axis=axis)


@composite(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return take(arr, np.flatnonzero(condition))


@composite(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    places = bounding_box(filt, trim=trim, axis=axis)
    return getitem(filt, *places, index=(ARRAY,) * len(places))


@outputs(None, kind="boolean")
def bounding_box(x: Any, *, trim: str, axis: Any) -> Any:
    """Return the open grid of the places within the smallest box around all that is not 0."""
    if (trim := trim.lower()) not in ("f", "b", "fb", "bf"):
        raise ValueError(f"trim_zeros: trim is 'f' (the front), 'b' (the back) or 'fb'; got {trim!r}.")
    trimmed = range(x.ndim) if axis is None else [normalize_axis_index(n, x.ndim) for n in np.atleast_1d(axis)]
    sides, kept = [np.arange(n) for n in x.shape], np.nonzero(np.atleast_1d(x))
    for i in trimmed:
        first, last = (kept[i].min(), kept[i].max()) if len(kept[i]) else (0, -1)  # all is 0: nothing is left
        first, last = first if "f" in trim else 0, last if "b" in trim or not len(kept[i]) else x.shape[i] - 1
        sides[i] = sides[i][first : last + 1]
    return np.ix_(*sides)


def resolved(indices: Any, n: int, mode: str = "raise") -> Any:
    """Return indices into n elements with those beyond the ends as `mode` says; "raise" leaves them to be refused."""
    indices = int(indices) if isinstance(indices, int) else _array(indices, np.intp)
    if getattr(getattr(indices, "dtype", None), "kind", "") == "b":
        indices = np.astype(indices, np.intp)  # numbers, not a mask
    if mode == "wrap":
        return np.remainder(indices, max(n, 1))
    if mode == "clip":
        return np.clip(indices, 0, max(n - 1, 0))
    if mode != "raise":
        raise ValueError(f"mode is 'raise', 'wrap' or 'clip'; got {mode!r}.")
    return indices


def along(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """Return the index arrays that pick `indices` along one axis and each place of a shape along the others."""
    grids, axis = np.ogrid[tuple(slice(n) for n in shape)], normalize_axis_index(axis, len(shape))
    return tuple(indices if i == axis else grids[i] for i in range(len(shape)))


def _lines(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    indices, axis = _array(indices), normalize_axis_index(axis, len(shape))
    if indices.ndim != len(shape):
        raise ValueError(
            f"indices of shape {indices.shape} must have as many axes as the array, whose shape is {shape}."
        )
    if indices.dtype.kind not in "iu":
        raise IndexError(f"indices along an axis must be integers; got {indices.dtype}.")
    return along(shape, indices, axis)


def _array(x: Any, empty: Any = None) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x, dtype=None if np.size(x) else empty)


def _no_out(name: str, out: Any) -> None:
    if out is not None:
        raise TypeError(f"{name} of a Tensor does not support out=; assign the result instead.")


# --- diagonals -------------------------------------------------------------------------------------------------------


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
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix; got shape {v.shape}. For a stack, np.diagonal.")
    n = len(v) + abs(k)
    rows, columns = _diagonal_places((n, n), k)
    return scatter_add(v, rows, columns, index=parse((rows, columns))[0], shape=(n, n))


@composite(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


def _diagonal_places(shape: tuple[int, ...], offset: int) -> tuple[Any, Any]:
    row, column = max(-offset, 0), max(offset, 0)
    steps = np.arange(max(min(shape[0] - row, shape[1] - column), 0))
    return steps + row, steps + column


# --- in place: the destination takes the new value, with its history while recording ---------------------------------


@composite(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    places = np.ravel(resolved(ind, np.size(a), mode))
    _write("put", a, _flat(a, places, _cycled(_fitting(v, a), places.size)) if np.size(v) else a)


@composite(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    _same_size("place", arr, mask)
    places = np.flatnonzero(mask)
    if places.size and not np.size(vals):
        raise ValueError("place: there are no values to put where the mask holds.")
    _write("place", arr, _flat(arr, places, _cycled(_fitting(vals, arr), places.size)) if places.size else arr)


@composite(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    _same_size("putmask", a, mask)
    places = np.flatnonzero(mask)
    _write("putmask", a, _flat(a, places, _repeated(_fitting(values, a), places)) if np.size(values) else a)


@composite(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if not hasattr(src, "dtype"):
        src = np.asarray(src, np.result_type(dst.dtype, src) if np.isscalar(src) else None)
    if not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(f"copyto: cannot cast {src.dtype} to {dst.dtype} with casting={casting!r}.")
    if (extra := np.ndim(src) - np.ndim(dst)) > 0 and src.shape[:extra] == (1,) * extra:
        src = np.reshape(src, src.shape[extra:])
    _write("copyto", dst, np.where(_array(where), np.astype(src, dst.dtype), dst))


@composite(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    shape = np.shape(a)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ValueError(f"fill_diagonal takes a matrix, or an array whose axes are all as long; got shape {shape}.")
    step = 1 + sum(math.prod(shape[i + 1 :]) for i in range(len(shape) - 1))
    places = np.arange(np.size(a))[: shape[1] ** 2 if len(shape) == 2 and not wrap else None : step]
    _write("fill_diagonal", a, _flat(a, places, _cycled(_fitting(val, a), places.size)) if np.size(val) else a)


@composite(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    if axis is None:
        value = _flat(arr, _lines((np.size(arr),), indices, 0)[0], _fitting(values, arr))
    else:
        template, arrays = parse(_lines(np.shape(arr), indices, axis))
        value = put(arr, _fitting(values, arr), *arrays, index=template)
    _write("put_along_axis", arr, value)


def _flat(a: Any, places: Any, values: Any) -> Any:
    """Return a with values at places of its elements counted in one row."""
    return np.reshape(put(np.ravel(a), values, places, index=(ARRAY,)), np.shape(a))


def _fitting(values: Any, a: Any) -> Any:
    """Return plain numbers in an array's dtype: where one is beyond it, that is NumPy's error."""
    return values if hasattr(values, "dtype") else np.asarray(values, getattr(a, "dtype", None))


def _cycled(values: Any, n: int) -> Any:
    """Return n values, from the first again after the last."""
    return _repeated(values, np.arange(n))


def _repeated(values: Any, places: Any) -> Any:
    """Return the values that lie at places if all values repeat without end."""
    return take(values, places, mode="wrap") if np.size(values) != 1 else np.reshape(_array(values), ())


def _same_size(name: str, a: Any, mask: Any) -> None:
    if np.size(a) != np.size(mask):
        raise ValueError(f"{name}: the mask has {np.size(mask)} elements and the array {np.size(a)}; expected as many.")


def _write(name: str, target: Any, value: Any) -> None:
    """Give a Tensor a new value as `x[i] = v` does; write into an ndarray where no history is lost."""
    if isinstance(target, engine.Tensor):
        target._become(value)
        return
    if not isinstance(target, np.ndarray):
        raise TypeError(f"{name} writes into a Tensor or an ndarray; got a {type(target).__name__}.")
    if isinstance(value, engine.Tensor):
        if value._node is not None or engine.tracing():
            raise TypeError(
                f"{name} into an ndarray: it cannot keep the history of the Tensor written. Write into a Tensor "
                f"(ad.tensor(a)), give the values as t.detach(), or work under ad.no_grad()."
            )
        np.copyto(target, value._data)
        tape.touch(target)
