"""Selection by conditions and choices, a function along axes, and interpolation between the entries of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff import apply as engine
from autodiff.kernels.division import product, ratio
from autodiff.kernels.indexing import ARRAY, getitem, put
from autodiff.primitive import composite, joint
from autodiff.rules.indexing import resolved, take


def _choices(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    if out is not None:
        raise TypeError("choose of a Tensor does not support out=; assign the result instead.")
    return (a, *choices), {"mode": mode}


joint(
    np.choose,
    lambda g, a, shapes, mode: [None, *_chosen(g, a, len(shapes) - 1, mode)],
    kind="linear",
    constants=(0,),
    bind=_choices,
    kernel=lambda a, *choices, mode: np.choose(a, choices, mode=mode),
)


def _chosen(g: Any, a: Any, n: int, mode: str) -> list[Any]:
    places = resolved(a, n, mode)
    return [np.where(np.equal(places, k), g, 0) for k in range(n)]


@composite(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"select: expected a choice for each condition; got {len(condlist)} and {len(choicelist)}.")
    for i, condition in enumerate(map(_array, condlist)):
        if condition.dtype.kind != "b":
            raise TypeError(f"select: condition {i} must be boolean; got {condition.dtype}. Compare it, e.g. c != 0.")
    *choices, result = _alike(*choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


@composite(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Write each function's values where its condition holds, the last condition that holds winning."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    single = np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and x.ndim)
    conditions = [np.astype(_array(c), bool) for c in ([condlist] if single else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(np.logical_not(np.any(np.stack(conditions), axis=0)))
    if len(funclist) != len(conditions):
        raise ValueError(f"piecewise: expected {len(conditions)} or one more functions; got {len(funclist)}.")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        taken = getitem(x, condition, index=(ARRAY,))
        wanted = taken.size or engine.tracing()  # a function is not called for nothing, but a graph must hold it
        value = function(taken, *args, **kw) if callable(function) and wanted else function
        if not callable(value):
            y = put(y, _array(value), condition, index=(ARRAY,))
    return y


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def _alike(*xs: Any) -> list[Any]:
    """Return numbers, lists and integers in the precision of the floating Tensors among xs, which they do not widen."""
    floats = [x.dtype for x in xs if isinstance(x, engine.Tensor) and x.dtype.kind in "fc"]
    if not floats:
        return list(map(_array, xs))
    dtype = np.finfo(np.result_type(*floats)).dtype
    kept = [isinstance(x, (engine.Tensor, np.ndarray)) and x.dtype.kind in "fc" for x in xs]
    wide = {"c": np.result_type(dtype, np.complex64)}
    arrays = map(_array, xs)
    return [x if keep else np.astype(x, wide.get(x.dtype.kind, dtype)) for x, keep in zip(arrays, kept, strict=True)]


# --- a function along axes -------------------------------------------------------------------------------------------


@composite(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    axis = normalize_axis_index(axis, arr.ndim)
    moved = np.moveaxis(arr, axis, -1)
    outer = moved.shape[:-1]
    if 0 in outer:
        raise ValueError(f"apply_along_axis: there is no line along axis {axis} of shape {arr.shape} to apply it to.")
    parts = np.stack([func1d(moved[place], *args, **kwargs) for place in np.ndindex(outer)])
    inner = parts.shape[1:]
    result = np.reshape(parts, outer + inner)
    ends = range(len(outer), len(outer) + len(inner))
    return np.moveaxis(result, tuple(ends), tuple(range(axis, axis + len(inner))))


@composite(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes):
        axis = normalize_axis_index(int(axis), a.ndim)
        result = func(a, axis)
        if result.ndim == a.ndim - 1:
            result = np.expand_dims(result, axis)
        if result.ndim != a.ndim:
            raise ValueError(f"apply_over_axes: the function made {a.ndim} axes into {result.ndim}; it may drop one.")
        a = result
    return a


# --- interpolation ---------------------------------------------------------------------------------------------------


@composite(np.interp, kinks=("knots",), complex=True)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Interpolate between the knots. At a knot the slope is that to its right, at the last one that to its left."""
    x, xp, fp = _alike(x, xp, fp)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or not len(xp):
        raise ValueError(f"interp: xp and fp are vectors of one length, not 0; got shapes {xp.shape} and {fp.shape}.")
    if period is not None:
        (x, xp, fp), left, right = _unrolled(x, xp, fp, period), None, None
    last = len(xp) - 1
    places = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(last - 1, 0))
    after = np.minimum(places + 1, last)
    before, after = (take(xp, places), take(fp, places)), (take(xp, after), take(fp, after))
    below, above = np.less(x, xp[0]), np.greater(x, xp[-1])
    step = np.where(np.logical_or(below, above), 0, x - before[0])  # an infinite x meets no slope
    flat = np.equal(before[0], after[0])  # knots that coincide at the end: the last one counts
    slope = ratio(np.where(flat, 0, after[1] - before[1]), after[0] - before[0])
    y = np.where(flat, after[1], before[1] + product(slope, step))
    y = np.where(below, fp[0] if left is None else left, y)
    return np.where(above, fp[-1] if right is None else right, y)


def _unrolled(x: Any, xp: Any, fp: Any, period: Any) -> Any:
    """Return the table of one period in order, with a knot of its neighbours at each end."""
    if period == 0:
        raise ValueError("interp: period must not be 0.")
    period = abs(period)
    xp = np.remainder(xp, period)
    order = np.argsort(xp, stable=True)
    xp, fp = take(xp, order), take(fp, order)
    xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
    return np.remainder(x, period), xp, np.concatenate((fp[-1:], fp, fp[:1]))
