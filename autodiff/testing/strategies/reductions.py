"""Arguments of reductions and statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import kernels
from autodiff.kernels.logits import softmax_nll
from autodiff.testing.strategies.arrays import axes, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw

NOT_ZERO = levels(away_from=(0.0,))


def spread(d: Draw) -> Arguments:
    """Draw ddof or correction below the number of elements; at smooth points more than one, since 0 is std's kink."""
    shape = d.shape(sides=1)
    axis = d(axes(len(shape)))
    over = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if math.prod(shape[i] for i in over) < 2 and d.smooth:
        shape, axis, over = (2, *shape), 0, (0,)
    (x,) = d.arrays([shape])
    keywords = d.optional(shape, "keepdims", "dtype") | ({"axis": axis} if axis is not None or d.chance() else {})
    if math.prod(shape[i] for i in over) > 1:
        keywords |= d.choice({}, {"ddof": 1}, {"ddof": 0.5}, {"correction": 1}, {"correction": 0})
    return [x], keywords


def average(d: Draw) -> Arguments:
    """Draw no weights, one for every element, or one for each place along an axis."""
    shape = d.shape(sides=1)
    x = d.array(shape)
    keywords = d.optional(shape, "axis", "keepdims") | ({"returned": True} if d.chance() else {})
    kind = d.choice("none", "all", "axis" if shape else "all")
    if kind == "axis":
        keywords["axis"] = d.axis(len(shape))
    if kind != "none":
        size = (shape[keywords["axis"]],) if kind == "axis" else shape
        keywords["weights"] = d.finished(drawn(d.draw, size, np.abs(NOT_ZERO)), 1)
    return [x], keywords


def along(d: Draw) -> Arguments:
    """Draw an array with something along one axis."""
    shape = d.shape(dims=1, sides=1)
    return [d.array(shape)], {"axis": d.axis(len(shape))} if d.chance() else {}


def labelled(d: Draw) -> Arguments:
    """Draw logits and labels, at least one of which counts."""
    n, classes = d.integer(1, 3), d.integer(1, 4)
    target, ignored = d.integers((n,), 0, classes - 1), d.choice(None, -100, 0)
    if ignored is None:
        return [d.array((n, classes)), target], {}
    target[0] = classes - 1 if classes > 1 else 0
    target[1:][d.integers((n - 1,), 0, 1) == 1] = ignored
    return [d.array((n, classes)), target], {"ignore_index": ignored if classes > 1 else -100}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.var: spread,
    np.std: spread,
    np.average: average,
    kernels.softmax: along,
    kernels.log_softmax: along,
    softmax_nll: labelled,
}
