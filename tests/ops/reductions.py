"""Reductions, and what is built on softmax."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from autodiff import kernels
from autodiff.kernels.crossentropy import (
    bce_with_logits,
    bce_with_logits_backward,
    binary_nll,
    softmax_nll,
    softmax_nll_backward,
)
from autodiff.kernels.logits import log_softmax_backward, softmax_backward
from tests.ops.row import op, t

LABELS = np.array([2, 0, 1])
KEPT = np.array([[True, False, True, True], [False, True, False, True], [True, True, True, False]])
HOLES = ~KEPT


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _over(fun: Any, fill: float, **keywords: Any) -> Any:
    """Return torch's reduction of what a mask keeps."""
    return lambda torch: lambda x: getattr(torch, fun)(torch.where(torch.tensor(KEPT), x, fill), **keywords)


def holed(fun: Any, *args: Any, **keywords: Any) -> Any:
    """Return a function of an array in which some elements are made NaN first."""
    return lambda x: fun(np.where(HOLES, np.nan, x), *args, **keywords)


def torchs_holed(name: str, *args: Any, **keywords: Any) -> Any:
    return lambda torch: (
        lambda x: getattr(torch, name)(torch.where(torch.tensor(HOLES), float("nan"), x), *args, **keywords)
    )


WEIGHT = np.array([1.0, 2.0, 0.5])


def _torchs_nll(**keywords: Any) -> Any:
    return lambda torch: (
        lambda x: torch.nn.functional.cross_entropy(
            x, torch.tensor(LABELS), torch.tensor(WEIGHT, dtype=x.dtype), **keywords
        )
    )


def _torchs_bce() -> Any:
    return lambda torch: (
        lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(
            *torch.broadcast_tensors(x, y), reduction="none"
        )
    )


def _nll_backward(a: Any, p: Any, rows: Any, smoothing: float) -> Any:
    return softmax_nll_backward(a, p, LABELS, rows, WEIGHT if smoothing else None, smoothing=smoothing)


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
    *[
        op(fun, partial(fun, axis=axis), "2M4, 2M4", label=f"axis={axis}")
        for fun in (softmax_backward, log_softmax_backward)
        for axis in (-1, 1)
    ],
    op(
        softmax_nll,
        lambda x: softmax_nll(x, LABELS, WEIGHT, smoothing=0.3)[0],
        "33",
        label="weight, smoothing",
        torch=_torchs_nll(label_smoothing=0.3),
    ),
    op(
        softmax_nll,
        lambda x: softmax_nll(x, LABELS, WEIGHT, reduction="none")[0],
        "33",
        label="each",
        torch=_torchs_nll(reduction="none"),
    ),
    op(
        softmax_nll,
        lambda x: softmax_nll(x, LABELS, WEIGHT, ignore_index=0, reduction="sum", smoothing=0.3)[0],
        "33",
        label="sum, ignored",
        torch=_torchs_nll(ignore_index=0, reduction="sum", label_smoothing=0.3),
    ),
    *[
        op(
            softmax_nll_backward,
            partial(_nll_backward, smoothing=smoothing),
            f"{a}, 33, 3{m}",
            label=f"smoothing={smoothing}",
        )
        for a, m, smoothing in (("", 1, 0.0), ("31", 2, 0.3))
    ],
    op(bce_with_logits, bce_with_logits, "..., ...", label="", torch=_torchs_bce()),
    op(
        bce_with_logits,
        bce_with_logits,
        "4, 4, 4",
        "real",
        "fraction",
        "positive",
        label="pos_weight",
        reference=lambda x, y, w: w * y * np.log1p(np.exp(-x)) + (1 - y) * np.log1p(np.exp(x)),
    ),
    op(bce_with_logits_backward, bce_with_logits_backward, "..., ..., ..."),
    op(
        binary_nll,
        binary_nll,
        "..., ...",
        "fraction",
        "fraction",
        reference=lambda p, y: -y * np.log(p) - (1 - y) * np.log1p(-p),
    ),
    op(bce_with_logits_backward, bce_with_logits_backward, "4, 4, 4, 4", label="pos_weight"),
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
]

MASKED = [
    op(np.sum, lambda x: np.sum(x, where=KEPT), "34", label="where", torch=_over("sum", 0.0)),
    op(np.sum, lambda x: np.sum(x, axis=0, where=KEPT[:, :1], initial=2.0), "34", label="where of rows, initial"),
    op(np.sum, lambda x, a: np.sum(x, initial=a), "nm, ", label="initial"),
    op(np.sum, lambda x: np.sum(x, axis=1, where=False, keepdims=True), "nm", label="where=False"),
    op(np.mean, lambda x: np.mean(x, axis=1, where=KEPT, keepdims=True), "34", label="where"),
    op(np.prod, lambda x: np.prod(x, axis=-1, where=KEPT), "34", label="where", torch=_over("prod", 1.0, dim=-1)),
    op(np.prod, lambda x, a: np.prod(x, axis=0, initial=a, keepdims=True), "nm, ", label="initial"),
    op(np.var, lambda x: np.var(x, axis=1, where=KEPT, ddof=1), "34", label="where"),
    op(np.var, lambda x, m: np.var(x, axis=1, mean=m), "nM, n1", label="mean"),
    op(np.std, lambda x: np.std(x, axis=(0, 1), where=KEPT, keepdims=True), "34", label="where"),
    op(np.std, lambda x, m: np.std(x, axis=0, mean=m, where=KEPT, correction=1), "34, 14", label="mean, where"),
    op(np.max, lambda x: np.max(x, axis=1, where=KEPT, initial=-9.0), "34", label="where",
       torch=_over("amax", -9.0, dim=1)),
    op(np.min, lambda x: np.min(x, axis=(0, 1), where=KEPT, initial=9.0, keepdims=True), "34", label="where",
       torch=_over("amin", 9.0, keepdim=True, dim=(0, 1))),
    op(np.max, lambda x, a: np.max(x, axis=-1, initial=a), "Nm, ", label="initial"),
]  # fmt: skip

NAN = [
    op(np.nansum, np.nansum, "...", torch=t("nansum")),
    op(np.nansum, holed(np.nansum, axis=1), "34", label="axis=1", torch=torchs_holed("nansum", 1)),
    op(np.nansum, holed(np.nansum, axis=0, where=KEPT[::-1], initial=3.0), "34", label="where, initial"),
    op(np.nanprod, holed(np.nanprod, axis=(0, 1), keepdims=True), "34"),
    op(np.nanprod, holed(np.nanprod, axis=0, where=KEPT[:, ::-1], initial=3.0), "34", label="where, initial"),
    op(np.nanmean, holed(np.nanmean), "34", torch=torchs_holed("nanmean")),
    op(np.nanmean, holed(np.nanmean, axis=1, keepdims=True), "34", label="axis=1",
       torch=torchs_holed("nanmean", 1, True)),
    op(np.nanmean, holed(np.nanmean, axis=0, where=KEPT[:, ::-1]), "34", label="where"),
    op(np.nanvar, holed(np.nanvar, axis=1), "34"),
    op(np.nanvar, holed(np.nanvar, ddof=1, keepdims=True), "34", label="ddof=1"),
    op(np.nanvar, lambda x, m: holed(np.nanvar, axis=1, mean=m)(x), "34, 31", label="mean"),
    op(np.nanstd, holed(np.nanstd, axis=0), "34"),
    op(np.nanstd, holed(np.nanstd, correction=1, where=KEPT[::-1] | KEPT), "34", label="correction, where"),
    op(np.nanmax, np.nanmax, "NM", torch=t("amax")),
    op(np.nanmax, holed(np.nanmax, axis=1), "34", label="axis=1"),
    op(np.nanmax, holed(np.nanmax, axis=(0, 1), keepdims=True, initial=-9.0, where=KEPT[::-1]), "34", label="where"),
    op(np.nanmin, holed(np.nanmin), "34"),
    op(np.nanmin, holed(np.nanmin, axis=0, keepdims=True), "34", label="axis=0"),
    op(np.nanmin, holed(np.nanmin, axis=0, initial=0.5), "34", label="initial"),
    op(np.nancumsum, holed(np.nancumsum), "34"),
    op(np.nancumsum, holed(np.nancumsum, axis=1), "34", label="axis=1"),
    op(np.nancumprod, holed(np.nancumprod, axis=0), "34"),
]  # fmt: skip

REDUCTIONS += [
    *MASKED,
    *NAN,
    op(np.ptp, np.ptp, "NM", torch=lambda torch: lambda x: torch.amax(x) - torch.amin(x)),
    op(np.ptp, lambda x: np.ptp(x, axis=(0, -1), keepdims=True), "NmK", label="axis=(0, -1)"),
    op(np.average, lambda x, w: np.average(x, (2, 0), w, keepdims=True), "NmK, KN", "real", "positive",
       label="weights of two axes"),
    op(np.average, lambda x, w: np.average(x, 0, w, returned=True), "Nm, Nm", "real", "positive", label="returned"),
    op(np.average, lambda x: np.average(x, -1, returned=True)[0], "NM", label="returned, no weights"),
    op(np.prod, lambda x: np.prod(x, axis=()), "nm", label="axis=()"),
    op(np.var, lambda x: np.var(x, axis=-2, correction=0.5, keepdims=True), "n3m", label="correction"),
    op(np.average, lambda x, w: np.average(x, 0, w), "Nm, N", "complex", "positive", label="complex"),
    op(np.nansum, holed(np.nansum, axis=1), "34", "complex", label="complex", torch=None),
    op(np.nanvar, holed(np.nanvar, axis=1), "34", "complex", label="complex"),
    op(np.nanstd, holed(np.nanstd, axis=1), "34", "complex", label="complex"),
    op(np.sum, lambda x: np.sum(x, where=KEPT), "34", "complex", label="complex, where", torch=_over("sum", 0.0)),
    op(np.var, lambda x: np.var(x, axis=0, where=KEPT), "34", "complex", label="complex, where"),
    op(np.std, lambda x: np.std(x, axis=0, where=KEPT), "34", "complex", label="complex, where"),
]  # fmt: skip
