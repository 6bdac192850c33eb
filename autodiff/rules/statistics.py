"""Order statistics, covariances and histograms."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff.kernels.broadcasting import array, axes_of, lines, weights_of
from autodiff.kernels.division import product
from autodiff.primitive import composite, constant, linear, outputs, values
from autodiff.rules.arithmetic import conj
from autodiff.rules.reductions import into

# --- quantiles: NumPy's own function, run on the ranks, says which two elements to mix and how ----------------------

_WHOLE = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")  # methods that mix nothing
_FACTS: dict[str, Any] = {"kinks": ("tie",)}  # at ties the gradient goes by index, in stable order


@composite(np.median, **_FACTS)
def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _quantile(np.median, a, axis, keepdims, out)


@composite(np.nanmedian, **_FACTS)
def _nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _quantile(np.nanmedian, a, axis, keepdims, out)


def _of_order(fun: Any) -> None:
    def function(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
        keepdims: bool = False, *, weights: Any = None,
    ) -> Any:  # fmt: skip
        for name, given in (("q", q), ("weights", weights)):
            if getattr(given, "requires_grad", False):
                raise TypeError(
                    f"{fun.__name__}: no gradient flows to {name}; pass {name}=t.detach() if its value is meant."
                )
        if np.iscomplexobj(a):
            raise TypeError(f"{fun.__name__}: a holds values of dtype {array(a).dtype}; expected real numbers.")
        return _quantile(fun, a, axis, keepdims, out, q, weights, method=method)

    composite(fun, function, **_FACTS)


for _fun in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    _of_order(_fun)


def _quantile(
    fun: Any, a: Any, axis: Any, keepdims: bool, out: Any, q: Any = None, weights: Any = None, **given: Any
) -> Any:
    """Mix two elements of each line: lower + share * (upper - lower)."""
    a = array(a)
    a = a if a.dtype.kind != "b" else a.astype(np.float64)
    along, order = lines(a, axis), np.shape(0 if q is None else q)
    if weights is not None:
        weights = lines(np.broadcast_to(weights_of(a, weights, axis), np.shape(a)), axis)
    if not along.shape[-1] and fun not in (np.quantile, np.percentile):  # NumPy's mean of nothing: NaN
        y = np.mean(along, axis=-1, keepdims=True) * np.ones(np.prod(order, dtype=int), along.dtype)
    else:
        lower, upper, share = quantile_places(along, q, weights, fun=fun, given=given)
        y = np.take_along_axis(along, lower, axis=-1)
        if given.get("method") not in _WHOLE:
            with np.errstate(invalid="ignore"):  # inf - inf, whose share is 0
                y = y + product(np.take_along_axis(along, upper, axis=-1) - y, share)
    axes = axes_of(a, axis) if keepdims else ()
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape)) if keepdims else along.shape[:-1]
    return into(out, fun.__name__, np.reshape(np.moveaxis(y, -1, 0), (*order, *kept)))


@outputs(None, None, None, kind="boolean")
def quantile_places(
    a: Any, q: Any = None, weights: Any = None, *, fun: Any, given: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """Return the places of the two elements of each line that a quantile lies between, and the upper one's share.

    A line with NaN, where it is not left out, and one of nothing else, answers with one.
    """
    unknown, order = np.isnan(a), np.argsort(a, axis=-1, stable=True)
    given = given if q is None else {"q": q, **given}
    if weights is None and not unknown.any():
        rank = np.asarray(fun(np.arange(a.shape[-1], dtype=np.float64), **given))
        rank = np.broadcast_to(rank.reshape(-1), (*a.shape[:-1], rank.size))
    else:
        ranks = np.where(unknown, np.nan, np.argsort(order, axis=-1, stable=True))
        weighted = {} if weights is None else {"weights": weights}
        found = np.asarray(fun(ranks, axis=-1, **given, **weighted))
        rank = np.moveaxis(found.reshape(-1, *a.shape[:-1]), 0, -1)
        rank = np.where(np.isnan(rank), a.shape[-1] - 1, rank)  # NaN is sorted last
    lower, upper = np.floor(rank).astype(np.intp), np.ceil(rank).astype(np.intp)
    share = (rank - lower).astype(a.dtype if a.dtype.kind in "fc" else np.float64)
    return np.take_along_axis(order, lower, -1), np.take_along_axis(order, upper, -1), share


# --- covariance ----------------------------------------------------------------------------------------------------


@composite(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof is {ddof}; expected an integer.")
    rows = _variables("m", m, rowvar, dtype)
    if y is not None:
        rows = np.concatenate([rows, _variables("y", y, rowvar, dtype)], axis=0)
    frequency, weight = (_observed(name, w, rows) for name, w in (("fweights", fweights), ("aweights", aweights)))
    each = frequency if weight is None else weight if frequency is None else weight * frequency
    ddof = (0 if bias else 1) if ddof is None else ddof
    mass = rows.shape[1] if each is None else np.sum(each)
    free = mass - ddof if weight is None else mass - ddof * np.sum(each * weight) / mass
    if values(free) <= 0:
        warnings.warn("cov: no degree of freedom is left.", RuntimeWarning, stacklevel=2)
        free = 0.0
    centred = rows - np.average(rows, axis=1, weights=each, keepdims=True)
    return np.squeeze(np.matmul(centred if each is None else centred * each, conj(centred.T)) / free)


def _variables(name: str, m: Any, rowvar: bool, dtype: Any) -> Any:
    """Return observations as floating numbers, one variable a row."""
    m = array(m)
    if m.ndim > 2:
        raise ValueError(f"cov: {name} has shape {m.shape}; expected at most two dimensions.")
    m = m.astype(dtype if dtype is not None else m.dtype if m.dtype.kind in "fc" else np.float64)
    return m.T if m.ndim == 2 and not rowvar and (name == "m" or m.shape[0] != 1) else np.atleast_2d(m)


def _observed(name: str, weights: Any, rows: Any) -> Any:
    """Return the weights of the observations, checked as NumPy checks them."""
    if weights is None:
        return None
    weights = array(weights)
    if weights.shape != rows.shape[1:]:
        raise RuntimeError(f"cov: {name} has shape {weights.shape}; expected one for each of {rows.shape[1]}.")
    if np.any(values(weights) < 0):
        raise ValueError(f"cov: {name} has negative values.")
    if name == "fweights" and np.any(values(weights) != np.rint(values(weights))):
        raise TypeError("cov: fweights are counts; expected integers. Observations are weighed by aweights.")
    return weights.astype(np.finfo(rows.dtype).dtype)


@composite(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + np.clip(np.imag(c), -1, 1) * 1j


# --- histograms: counts are constants, sums of weights are linear in them, edges follow the extremes -----------------

constant(np.digitize, "x, bins; right=False")
linear(np.bincount, None, lambda g, x: np.take(g, x), sig="x, weights=None; minlength=0", analytic=False,
       kernel=lambda x, weights, minlength: _bincount(x, weights, minlength))  # fmt: skip


def _bincount(x: Any, weights: Any, minlength: int) -> Any:
    counts = np.bincount(x, weights, minlength)
    return counts.astype(weights.dtype) if getattr(weights, "dtype", counts.dtype).kind == "f" else counts


@composite(np.histogram_bin_edges, complex=False)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    given = np.histogram_bin_edges(values(a), values(bins), values(range), values(weights))
    if np.ndim(bins) == 1:
        return bins if isinstance(bins, engine.Tensor) else engine.wrap(given, None)
    low, high = range if range is not None else (np.min(a), np.max(a)) if np.size(a) else (given[0], given[-1])
    low, high = (
        x.astype(given.dtype) if isinstance(x, engine.Tensor) else engine.wrap(np.asarray(x, given.dtype), None)
        for x in (low, high)
    )
    flat = np.equal(low, high)
    low, high = np.where(flat, low - 0.5, low), np.where(flat, high + 0.5, high)
    count = len(given) - 1
    inner = np.arange(count, dtype=given.dtype) * ((high - low) / count) + low  # rounded as np.linspace does
    return np.concatenate([inner, np.reshape(high, 1)])


@composite(np.histogram, complex=False)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    if weights is not None and np.shape(weights) != np.shape(a):
        raise ValueError(f"histogram: weights of shape {np.shape(weights)} for values of shape {np.shape(a)}.")
    edges = _histogram_bin_edges(a, bins, range, weights)
    each = None if weights is None else np.ravel(weights)
    counts = _counted([np.ravel(a)], [edges], each)
    return (_density(counts, [edges]) if density else counts), edges


@composite(np.histogram2d, complex=False)
def _histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    if np.shape(x) != np.shape(y):
        raise ValueError(f"histogram2d: x of shape {np.shape(x)} and y of shape {np.shape(y)}; expected the same.")
    several = hasattr(bins, "__len__") and not isinstance(bins, str)
    bins = [bins, bins] if several and len(bins) not in (1, 2) else bins
    counts, edges = np.histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


@composite(np.histogramdd, complex=False)
def _histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    columns = list(sample) if isinstance(sample, (tuple, list)) else list(np.atleast_2d(sample.T))
    each = list(bins) if hasattr(bins, "__len__") and not isinstance(bins, str) else [bins] * len(columns)
    ranges = [None] * len(columns) if range is None else list(range)
    if not len(columns) == len(each) == len(ranges):
        raise ValueError(f"histogramdd: {len(columns)} variables, {len(each)} bins and {len(ranges)} ranges are given.")
    edges = [_histogram_bin_edges(x, b, r) for x, b, r in zip(columns, each, ranges, strict=True)]
    counts = _counted(columns, edges, weights)
    counts = counts if weights is not None else counts.astype(np.float64)
    return (_density(counts, edges) if density else counts), edges


def _counted(columns: list[Any], edges: list[Any], weights: Any) -> Any:
    """Count samples, or add up their weights, by bins, the last of which holds its upper edge."""
    shape = tuple(len(edge) - 1 for edge in edges)
    places = [np.digitize(x, edge) - 1 - np.equal(x, edge[-1]) for x, edge in zip(columns, edges, strict=True)]
    inside = functools.reduce(np.logical_and, [(p >= 0) & (p < n) for p, n in zip(places, shape, strict=True)])
    flat: Any = 0
    for place, n in zip(places, shape, strict=True):
        flat = flat * n + place
    size = math.prod(shape)
    kept = np.where(inside, flat, size)  # what lies outside falls into one bin more
    return np.reshape(np.bincount(kept, weights, minlength=size + 1)[:size], shape)


def _density(counts: Any, edges: list[Any]) -> Any:
    """Divide counts by their sum and by the bins' volumes."""
    volume: Any = 1.0
    for i, edge in enumerate(edges):
        volume = volume * np.reshape(np.diff(edge), (-1,) + (1,) * (len(edges) - 1 - i))
    return counts / volume / np.sum(counts)
