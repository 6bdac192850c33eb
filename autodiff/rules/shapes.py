"""Shapes, joins, splits, repetition and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.indexing import getitem, parse
from autodiff.primitive import composite, linear, outputs, sequence

linear(np.reshape, lambda g, s: np.reshape(g, s.shape), sig="a; shape, order='C', *, copy=None")
linear(np.ravel, lambda g, s: np.reshape(g, s.shape), sig="a; order='C'")
linear(np.squeeze, lambda g, s: np.reshape(g, s.shape), sig="a; axis=None")
linear(np.expand_dims, lambda g, s: np.reshape(g, s.shape), sig="a; axis")
linear(np.transpose, lambda g, axes: np.transpose(g, _inverse(axes)), sig="a; axes=None")
linear(np.matrix_transpose, lambda g: np.swapaxes(g, -1, -2), sig="x;", shapes="(m,n)->(n,m)")
linear(np.swapaxes, lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), sig="a; axis1, axis2")
linear(np.moveaxis, lambda g, source, destination: np.moveaxis(g, destination, source), sig="a; source, destination")
linear(np.broadcast_to, lambda g: g, sig="array; shape, subok=False")  # the sweep sums over broadcast axes
linear(np.flip, lambda g, axis: np.flip(g, axis), sig="m; axis=None")
linear(np.fliplr, lambda g: np.fliplr(g), sig="m;", shapes="(m,n)->(m,n)")
linear(np.flipud, lambda g: np.flipud(g), sig="m;", shapes="(m)->(m)")
linear(np.roll, lambda g, shift, axis: np.roll(g, _negative(shift), axis), sig="a; shift, axis=None")
linear(np.rot90, lambda g, k, axes: np.rot90(g, -k, axes), sig="m; k=1, axes=(0, 1)", shapes="(m,n)->(k,l)")
linear(np.tril, lambda g, k: np.tril(g, k), sig="m; k=0", shapes="(m,n)->(m,n)")
linear(np.triu, lambda g, k: np.triu(g, k), sig="m; k=0", shapes="(m,n)->(m,n)")

sequence(np.concatenate, lambda g, shapes, axis: _parts(g, shapes, axis), kind="linear",
         kernel=lambda *arrays, axis: np.concatenate(arrays, axis),
         sig="*arrays; axis=0, out=None, *, dtype=None, casting='same_kind'")  # fmt: skip
sequence(np.stack, lambda g, shapes, axis: [getitem(g, index=_at(axis, k)) for k in range(len(shapes))], kind="linear",
         kernel=lambda *arrays, axis: np.stack(arrays, axis),
         sig="*arrays; axis=0, out=None, *, dtype=None, casting='same_kind'")  # fmt: skip
outputs(np.split, lambda g, axis: np.concatenate(g.filled(), axis), kind="linear",
        sig="ary; indices_or_sections, axis=0")  # fmt: skip
outputs(np.array_split, lambda g, axis: np.concatenate(g.filled(), axis), kind="linear",
        sig="ary; indices_or_sections, axis=0")  # fmt: skip
outputs(np.unstack, lambda g, axis: np.stack(g.filled(), axis), kind="linear", sig="x; *, axis=0")


def _given(dtype: Any, casting: str) -> dict[str, Any]:
    return {"dtype": dtype, "casting": casting}


@composite(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    joined: Any = [np.atleast_1d(t) for t in tup]
    return np.concatenate(joined, axis=0 if joined[0].ndim == 1 else 1, **_given(dtype, casting))


@composite(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return np.concatenate([np.atleast_2d(t) for t in tup], axis=0, **_given(dtype, casting))


@composite(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(t) for t in tup], axis=2)


@composite(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [np.reshape(t, (-1, 1)) if np.ndim(t) < 2 else t for t in tup]
    return np.concatenate(columns, axis=1)


def _each(function: Any) -> Any:
    return lambda *arrays: function(arrays[0]) if len(arrays) == 1 else tuple(map(function, arrays))


composite(np.atleast_1d, _each(lambda a: a if np.ndim(a) >= 1 else np.reshape(a, (1,))))
composite(np.atleast_2d, _each(lambda a: a if np.ndim(a) >= 2 else np.reshape(a, (1, -1) if np.ndim(a) else (1, 1))))
composite(np.atleast_3d, _each(lambda a: _atleast_3d(a)))


def _atleast_3d(a: Any) -> Any:
    shape = np.shape(a)
    return a if len(shape) >= 3 else np.reshape(a, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)])


@composite(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> Any:
    return np.split(ary, indices_or_sections, axis=1 if np.ndim(ary) > 1 else 0)


@composite(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> Any:
    return np.split(ary, indices_or_sections, axis=0)


@composite(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Repeat by indexing: its adjoint adds up what was repeated."""
    if axis is None:
        a, axis = np.ravel(a), 0
    places = np.repeat(np.arange(a.shape[axis]), getattr(repeats, "data", repeats))
    return np.take(a, places, axis=axis)


@composite(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    """Tile by broadcasting over new axes: (n, m) becomes (r, n, q, m)."""
    reps = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    rank = max(len(reps), A.ndim)
    reps, shape = (1,) * (rank - len(reps)) + reps, (1,) * (rank - A.ndim) + A.shape
    pairs = [n for pair in zip(reps, shape, strict=True) for n in pair]
    open_shape = [n for size in shape for n in (1, size)]
    tiled = np.copy(np.broadcast_to(np.reshape(A, open_shape), pairs))
    return np.reshape(tiled, tuple(r * n for r, n in zip(reps, shape, strict=True)))


@linear(lambda g, s, widths: getitem(g, index=_inside(s.shape, widths)))
def pad_constant(x: Any, *, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Any:
    """Return x within a border of one value."""
    return np.pad(x, widths or 0, constant_values=value)


@composite(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    array = array if hasattr(array, "ndim") else np.asarray(array)
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [(w, w) if isinstance(w, int) else w for w in pad_width]
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)))
    if mode == "constant":
        value = kwargs.pop("constant_values", 0)
        if kwargs or np.ndim(value):
            raise TypeError(
                f"pad of a Tensor: constant_values must be one number and nothing else; got {value}, {kwargs}."
            )
        return pad_constant(array, widths=widths, value=value)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or kwargs:
        raise TypeError(
            f"pad of a Tensor: mode {mode!r} with {kwargs} has no rule; use constant, edge, reflect, symmetric or wrap."
        )
    for axis, width in enumerate(widths):  # every element of the border is a copy of one inside
        places = np.pad(np.arange(array.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
        array = np.take(array, places, axis=axis)
    return array


def _inverse(axes: Any) -> Any:
    if axes is None:
        return None
    inverse = [0] * len(axes)
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return inverse


def _negative(shift: Any) -> Any:
    return tuple(-n for n in shift) if isinstance(shift, (tuple, list)) else -shift


def _parts(g: Any, shapes: tuple[tuple[int, ...], ...], axis: int | None) -> list[Any]:
    """Cut the gradient of a concatenation into those of its operands."""
    if axis is None:
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = _parts(g, tuple((n,) for n in sizes), 0)
        return [np.reshape(part, shape) for part, shape in zip(flat, shapes, strict=True)]
    parts: list[Any] = []
    start = 0
    for shape in shapes:
        stop = start + shape[axis]
        parts.append(getitem(g, index=_at(axis % len(shape), slice(start, stop))))
        start = stop
    return parts


def _at(axis: int, place: Any) -> tuple[Any, ...]:
    """Return the index that selects a place along one axis."""
    return (slice(None),) * axis + (place,) if axis >= 0 else (Ellipsis, place) + (slice(None),) * (-axis - 1)


def _inside(shape: tuple[int, ...], widths: tuple[tuple[int, int], ...]) -> tuple[Any, ...]:
    return parse(tuple(slice(a, a + n) for n, (a, _) in zip(shape, widths, strict=True)))[0]
