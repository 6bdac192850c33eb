"""Arguments of shapes, joins, splits, repetition, padding and indexing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.kernels import indexing
from autodiff.rules.padding import pad_constant
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
    return [d.array(shape), new], d.choice({}, {"copy": True}, {"copy": None})


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


# --- joins and splits ------------------------------------------------------------------------------------------------


def concatenate(d: Draw) -> Arguments:
    """Draw arrays that differ in length along one axis; or any arrays, flattened."""
    if d.chance():
        flat = [d.array(d.shape(max_dims=2)) for _ in range(d.integer(1, 3))]
        return [flat], {"axis": None} | d.optional((), "dtype")
    shape = d.shape(dims=1)
    axis = d.axis(len(shape)) if d.chance() else 0
    parts = differing(d, shape, axis)
    given = {"axis": axis} if axis or d.chance() else {}
    return [d.choice(parts, tuple(parts))], given | d.optional((), "dtype")


def stack(d: Draw) -> Arguments:
    """Draw arrays of one shape, and where the new axis goes."""
    shape = d.shape(max_dims=2)
    parts = [d.array(shape) for _ in range(d.integer(1, 3))]
    return [parts], ({"axis": d.axis(len(shape) + 1)} if d.chance() else {}) | d.optional((), "dtype")


def differing(d: Draw, shape: Shape, axis: int) -> list[Any]:
    """Draw arrays that differ in length along an axis."""
    axis %= len(shape)
    return [d.array((*shape[:axis], d.integer(0, 3), *shape[axis + 1 :])) for _ in range(d.integer(1, 3))]


def hstack(d: Draw) -> Arguments:
    """Draw arrays that differ in length along the second axis, the first of vectors; or numbers."""
    shape = d.shape()
    parts = differing(d, shape, min(1, len(shape) - 1)) if shape else [d.array(()) for _ in range(d.integer(1, 3))]
    return [parts], d.optional((), "dtype")


def dstack(d: Draw) -> Arguments:
    """Draw arrays that differ in length along the third axis, or of equal shape."""
    shape = d.shape()
    return [differing(d, shape, 2) if len(shape) > 2 else [d.array(shape) for _ in range(d.integer(1, 3))]], {}


def column_stack(d: Draw) -> Arguments:
    """Draw vectors and matrices of equally many rows."""
    n = d.integer(0, 3)
    return [[d.array((n,) if d.chance() else (n, d.integer(0, 3))) for _ in range(d.integer(1, 3))]], {}


def vstack(d: Draw) -> Arguments:
    """Draw rows and matrices of equal width."""
    if d.chance():
        return [differing(d, d.shape(dims=2), 0)], d.optional((), "dtype")
    n = d.integer(0, 3)
    parts = [d.array((n,) if d.chance() else (d.integer(0, 3), n)) for _ in range(d.integer(1, 3))]
    return [parts], d.optional((), "dtype")


def sections(d: Draw, n: int) -> Any:
    """Draw a number of equal parts, or the places to cut at."""
    if d.chance():
        return sorted(d.integer(0, n) for _ in range(d.integer(0, 3)))
    uneven = d.entry.fun is np.array_split
    return d.choice(*[k for k in (1, 2, 3) if uneven or n % k == 0])


def split(d: Draw) -> Arguments:
    """Draw parts along an axis."""
    shape = d.shape(dims=1)
    axis = d.axis(len(shape)) if d.chance() else 0
    return [d.array(shape), sections(d, shape[axis])], {"axis": axis} if axis or d.chance() else {}


def split_along(axis: int) -> Callable[[Draw], Arguments]:
    """Return what draws parts along a certain axis."""

    def arguments(d: Draw) -> Arguments:
        shape = d.shape(dims=2 if d.entry.fun is np.vsplit else 1)
        return [d.array(shape), sections(d, shape[min(axis, len(shape) - 1)])], {}

    return arguments


def unstack(d: Draw) -> Arguments:
    """Draw an axis of at least one element."""
    shape = d.shape(dims=1, sides=1)
    return [d.array(shape)], {"axis": d.axis(len(shape))} if d.chance() else {}


def at_least(d: Draw) -> Arguments:
    """Draw one array or two."""
    return [d.array(d.shape()) for _ in range(d.integer(1, 2))], {}


# --- repetition and padding ------------------------------------------------------------------------------------------


def repeat(d: Draw) -> Arguments:
    """Draw one number of repeats, or one for each element, along an axis or flattened."""
    shape = d.shape()
    x = d.array(shape)
    axis = None if not shape or d.chance() else d.axis(len(shape))
    n = x.size if axis is None else shape[axis]
    repeats = [d.integer(0, 2) for _ in range(n)] if d.chance() else d.integer(0, 3)
    return [x, np.array(repeats, np.int64) if d.chance() else repeats], {} if axis is None else {"axis": axis}


def tile(d: Draw) -> Arguments:
    """Draw one number of repetitions, or one for each of some axes."""
    reps = d.choice(2, 1, 0, tuple(d.integer(0, 2) for _ in range(d.integer(0, 4))))
    return [d.array(d.shape()), reps], {}


def pad(d: Draw) -> Arguments:
    """Draw widths, one, two or two for each axis, and what the border holds."""
    mode = d.choice("constant", "edge", "reflect", "symmetric", "wrap")
    shape = d.shape(sides=0 if mode == "constant" else 1)
    widths: Any = [(d.integer(0, 2), d.integer(0, 2)) for _ in shape]
    if not shape or d.chance():
        widths = d.choice(d.integer(0, 2), (d.integer(0, 2), d.integer(0, 2)))
    x = d.array(shape)
    if mode == "constant":
        return [x, widths], d.choice({}, {"constant_values": 2.0}, {"mode": "constant"})
    return [x, widths], {"mode": mode}


def padded(d: Draw) -> Arguments:
    """Draw the widths of each axis and a value."""
    shape = d.shape()
    given = {"widths": tuple((d.integer(0, 2), d.integer(0, 2)) for _ in shape)}
    return [d.array(shape)], given | d.choice({}, {"value": 2.0})


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


def put(d: Draw) -> Arguments:
    """Draw an index, and what is written there: values of its shape, or ones that broadcast to it."""
    shape = d.shape()
    index = d(index_expressions(shape))
    template, places = indexing.parse(index)
    size = np.zeros(shape)[index].shape
    value = tuple(1 if d.chance() else n for n in size)[d.integer(0, len(size)) if d.chance() else 0 :]
    return [d.array(shape), d.array(value), *places], {"index": template}


def take(d: Draw) -> Arguments:
    """Draw places along an axis, or of the flattened array: one, or an array of them."""
    shape = d.shape(sides=1)
    axis = d.axis(len(shape)) if shape and d.chance() else None
    n = math.prod(shape) if axis is None else shape[axis]
    places = d.integers(d.shape(max_dims=2), -n, n - 1)
    indices = d.choice(places, d.integer(-n, n - 1))
    return [d.array(shape), indices], {} if axis is None and d.chance() else {"axis": axis}


def take_along_axis(d: Draw) -> Arguments:
    """Draw places along an axis, of any number for each line; or of the flattened array."""
    shape = d.shape(dims=1, sides=1)
    if d.chance():
        n = math.prod(shape)
        return [d.array(shape), d.integers((d.integer(0, 3),), -n, n - 1)], {"axis": None}
    axis = d.axis(len(shape)) if d.chance() else -1
    place = axis % len(shape)
    size = (*shape[:place], d.integer(0, 3), *shape[place + 1 :])
    return [d.array(shape), d.integers(size, -shape[axis], shape[axis] - 1)], {} if axis == -1 else {"axis": axis}


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
    np.squeeze: squeeze,
    np.expand_dims: expand_dims,
    np.transpose: transpose,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.broadcast_to: broadcast_to,
    np.flip: flip,
    np.roll: roll,
    np.rot90: rot90,
    np.concatenate: concatenate,
    np.stack: stack,
    np.hstack: hstack,
    np.vstack: vstack,
    np.dstack: dstack,
    np.column_stack: column_stack,
    np.split: split,
    np.array_split: split,
    np.hsplit: split_along(1),
    np.vsplit: split_along(0),
    np.unstack: unstack,
    np.atleast_1d: at_least,
    np.atleast_2d: at_least,
    np.atleast_3d: at_least,
    np.repeat: repeat,
    np.tile: tile,
    np.pad: pad,
    pad_constant: padded,
    indexing.getitem: getitem,
    indexing.scatter_add: scatter_add,
    indexing.put: put,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.diagonal: diagonal,
    np.trace: diagonal,
    np.diag: diag,
}
