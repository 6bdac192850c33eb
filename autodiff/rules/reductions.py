"""Reductions: sums, products, moments, extrema; under a mask, and with NaN left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff.kernels.broadcasting import array, axes_of, from_lines, lines, spread, weights_of
from autodiff.kernels.division import ratio
from autodiff.kernels.scan import products_of_others
from autodiff.primitive import alias, composite, constant, linear, reduction, values
from autodiff.rules.arithmetic import conj
from autodiff.summation import total, wide

_SUM = "a; axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True"
_MEAN = "a; axis=None, dtype=None, out=None, keepdims=False, *, where=True"
_SPREAD = "a; axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None"
_EXTREME = "a; axis=None, out=None, keepdims=False, initial=None, where=True"
_PRODUCT = "a; axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True"
_TIE: dict[str, Any] = {"sig": _EXTREME, "kinks": ("tie",)}

# fmt: off
linear(np.sum, lambda g, s, axis, keepdims: spread(g, s, axis, keepdims), sig=_SUM, kernel=total,
       masked=lambda a, **given: _masked_sum(a, **given))
linear(np.mean, lambda g, s, axis, keepdims: spread(g * (g.size / max(s.size, 1)), s, axis, keepdims), sig=_MEAN,
       masked=lambda a, **given: _masked_mean(a, **given))
reduction(np.var, lambda g, x, axis, ddof, correction, keepdims:
          spread(g * 2, x, axis, keepdims) * _deviation(x, axis, ddof, correction), sig=_SPREAD,
          kernel=lambda a, axis, ddof, correction, keepdims: _moment(np.var, a, axis, ddof, correction, keepdims),
          masked=lambda a, **given: _masked_var(a, **given), complex=True)
reduction(np.std, lambda g, x, y, axis, ddof, correction, keepdims:  # where all are equal: 0
          ratio(spread(g, x, axis, keepdims) * _deviation(x, axis, ddof, correction), spread(y, x, axis, keepdims)),
          kernel=lambda a, axis, ddof, correction, keepdims: _moment(np.std, a, axis, ddof, correction, keepdims),
          masked=lambda a, **given: _masked_std(a, **given), sig=_SPREAD, kinks=("equal",), complex=True)
reduction(np.max, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),  # ties: shared evenly
          masked=lambda a, **given: _masked_extreme(np.max, a, **given), **_TIE)
reduction(np.min, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),
          masked=lambda a, **given: _masked_extreme(np.min, a, **given), **_TIE)
reduction(np.nanmax, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),
          masked=lambda a, **given: _masked_extreme(np.nanmax, a, **given), **_TIE)
reduction(np.nanmin, lambda g, x, y, axis, keepdims: _tied(g, x, y, axis, keepdims),
          masked=lambda a, **given: _masked_extreme(np.nanmin, a, **given), **_TIE)
reduction(np.prod, lambda g, x, axis, keepdims: spread(g, x, axis, keepdims) * _others(x, axis), sig=_PRODUCT,
          kernel=lambda a, axis, keepdims: wide(np.multiply.reduce, a, axis=axis, keepdims=keepdims), analytic=True,
          masked=lambda a, **given: _masked_prod(a, **given))
# fmt: on
constant(np.count_nonzero, "a; axis=None, *, keepdims=False")
constant(np.nanargmax, "a; axis=None, out=None, *, keepdims=False")
constant(np.nanargmin, "a; axis=None, out=None, *, keepdims=False")
alias(np.amax, np.max)
alias(np.amin, np.min)


@composite(np.ptp, kinks=("tie",))
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return into(out, "ptp", np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims))


@composite(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.full_like(mean, np.size(a) / max(np.size(mean), 1))) if returned else mean
    weights = np.broadcast_to(weights_of(a, weights, axis), np.shape(a))
    mass = np.sum(weights, axis=axis, keepdims=keepdims)
    if not np.all(values(mass)):
        raise ZeroDivisionError("average: the weights along an axis sum to zero, so that they cannot be normalized.")
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / mass
    return (mean, mass * np.ones_like(mean)) if returned else mean


def into(out: Any, name: str, y: Any) -> Any:
    """Return a composite's result, written where `out=` asks."""
    return y if out is None else engine.write_out(name, y, out)


# --- what the rules call -------------------------------------------------------------------------------------------


def _moment(fun: Any, a: Any, axis: Any, ddof: float, correction: float | None, keepdims: bool) -> Any:
    return wide(fun, a, axis=axis, ddof=_lost(ddof, correction), keepdims=keepdims)


def _lost(ddof: float, correction: float | None) -> float:
    """Return the degrees of freedom lost, which two keywords can say."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError(f"ddof and correction are one thing; got ddof={ddof} and correction={correction}.")
    return correction


def _deviation(x: Any, axis: Any, ddof: float, correction: float | None) -> Any:
    """Return (x - mean) / (n - ddof), conjugated."""
    mean = np.mean(x, axis=axis, keepdims=True)
    free = x.size / max(mean.size, 1) - _lost(ddof, correction)
    return conj(x - mean) * (1 / free if free > 0 else np.inf)


def _tied(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """Share the gradient evenly among all elements that attain the extremum; NaN attains none."""
    mask = np.equal(x, spread(y, x, axis, keepdims))
    count = np.sum(mask, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(mask, spread(g, x, axis, keepdims) / count, 0)


def _others(x: Any, axis: Any) -> Any:
    """Return for each element the product of all the others that it is reduced with."""
    return from_lines(products_of_others(lines(x, axis)), x, axis)


# --- under a mask: what runs when `where=` or `initial=` is given --------------------------------------------------


def _mask(a: Any, where: Any) -> Any:
    """Return a mask as an array that broadcasts to a's shape."""
    mask = array(where)
    if mask.dtype.kind != "b":
        raise TypeError(f"where= holds values of dtype {mask.dtype}; expected truths. Cast it with .astype(bool).")
    if np.broadcast_shapes(mask.shape, np.shape(a)) != np.shape(a):
        raise ValueError(f"where= of shape {mask.shape} does not broadcast to the array's shape {np.shape(a)}.")
    return mask


def _initial(a: Any, initial: Any) -> Any:
    """Return the value that a reduction starts with, which is one number."""
    if np.ndim(initial):
        raise ValueError(f"initial= has shape {np.shape(initial)}; expected one number.")
    return initial


def _count(a: Any, axis: Any, keepdims: bool, mask: Any) -> Any:
    return np.sum(np.broadcast_to(mask, np.shape(a)), axis=axis, keepdims=keepdims)


def _masked_sum(a: Any, axis: Any, keepdims: bool, where: Any = True, initial: Any = None) -> Any:
    y = np.sum(np.where(_mask(a, where), a, 0), axis=axis, keepdims=keepdims)
    return y if initial is None else y + _initial(a, initial)


def _masked_prod(a: Any, axis: Any, keepdims: bool, where: Any = True, initial: Any = None) -> Any:
    y = np.prod(np.where(_mask(a, where), a, 1), axis=axis, keepdims=keepdims)
    return y if initial is None else y * _initial(a, initial)


def _masked_mean(a: Any, axis: Any, keepdims: bool, where: Any = True) -> Any:
    mask = _mask(a, where)
    return np.sum(np.where(mask, a, 0), axis=axis, keepdims=keepdims) / _count(a, axis, keepdims, mask)


def _masked_extreme(fun: Any, a: Any, axis: Any, keepdims: bool, where: Any = True, initial: Any = None) -> Any:
    """Take the extremum of an array and of `initial`, as of one more element: they share it at a tie."""
    if initial is None:
        raise ValueError(f"{fun.__name__}(..., where=) needs initial=: nothing has no {fun.__name__[-3:]}imum.")
    along = lines(np.where(_mask(a, where), a, _initial(a, initial)), axis)
    first = np.zeros_like(along, shape=(*along.shape[:-1], 1)) + initial
    y = fun(np.concatenate([first, along], axis=-1), axis=-1)
    return np.expand_dims(y, axes_of(a, axis)) if keepdims else y


def _about(a: Any, axis: Any, ddof: Any, correction: Any, keepdims: bool, where: Any, mean: Any) -> tuple[Any, Any]:
    """Return the deviations from the mean (0 where the mask is false) and the degrees of freedom."""
    mask = _mask(a, where)
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True, where=mask)
    deviations = np.where(mask, a - mean, 0)
    free = np.maximum(_count(a, axis, keepdims, mask) - _lost(ddof, correction), 0)
    return deviations, free.astype(np.finfo(deviations.dtype).dtype)


def _masked_var(
    a: Any, axis: Any, ddof: Any, correction: Any, keepdims: bool, where: Any = True, mean: Any = None
) -> Any:
    deviations, free = _about(a, axis, ddof, correction, keepdims, where, mean)
    return np.sum(np.real(deviations * conj(deviations)), axis=axis, keepdims=keepdims) / free


def _masked_std(
    a: Any, axis: Any, ddof: Any, correction: Any, keepdims: bool, where: Any = True, mean: Any = None
) -> Any:
    deviations, free = _about(a, axis, ddof, correction, keepdims, where, mean)
    norm = np.linalg.vector_norm(lines(deviations, axis), axis=-1)  # at 0: 0
    return (np.expand_dims(norm, axes_of(a, axis)) if keepdims else norm) / np.sqrt(free)


# --- NaN left out --------------------------------------------------------------------------------------------------

composite(np.nansum, lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True:
          np.sum(_filled(a, 0), axis, dtype, out, keepdims, initial, where))  # fmt: skip
composite(np.nanprod, lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True:
          np.prod(_filled(a, 1), axis, dtype, out, keepdims, initial, where))  # fmt: skip
composite(np.nanmean, lambda a, axis=None, dtype=None, out=None, keepdims=False, *, where=True:
          np.mean(a, axis, dtype, out, keepdims, where=_known(a, where)))  # fmt: skip
composite(np.nancumsum, lambda a, axis=None, dtype=None, out=None: np.cumsum(_filled(a, 0), axis, dtype, out))
composite(np.nancumprod, lambda a, axis=None, dtype=None, out=None: np.cumprod(_filled(a, 1), axis, dtype, out))


@composite(np.nanvar, complex=True)
def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False, *,
    where: Any = True, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    return _nan_moment(np.var, a, axis, dtype, out, _lost(ddof, correction), keepdims, where, mean)


@composite(np.nanstd, kinks=("equal",), complex=True)
def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False, *,
    where: Any = True, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    return _nan_moment(np.std, a, axis, dtype, out, _lost(ddof, correction), keepdims, where, mean)


def _nan_moment(
    fun: Any, a: Any, axis: Any, dtype: Any, out: Any, ddof: float, keepdims: bool, where: Any, mean: Any
) -> Any:
    """Return a moment of what is no NaN; NaN where no degree of freedom is left."""
    mask = _known(a, where)
    given = {} if mean is None else {"mean": mean}
    y = fun(a, axis, dtype, None, ddof, keepdims, where=mask, **given)
    return into(out, f"nan{fun.__name__}", np.where(_count(a, axis, keepdims, mask) > ddof, y, np.nan))


def _filled(a: Any, fill: float) -> Any:
    return np.where(np.isnan(a), fill, a)


def _known(a: Any, where: Any) -> Any:
    return np.logical_and(np.logical_not(np.isnan(a)), where)
