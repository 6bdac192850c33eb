"""Shapes, joins, splits, repetition and padding."""

from __future__ import annotations

import numpy as np

from autodiff.rules import padding
from tests.ops.row import op, t

SHAPES = [
    op(np.reshape, lambda x: np.reshape(x, (3, -1)), "3nM", torch=lambda torch: lambda x: x.reshape(3, -1)),
    op(np.reshape, lambda x: np.reshape(x, -1), "3NM", label="flat"),
    op(np.ravel, np.ravel, "nm", torch=t("ravel")),
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
    op(np.concatenate, lambda a, b: np.concatenate([a, b]), "nm, km", torch=lambda torch: lambda *xs: torch.cat(xs)),
    op(np.concatenate, lambda a, b, c: np.concatenate((a, b, c), axis=-1), "km, kn, kp", label="axis=-1"),
    op(np.concatenate, lambda a, b: np.concatenate((a, b), axis=None), "km, n", label="axis=None"),
    op(np.concatenate, lambda a: np.concatenate([a, a], 1), "km", label="same twice"),
    op(np.concatenate, lambda a: np.concatenate([np.ones((1, 2)), a]), "n2", label="with an array"),
    op(np.stack, lambda a, b: np.stack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.stack(xs)),
    op(np.stack, lambda a, b: np.stack([a, b], axis=-1), "nm, nm", label="axis=-1"),
    op(np.split, lambda x: np.split(x, 3), "3n"),
    op(
        np.split,
        lambda x: np.split(x, [1, 2], axis=1),
        "n3",
        label="indices",
        torch=lambda torch: lambda x: torch.split(x, 1, 1),
    ),
    op(np.split, lambda x: np.split(x, 3)[1], "3n", label="one of three"),
    op(np.array_split, lambda x: np.array_split(x, 2), "3n"),
    op(np.unstack, lambda x: np.unstack(x, axis=1), "n3", torch=t("unbind", 1)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "nm, nk", torch=lambda torch: lambda *xs: torch.hstack(xs)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "n, m", label="vectors"),
    op(np.vstack, lambda a, b: np.vstack([a, b]), "m, nm", torch=lambda torch: lambda *xs: torch.vstack(xs)),
    op(np.dstack, lambda a, b: np.dstack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.dstack(xs)),
    op(
        np.column_stack,
        lambda a, b: np.column_stack([a, b]),
        "n, nm",
        torch=lambda torch: lambda *xs: torch.column_stack(xs),
    ),
    op(np.atleast_1d, np.atleast_1d, ""),
    op(np.atleast_2d, np.atleast_2d, "n"),
    op(np.atleast_2d, np.atleast_2d, "n, ", label="several"),
    op(np.atleast_3d, np.atleast_3d, "nm"),
    op(np.hsplit, lambda x: np.hsplit(x, 3), "n3"),
    op(np.vsplit, lambda x: np.vsplit(x, 3), "3n"),
    op(np.repeat, lambda x: np.repeat(x, 2), "nm", torch=t("repeat_interleave", 2)),
    op(np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), "n3", label="counts"),
    op(np.tile, lambda x: np.tile(x, 2), "nm"),
    op(np.tile, lambda x: np.tile(x, (2, 1, 3)), "nm", label="more axes", torch=t("tile", (2, 1, 3))),
    op(padding.pad_constant, lambda x: padding.pad_constant(x, widths=((1, 0), (0, 2)), value=0.5), "nm"),
    op(np.pad, lambda x: np.pad(x, 1), "nm", torch=t("nn.functional.pad", (1, 1, 1, 1))),
    op(np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0), "nm", label="value"),
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, ((1, 2), (0, 2)), mode=mode), "33", label=mode)
    for mode in ("edge", "reflect", "symmetric", "wrap")
]
