"""Indexing, its adjoint, and NumPy's indexing functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.kernels import indexing
from autodiff.kernels.embedding import embedding
from tests.ops.row import Op, op, t

MASK = np.array([True, False, True])
PLACES = np.array([[0, 2], [2, 1]])
FAR = np.array([[-4, 7], [1, -1]])
TWO_BY_THREE = np.array([[True, False, True], [False, True, True]])
FRAME = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


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


def _index_of(places: Any, flat: bool = False) -> Callable[..., Any]:
    return lambda torch: lambda x: (x.reshape(-1) if flat else x)[torch.tensor(places)]


def _into(write: Callable[..., None]) -> Callable[..., Any]:
    """Return what a copy of the first operand holds after a function wrote into it."""

    def written(x: Any, *values: Any) -> Any:
        y = np.copy(x)
        write(y, *values)
        return y

    return written


def t_embedding(ids: Any = PLACES, **options: Any) -> Callable[..., Any]:
    return lambda torch: lambda w: torch.nn.functional.embedding(torch.tensor(ids), w, **options)


SWAP = _put((slice(None), np.array([1, 1, 0])))
MASKED = _put(np.array([[True, False, True], [False, False, True]]))
SLICED = _put((slice(None, None, -1), 1))
SCATTERED = _scatter((np.array([0, 2, 2]),), (4, 2))
ROWS_OF = _scatter((slice(None), np.array([0, -2, 2]), slice(None)), (5, 4, 2))
PAIRS = _scatter((np.array([0, 1, -1, 1]), np.array([2, 0, 3, 0])), (2, 4, 3))
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
    op(indexing.scatter_add, ROWS_OF[0], "532", label="rows among axes", reference=ROWS_OF[1]),
    op(indexing.scatter_add, PAIRS[0], "43", label="pairs", reference=PAIRS[1]),
    op(embedding, lambda w: embedding(w, PLACES), "3n", torch=t_embedding()),
    op(embedding, lambda w: embedding(w, [0, 1], padding_idx=2, by_frequency=True), "3n", label="with options",
       torch=t_embedding([0, 1], padding_idx=2, scale_grad_by_freq=True), twice=False),
    op(np.take, lambda x: np.take(x, PLACES, axis=1), "n3k"),
    op(
        np.take,
        lambda x: np.take(x, [5, 0, 5]),
        "23",
        label="flat",
        torch=lambda torch: lambda x: torch.take(x, torch.tensor([5, 0, 5])),
    ),
    op(np.take, lambda x: np.take(x, 1, axis=-1), "n3", label="integer"),
    op(np.take, lambda x: np.take(x, FAR, axis=0, mode="wrap"), "3n", label="wrap"),
    op(np.take, lambda x: np.take(x, FAR, mode="clip"), "32", label="clip"),
    op(np.take, lambda x: np.take(x, [True, False], axis=0), "2n", label="truths are numbers"),
    op(np.take, lambda x: np.take(x, [0, 0], axis=0), "", label="of a number"),
    op(np.take, lambda x: np.take(x, PLACES, axis=0), "3n", "complex", label="complex", torch=_index_of(PLACES)),
    op(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, PLACES, axis=1),
        "23",
        torch=lambda torch: lambda x: torch.take_along_dim(x, torch.tensor(PLACES), 1),
    ),
    op(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([3, 0]), axis=None), "23", label="flat"),
    op(np.take_along_axis, lambda x: np.take_along_axis(x, PLACES[:1], axis=-1), "n3", label="for all lines"),
    op(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, PLACES, axis=0),
        "32",
        "complex",
        label="complex",
        torch=lambda torch: lambda x: torch.take_along_dim(x, torch.tensor(PLACES), 0),
    ),
    op(np.diagonal, np.diagonal, "nm", torch=t("diagonal")),
    op(np.diagonal, lambda x: np.diagonal(x, 1, 2, 0), "nmk", label="offset", torch=t("diagonal", 1, 2, 0)),
    op(np.trace, np.trace, "nm"),
    op(np.trace, lambda x: np.trace(x, -1, 1, 2), "nmk", label="offset"),
    op(np.diag, np.diag, "nm", torch=t("diag")),
    op(np.diag, lambda x: np.diag(x, -1), "n", label="of a vector", torch=t("diag", -1)),
    op(np.diag, np.diag, "n", "complex", label="of a vector, complex", torch=t("diag")),
    op(np.diagonal, lambda x: np.diagonal(x, -1), "nm", "complex", label="complex", torch=t("diagonal", -1)),
    op(np.trace, lambda x: np.trace(x, axis1=-2, axis2=0), "nmk", "complex", label="complex"),
    op(np.diagflat, np.diagflat, "nm", torch=t("diagflat")),
    op(np.diagflat, lambda x: np.diagflat(x, k=2), "n", label="k=2", torch=t("diagflat", 2)),
    op(np.diagflat, lambda x: np.diagflat(x, -1), "", "complex", label="of a number, complex", torch=t("diagflat", -1)),
    # --- what is picked by a condition ---
    op(np.compress, lambda x: np.compress(MASK, x, axis=1), "n3m", torch=lambda _: lambda x: x[:, MASK]),
    op(np.compress, lambda x: np.compress([0, 2, 0, 1], x), "23", label="flat", torch=_index_of([1, 3], flat=True)),
    op(np.compress, lambda x: np.compress([True], x, axis=-1), "23", "complex", label="short, complex"),
    op(np.compress, lambda x: np.compress(ad.tensor(MASK), x, axis=0), "3n", label="by a Tensor",
       reference=lambda x: np.compress(MASK, x, axis=0)),
    op(np.extract, lambda x: np.extract(TWO_BY_THREE, x), "23", torch=lambda _: lambda x: x[TWO_BY_THREE]),
    op(np.extract, lambda x: np.extract(x.real > 0, x), "nm", "complex", label="complex",
       torch=lambda _: lambda x: x[x.real > 0]),
    op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME), "54", reference=lambda x: (x * FRAME)[1:3, 1:4],
       torch=lambda torch: lambda x: (x * torch.tensor(FRAME))[1:3, 1:4]),
    op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME[2]), "4", label="of a vector"),
    op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME[2], "f"), "4", "complex", label="front, complex"),
    op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME[2], trim="b"), "4", label="back"),
    op(np.trim_zeros, lambda x: np.trim_zeros(x * 0), "3", label="of nothing else"),
    # --- what writes into an array ---
    op(np.put, _into(lambda y, v: np.put(y, [5, 0, -2], v)), "23, 3",
       torch=lambda torch: lambda x, v: x.put(torch.tensor([5, 0, 4]), v)),
    op(np.put, _into(lambda y, v: np.put(y, [[5, 0], [0, 1]], v)), "23, 3", label="repeated places, few values"),
    op(np.put, _into(lambda y, v: np.put(y, [1], v)), "23, 3", label="many values"),
    op(np.put, _into(lambda y, v: np.put(y, FAR, v, mode="wrap")), "23, 22", "complex", label="wrap, complex"),
    op(np.put, _into(lambda y, v: np.put(y, FAR, v, "clip")), "3, ", label="clip, one value"),
    op(np.place, _into(lambda y, v: np.place(y, TWO_BY_THREE, v)), "23, 6",
       torch=lambda torch: lambda x, v: x.masked_scatter(torch.tensor(TWO_BY_THREE), v)),
    op(np.place, _into(lambda y, v: np.place(y, TWO_BY_THREE, v)), "23, 3", label="few values"),
    op(np.place, _into(lambda y, v: np.place(y, MASK[None] > 1, v)), "3, n", label="nowhere"),
    op(np.place, _into(lambda y, v: np.place(y, y.real > 0, v)), "nm, ", "complex", label="complex"),
    op(np.putmask, _into(lambda y, v: np.putmask(y, TWO_BY_THREE, v)), "23, 23",
       torch=lambda torch: lambda x, v: torch.where(torch.tensor(TWO_BY_THREE), v, x)),
    op(np.putmask, _into(lambda y, v: np.putmask(y, TWO_BY_THREE, v)), "23, 2", "complex", label="few values, complex"),
    op(np.putmask, _into(lambda y, v: np.putmask(y, y > 0, v)), "nm, n", label="any number of values"),
    op(np.copyto, _into(np.copyto), "nm, m", torch=lambda _: lambda x, v: x * 0 + v),
    op(np.copyto, _into(lambda y, v: np.copyto(y, v, where=MASK)), "n3, n1", label="where",
       torch=lambda torch: lambda x, v: torch.where(torch.tensor(MASK), v, x)),
    op(np.copyto, _into(lambda y, v: np.copyto(y, v, "safe")), "n, ", "complex", label="complex"),
    op(np.copyto, _into(lambda y, v: np.copyto(y, v, casting="unsafe", where=MASK)), "3, ", label="unsafe"),
    op(np.fill_diagonal, _into(np.fill_diagonal), "nn, ", torch=lambda torch: lambda x, v: _filled(torch, x, v)),
    op(np.fill_diagonal, _into(np.fill_diagonal), "42, 2", "complex", label="values, complex"),
    op(np.fill_diagonal, _into(lambda y, v: np.fill_diagonal(y, v, wrap=True)), "52, 3", label="wrap"),
    op(np.fill_diagonal, _into(np.fill_diagonal), "333, 2", label="of a cube, few values"),
    op(np.put_along_axis, _into(lambda y, v: np.put_along_axis(y, PLACES, v, axis=1)), "23, 22",
       torch=lambda torch: lambda x, v: x.scatter(1, torch.tensor(PLACES), v)),
    op(np.put_along_axis, _into(lambda y, v: np.put_along_axis(y, PLACES[:1], v, -2)), "32, ", "complex",
       label="for all lines, complex"),
    op(np.put_along_axis, _into(lambda y, v: np.put_along_axis(y, PLACES[0], v, None)), "23, 2", label="flat"),
]  # fmt: skip


if "axis" in inspect.signature(np.trim_zeros).parameters:  # from NumPy 2.2 on
    INDEXING += [
        op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME, axis=0), "54", label="axis=0",
           reference=lambda x: (x * FRAME)[1:3]),
        op(np.trim_zeros, lambda x: np.trim_zeros(x * FRAME, "F", axis=(-1, 0)), "54", label="axes, front",
           reference=lambda x: (x * FRAME)[1:, 1:]),
    ]  # fmt: skip


def _filled(torch: Any, x: Any, v: Any) -> Any:
    return x.diagonal_scatter(v.expand(len(x))) if len(x) else x
