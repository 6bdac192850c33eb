"""Arguments of shapes, repetition and indexing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.kernels import embedding as table
from autodiff.kernels import indexing
from autodiff.testing.strategies.arrays import axes, index_expressions
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape


def reshape(d: Draw) -> Arguments:
    """Draw another shape of as many elements, one side of which may be -1."""
    shape = d.shape()
    size = math.prod(shape)
    target: list[int] = [] if size == 1 and d.chance() else [size]
    while target and target[0] > 1 and (factors := [n for n in (2, 3) if target[0] % n == 0]) and d.chance():
        factor = d.choice(*factors)
        target = [target[0] // factor, *d(st.permutations([factor, *target[1:]]))]
    if target and size and d.chance():
        target[d.integer(0, len(target) - 1)] = -1
    new: Any = target[0] if len(target) == 1 and d.chance() else tuple(target)
    return [d.array(shape), new], d.choice({}, {"copy": True}, {"copy": None}, {"order": "F"})


def ravel(d: Draw) -> Arguments:
    """Draw an order of reading that does not depend on the memory."""
    return [d.array(d.shape())], d.choice({}, {"order": "F"})


def squeeze(d: Draw) -> Arguments:
    """Draw axes of length 1 among others."""
    shape = tuple(n for side in d.shape(max_dims=2) for n in ((1, side) if d.chance() else (side,)))
    ones = [i - len(shape) * d.integer(0, 1) for i, n in enumerate(shape) if n == 1]
    axis = d.choice(None, tuple(ones), *ones[:1])
    return [d.array(shape)], {} if axis is None else {"axis": axis}


def expand_dims(d: Draw) -> Arguments:
    """Draw one or two places for new axes."""
    shape = d.shape()
    n = len(shape)
    return [d.array(shape), d.axis(n + 1) if d.chance() else signed_axes(d, n + 2)[:2]], {}


def signed_axes(d: Draw, ndim: int) -> Shape:
    """Draw an order of the axes, each counted from either end."""
    return tuple(i - ndim * d.integer(0, 1) for i in d(st.permutations(range(ndim))))


def transpose(d: Draw) -> Arguments:
    """Draw an order of the axes."""
    shape = d.shape()
    return [d.array(shape)], {"axes": d.choice(signed_axes(d, len(shape)), None)} if d.chance() else {}


def swapaxes(d: Draw) -> Arguments:
    """Draw two axes."""
    shape = d.shape(dims=1)
    return [d.array(shape), d.axis(len(shape)), d.axis(len(shape))], {}


def moveaxis(d: Draw) -> Arguments:
    """Draw axes and where they go."""
    shape = d.shape(dims=1)
    if d.chance():
        return [d.array(shape), d.axis(len(shape)), d.axis(len(shape))], {}
    count = d.integer(0, len(shape))
    return [d.array(shape), signed_axes(d, len(shape))[:count], signed_axes(d, len(shape))[:count]], {}


def rollaxis(d: Draw) -> Arguments:
    """Draw an axis, and the one before which it goes."""
    shape = d.shape(dims=1)
    return [d.array(shape), d.axis(len(shape))], {"start": d.integer(-len(shape), len(shape))} if d.chance() else {}


def broadcast_to(d: Draw) -> Arguments:
    """Draw a shape, and make some of its axes 1 or leave the first ones out."""
    shape = d.shape()
    small = tuple(1 if d.chance() else n for n in shape)
    return [d.array(small[d.integer(0, len(shape)) :]), shape], {}


def roll(d: Draw) -> Arguments:
    """Draw a shift over all elements, along an axis, or along several."""
    shape = d.shape()
    x, shift = d.array(shape), d.integer(-4, 4)
    if not shape or d.chance():
        return [x, shift], {}
    if d.chance():
        return [x, shift], {"axis": d.axis(len(shape))}
    return [x, (shift, d.integer(-4, 4))], {"axis": (d.axis(len(shape)), d.axis(len(shape)))}


def rot90(d: Draw) -> Arguments:
    """Draw a number of turns and a plane."""
    shape = d.shape(dims=2)
    given = d.choice({}, {"axes": signed_axes(d, len(shape))[:2]})
    return [d.array(shape)], given | d.optional(shape, "k")


def at_least(d: Draw) -> Arguments:
    """Draw one array or two."""
    return [d.array(d.shape()) for _ in range(d.integer(1, 2))], {}


# --- repetition and spreading ----------------------------------------------------------------------------------------


def repeat(d: Draw) -> Arguments:
    """Draw one number of repeats, or one for each element, along an axis or flattened."""
    shape = d.shape()
    x = d.array(shape)
    axis = None if not shape or d.chance() else d.axis(len(shape))
    n = x.size if axis is None else shape[axis]
    repeats = [d.integer(0, 2) for _ in range(n)] if d.chance() else d.integer(0, 3)
    as_array = repeats == [] or d.chance()  # an empty list is one of floating numbers
    return [x, np.array(repeats, np.int64) if as_array else repeats], {} if axis is None else {"axis": axis}


def resize(d: Draw) -> Arguments:
    """Draw a shape of fewer or more elements, or a number of them."""
    return [d.array(d.shape()), d.choice(d.integer(0, 7), d.shape(max_dims=2))], {}


def broadcast_arrays(d: Draw) -> Arguments:
    """Draw arrays that broadcast together."""
    return [d.array(shape) for shape in d.shapes(d.integer(1, 3))], {}


def meshgrid(d: Draw) -> Arguments:
    """Draw up to three coordinates, and how the grid lies."""
    coordinates = [d.array(d.shape(max_dims=1)) for _ in range(d.integer(1, 3))]
    return coordinates, d.choice({}, {"indexing": "ij"}, {"sparse": True}, {"copy": False}, {"indexing": "xy"})


def kron(d: Draw) -> Arguments:
    """Draw any two arrays."""
    return [d.array(d.shape(max_dims=2)), d.array(d.shape(max_dims=2), 1)], {}


def tile(d: Draw) -> Arguments:
    """Draw one number of repetitions, or one for each of some axes."""
    reps = d.choice(2, 1, 0, tuple(d.integer(0, 2) for _ in range(d.integer(0, 4))))
    return [d.array(d.shape()), reps], {}


# --- indexing --------------------------------------------------------------------------------------------------------


def getitem(d: Draw) -> Arguments:
    """Draw an index; the call is x[index]."""
    shape = d.shape()
    return [d.array(shape), d(index_expressions(shape))], {}, operator.getitem


def scatter_add(d: Draw) -> Arguments:
    """Draw an index of some zeros, and what is added there."""
    shape = d.shape()
    index = d(index_expressions(shape))
    template, places = indexing.parse(index)
    return [d.array(np.zeros(shape)[index].shape), *places], {"index": template, "shape": shape}


def embedding(d: Draw) -> Arguments:
    """Draw a table, numbers of rows, and options: a padding row that is not met, frequencies of rows met once."""
    rows = d.integer(1, 3)
    ids = d.integers(d.shape(max_dims=2), 0, rows - 1)
    keywords = d.choice({}, {"padding_idx": rows}, {"by_frequency": True})
    ids = np.unique(ids) if "by_frequency" in keywords else ids
    return [d.array((rows + 1, d.integer(0, 3))), ids], keywords


def put(d: Draw) -> Arguments:
    """Draw an index, and what is written there: values of its shape, fewer that are repeated, or with an axis more."""
    shape = d.shape()
    index = d(index_expressions(shape))
    template, places = indexing.parse(index)
    size = np.zeros(shape)[index].shape
    value = tuple(1 if d.chance() else n for n in size)[d.integer(0, len(size)) if d.chance() else 0 :]
    if all(place.dtype.kind != "b" for place in places):
        value = d.choice((), (1,)) + value
    return [d.array(shape), d.array(value), *places], {"index": template}


def diagonal(d: Draw) -> Arguments:
    """Draw an offset and a plane."""
    shape = d.shape(dims=2)
    keywords = {"offset": d.integer(-3, 3)} if d.chance() else {}
    if d.chance():
        keywords["axis1"], keywords["axis2"] = signed_axes(d, len(shape))[:2]
    return [d.array(shape)], keywords | (d.optional(shape, "dtype") if d.entry.fun is np.trace else {})


def diag(d: Draw) -> Arguments:
    """Draw a vector or a matrix, and an offset."""
    shape = d.shape(dims=1, max_dims=2)
    return [d.array(shape)], d.optional(shape, "k")


def flip(d: Draw) -> Arguments:
    """Draw axes, or none for all."""
    shape = d.shape()
    return [d.array(shape)], {"axis": d(axes(len(shape)))} if d.chance() else {}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.reshape: reshape,
    np.ravel: ravel,
    np.squeeze: squeeze,
    np.expand_dims: expand_dims,
    np.transpose: transpose,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.rollaxis: rollaxis,
    np.broadcast_to: broadcast_to,
    np.broadcast_arrays: broadcast_arrays,
    np.meshgrid: meshgrid,
    np.kron: kron,
    np.flip: flip,
    np.roll: roll,
    np.rot90: rot90,
    np.atleast_1d: at_least,
    np.atleast_2d: at_least,
    np.atleast_3d: at_least,
    np.repeat: repeat,
    np.tile: tile,
    np.resize: resize,
    indexing.getitem: getitem,
    indexing.scatter_add: scatter_add,
    table.embedding: embedding,
    indexing.put: put,
    np.diagonal: diagonal,
    np.trace: diagonal,
    np.diag: diag,
}
