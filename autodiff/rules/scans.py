"""Scans: cumulative sums and products, differences and integrals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.kernels.broadcasting import array, axes_of
from autodiff.kernels.scan import cumprod_gradient, cumsum_gradient
from autodiff.primitive import composite, linear, primitive
from autodiff.rules.reductions import into
from autodiff.summation import wide

_SCAN = "a; axis=None, dtype=None, out=None"

# fmt: off
linear(np.cumsum, lambda g, s, axis: cumsum_gradient(g, s, axis), sig=_SCAN,
       kernel=lambda a, axis: wide(np.cumsum, a, axis=axis))
primitive(np.cumprod, lambda g, x, axis: cumprod_gradient(g, x, axis), sig=_SCAN,
          kernel=lambda a, axis: wide(np.cumprod, a, axis=axis), analytic=True)
# fmt: on


@composite(np.cumulative_sum)
def _cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(np.cumsum, np.zeros_like, x, axis, dtype, out, include_initial)


@composite(np.cumulative_prod)
def _cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(np.cumprod, np.ones_like, x, axis, dtype, out, include_initial)


def _cumulative(scan: Any, first: Any, x: Any, axis: Any, dtype: Any, out: Any, include_initial: bool) -> Any:
    name = scan.__name__.replace("cum", "cumulative_")
    if axis is None and np.ndim(x) > 1:
        raise ValueError(f"{name}: an array of shape {np.shape(x)} needs axis=; it is not flattened.")
    along = 0 if axis is None else axis
    y = scan(np.atleast_1d(x), along, dtype)
    if include_initial:
        start = first(y, shape=_line(y, along))
        y = np.concatenate([start, y], axis=along)
    return into(out, name, y)


# --- differences ---------------------------------------------------------------------------------------------------


@composite(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    if n < 0:
        raise ValueError(f"diff: the order n is {n}; expected 0 or more.")
    a = array(a)
    if not a.ndim:
        raise ValueError("diff: expected an array of at least one dimension; got a number.")
    if not n:
        return a
    axis = normalize_axis_index(axis, a.ndim)
    parts = [_beside(a, prepend, axis), a, _beside(a, append, axis)]
    given = [part for part in parts if part is not None]
    a = np.concatenate(given, axis=axis) if len(given) > 1 else a
    minus = np.not_equal if a.dtype.kind == "b" else np.subtract
    for _ in range(n):
        a = minus(_cut(a, axis, 1, None), _cut(a, axis, None, -1))
    return a


def _beside(a: Any, value: Any, axis: int) -> Any:
    """Return what stands before or after an array: a number is one line of it, in the array's dtype."""
    if value is np._NoValue:
        return None
    if np.ndim(value):
        return value
    dtype = a.dtype if a.dtype.kind in "fc" and np.isrealobj(value) else None
    value = value if hasattr(value, "requires_grad") else np.asarray(value, dtype=dtype)
    return np.broadcast_to(value, _line(a, axis))


def _line(a: Any, axis: int) -> tuple[int, ...]:
    """Return the shape of one place along an axis."""
    return tuple(1 if i == axis % a.ndim else n for i, n in enumerate(a.shape))


def _cut(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """Return the part of an array from one place along an axis to another."""
    return a[(slice(None),) * (axis % a.ndim) + (slice(start, stop),)]


@composite(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [np.diff(np.ravel(ary))]
    for name, end, place in (("to_begin", to_begin, 0), ("to_end", to_end, 2)):
        if end is None:
            continue
        if not np.can_cast(array(end).dtype, array(ary).dtype, casting="same_kind"):
            raise TypeError(f"ediff1d: {name} of dtype {array(end).dtype} does not fit an array of {array(ary).dtype}.")
        parts.insert(place, np.ravel(array(end)).astype(array(ary).dtype))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


@composite(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Differentiate along each axis: within, the mean of the two slopes weighted by the other's step."""
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is {edge_order}; expected 1 or 2.")
    f = array(f)
    axes = axes_of(f, axis)
    if f.dtype.kind in "biu":
        f = f.astype(np.float64)
    spacings = varargs or (1.0,)
    if len(spacings) == 1 and not np.ndim(spacings[0]):
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient: {len(varargs)} spacings are given for {len(axes)} axes; expected one, or one each.")
    slopes = [_slope(f, spacing, i, edge_order) for spacing, i in zip(spacings, axes, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            f"gradient: {f.shape[axis]} elements along axis {axis}; edge_order={edge_order} takes {edge_order + 1}."
        )
    step, before, after = _steps(f, spacing, axis)
    slopes = np.diff(f, axis=axis) / step
    left, right = _cut(slopes, axis, None, -1), _cut(slopes, axis, 1, None)
    inner = (left * after + right * before) / (before + after)
    first, last = _cut(slopes, axis, None, 1), _cut(slopes, axis, -1, None)
    if edge_order == 2:  # of the parabola through three points
        first, last = first * 2 - _cut(inner, axis, None, 1), last * 2 - _cut(inner, axis, -1, None)
    return np.concatenate([first, inner, last], axis=axis)


def _steps(f: Any, spacing: Any, axis: int) -> tuple[Any, Any, Any]:
    """Return the steps along an axis, and those before and after each inner point."""
    spacing = array(spacing)
    dtype = np.finfo(f.dtype).dtype
    if not spacing.ndim:
        return spacing.astype(dtype), 1, 1
    if spacing.shape != (f.shape[axis],):
        raise ValueError(
            f"gradient: coordinates of shape {spacing.shape} for axis {axis} of length {f.shape[axis]}; expected one "
            "number each, or one spacing."
        )
    steps = np.reshape(np.diff(spacing).astype(dtype), (-1,) + (1,) * (f.ndim - 1 - axis))
    line = -steps.ndim
    return steps, _cut(steps, line, None, -1), _cut(steps, line, 1, None)


@composite(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = array(y)
    if not y.ndim:
        raise ValueError("trapezoid: expected an array of at least one dimension; got a number.")
    normalize_axis_index(axis, y.ndim)  # refuses an axis that is not there
    steps = dx if x is None else np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
    if x is not None and np.ndim(x) == 1:
        steps = np.reshape(steps, (-1,) + (1,) * (np.ndim(y) - 1 - axis % np.ndim(y)))
    return np.sum((_cut(y, axis, 1, None) + _cut(y, axis, None, -1)) * steps / 2, axis=axis)
