"""Reductions, scans, and what is built on softmax."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from autodiff import kernels
from autodiff.kernels import scan
from autodiff.kernels.logits import softmax_nll
from tests.ops.row import op, t

LABELS = np.array([2, 0, 1])


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


WHOLE = [  # each over all axes, the last, two, and one that stays
    (np.sum, "nmk", "sum", None),
    (np.mean, "NMK", "mean", None),
    (np.max, "NMK", "amax", None),
    (np.min, "NMK", "amin", None),
    (np.var, "N2K", None, None),
    (np.std, "N24", None, None),
    (kernels.logsumexp, "NMK", "logsumexp", _logsumexp),
]
AXES = [None, -1, (0, 2), 1]

REDUCTIONS = [
    op(
        fun,
        partial(fun, axis=axis, keepdims=axis == 1),
        shape,
        label=f"axis={axis}",
        torch=t(name, (0, 1, 2) if axis is None else axis, axis == 1) if name else None,
        reference=reference and partial(reference, axis=axis, keepdims=axis == 1),
    )
    for fun, shape, name, reference in WHOLE
    for axis in AXES
] + [
    op(np.sum, np.sum, "", label="0-d"),
    op(np.var, lambda x: np.var(x, ddof=1), "4N", label="ddof=1", torch=t("var")),
    op(np.std, lambda x: np.std(x, axis=0, ddof=1), "4N", label="ddof=1", torch=t("std", 0)),
    op(np.std, lambda x: np.std(x, axis=0, correction=1), "4N", label="correction", torch=t("std", 0)),
    op(np.max, np.max, "", label="0-d"),
    op(np.prod, np.prod, "nm", torch=t("prod")),
    op(np.prod, lambda x: np.prod(x, axis=1), "nm", label="axis=1", torch=t("prod", 1)),
    op(np.prod, lambda x: np.prod(x, axis=(0, -1), keepdims=True), "nmk", label="axis=(0, -1)"),
    op(np.cumsum, np.cumsum, "nm"),
    op(np.cumsum, lambda x: np.cumsum(x, axis=1), "nmk", label="axis=1", torch=t("cumsum", 1)),
    op(np.cumprod, np.cumprod, "nm"),
    op(np.cumprod, lambda x: np.cumprod(x, axis=0), "nm", label="axis=0", torch=t("cumprod", 0)),
    op(np.average, np.average, "NM"),
    op(np.average, lambda x, w: np.average(x, 1, w), "nM, nM", "real", "positive", label="weights"),
    op(
        np.average,
        lambda x, w: np.average(x, axis=0, weights=w),
        "Nm, N",
        "real",
        "positive",
        label="weights of an axis",
    ),
    op(kernels.softmax, kernels.softmax, "nM", torch=t("softmax", -1), reference=_softmax),
    op(
        kernels.softmax,
        lambda x: kernels.softmax(x, axis=0),
        "Nmk",
        label="axis=0",
        torch=t("softmax", 0),
        reference=lambda x: _softmax(x, 0),
    ),
    op(
        kernels.log_softmax,
        kernels.log_softmax,
        "nM",
        torch=t("log_softmax", -1),
        reference=lambda x: np.log(_softmax(x)),
    ),
    op(
        kernels.log_softmax,
        lambda x: kernels.log_softmax(x, axis=0),
        "Nmk",
        label="axis=0",
        torch=t("log_softmax", 0),
        reference=lambda x: np.log(_softmax(x, 0)),
    ),
    op(
        softmax_nll,
        lambda x: kernels.cross_entropy(x, LABELS),
        "33",
        torch=lambda torch: lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)),
        reference=lambda x: -np.mean(np.log(_softmax(x))[np.arange(3), LABELS]),
    ),
    op(
        softmax_nll,
        lambda x: kernels.cross_entropy(x, np.array([2, -100, 0])),
        "33",
        label="ignored row",
        torch=lambda torch: lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([2, -100, 0])),
        reference=lambda x: -(np.log(_softmax(x))[0, 2] + np.log(_softmax(x))[2, 0]) / 2,
    ),
    op(scan.recurrence, scan.recurrence, "nM, nM", reference=None),
    op(scan.recurrence, scan.recurrence, "M, nM", label="broadcast"),
]
