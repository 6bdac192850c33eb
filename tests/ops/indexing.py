"""Indexing, its adjoint, and NumPy's indexing functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.kernels import indexing
from tests.ops.row import Op, op, t

MASK = np.array([True, False, True])
PLACES = np.array([[0, 2], [2, 1]])


def _index(index: Any) -> Callable[..., Any]:
    return lambda x: x[index]


def _indexed(label: str, index: Any, torch: bool = True) -> Op:
    return op(indexing.getitem, _index(index), "345", label=label, torch=(lambda _: _index(index)) if torch else None)


def _put(index: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    template, arrays = indexing.parse(index)

    def reference(x: Any, v: Any) -> Any:
        out = x.copy()
        out[index] = v
        return out

    return (lambda x, v: indexing.put(x, v, *arrays, index=template)), reference


def _scatter(index: Any, shape: tuple[int, ...]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    template, arrays = indexing.parse(index)

    def reference(x: Any) -> Any:
        out = np.zeros(shape, x.dtype)
        np.add.at(out, index, x)
        return out

    return (lambda x: indexing.scatter_add(x, *arrays, index=template, shape=shape)), reference


SWAP = _put((slice(None), np.array([1, 1, 0])))
MASKED = _put(np.array([[True, False, True], [False, False, True]]))
SLICED = _put((slice(None, None, -1), 1))
SCATTERED = _scatter((np.array([0, 2, 2]),), (4, 2))
SPREAD = _scatter((slice(0, 2), None, 1), (3, 4))

INDEXING = [
    _indexed("integer", 1),
    _indexed("negative integer", (-1, 2)),
    _indexed("slice", slice(1, None)),
    _indexed("steps", (slice(None, None, 2), slice(0, 3))),
    _indexed("negative step", (slice(None, None, -1), slice(3, 0, -2)), torch=False),
    _indexed("ellipsis", (..., 1)),
    _indexed("newaxis", (None, 0, ..., None)),
    _indexed("list", [2, 0, 0]),
    _indexed("array", PLACES),
    _indexed("two arrays", (PLACES, np.array([1, 3]))),
    _indexed("separated arrays", (PLACES[0], slice(None), PLACES[1])),
    _indexed("array and slice", (slice(1, 3), np.array([3, 3, 0]))),
    _indexed("array, newaxis, slice", (np.array([1, 0]), None, slice(2))),
    _indexed("mask", np.arange(12).reshape(3, 4) % 5 < 2),
    _indexed("mask of an axis", (slice(None), np.array([True, False, False, True]))),
    _indexed("mask and integer", (MASK, 1)),
    _indexed("empty list", [], torch=False),
    _indexed("empty slice", slice(2, 2)),
    _indexed("Tensor", ad.tensor(PLACES), torch=False),
    _indexed("nothing", ()),
    _indexed("scalar", (0, 1, 2)),
    _indexed("whole mask", True, torch=False),
    op(indexing.put, SWAP[0], "n2, n3", label="repeated places", reference=SWAP[1]),
    op(indexing.put, MASKED[0], "23, 3", label="mask", reference=MASKED[1]),
    op(indexing.put, SLICED[0], "n3, ", label="broadcast value", reference=SLICED[1]),
    op(indexing.scatter_add, SCATTERED[0], "32", label="repeated places", reference=SCATTERED[1]),
    op(indexing.scatter_add, SPREAD[0], "21", label="basic", reference=SPREAD[1]),
    op(np.take, lambda x: np.take(x, PLACES, axis=1), "n3k"),
    op(
        np.take,
        lambda x: np.take(x, [5, 0, 5]),
        "23",
        label="flat",
        torch=lambda torch: lambda x: torch.take(x, torch.tensor([5, 0, 5])),
    ),
    op(np.take, lambda x: np.take(x, 1, axis=-1), "n3", label="integer"),
    op(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, PLACES, axis=1),
        "23",
        torch=lambda torch: lambda x: torch.take_along_dim(x, torch.tensor(PLACES), 1),
    ),
    op(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([3, 0]), axis=None), "23", label="flat"),
    op(np.sort, np.sort, "nm", torch=lambda torch: lambda x: torch.sort(x)[0]),
    op(np.sort, lambda x: np.sort(x, axis=0), "nmk", label="axis=0", torch=lambda torch: lambda x: torch.sort(x, 0)[0]),
    op(np.sort, lambda x: np.sort(x, axis=None), "nm", label="flat"),
    op(np.diagonal, np.diagonal, "nm", torch=t("diagonal")),
    op(np.diagonal, lambda x: np.diagonal(x, 1, 2, 0), "nmk", label="offset", torch=t("diagonal", 1, 2, 0)),
    op(np.trace, np.trace, "nm"),
    op(np.trace, lambda x: np.trace(x, -1, 1, 2), "nmk", label="offset"),
    op(np.diag, np.diag, "nm", torch=t("diag")),
    op(np.diag, lambda x: np.diag(x, -1), "n", label="of a vector", torch=t("diag", -1)),
]
