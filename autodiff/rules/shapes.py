"""Shapes: what is rearranged, repeated, or spread over new axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff.kernels.indexing import ARRAY, scatter_add
from autodiff.primitive import composite, linear, values
from autodiff.summation import total


def _bind_reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    return (a,), {"shape": shape, "order": order if order != "A" else _memory(a), "copy": copy}


def _bind_ravel(a: Any, order: str = "C") -> Any:
    if order == "K":
        a, order = np.transpose(a, _axes_in_memory(np.asarray(values(a)))), "C"
    return (a,), {"order": order if order != "A" else _memory(a)}


def _memory(a: Any) -> str:
    """Return the order of an array's elements in memory: Fortran's or C's."""
    return "F" if np.asarray(values(a)).flags.fnc else "C"


def _axes_in_memory(x: Any) -> list[int]:
    """Return the axes from that of the longest steps in memory to that of the shortest, as NumPy walks along them."""
    walk = np.nditer(x[(slice(2),) * x.ndim], ["multi_index", "zerosize_ok"], order="K")
    places = [walk.multi_index for _ in walk]
    moves = [[n for n, place in enumerate(places) if place[i] != places[0][i]] for i in range(x.ndim)]
    return sorted(range(x.ndim), key=lambda i: moves[i][:1] or [len(places)], reverse=True)


linear(np.reshape, lambda g, s, order: np.reshape(g, s.shape, order), bind=_bind_reshape)
linear(np.ravel, lambda g, s, order: np.reshape(g, s.shape, order), bind=_bind_ravel)
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


def array(a: Any) -> Any:
    """Return an array or a tensor as it is, anything else as an array."""
    return a if hasattr(a, "ndim") else np.asarray(a)


def tensor(a: Any) -> Any:
    """Return a tensor as it is, anything else as a constant one."""
    return a if isinstance(a, engine.Tensor) else engine.wrap(np.asarray(a), None)


def arrays(*operands: Any) -> list[Any]:
    """Return operands as arrays: lists and numbers take the dtype of those beside them, so that float32 stays."""
    weak = [not hasattr(x, "ndim") or isinstance(x, np.generic) for x in operands]
    strong = [x.dtype for x, w in zip(operands, weak, strict=True) if not w and x.dtype.kind in "fc"]
    dtype = np.result_type(*strong) if strong else None
    return [_cast(np.asarray(x), dtype) if w else x for x, w in zip(operands, weak, strict=True)]


def _cast(x: Any, dtype: Any) -> Any:
    """Cast numbers, but complex ones to complex alone."""
    return x if dtype is None or (x.dtype.kind == "c" and dtype.kind == "f") else x.astype(dtype)


def _inverse(axes: Any) -> Any:
    if axes is None:
        return None
    inverse = [0] * len(axes)
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return inverse


def _negative(shift: Any) -> Any:
    return tuple(-n for n in shift) if isinstance(shift, (tuple, list)) else -shift


@composite(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axes = np.rollaxis(np.empty(range(a.ndim)), axis, start).shape  # NumPy moves the sides 0, 1, ... of nothing
    return np.transpose(a, axes)


def _each(function: Any) -> Any:
    return lambda *xs: function(tensor(xs[0])) if len(xs) == 1 else tuple(function(tensor(x)) for x in xs)


composite(np.atleast_1d, _each(lambda a: a if a.ndim >= 1 else np.reshape(a, (1,))))
composite(np.atleast_2d, _each(lambda a: a if a.ndim >= 2 else np.reshape(a, (1, a.size))))
composite(np.atleast_3d, _each(lambda a: _atleast_3d(a)))


def _atleast_3d(a: Any) -> Any:
    shape = a.shape
    return a if len(shape) >= 3 else np.reshape(a, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)])


# --- spread over new axes --------------------------------------------------------------------------------------------


@composite(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(tensor(a), shape) for a in args)


@composite(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is {indexing!r}; expected 'xy' or 'ij'.")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = places[:2][::-1]  # rows run along the second coordinate
    grids = [
        np.reshape(tensor(x), [-1 if i == place else 1 for i in range(len(xi))])
        for x, place in zip(xi, places, strict=True)
    ]
    grids = list(grids if sparse else np.broadcast_arrays(*grids)) if grids else []
    return tuple(np.copy(grid) if copy else grid for grid in grids)


@composite(np.kron)
def _kron(a: Any, b: Any) -> Any:
    """Multiply each element of a by all of b: (n, m) and (p, q) as (n, 1, m, 1) and (1, p, 1, q)."""
    a, b = arrays(a, b)
    rank = max(a.ndim, b.ndim)
    m, n = ((1,) * (rank - x.ndim) + x.shape for x in (a, b))
    every = np.reshape(a, [k for side in m for k in (side, 1)]) * np.reshape(b, [k for side in n for k in (1, side)])
    return np.reshape(every, [i * j for i, j in zip(m, n, strict=True)])


# --- repeated --------------------------------------------------------------------------------------------------------


linear(np.repeat, lambda g, s, repeats, axis: _gathered(g, s, repeats, axis), None, sig="a, repeats; axis=None")


def _gathered(g: Any, s: Any, repeats: Any, axis: int | None) -> Any:
    """Add up what each element was repeated as."""
    shape = (s.size,) if axis is None or not s.ndim else s.shape
    axis = 0 if axis is None else axis % len(shape)
    if np.ndim(repeats) == 0:
        together = np.reshape(g, (*shape[: axis + 1], g.shape[axis] // (shape[axis] or 1), *shape[axis + 1 :]))
        return np.reshape(total(together, axis + 1), s.shape)
    places = np.repeat(np.arange(shape[axis]), repeats)
    return np.reshape(scatter_add(g, places, index=(slice(None),) * axis + (ARRAY,), shape=shape), s.shape)


@composite(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    """Tile by broadcasting over new axes: (n, m) becomes (r, n, q, m)."""
    A, reps = array(A), tuple(np.atleast_1d(values(reps)).tolist())
    rank = max(len(reps), A.ndim)
    reps, shape = (1,) * (rank - len(reps)) + reps, (1,) * (rank - A.ndim) + A.shape
    pairs = [n for pair in zip(reps, shape, strict=True) for n in pair]
    open_shape = [n for size in shape for n in (1, size)]
    tiled = np.copy(np.broadcast_to(np.reshape(A, open_shape), pairs))
    return np.reshape(tiled, tuple(r * n for r, n in zip(reps, shape, strict=True)))


@composite(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    """Repeat all elements, in their order, until the shape is full."""
    a, shape = np.ravel(a), (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"resize: new_shape is {shape}; expected lengths that are not negative.")
    size = math.prod(shape)
    if not a.size:  # NumPy fills with zeros what nothing can fill
        a = np.pad(a, (0, 1))
    return np.reshape(np.tile(a, -(-size // a.size))[:size], shape)
