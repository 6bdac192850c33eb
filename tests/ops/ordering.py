"""Sorting, searching, sets and selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from tests.ops.row import op

CHOICE = np.array([[0, 2, 1], [2, 2, 0]])
FAR = np.array([[-4, 2, 7], [1, 0, -1]])
THIRD = np.array([1.0, -1.0, 1.0]) > 0
KNOTS = np.array([-2.0, -0.75, 0.4, 1.1, 2.5])
HEIGHTS = np.array([1.0, 3.0, -1.0, 0.5, 2.0])


def _first(name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return what calls torch's function of a name and takes the first of its results."""
    return lambda torch: lambda x: getattr(torch, name)(x, *args, **kwargs)[0]


def _flat_sort(torch: Any) -> Callable[..., Any]:
    return lambda x: torch.sort(x.reshape(-1))[0]


def _largest(k: int, axis: int) -> Callable[..., Any]:
    return lambda x: np.take(np.flip(np.sort(x, axis), axis), range(k), axis)


def _partitioned(kth: Any, axis: int | None = -1) -> Callable[..., Any]:
    """Return what partitions by taking: which order the parts have, NumPy leaves open."""
    return lambda x: np.take_along_axis(
        x if axis is not None else x.ravel(), np.argpartition(x, kth, axis), -1 if axis is None else axis
    )


def _segments(torch: Any) -> Callable[..., Any]:
    """Return linear interpolation in torch, written segment by segment."""

    def interpolated(x: Any, xp: Any, fp: Any) -> Any:
        i = torch.clip(torch.searchsorted(xp.detach(), x.detach(), right=True) - 1, 0, len(xp) - 2)
        y = fp[i] + (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]) * (x - xp[i])
        return torch.where(x < xp[0], fp[0], torch.where(x > xp[-1], fp[-1], y))

    return interpolated


def _rising(x: Any) -> Any:
    """Return rising knots made of positive steps."""
    return np.cumsum(x) - 2.0


ORDERING = [
    op(np.sort, np.sort, "nm", torch=_first("sort")),
    op(np.sort, lambda x: np.sort(x, axis=0), "nmk", label="axis=0", torch=_first("sort", 0)),
    op(np.sort, lambda x: np.sort(x, axis=None), "nm", label="flat", torch=_flat_sort),
    op(np.sort, lambda x: np.sort(x, -2, "heapsort"), "nm", label="kind"),
    op(np.sort, lambda x: np.sort(x, stable=False), "nm", "complex", label="complex, not stable"),
    op(np.sort_complex, np.sort_complex, "nm", "complex", label="complex"),
    op(np.partition, lambda x: np.partition(x, 1), "n3", reference=_partitioned(1)),
    op(np.partition, lambda x: np.partition(x, [0, -1], axis=0), "3n", label="several",
       reference=_partitioned([0, -1], 0)),
    op(np.partition, lambda x: np.partition(x, 2, axis=None, kind="introselect"), "23", "complex",
       label="flat, complex", reference=_partitioned(2, None)),
    op(ad.topk, lambda x: ad.topk(x, 2)[0], "n3", reference=_largest(2, -1), torch=_first("topk", 2)),
    op(ad.topk, lambda x: ad.topk(x, 2, 0, largest=False).values, "3n", label="smallest",
       reference=lambda x: np.sort(x, 0)[:2], torch=_first("topk", 2, 0, largest=False)),
    op(ad.topk, lambda x: ad.topk(x, 3, dim=-2, sorted=False)[0], "3n", "complex", label="complex",
       reference=_largest(3, -2)),
    op(ad.topk, lambda x: ad.topk(x, 1)[0], "", label="of a number", reference=np.copy, torch=_first("topk", 1)),
    op(ad.kthvalue, lambda x: ad.kthvalue(x, 2)[0], "n3", reference=lambda x: np.sort(x)[:, 1],
       torch=_first("kthvalue", 2)),
    op(ad.kthvalue, lambda x: ad.kthvalue(x, 1, 0, keepdim=True)[0], "Nm", label="keepdim",
       reference=lambda x: np.sort(x, 0)[:1], torch=_first("kthvalue", 1, 0, True)),
    # --- sets ---
    op(np.unique, np.unique, "nm", torch=_flat_sort),
    op(np.unique, lambda x: np.unique(x[..., [0, 2, 0]], axis=1), "n3", "complex", label="axis, complex"),
    op(np.unique, lambda x: np.unique(np.concatenate((x, x)), True, True, True, equal_nan=False), "n", label="places"),
    op(np.unique, lambda x: np.unique(x, return_counts=True, return_inverse=True), "nm", label="counts"),
    op(np.unique_values, np.unique_values, "nm", reference=lambda x: np.sort(x, None), torch=_flat_sort),
    op(np.unique_all, np.unique_all, "nm", "complex", label="complex"),
    op(np.unique_counts, np.unique_counts, "nm"),
    op(np.unique_inverse, np.unique_inverse, "nm"),
    op(np.union1d, np.union1d, "n, m"),
    op(np.union1d, lambda x: np.union1d(x[:2], x[1:]), "3k", label="that overlap"),
    op(np.intersect1d, lambda x: np.intersect1d(x[:3], x[1:]), "4"),
    op(np.intersect1d, lambda x: np.intersect1d(x, x[::-1], assume_unique=True), "n", "complex", label="complex"),
    op(np.intersect1d, lambda x: np.intersect1d(x, x[1:2], return_indices=True), "3m", label="places"),
    op(np.setdiff1d, lambda x: np.setdiff1d(x, x[1]), "3n"),
    op(np.setdiff1d, lambda x, y: np.setdiff1d(x, y, assume_unique=True), "n, m", "complex", label="unique, complex"),
    op(np.setxor1d, lambda x: np.setxor1d(x[:2], x[1:]), "3n"),
    op(np.setxor1d, lambda x, y: np.setxor1d(x, y, assume_unique=True), "n, m", "complex", label="unique, complex"),
    # --- selection ---
    op(np.choose, lambda a, b, c: np.choose(CHOICE, (a, b, c)), "3, 23, ",
       torch=lambda torch: lambda a, b, c: torch.where(
           torch.tensor(CHOICE == 0), a, torch.where(torch.tensor(CHOICE == 1), b, c))),
    op(np.choose, lambda a, b, c: np.choose(FAR, [a, b, c], mode="wrap"), "3, 23, ", "complex", label="wrap, complex"),
    op(np.choose, lambda a, b, c: np.choose(FAR, [a, b, c], mode="clip"), "3, 23, ", label="clip"),
    op(np.choose, lambda x: np.choose(ad.tensor(CHOICE), x), "323", label="rows of a Tensor",
       reference=lambda x: np.choose(CHOICE, x)),
    op(np.select, lambda x, y: np.select([x > 0, y > 0], [x, y * 2]), "nm, m",
       torch=lambda torch: lambda x, y: torch.where(x > 0, x, torch.where(y > 0, y * 2, 0))),
    op(np.select, lambda x, y: np.select([THIRD, True], (x * y, y), default=-1.5), "n3, 3", label="default"),
    op(np.select, lambda x, y, z: np.select([THIRD, x.real > 0], [x, 1j], default=ad.as_tensor(z) * y), "n3, 3, ",
       "complex", label="default Tensor, complex",
       reference=lambda x, y, z: np.select([THIRD, x.real > 0], [x, 1j], default=z * y)),
    op(np.piecewise, lambda x: np.piecewise(x, [x < 0, x >= 1], [np.sin, lambda v: v * v]), "nm",
       torch=lambda torch: lambda x: torch.where(x < 0, torch.sin(x), torch.where(x >= 1, x * x, 0))),
    op(np.piecewise, lambda x: np.piecewise(x, [x.real > 0], [_raised, -2.0], 3, by=0.5), "...", "complex",
       label="otherwise, arguments, complex"),
    op(np.piecewise, lambda x: np.piecewise(x, x > 0, [np.exp]), "N", label="one condition"),
    op(np.piecewise, lambda x: np.piecewise(x, [x > -1, x > 0], [np.exp, np.sin, np.cos]), "nm", label="the last wins"),
    op(np.apply_along_axis, lambda x: np.apply_along_axis(lambda v: v / np.sum(v * v), 1, x), "N3",
       torch=lambda _: lambda x: x / (x * x).sum(1, keepdim=True)),
    op(np.apply_along_axis, lambda x: np.apply_along_axis(np.sum, 0, x), "nMK", "complex", label="number, complex",
       torch=lambda _: lambda x: x.sum(0)),
    op(np.apply_along_axis, lambda x: np.apply_along_axis(_outer, -2, x, 2.0, minus=1.0), "N2K", label="matrix"),
    op(np.apply_over_axes, lambda x: np.apply_over_axes(np.sum, x, [0, -1]), "nmk",
       torch=lambda _: lambda x: x.sum((0, 2), keepdim=True)),
    op(np.apply_over_axes, lambda x: np.apply_over_axes(np.cumsum, x, 1), "nm", "complex", label="one, complex"),
    # --- interpolation ---
    op(np.interp, lambda x, s, fp: np.interp(x, _rising(s), fp), "..., 5, 5", "real", "positive", "real",
       torch=lambda torch: lambda x, s, fp: _segments(torch)(x, torch.cumsum(s, 0) - 2.0, fp)),
    op(np.interp, lambda x, fp: np.interp(x * 2, KNOTS.astype(x.dtype), fp, left=-1.0, right=7.0), "nm, 5",
       label="left, right"),
    op(np.interp, lambda x: np.interp(x * 2, KNOTS.astype(x.dtype), HEIGHTS.astype(x.dtype), left=x.sum()), "n",
       label="left Tensor",
       reference=lambda x: np.where(2 * x < KNOTS[0], x.sum(), np.interp(x * 2, KNOTS, HEIGHTS))),
    op(np.interp, lambda x, xp, fp: np.interp(x * 3, xp, fp, period=1.7), "n, M, M", label="period"),
    op(np.interp, lambda x, s, z: np.interp(x, _rising(s), z), "n, 4, 4", "real", "positive", "complex",
       label="complex"),
    op(np.interp, lambda x, xp, fp: np.interp(x, xp, fp), "n, 1, 1", label="one knot"),
]  # fmt: skip


def _raised(x: Any, power: int, by: float) -> Any:
    return x**power + by


def _outer(v: Any, scale: float, minus: float) -> Any:
    return np.reshape(v, (-1, 1)) * v * scale - minus
