"""Scans: cumulative operations, differences and integrals."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.kernels import scan
from tests.ops.row import op, t


def _logcumsumexp(x: Any, axis: int = -1) -> Any:
    return np.log(np.cumsum(np.exp(x), axis))


def _cummax(x: Any, axis: int = -1) -> Any:
    return np.maximum.accumulate(x, axis)


def _torchs_gradient(**keywords: Any) -> Any:
    return lambda torch: lambda x: torch.gradient(x, **keywords)


SCANS = [
    op(np.cumsum, np.cumsum, "nm"),
    op(np.cumsum, lambda x: np.cumsum(x, axis=1), "nmk", label="axis=1", torch=t("cumsum", 1)),
    op(np.cumprod, np.cumprod, "nm"),
    op(np.cumprod, lambda x: np.cumprod(x, axis=0), "nm", label="axis=0", torch=t("cumprod", 0)),
    op(np.cumprod, lambda x: np.cumprod(x, axis=-2), "nmk", label="axis=-2", torch=t("cumprod", -2)),
    op(np.cumulative_sum, np.cumulative_sum, "n", torch=t("cumsum", 0)),
    op(np.cumulative_sum, lambda x: np.cumulative_sum(x, axis=-1, include_initial=True), "nm", label="initial"),
    op(np.cumulative_prod, np.cumulative_prod, "n", torch=t("cumprod", 0)),
    op(np.cumulative_prod, lambda x: np.cumulative_prod(x, axis=0, include_initial=True), "nm", label="initial"),
    op(np.diff, np.diff, "nM", torch=t("diff")),
    op(np.diff, lambda x: np.diff(x, 2, axis=0), "4m", label="n=2", torch=t("diff", 2, 0)),
    op(np.diff, lambda x: np.diff(x, 0), "nm", label="n=0"),
    op(np.diff, lambda x, a, b: np.diff(x, 3, -1, a, b), "Nm, N2, N3", label="prepend, append",
       torch=lambda torch: lambda x, a, b: torch.diff(x, 3, -1, a, b)),
    op(np.diff, lambda x, a: np.diff(x, axis=0, prepend=a, append=2), "nm, ", label="prepend a number"),
    op(np.ediff1d, np.ediff1d, "nm"),
    op(np.ediff1d, lambda x, a, b: np.ediff1d(x, to_end=a, to_begin=b), "n, m, ", label="to_end, to_begin"),
    op(np.gradient, np.gradient, "4", torch=_torchs_gradient()),
    op(np.gradient, np.gradient, "34", label="of two axes", torch=_torchs_gradient()),
    op(np.gradient, lambda x: np.gradient(x, 0.5, axis=1), "n4", label="spacing",
       torch=_torchs_gradient(spacing=0.5, dim=1)),
    op(np.gradient, lambda x, h: np.gradient(x, h), "34, ", "real", "positive", label="by a spacing"),
    op(np.gradient, lambda x: np.gradient(x, edge_order=2), "35", label="edge_order=2",
       torch=_torchs_gradient(edge_order=2)),
    op(np.gradient, lambda x: np.gradient(x, np.array([0, 1, 3, 3.5]), axis=-1, edge_order=2), "n4",
       label="coordinates"),
    op(np.gradient, lambda x, c: np.gradient(x, c), "4, 4", label="by the coordinates"),
    op(np.gradient, lambda x, c, h: np.gradient(x, c, h, axis=(1, 0), edge_order=2), "34, 4, ", "real", "real",
       "positive", label="by both"),
    op(np.trapezoid, np.trapezoid, "nM", torch=t("trapezoid")),
    op(np.trapezoid, lambda y: np.trapezoid(y, dx=0.5, axis=0), "Nm", label="dx",
       torch=lambda torch: lambda y: torch.trapezoid(y, dx=0.5, dim=0)),
    op(np.trapezoid, np.trapezoid, "nM, M", label="x", torch=t("trapezoid")),
    op(np.trapezoid, lambda y, x: np.trapezoid(y, x, axis=0), "Nm, N", label="x, axis=0"),
    op(np.trapezoid, lambda y, x: np.trapezoid(y, x, axis=1), "nMk, nMk", label="x of y's shape"),
    op(scan.logcumsumexp, ad.logcumsumexp, "nM", torch=t("logcumsumexp", -1), reference=_logcumsumexp),
    op(scan.logcumsumexp, lambda x: ad.logcumsumexp(x, 0), "Nmk", label="axis=0", torch=t("logcumsumexp", 0),
       reference=lambda x: _logcumsumexp(x, 0)),
    op(scan.cummax, lambda x: ad.cummax(x).values, "nM", reference=_cummax,
       torch=lambda torch: lambda x: torch.cummax(x, -1).values),
    op(scan.cummax, lambda x: np.maximum.accumulate(x), "nM", label="maximum.accumulate"),
    op(scan.cummin, lambda x: ad.cummin(x, 0).values, "Nmk", reference=lambda x: np.minimum.accumulate(x, 0),
       torch=lambda torch: lambda x: torch.cummin(x, 0).values),
    op(scan.recurrence, scan.recurrence, "nM, nM", reference=None),
    op(scan.recurrence, scan.recurrence, "M, nM", label="broadcast"),
    op(np.cumsum, lambda x: np.cumsum(x, -1), "nm", "complex", label="complex", torch=t("cumsum", -1)),
    op(np.diff, lambda x: np.diff(x, 2), "nM", "complex", label="complex", torch=t("diff", 2)),
    op(np.gradient, lambda x: np.gradient(x, edge_order=2), "4", "complex", label="complex",
       torch=_torchs_gradient(edge_order=2)),
    op(np.trapezoid, np.trapezoid, "nM, M", "complex", "real", label="complex", torch=t("trapezoid")),
]  # fmt: skip
