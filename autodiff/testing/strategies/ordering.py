"""Arguments of sorting, sets, selection, and of what takes from arrays or writes into them by index."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels.ordering import kthvalue, topk
from autodiff.primitive import DOMAINS, registry
from autodiff.testing.strategies.arrays import axes, distinct, drawn
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape

# --- order -----------------------------------------------------------------------------------------------------------


def apart(d: Draw, shape: Shape) -> Any:
    """Draw values apart; or ties of two: at those of three no one-sided derivatives bound the rule's."""
    (x,) = distinct(d.draw, [shape])
    if x.size > 1 and not d.smooth:
        x.flat[1] = x.flat[0]
    return d.finished(x)


def sort(d: Draw) -> Arguments:
    """Draw an axis and a way to sort."""
    shape = d.shape(dims=1)
    how = d.choice({}, {"kind": "stable"}, {"kind": "quicksort"}, {"stable": True}, {"stable": False})
    axis = {"axis": d(axes(len(shape), several=False))} if d.chance() else {}
    return [apart(d, shape)], how | axis


def sort_complex(d: Draw) -> Arguments:
    """Draw an array with an axis."""
    return [apart(d, d.shape(dims=1))], {}


def partition(d: Draw) -> Arguments:
    """Draw one place or two to which the element belongs in order, along an axis or of all elements."""
    shape = d.shape(dims=1, sides=1)
    axis = d(axes(len(shape), several=False)) if d.chance() else -1
    n = math.prod(shape) if axis is None else shape[axis]
    kth = d.choice(d.integer(-n, n - 1), [d.integer(-n, n - 1), 0])
    given = {"axis": axis} if axis != -1 or d.chance() else {}
    return [apart(d, shape), kth], given | d.choice({}, {"kind": "introselect"})


def ranked(d: Draw) -> Arguments:
    """Draw a number of elements along an axis, or the rank of one."""
    shape = d.shape(sides=1)
    keywords = {"dim": d.integer(-max(len(shape), 1), max(len(shape), 1) - 1)} if d.chance() else {}
    n = shape[keywords.get("dim", -1)] if shape else 1
    if d.entry.name == "kthvalue":
        return [apart(d, shape), d.integer(1, n)], keywords | d.choice({}, {"keepdim": True})
    keywords |= d.choice({}, {"largest": False}, {"largest": True}) | d.choice({}, {"sorted": False})
    return [apart(d, shape), d.integer(0, n)], keywords


# --- sets ------------------------------------------------------------------------------------------------------------

SORTED = [{"sorted": False}] if "sorted" in inspect.signature(np.unique).parameters else []


def unique(d: Draw) -> Arguments:
    """Draw values apart: where two meet, the number of distinct ones jumps."""
    shape = d.shape()
    keywords: dict[str, Any] = {}
    if d.entry.fun is np.unique:
        for word in ("return_index", "return_inverse", "return_counts"):
            keywords |= d.choice({}, {word: True})
        keywords |= d.choice({}, {"equal_nan": False}) | d.choice({}, *SORTED)
        keywords |= {"axis": d(axes(len(shape), several=False))} if shape and 0 not in shape and d.chance() else {}
    (x,) = distinct(d.draw, [shape])
    return [d.finished(x)], keywords


def shared(fun: Any) -> Any:
    """Return a function of two sets as one of a vector and of the places of the second set in it."""

    @functools.wraps(fun)
    def function(x: Any, places: Any, **keywords: Any) -> Any:
        return fun(x, x[places], **keywords)

    function.__name__, function.__module__ = f"shared_{fun.__name__}", __name__
    return function


shared_union1d, shared_intersect1d = map(shared, (np.union1d, np.intersect1d))
shared_setdiff1d, shared_setxor1d = map(shared, (np.setdiff1d, np.setxor1d))
SHARED = {f.__wrapped__: f for f in (shared_union1d, shared_intersect1d, shared_setdiff1d, shared_setxor1d)}


def sets(d: Draw) -> Arguments:
    """Draw two arrays without a common value, or a vector and what it shares with the second."""
    words = {np.union1d: (), np.intersect1d: ("assume_unique", "return_indices")}.get(d.entry.fun, ("assume_unique",))
    keywords = {word: d.chance() for word in words if d.chance()}
    if d.chance():
        x, y = distinct(d.draw, [d.shape(), d.shape(max_dims=2)])
        if keywords.get("assume_unique") and d.entry.fun is np.setdiff1d:
            x, y = x.ravel(), y.ravel()
        return [d.finished(x), d.finished(y, 0)], keywords
    n = d.integer(0, 4)
    places = np.flatnonzero(drawn(d.draw, (n,), np.array([True, False])))
    (x,) = distinct(d.draw, [(n,)])
    return [d.finished(x), places[:: d.choice(1, -1)]], keywords, SHARED[d.entry.fun]


# --- taking ----------------------------------------------------------------------------------------------------------


def indices(d: Draw, shape: Shape, n: int, mode: str) -> Any:
    """Draw indices into n elements, beyond them too where the mode allows it."""
    return d.integers(shape, -n - 3, n + 3) if mode != "raise" else d.integers(shape, -n, n - 1)


def take(d: Draw) -> Arguments:
    """Draw places along an axis, or of the flattened array: one, or an array of them."""
    shape, mode = d.shape(sides=1), d.choice("raise", "wrap", "clip")
    axis = d.axis(len(shape)) if shape and d.chance() else None
    n = math.prod(shape) if axis is None else shape[axis]
    places = indices(d, d.shape(max_dims=2), n, mode)
    keywords = {} if axis is None and d.chance() else {"axis": axis}
    given = d.choice(places, places.tolist() if places.size else places, d.integer(-n, n - 1))
    return [d.array(shape), given], keywords | ({} if mode == "raise" and d.chance() else {"mode": mode})


def along_axis(d: Draw) -> tuple[Shape, Any, int | None]:
    """Draw the shape of an array, an axis (None for the flattened array), and places along it for each line or all."""
    shape = d.shape(dims=1, sides=1)
    if d.chance():
        n = math.prod(shape)
        return shape, d.integers((d.integer(0, 3),), -n, n - 1), None
    axis = d.axis(len(shape)) if d.chance() else -1
    n = shape[axis]
    size = [1 if d.chance() else side for side in shape]
    size[axis] = d.integer(0, 3)
    return shape, d.integers(tuple(size), -n, n - 1), axis


def take_along_axis(d: Draw) -> Arguments:
    """Draw places along an axis, of any number for each line; or of the flattened array."""
    shape, places, axis = along_axis(d)
    return [d.array(shape), places], {"axis": axis}


def compress(d: Draw) -> Arguments:
    """Draw a condition for the first elements along an axis, or of the flattened array."""
    shape = d.shape(dims=1)
    axis = d.axis(len(shape)) if d.chance() else None
    n = math.prod(shape) if axis is None else shape[axis]
    condition = drawn(d.draw, (d.integer(0, n),), np.array([True, False]))
    return [d.choice(condition, condition.tolist()), d.array(shape)], {} if axis is None and d.chance() else {
        "axis": axis
    }


def extract(d: Draw) -> Arguments:
    """Draw a condition for each element."""
    shape = d.shape()
    return [drawn(d.draw, shape, np.array([True, False])), d.array(shape)], {}


@functools.wraps(np.trim_zeros)
def framed(filt: Any, **keywords: Any) -> Any:
    """Trim what stands within a border of zeros that do not move."""
    return np.trim_zeros(np.pad(filt, 1), **keywords)


framed.__name__, framed.__module__ = "framed", __name__


def trim_zeros(d: Draw) -> Arguments:
    """Draw what stands within a border of zeros."""
    shape = d.shape(dims=1, max_dims=2 if SORTED else 1)  # NumPy trims vectors alone where unique has no sorted=
    keywords = d.choice({}, {"trim": "f"}, {"trim": "b"}, {"trim": "fb"})
    if SORTED and d.chance():
        keywords = keywords | {"axis": d.choice(None, d.axis(len(shape)), tuple(range(len(shape))))}
    return [d.array(shape, domain=DOMAINS["nonzero"])], keywords, framed


def diagflat(d: Draw) -> Arguments:
    """Draw an array of any shape, and an offset."""
    shape = d.shape(max_dims=2)
    return [d.array(shape)], d.optional(shape, "k")


# --- writing ---------------------------------------------------------------------------------------------------------


def after(fun: Any) -> Any:
    """Return what a copy of the first argument holds after a function wrote into it."""

    @functools.wraps(fun)
    def function(a: Any, *args: Any, **keywords: Any) -> Any:
        y = np.copy(a)
        fun(y, *args, **keywords)
        return y

    function.__name__, function.__module__ = f"after_{fun.__name__}", __name__
    return function


after_put, after_place, after_putmask = map(after, (np.put, np.place, np.putmask))
after_copyto, after_fill_diagonal, after_put_along_axis = map(after, (np.copyto, np.fill_diagonal, np.put_along_axis))


def put(d: Draw) -> Arguments:
    """Draw places of the flattened array, and values: fewer are repeated."""
    shape, mode = d.shape(sides=1), d.choice("raise", "wrap", "clip")
    places = indices(d, d.shape(max_dims=2), math.prod(shape), mode)
    given = {} if mode == "raise" and d.chance() else {"mode": mode}
    return [d.array(shape), places, d.array(d.shape(max_dims=2), 1)], given, after_put


def masked(d: Draw) -> Arguments:
    """Draw a mask and values: fewer are repeated."""
    shape = d.shape()
    mask, values = drawn(d.draw, shape, np.array([True, False])), d.array(d.shape(sides=1, max_dims=2), 1)
    return [d.array(shape), mask, values], {}, after_place if d.entry.fun is np.place else after_putmask


def copyto(d: Draw) -> Arguments:
    """Draw values that broadcast to the shape of what is written into, and perhaps where they do."""
    shape = d.shape()
    small = tuple(1 if d.chance() else n for n in shape)[d.integer(0, len(shape)) :]
    keywords = {"where": drawn(d.draw, shape, np.array([True, False]))} if d.chance() else {}
    keywords |= d.choice({}, {"casting": "safe"}, {"casting": "unsafe"})
    return [d.array(shape), d.array(small, 1)], keywords, after_copyto


def fill_diagonal(d: Draw) -> Arguments:
    """Draw a matrix, tall ones too, or a cube; and one value or more, fewer being repeated."""
    n = d.integer(0, 3)
    shape = d.choice((n, d.integer(1, 3)), (n + 3, 2), (n, n, n))
    value = d.array(d.choice((), (2,), (3,)), 1)
    return [d.array(shape), value], d.choice({}, {"wrap": True}, {"wrap": False}), after_fill_diagonal


def put_along_axis(d: Draw) -> Arguments:
    """Draw places along an axis, and values for them that may be broadcast."""
    shape, places, axis = along_axis(d)
    small = tuple(1 if d.chance() else n for n in places.shape)[d.integer(0, places.ndim) :]
    if axis is not None:  # indices for all lines are written into each
        small = tuple(n for n in places.shape) if d.chance() else ()
    return [d.array(shape), places, d.array(small, 1), axis], {}, after_put_along_axis


# --- selection -------------------------------------------------------------------------------------------------------


def choose(d: Draw) -> Arguments:
    """Draw the numbers of choices, beyond them too where the mode allows it, and two or three choices."""
    count, mode = d.integer(1, 3), d.choice("raise", "wrap", "clip")
    places, *shapes = d.shapes(count + 1)
    numbers = d.integers(places, -4, 4) if mode != "raise" else d.integers(places, 0, count - 1)
    choices = [d.array(shape) for shape in shapes]
    return [numbers, d.choice(choices, tuple(choices))], {} if mode == "raise" and d.chance() else {"mode": mode}


def select(d: Draw) -> Arguments:
    """Draw one or two conditions and choices, and perhaps a default."""
    count = d.integer(1, 2)
    shapes = d.shapes(2 * count + 1)
    conditions = [drawn(d.draw, shape, np.array([True, False])) for shape in shapes[:count]]
    choices = [d.array(shape) for shape in shapes[count:-1]]
    return [conditions, choices], d.choice({}, {"default": -1.5}, {"default": d.array(shapes[-1])})


def piecewise(d: Draw) -> Arguments:
    """Draw conditions, and functions or numbers, one of them perhaps for where no condition holds."""
    shape = d.shape()
    conditions = [drawn(d.draw, shape, np.array([True, False])) for _ in range(d.integer(1, 2))]
    count = len(conditions) + d.integer(0, 1)
    if d.chance():
        return [d.array(shape), conditions, [d.choice(np.sin, np.square, -2.0) for _ in range(count)]], {}
    return [d.array(shape), conditions, [d.choice(np.add, np.multiply) for _ in range(count)], 3.0], {}


def apply_along_axis(d: Draw) -> Arguments:
    """Draw a function of a vector to a number or a vector, and perhaps another argument of it."""
    shape = d.shape(dims=1, sides=1)
    function, *more = d.choice((np.sum,), (np.cumsum,), (np.diag,), (np.multiply, 2.0))
    return [function, d.axis(len(shape)), d.array(shape), *more], {}


def apply_over_axes(d: Draw) -> Arguments:
    """Draw a function of an array and an axis, and axes."""
    shape = d.shape(dims=1)
    several = [d.axis(len(shape)) for _ in range(d.integer(1, 2))]
    return [d.choice(np.sum, np.cumsum, np.flip), d.array(shape), d.choice(several[0], several)], {}


def interp(d: Draw) -> Arguments:
    """Draw rising knots, and places between them and beyond; or exactly at knots. Complex are the values alone."""
    n = d.integer(1, 4)
    knots = np.arange(n) * 1.5 - 2.0 + drawn(d.draw, (n,), np.array([0.0, 0.25, -0.25]))
    steps, part = np.array([knots[0] - 1.0, *knots, knots[-1] + 1.0]), np.array([0.5, 0.25, 0.75])
    shape = d.shape()
    place, part = d.integers(shape, 0, n), drawn(d.draw, shape, part if d.smooth else np.append(0.0, part))
    x = np.asarray(steps[place] + part * (steps[place + 1] - steps[place]))
    keywords = d.choice({}, {"period": float(knots[-1] - knots[0] + 1.0)}, {"left": -1.5}, {"right": 2.5, "left": 0.5})
    heights = d.finished(drawn(d.draw, (n,), np.array([0.0, 1.0, -1.0, 2.5, 0.5])))
    if d.complex:
        return [x.tolist(), knots.tolist(), heights], keywords
    return [d.finished(x), d.finished(knots), heights], keywords


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.sort: sort,
    np.sort_complex: sort_complex,
    np.partition: partition,
    registry[topk].fun: ranked,
    registry[kthvalue].fun: ranked,
    np.unique: unique,
    np.unique_values: unique,
    np.unique_all: unique,
    np.unique_counts: unique,
    np.unique_inverse: unique,
    np.union1d: sets,
    np.intersect1d: sets,
    np.setdiff1d: sets,
    np.setxor1d: sets,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.compress: compress,
    np.extract: extract,
    np.trim_zeros: trim_zeros,
    np.diagflat: diagflat,
    np.put: put,
    np.place: masked,
    np.putmask: masked,
    np.copyto: copyto,
    np.fill_diagonal: fill_diagonal,
    np.put_along_axis: put_along_axis,
    np.choose: choose,
    np.select: select,
    np.piecewise: piecewise,
    np.apply_along_axis: apply_along_axis,
    np.apply_over_axes: apply_over_axes,
    np.interp: interp,
}
