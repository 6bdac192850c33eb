"""Arguments of scans, differences and integrals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import scan
from autodiff.primitive import registry
from autodiff.testing.strategies.arrays import axes, distinct, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape
from autodiff.testing.strategies.reductions import along, over, with_nan

STEPS = levels(away_from=(0.0,))


def cumulative(d: Draw) -> Arguments:
    """Draw one axis, or none where there is one."""
    shape = d.shape()
    x = with_nan(d, d.array(shape), None)
    return [x], d.optional((), "dtype") | ({"axis": d(axes(len(shape), several=False))} if d.chance() else {})


def cumulative_of_array_api(d: Draw) -> Arguments:
    """Draw one axis, which a vector can do without, and whether the empty sum comes first."""
    shape = d.shape(dims=1)
    keywords = d.optional((), "dtype") | d.choice({}, {"include_initial": True}, {"include_initial": False})
    return [d.array(shape)], keywords | ({"axis": d.axis(len(shape))} if len(shape) > 1 or d.chance() else {})


def extremes(d: Draw) -> Arguments:
    """Draw an array with something along one axis, no two elements of which are equal; or with ties."""
    shape = d.shape(dims=1, sides=1)
    (x,) = d.arrays([shape])
    return [x], {"axis": d.axis(len(shape))} if d.chance() else {}


def beside(d: Draw, shape: Shape, axis: int) -> Any:
    """Draw what stands before or after an array: a number, or an array of as many lines."""
    size = (*shape[:axis], d.integer(1, 2), *shape[axis + 1 :])
    return d.choice(1.5, d.array(()), d.array(size))


def difference(d: Draw) -> Arguments:
    """Draw an order, an axis, and what stands before and after."""
    shape = d.shape(dims=1)
    axis = d.axis(len(shape)) if d.chance() else -1
    keywords: dict[str, Any] = {"n": d.integer(0, 2)} if d.chance() else {}
    keywords |= {name: beside(d, shape, axis % len(shape)) for name in ("prepend", "append") if d.chance()}
    return [d.array(shape)], keywords | ({"axis": axis} if axis != -1 or d.chance() else {})


def ediff1d(d: Draw) -> Arguments:
    """Draw what stands before and after the differences."""
    ends = {name: d.choice(1.5, d.array(d.shape(max_dims=1))) for name in ("to_end", "to_begin") if d.chance()}
    return [d.array(d.shape())], ends


def coordinates(d: Draw, n: int, *, even: bool = False) -> Any:
    """Draw one step, as a number or an array of one, or coordinates that grow."""
    steps = np.cumsum(np.abs(drawn(d.draw, (n,), STEPS)))
    return d.choice(0.5, 2, np.asarray(0.25), *([] if even else [steps, steps]))


def gradient(d: Draw) -> Arguments:
    """Draw the axes, the order at the edges, and no spacing, one, or one for each axis."""
    edges = d.choice({}, {"edge_order": 1}, {"edge_order": 2})
    shape = d.shape(dims=1, sides=edges.get("edge_order", 1) + 1)
    axis = d(axes(len(shape))) or None
    along = over(shape, axis)
    spacings = d.choice([], [coordinates(d, 1, even=True)], [coordinates(d, shape[i]) for i in along])
    return [d.array(shape), *spacings], edges | ({} if axis is None and d.chance() else {"axis": axis})


def integral(d: Draw) -> Arguments:
    """Draw an axis, and steps or places along it."""
    shape = d.shape(dims=1, sides=1)
    axis = d.axis(len(shape)) if d.chance() else -1
    (line, whole) = distinct(d.draw, [(shape[axis],), shape])
    given = d.choice({}, {"dx": 0.5}, {"x": d.finished(line, 1)}, {"x": d.finished(whole, 1)})
    return [d.array(shape)], given | ({"axis": axis} if axis != -1 or d.chance() else {})


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.nancumsum: cumulative,
    np.nancumprod: cumulative,
    np.cumulative_sum: cumulative_of_array_api,
    np.cumulative_prod: cumulative_of_array_api,
    np.diff: difference,
    np.ediff1d: ediff1d,
    np.gradient: gradient,
    np.trapezoid: integral,
    scan.logcumsumexp: along,
    registry[scan.cummax].fun: extremes,
    registry[scan.cummin].fun: extremes,
}
