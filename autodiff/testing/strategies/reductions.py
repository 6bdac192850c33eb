"""Arguments of reductions and statistics."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff import kernels
from autodiff.kernels.crossentropy import (
    bce_with_logits,
    bce_with_logits_backward,
    softmax_nll,
    softmax_nll_backward,
)
from autodiff.kernels.logits import log_softmax_backward, softmax_backward
from autodiff.testing.strategies.arrays import axes, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape, keywords_of

NOT_ZERO = levels(away_from=(0.0,))


def over(shape: Shape, axis: Any) -> Shape:
    """Return the axes, counted from the front, that a reduction runs over."""
    given = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(i % len(shape) for i in given)


def mask(d: Draw, shape: Shape, axis: Any) -> Any:
    """Draw a mask that keeps, of what is reduced together, the first element and the last one at least."""
    kept = drawn(d.draw, shape, np.array([True, False]))
    axes = over(shape, axis)
    for end in (0, -1):
        kept[tuple(end if i in axes else slice(None) for i in range(len(shape)))] = True
    return kept


def reduced(d: Draw) -> Arguments:
    """Draw an axis, whether it is kept, a mask, and what the reduction starts with; at no smooth points NaN as well."""
    words = keywords_of(d.entry)
    function: Any = d.entry.kernel if d.entry.form == "composite" else d.entry.signature.bind
    starts = "initial" in inspect.signature(function).parameters
    extreme = d.entry.name.endswith(("max", "min"))
    shape = d.shape(sides=int(not starts or extreme))
    (x,) = d.arrays([shape])
    keywords = d.optional(shape, *words)
    masked = bool(np.size(x)) and d.chance()
    if masked:
        keywords["where"] = mask(d, shape, keywords.get("axis"))
    if starts and ((masked and extreme) or d.chance()):
        keywords["initial"] = d.choice(-9.0, 9.0) if extreme else d.choice(2.0, -0.5)
    return [with_nan(d, x, keywords.get("axis"))], keywords


def with_nan(d: Draw, x: Any, axis: Any) -> Any:
    """Make some elements NaN, not all, where a function leaves them out and its value alone is asked for."""
    if d.smooth or not x.size or not d.entry.name.startswith("nan"):
        return x
    return np.asarray(np.where(mask(d, x.shape, axis), x, np.nan))


def ranged(d: Draw) -> Arguments:
    """Draw axes to take the range over."""
    shape = d.shape(sides=1)
    (x,) = d.arrays([shape])
    return [x], d.optional(shape, *keywords_of(d.entry))


def spread(d: Draw) -> Arguments:
    """Draw ddof or correction below the number of elements; at smooth points more than one, since 0 is std's kink."""
    shape = d.shape(sides=1)
    axis = d(axes(len(shape)))
    if math.prod(shape[i] for i in over(shape, axis)) < 2 and d.smooth:
        shape, axis = (2, *shape), 0
    size = tuple(1 if i in over(shape, axis) else n for i, n in enumerate(shape))
    x, mean = d.arrays([shape, size])
    keywords = d.optional(shape, "keepdims", "dtype") | ({"axis": axis} if axis is not None or d.chance() else {})
    if math.prod(shape[i] for i in over(shape, axis)) > 1:
        keywords |= d.choice({}, {"ddof": 1}, {"ddof": 0.5}, {"correction": 1}, {"correction": 0})
    if d.chance():
        return [with_nan(d, x, axis)], keywords
    if d.chance():
        keywords["where"] = mask(d, shape, axis)
    if d.chance() and keywords.get("dtype") is None:
        keywords["mean"] = mean
    return [with_nan(d, x, axis)], keywords


def average(d: Draw) -> Arguments:
    """Draw no weights, one for every element, or one for each place along an axis or two."""
    shape = d.shape(sides=1)
    x = d.array(shape)
    keywords = d.optional(shape, "axis", "keepdims") | ({"returned": True} if d.chance() else {})
    kind = d.choice("none", "all", "axis" if shape else "all")
    if kind == "axis":
        several = tuple(d(st.permutations(range(-len(shape), 0))))[:2]
        keywords["axis"] = d.choice(d.axis(len(shape)), several)
    if kind != "none":
        axis = keywords["axis"] if kind == "axis" else range(len(shape))
        size = tuple(shape[i] for i in (axis if isinstance(axis, (tuple, range)) else (axis,)))
        keywords["weights"] = d.finished(drawn(d.draw, size, np.abs(NOT_ZERO)), 1)
    return [x], keywords


def along(d: Draw) -> Arguments:
    """Draw an array with something along one axis."""
    shape = d.shape(dims=1, sides=1)
    return [d.array(shape)], {"axis": d.axis(len(shape))} if d.chance() else {}


def labelled(d: Draw) -> Arguments:
    """Draw logits and labels, at least one of which counts."""
    n, classes = d.integer(1, 3), d.integer(1, 4)
    options: dict[str, Any] = d.choice({}, {"smoothing": 0.25}, {"reduction": "sum"}, {"reduction": "none"})
    weight = d.choice([], [np.arange(1, classes + 1)])
    target, ignored = d.integers((n,), 0, classes - 1), d.choice(None, -100, 0)
    if ignored is None:
        return [d.array((n, classes)), target, *weight], options
    target[0] = classes - 1 if classes > 1 else 0
    target[1:][d.integers((n - 1,), 0, 1) == 1] = ignored
    return [d.array((n, classes)), target, *weight], options | {"ignore_index": ignored if classes > 1 else -100}


def labelled_gradient(d: Draw) -> Arguments:
    """Draw what softmax_nll hands to its backward operation."""
    n, classes = d.integer(1, 3), d.integer(1, 4)
    a = d.array(d.choice((), (n, 1)))
    target, rows = d.integers((n,), 0, classes - 1), d.array((n, d.choice(1, 2)))
    args = [a, d.array((n, classes)), target, rows]
    weighted = [*args, np.arange(1, classes + 1)]
    options: tuple[Arguments, ...] = ((args, {}), (args, {"smoothing": 0.5}), (weighted, {"smoothing": 0.5}))
    drawn_one: Arguments = d.choice(*options)
    return drawn_one


def two_classes(operands: int) -> Callable[[Draw], Arguments]:
    """Return what draws operands that broadcast together, with factors of the positive class or none."""
    return lambda d: ([d.array(shape, i) for i, shape in enumerate(d.shapes(operands + d.integer(0, 1)))], {})


def along_both(d: Draw) -> Arguments:
    """Draw two arrays of one shape with something along one axis."""
    shape = d.shape(dims=1, sides=1)
    return [d.array(shape), d.array(shape)], {"axis": d.axis(len(shape))} if d.chance() else {}


ARGUMENTS: dict[Any, Callable[[Draw], Arguments]] = {
    np.var: spread,
    np.nanvar: spread,
    np.nanstd: spread,
    np.ptp: ranged,
    np.std: spread,
    np.average: average,
    kernels.softmax: along,
    kernels.log_softmax: along,
    bce_with_logits: two_classes(2),
    bce_with_logits_backward: two_classes(3),
    softmax_nll: labelled,
    softmax_nll_backward: labelled_gradient,
    softmax_backward: along_both,
    log_softmax_backward: along_both,
}
for _fun in (np.sum, np.prod, np.mean, np.max, np.min, np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin):
    ARGUMENTS[_fun] = reduced
