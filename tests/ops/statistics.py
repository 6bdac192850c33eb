"""Order statistics, covariances and histograms."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tests.ops.reductions import holed, torchs_holed
from tests.ops.row import op, t

Q = np.array([[0.0, 0.3], [0.75, 1.0]])
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
WEIGHTS = np.array([[1.0, 0.0, 2.0, 0.5], [3.0, 1.0, 1.0, 0.25], [0.5, 1.0, 0.0, 2.0]])
BINS = np.array([2, 0, 2])


def _torchs_quantile(*args: Any, **keywords: Any) -> Any:
    return lambda torch: lambda x: torch.quantile(x, *args, **keywords)


QUANTILES = [
    op(np.median, np.median, "NM"),
    op(np.median, lambda x: np.median(x, axis=-1, keepdims=True), "n5", label="odd",
       torch=lambda torch: lambda x: torch.median(x, -1, keepdim=True).values),
    op(np.median, lambda x: np.median(x, axis=(0, 2)), "2M3", label="even, two axes"),
    op(np.quantile, lambda x: np.quantile(x, 0.3), "NM", torch=_torchs_quantile(0.3)),
    op(np.quantile, lambda x: np.quantile(x, Q[0], axis=1, keepdims=True), "nMk", label="several",
       torch=lambda torch: lambda x: torch.quantile(x, torch.tensor(Q[0]), dim=1, keepdim=True)),
    op(np.quantile, lambda x: np.quantile(x, Q, axis=(-1, 0)), "NMK", label="a matrix of q"),
    op(np.quantile, lambda x: np.quantile(x, 0.6, axis=1, weights=WEIGHTS, method="inverted_cdf"), "34",
       label="weights"),
    op(np.quantile, lambda x: np.quantile(x, Q[0], axis=0, weights=WEIGHTS[:, 0], method="inverted_cdf",
       keepdims=True), "34", label="weights of an axis"),
    op(np.percentile, lambda x: np.percentile(x, [30, 50], axis=-1), "nM"),
    op(np.percentile, lambda x: np.percentile(x, 30, method="hazen", keepdims=True), "NM", label="hazen"),
    op(np.nanmedian, holed(np.nanmedian, axis=1), "34"),
    op(np.nanmedian, holed(np.nanmedian, keepdims=True), "34", label="of all"),
    op(np.nanquantile, holed(np.nanquantile, 0.4, axis=1), "34", torch=torchs_holed("nanquantile", 0.4, 1)),
    op(np.nanquantile, holed(np.nanquantile, Q, axis=0, keepdims=True), "34", label="a matrix of q"),
    op(np.nanquantile, holed(np.nanquantile, 0.4, axis=1, weights=WEIGHTS, method="inverted_cdf"), "34",
       label="weights"),
    op(np.nanpercentile, holed(np.nanpercentile, 40, axis=(0, 1), method="weibull"), "34"),
] + [
    op(np.quantile, partial(np.quantile, q=Q, axis=0, method=method), "5m", label=method)
    for method in METHODS
] + [
    op(np.quantile, partial(np.quantile, q=0.3, axis=0, method=method), "5m", label=f"{method}, one",
       torch=_torchs_quantile(0.3, dim=0, interpolation=method))
    for method in ("lower", "higher", "midpoint", "nearest")
]  # fmt: skip

COVARIANCES = [
    op(np.cov, np.cov, "n4", torch=t("cov")),
    op(np.cov, np.cov, "4", label="of a vector", torch=t("cov")),
    op(np.cov, lambda m, y: np.cov(m, y, rowvar=False), "4N, 4M", label="y, columns"),
    op(np.cov, lambda m, y: np.cov(m, y, bias=True), "4, 4", label="of two vectors"),
    op(np.cov, lambda m: np.cov(m, ddof=0), "24", label="ddof=0", torch=t("cov", correction=0)),
    op(np.cov, lambda m: np.cov(m, fweights=np.array([1, 3, 2, 1])), "24", label="fweights",
       torch=lambda torch: lambda m: torch.cov(m, fweights=torch.tensor([1, 3, 2, 1]))),
    op(np.cov, lambda m, w: np.cov(m, aweights=w), "24, 4", "real", "positive", label="aweights",
       torch=lambda torch: lambda m, w: torch.cov(m, aweights=w)),
    op(np.cov, lambda m, w: np.cov(m, fweights=np.array([1, 3, 2, 1]), aweights=w, ddof=2), "24, 4", "real", "positive",
       label="both weights"),
    op(np.cov, np.cov, "24", "complex", label="complex", torch=t("cov")),
    op(np.corrcoef, np.corrcoef, "34", torch=t("corrcoef")),
    op(np.corrcoef, lambda x, y: np.corrcoef(x, y, rowvar=False), "42, 41", label="y, columns"),
    op(np.corrcoef, np.corrcoef, "34", "complex", label="complex", torch=t("corrcoef")),
]  # fmt: skip

HISTOGRAMS = [
    op(np.bincount, lambda w: np.bincount(BINS, w, minlength=4), "3",
       torch=lambda torch: lambda w: torch.zeros(4, dtype=w.dtype).index_add(0, torch.tensor(BINS), w)),
    op(np.histogram_bin_edges, lambda a: np.histogram_bin_edges(a, 4), "Nm"),
    op(np.histogram_bin_edges, lambda a: np.histogram_bin_edges(a, "sturges"), "NM", label="by a rule"),
    op(np.histogram, lambda w: np.histogram(np.array([1.5, 0.5, 7.0]), [0, 1, 2], weights=w)[0], "3"),
    op(np.histogram, lambda a: np.histogram(a, 3), "5", label="edges"),
    op(np.histogram, lambda a, w: np.histogram(a, 3, density=True, weights=w), "5, 5", "real", "positive",
       label="density"),
    op(np.histogram, lambda a, w: np.histogram(a, 4, (-3, 3), True, w)[0], "5, 5", "real", "positive", label="range"),
    op(np.histogram2d, lambda x, y, w: np.histogram2d(x, y, [2, [-3, 0, 3]], density=True, weights=w)[:2], "5, 5, 5",
       "real", "real", "positive"),
    op(np.histogramdd, lambda x, w: np.histogramdd(x, 2, weights=w)[0], "53, 5"),
    op(np.histogramdd, lambda x: np.histogramdd(x, (2, 3), density=True)[1], "52", label="edges"),
]  # fmt: skip

STATISTICS = QUANTILES + COVARIANCES + HISTOGRAMS
