"""Shapes, repetition and evenly spaced numbers."""

from __future__ import annotations

import numpy as np

from tests.ops.row import op, t

REARRANGED = [
    op(np.reshape, lambda x: np.reshape(x, (3, -1)), "3nM", torch=lambda torch: lambda x: x.reshape(3, -1)),
    op(np.reshape, lambda x: np.reshape(x, -1), "3NM", label="flat"),
    op(np.reshape, lambda x: np.reshape(x, (3, -1), order="F", copy=True), "3nM", label="order, copy"),
    op(np.ravel, np.ravel, "nm", torch=t("ravel")),
    op(
        np.ravel,
        lambda x: np.ravel(x, order="F"),
        "nmk",
        label="order",
        torch=lambda torch: lambda x: x.permute(2, 1, 0).ravel(),
    ),
    op(np.squeeze, np.squeeze, "1n1", torch=t("squeeze")),
    op(np.squeeze, lambda x: np.squeeze(x, 0), "1n1", label="axis", torch=t("squeeze", 0)),
    op(np.expand_dims, lambda x: np.expand_dims(x, 1), "nm", torch=t("unsqueeze", 1)),
    op(np.expand_dims, lambda x: np.expand_dims(x, (0, -1)), "nm", label="two axes"),
    op(np.transpose, np.transpose, "nmk"),
    op(np.transpose, lambda x: np.transpose(x, (2, 0, 1)), "nmk", label="to axes", torch=t("permute", (2, 0, 1))),
    op(np.transpose, lambda x: np.transpose(x, (-1, 0, -2)), "nmk", label="negative axes"),
    op(np.matrix_transpose, np.matrix_transpose, "...nm", torch=lambda torch: lambda x: x.mT),
    op(np.swapaxes, lambda x: np.swapaxes(x, 0, -1), "nmk", torch=t("swapaxes", 0, -1)),
    op(np.moveaxis, lambda x: np.moveaxis(x, 0, -1), "nmk", torch=t("moveaxis", 0, -1)),
    op(
        np.moveaxis,
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        "nmk",
        label="two axes",
        torch=t("moveaxis", (0, 1), (2, 0)),
    ),
    op(np.rollaxis, lambda x: np.rollaxis(x, 2), "nmk", torch=t("movedim", 2, 0)),
    op(np.rollaxis, lambda x: np.rollaxis(x, -3, start=-1), "nmk", label="start"),
    op(np.broadcast_arrays, np.broadcast_arrays, "nm, k1m", torch=t("broadcast_tensors")),
    op(
        np.broadcast_arrays,
        lambda x: np.broadcast_arrays(x, np.ones((2, 1, 1)), subok=False)[0],
        "nm",
        label="one of two",
    ),
    op(np.meshgrid, np.meshgrid, "n, m", torch=lambda torch: lambda *xs: torch.meshgrid(*xs, indexing="xy")),
    op(
        np.meshgrid,
        lambda *xs: np.meshgrid(*xs, indexing="ij", copy=False),
        "n, m, k",
        label="indexing, copy",
        torch=lambda torch: lambda *xs: torch.meshgrid(*xs, indexing="ij"),
    ),
    op(np.meshgrid, lambda *xs: np.meshgrid(*xs, sparse=True), "n, , k", label="sparse"),
    op(np.kron, np.kron, "nm, kp", torch=t("kron")),
    op(np.kron, np.kron, "n, kmp", label="of different ranks", torch=t("kron")),
    op(np.kron, np.kron, ", nm", label="with a number", torch=t("kron")),
    op(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3, 2)), "31", torch=t("broadcast_to", (2, 3, 2))),
    op(np.flip, np.flip, "nm", torch=t("flip", (0, 1))),
    op(np.flip, lambda x: np.flip(x, 1), "nm", label="axis", torch=t("flip", (1,))),
    op(np.fliplr, np.fliplr, "nm", torch=t("fliplr")),
    op(np.flipud, np.flipud, "nm", torch=t("flipud")),
    op(np.roll, lambda x: np.roll(x, 2), "nm", torch=t("roll", 2)),
    op(np.roll, lambda x: np.roll(x, (1, -1), (0, 1)), "nm", label="axes", torch=t("roll", (1, -1), (0, 1))),
    op(np.rot90, np.rot90, "nm", torch=t("rot90")),
    op(np.rot90, lambda x: np.rot90(x, 3, (2, 0)), "nmk", label="axes", torch=t("rot90", 3, (2, 0))),
    op(np.tril, lambda x: np.tril(x, -1), "NM", torch=t("tril", -1)),
    op(np.triu, lambda x: np.triu(x, 1), "kNM", torch=t("triu", 1)),
    op(np.atleast_1d, np.atleast_1d, ""),
    op(np.atleast_2d, np.atleast_2d, "n"),
    op(np.atleast_2d, np.atleast_2d, "n, ", label="several"),
    op(np.atleast_3d, np.atleast_3d, "nm"),
    op(np.repeat, lambda x: np.repeat(x, 2), "nm", torch=t("repeat_interleave", 2)),
    op(np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), "n3", label="counts"),
    op(
        np.repeat,
        lambda x: np.repeat(x, np.array([3, 0]), axis=-1),
        "n2",
        label="array of counts",
        torch=lambda torch: lambda x: torch.repeat_interleave(x, torch.tensor([3, 0]), -1),
    ),
    op(np.tile, lambda x: np.tile(x, 2), "nm"),
    op(np.tile, lambda x: np.tile(x, np.array([2, 1])), "n", label="array"),
    op(np.resize, lambda x: np.resize(x, (2, 4)), "3M", label="more"),
    op(np.resize, lambda x: np.resize(x, 2), "3M", label="fewer"),
    op(np.resize, lambda x: np.resize(x, (2, 0)), "nm", label="none"),
    op(np.tile, lambda x: np.tile(x, (2, 1, 3)), "nm", label="more axes", torch=t("tile", (2, 1, 3))),
]

VALUES = {  # torch's linspace takes one number of steps, a Python number
    "linspace": lambda torch: lambda a, b: torch.stack([a + (b - a) * k / 4 for k in range(5)]),
    "logspace": lambda torch: lambda a, b: torch.stack([10 ** (a + (b - a) * k / 4) for k in range(5)]),
    "geomspace": lambda torch: lambda a, b: torch.stack([a * (b / a) ** (k / 4) for k in range(5)]),
}

SPACING = [
    op(np.linspace, lambda a, b: np.linspace(a, b, 5), "..., ...", torch=VALUES["linspace"]),
    op(np.linspace, lambda a: np.linspace(a, 2.0, endpoint=False, axis=-1), "n", label="endpoint, axis"),
    op(np.linspace, lambda b: np.linspace(0, b, num=3, retstep=True), "nm", label="retstep"),
    op(np.linspace, lambda a, b: np.linspace(a, b, 1), "n, n", label="one"),
    op(np.linspace, lambda a, b: np.linspace(a, b, 0), "n, n", label="none"),
    op(np.linspace, lambda a, b: np.linspace(a, b, 3, dtype=np.float64), "n, n", label="dtype", small=""),
    op(np.linspace, lambda a, b: np.linspace(a, b, 4), "n, ", "complex", label="complex"),
    op(np.logspace, lambda a, b: np.logspace(a, b, 5), "..., ...", torch=VALUES["logspace"]),
    op(
        np.logspace,
        lambda a, b, c: np.logspace(a, b, 4, base=c, axis=-1),
        "n, , n",
        "real",
        "real",
        "positive",
        label="base, axis",
    ),
    op(
        np.logspace,
        lambda a, b: np.logspace(a, b, 3, endpoint=False, base=2.0, dtype=np.float64),
        "n, n",
        label="endpoint, dtype",
        small="",
    ),
    op(np.geomspace, lambda a, b: np.geomspace(a, b, 5), "..., ...", "positive", torch=VALUES["geomspace"]),
    op(
        np.geomspace,
        lambda a, b: np.geomspace(-a, -b, 4, endpoint=False, axis=-1, dtype=np.float64),
        "n, n",
        "positive",
        label="negative, endpoint, axis, dtype",
        small="",
    ),
    op(np.geomspace, lambda a, b: np.geomspace(a, b, 4), "n, n", "complex", "positive", label="complex"),
]

COMPLEX = [
    op(np.kron, np.kron, "23, 2", "complex", label="complex", torch=t("kron")),
    op(np.tril, np.tril, "33", "complex", label="complex", torch=t("tril")),
    op(np.triu, lambda x: np.triu(x, -1), "33", "complex", label="complex", torch=t("triu", -1)),
    op(
        np.meshgrid,
        np.meshgrid,
        "2, 3",
        "complex",
        label="complex",
        torch=lambda torch: lambda *xs: torch.meshgrid(*xs, indexing="xy"),
    ),
    op(np.repeat, lambda x: np.repeat(x, 2, 0), "n3", "complex", label="complex", torch=t("repeat_interleave", 2, 0)),
    op(np.roll, lambda x: np.roll(x, 1, 1), "n3", "complex", label="complex", torch=t("roll", 1, 1)),
    op(np.rot90, np.rot90, "nm", "complex", label="complex", torch=t("rot90")),
    op(np.resize, lambda x: np.resize(x, (2, 4)), "3", "complex", label="complex"),
    op(np.ravel, lambda x: np.ravel(x, "F"), "nm", "complex", label="complex"),
]

SHAPES = REARRANGED + SPACING + COMPLEX
