"""Arguments of order statistics, covariances and histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume

from autodiff.testing.strategies.arrays import axes, distinct, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape
from autodiff.testing.strategies.reductions import over, with_nan

METHODS = (
    "linear", "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
POSITIVE = np.abs(levels(away_from=(0.0,)))
EDGES = [-4.0, -1.03125, 0.40625, 4.0]
SPOTS = [-2.0, -0.8125, 0.3125, 1.125, 2.3125]


def order_statistic(d: Draw) -> Arguments:
    """Draw an array with something along the axes, and which of its elements, ordered, are asked for."""
    shape = d.shape(sides=1)
    (x,) = d.arrays([shape])
    axis = d(axes(len(shape)))
    if axis == ():
        axis = None
    keywords = {} if axis is None and d.chance() else {"axis": axis}
    keywords |= d.choice({}, {"keepdims": True}, {"keepdims": False}, *[{"overwrite_input": True}] * x.flags.writeable)
    if "median" in d.entry.name:
        return [with_nan(d, x, axis)], keywords
    scale = 100 if "percentile" in d.entry.name else 1
    q = d.choice(0.3, 0.5, 1.0, [0.0, 0.7], ((0.25, 0.6), (0.9, 0.1)))
    q = (np.array(q) * scale).tolist()
    if d.chance():
        keywords["method"] = d.choice(*METHODS)
    if d.chance():
        size = tuple(shape[i] for i in over(shape, axis)) if isinstance(axis, int) and d.chance() else shape
        weights = d.integers(shape if d.entry.name.startswith("nan") else size, 1, 3)  # NumPy's nan* want all of them
        keywords |= {"method": "inverted_cdf", "weights": weights}
    return [with_nan(d, x, axis), q], keywords


def observations(d: Draw) -> tuple[list[Any], dict[str, Any], Shape]:
    """Draw variables of 4 observations, perhaps in columns, and perhaps others beside them."""
    sizes: list[Shape] = [d.choice((2, 4), (1, 4), (3, 4), (4,)), d.choice((1, 4), (4,))]
    m, y = distinct(d.draw, sizes)
    keywords = d.choice({}, {"rowvar": True}, {"rowvar": False})
    if not keywords.get("rowvar", True):
        m, y = m.T, y.T
    if d.chance():
        keywords["y"] = d.finished(y, 1)
    return [d.finished(m)], keywords | d.optional((), "dtype"), (4,)


def covariance(d: Draw) -> Arguments:
    """Draw observations, their weights, and what the sum is divided by."""
    args, keywords, count = observations(d)
    keywords |= d.choice({}, {"bias": True}, {"ddof": 0}, {"ddof": 2}, {"bias": False})
    if d.chance():
        keywords["fweights"] = d.integers(count, 1, 3)
    if d.chance():
        keywords["aweights"] = drawn(d.draw, count, POSITIVE) + 1.0
        if keywords.get("ddof") == 2:
            del keywords["ddof"]
    return args, keywords


def correlation(d: Draw) -> Arguments:
    """Draw observations no two variables of which depend on each other linearly."""
    args, keywords, _ = observations(d)
    with np.errstate(all="ignore"):
        c = np.atleast_2d(np.corrcoef(*args, **keywords))
    assume(np.all(np.abs(c - np.diag(np.diag(c))) < 0.95))
    return args, keywords


def samples(d: Draw, columns: int) -> list[Any]:
    """Draw columns of 5 values, which but for the extremes keep clear of the edges of the bins drawn below."""
    return [np.array(d(st.permutations(SPOTS))) * d.choice(1, -1) for _ in range(columns)]


def weighed(d: Draw) -> dict[str, Any]:
    """Draw positive weights of 5 values or none, and whether sums are made densities."""
    keywords: dict[str, Any] = d.choice({}, {"density": True}, {"density": False})
    return keywords | ({"weights": d.finished(drawn(d.draw, (5,), POSITIVE), 1)} if d.chance() else {})


def histogram(d: Draw) -> Arguments:
    """Draw values, bins as a number, a rule or edges, and their range."""
    bins = d.choice(3, 2, "sturges", EDGES)
    (x,) = samples(d, 1)
    keywords: dict[str, Any] = {"weights": None} if d.chance() else {}
    keywords |= weighed(d) if d.entry.fun is np.histogram else {}
    if isinstance(bins, str):
        keywords.pop("weights", None)
    elif bins == 2 and d.chance():
        keywords["range"] = (-4.0, 4.25)
    return [d.finished(x)], keywords | {"bins": bins}


def histogram2d(d: Draw) -> Arguments:
    """Draw pairs of values, and bins for both or for each."""
    bins = d.choice(2, [3, 2], [2, EDGES], EDGES)
    x, y = samples(d, 2)
    keywords = weighed(d) | {"bins": bins}
    if bins == 2 and d.chance():
        keywords["range"] = [[-4.0, 4.25], [-4.0, 4.5]]
    return [d.finished(x), d.finished(y)], keywords


def histogramdd(d: Draw) -> Arguments:
    """Draw points of two or three coordinates, as a matrix or column by column."""
    columns = d.integer(2, 3)
    bins = d.choice(2, [2] * columns, [EDGES] + [2] * (columns - 1))
    found = samples(d, columns)
    keywords = weighed(d) | {"bins": bins}
    if bins == 2 and d.chance():
        keywords["range"] = [(-4.0, 4.25)] * columns
    return [np.stack(found, axis=1) if d.chance() else found], keywords


def bincount(d: Draw) -> Arguments:
    """Draw places and what is added up there."""
    n = d.integer(1, 5)
    x, weights = d.integers((n,), 0, 3), d.array((n,), 1)
    return [x, weights], {"minlength": d.integer(0, 6)} if d.chance() else {}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.median: order_statistic,
    np.nanmedian: order_statistic,
    np.quantile: order_statistic,
    np.percentile: order_statistic,
    np.nanquantile: order_statistic,
    np.nanpercentile: order_statistic,
    np.cov: covariance,
    np.corrcoef: correlation,
    np.histogram_bin_edges: histogram,
    np.histogram: histogram,
    np.histogram2d: histogram2d,
    np.histogramdd: histogramdd,
    np.bincount: bincount,
}
