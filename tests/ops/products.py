"""Matrix products, contractions and linear algebra."""

from __future__ import annotations

import numpy as np

from autodiff import kernels
from tests.ops.row import Op, op, t


def _einsum(subscripts: str, shapes: str) -> Op:
    return op(
        np.einsum,
        lambda *xs: np.einsum(subscripts, *xs),
        shapes,
        label=subscripts,
        torch=lambda torch: lambda *xs: torch.einsum(subscripts, *xs),
    )


PRODUCTS = (
    [
        op(np.matmul, np.matmul, shapes, label=shapes, torch=t("matmul"))
        for shapes in ("n, n", "nm, m", "n, nm", "nm, mk", "...nm, ...mk", "...nm, m", "m, ...mk")
    ]
    + [
        op(np.dot, np.dot, shapes, label=shapes)
        for shapes in (", ", "nm, ", "n, n", "nm, m", "n, nm", "nm, mk", "knm, m", "knm, mp", "knm, pmq")
    ]
    + [
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 1), "nm, mk", label="1", torch=t("tensordot", 1)),
        op(np.tensordot, np.tensordot, "nmk, mkp", label="2", torch=t("tensordot")),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 0), "nm, k", label="0"),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, ((0, -1), (2, 0))), "nmk, kpn", label="axes"),
        op(np.inner, np.inner, "nm, km", torch=t("inner")),
        op(np.inner, np.inner, "n, ", label="scalar"),
        op(np.outer, np.outer, "n, m", torch=t("outer")),
        op(np.outer, np.outer, "nm, k", label="flattens"),
        op(np.vdot, np.vdot, "nm, nm"),
        op(
            kernels.linear,
            kernels.linear,
            "nm, km, k",
            torch=t("nn.functional.linear"),
            reference=lambda x, w, b: x @ w.T + b,
        ),
        op(
            kernels.linear,
            kernels.linear,
            "pnm, km",
            label="no bias",
            torch=t("nn.functional.linear"),
            reference=lambda x, w: x @ w.T,
        ),
        op(
            kernels.linear,
            kernels.linear,
            "m, km, k",
            label="one row",
            torch=t("nn.functional.linear"),
            reference=lambda x, w, b: x @ w.T + b,
        ),
        _einsum("ij,jk->ik", "nm, mk"),
        _einsum("ij,jk", "nm, mk"),
        _einsum("ij->ji", "nm"),
        _einsum("ij->", "nm"),
        _einsum("ii->i", "nn"),
        _einsum("ii", "nn"),
        _einsum("i,i->", "n, n"),
        _einsum("i,j->ij", "n, m"),
        _einsum("...ij,...jk->...ik", "pnm, pmk"),
        _einsum("b...i,...ij->b...j", "pnm, nmk"),
        _einsum("ij,jk,kl->il", "nm, mk, kp"),
        _einsum("bij,bjk->bik", "pnm, pmk"),
        _einsum("iij->j", "nnm"),
        _einsum("ijk,k->ji", "nmp, p"),
        _einsum("ij,k->i", "nm, k"),
        _einsum(",i->i", ", n"),
        _einsum("iji->j", "nmn"),
        op(np.einsum, lambda x: np.einsum("ij,ij->i", x, x), "nm", label="same twice"),
        op(np.einsum, lambda x: np.einsum("i...", x), "nm", label="implied ellipsis"),
    ]
)
