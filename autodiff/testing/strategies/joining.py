"""Arguments of joins, splits, insertion, deletion and padding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules.padding import MODES, STATISTICS, pad_constant
from autodiff.testing.strategies import arrays
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape

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
    """Draw a number of equal parts, or the places to cut at; out of order, parts overlap."""
    if d.chance():
        places = [d.integer(0, n) for _ in range(d.integer(0, 3))]
        return d.choice(sorted(places), places)
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
        shape = d.shape(dims={np.vsplit: 2, np.dsplit: 3}.get(d.entry.fun, 1))
        return [d.array(shape), sections(d, shape[min(axis, len(shape) - 1)])], {}

    return arguments


def unstack(d: Draw) -> Arguments:
    """Draw an axis of at least one element."""
    shape = d.shape(dims=1, sides=1)
    return [d.array(shape)], {"axis": d.axis(len(shape))} if d.chance() else {}


# --- insertion and deletion ------------------------------------------------------------------------------------------


def append(d: Draw) -> Arguments:
    """Draw two arrays of one shape but for the length along an axis; or any two, flattened."""
    if d.chance():
        return [d.array(d.shape(max_dims=2)), d.array(d.shape(max_dims=2))], {}
    shape = d.shape(dims=1)
    axis = d.axis(len(shape))
    place = axis % len(shape)
    return [d.array(shape), d.array((*shape[:place], d.integer(0, 3), *shape[place + 1 :]))], {"axis": axis}


def block(d: Draw) -> Arguments:
    """Draw rows of blocks of one height each, and of equal width together; or one row of anything."""
    if d.chance():
        shape = d.shape(dims=1, max_dims=2)
        return [differing(d, shape, -1)], {}
    widths = [d.integer(0, 2) for _ in range(d.integer(1, 2))]
    return [[[d.array((n, m)) for m in widths] for n in (d.integer(0, 2), 2)[: d.integer(1, 2)]]], {}


def places(d: Draw, n: int, end: int, masks: bool = True) -> Any:
    """Draw one place among n, a list, an array or a slice of them, or a mask; places may be counted from the end."""
    kind = d.choice(*["one"] * (n > 0), "slice", "list", "array", *["mask"] * masks)
    if kind == "one":
        return d.integer(-n, end)
    if kind == "slice":
        return slice(d.integer(0, n), n, d.choice(None, 2))
    if kind == "mask":
        return np.array([d.chance() for _ in range(n)], bool)
    several = [d.integer(-n, end) for _ in range(d.integer(0, 3))] if n else []
    return several if kind == "list" else np.array(several, np.int64)


def _takes_masks() -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return bool(np.insert(np.zeros(2), np.array([True, False]), 1.0).size == 3)


MASKS = _takes_masks()  # NumPy 2.1 inserts at the places 0 and 1 that a mask is made of


def delete(d: Draw) -> Arguments:
    """Draw places along an axis or of all elements."""
    shape = d.shape(dims=1)
    axis = d.choice(None, d.axis(len(shape)))
    n = int(np.prod(shape)) if axis is None else shape[axis]
    return [d.array(shape), places(d, n, n - 1)], {} if axis is None and d.chance() else {"axis": axis}


def insert(d: Draw) -> Arguments:
    """Draw places along an axis or of all elements, and one value for all, or values that fit."""
    shape = d.shape(dims=1)
    axis = d.choice(None, d.axis(len(shape)))
    size: Shape = (int(np.prod(shape)),) if axis is None else shape
    where = 0 if axis is None else axis % len(shape)
    obj = places(d, size[where], size[where], masks=MASKS)
    count = np.insert(np.arange(size[where]), obj, -1).size - size[where]
    inserted = (*size[:where], count, *size[where + 1 :])
    if count == 1 and np.ndim(obj) == 0 and not isinstance(obj, slice):  # one place takes any number of values
        inserted = (d.integer(0, 2), *size[:where], *size[where + 1 :])
    small = tuple(1 if d.chance() else n for n in inserted)
    values = d.array(d.choice((), small))
    return [d.array(shape), obj, values], {} if axis is None and d.chance() else {"axis": axis}


# --- padding ---------------------------------------------------------------------------------------------------------


def widths(d: Draw, shape: Shape, most: int = 2) -> Any:
    """Draw one width, a pair, or a pair for each axis."""
    pairs = [(d.integer(0, most), d.integer(0, most)) for _ in shape]
    if not shape or d.chance():
        return d.choice(d.integer(0, most), (d.integer(0, most), d.integer(0, most)), [d.integer(0, most)])
    return d.choice(pairs, np.array(pairs))


def sides(d: Draw, shape: Shape) -> Any:
    """Draw a number, or an array of one value, a pair, or a pair for each axis."""
    kind = d.choice(None, (), (2,), (1, 2), (len(shape), 2))
    return 2.0 if kind is None else d.array(kind, 1)


def pad(d: Draw) -> Arguments:
    """Draw widths and what the border holds."""
    mode = d.choice("constant", *[mode for mode in MODES if mode not in ("constant", "empty")], _written)
    shape = d.shape(sides=0 if mode == "constant" else 1)
    around = widths(d, shape, 5 if MODES.get(mode) == MODES["reflect"] and len(shape) == 1 else 2)
    x = d.finished(arrays.distinct(d.draw, [shape])[0]) if mode in STATISTICS and d.smooth else d.array(shape)
    word = MODES[mode][1] if mode in MODES else None
    given = {word: OPTIONS[word](d, shape)} if word and d.chance() else {}
    return [x, around], ({} if mode == "constant" and d.chance() else {"mode": mode}) | given


OPTIONS: dict[str, Callable[[Draw, Shape], Any]] = {
    "constant_values": sides,
    "end_values": sides,
    "reflect_type": lambda d, shape: d.choice("odd", "even"),
    "stat_length": lambda d, shape: d.choice(1, (1, 2), None, [(2, 1)] * len(shape)),
}


def _written(line: Any, pair: tuple[int, int], axis: int, keywords: Any) -> None:
    """Write a border: twice the last element behind, the square of the first before."""
    end = line.shape[0] - pair[1]
    line[end:] = 2 * line[end - 1]
    line[: pair[0]] = line[pair[0]] ** 2


def padded(d: Draw) -> Arguments:
    """Draw the widths of each axis and a value."""
    shape = d.shape()
    given = {"widths": tuple((d.integer(0, 2), d.integer(0, 2)) for _ in shape)}
    return d.choice([d.array(shape)], [d.array(shape), sides(d, shape)]), given


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.concatenate: concatenate,
    np.stack: stack,
    np.hstack: hstack,
    np.vstack: vstack,
    np.dstack: dstack,
    np.column_stack: column_stack,
    np.append: append,
    np.block: block,
    np.split: split,
    np.array_split: split,
    np.hsplit: split_along(1),
    np.vsplit: split_along(0),
    np.dsplit: split_along(2),
    np.unstack: unstack,
    np.insert: insert,
    np.delete: delete,
    np.pad: pad,
    pad_constant: padded,
}
