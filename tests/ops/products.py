"""Matrix products, contractions and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import kernels
from autodiff.kernels.contraction import contract
from tests.ops.row import Op, op, t

REGULAR = 2 * np.eye(3, dtype=np.float16)  # added to small numbers: a matrix far from singular


def _einsum(subscripts: str, shapes: str, domain: str = "real", **keywords: Any) -> Op:
    words = [domain] * (domain != "real") + [f"{k}={v}" for k, v in keywords.items()]
    return op(
        np.einsum,
        lambda *xs: np.einsum(subscripts, *xs, **keywords),
        shapes,
        domain,
        label=" ".join([subscripts, *words]),
        torch=lambda torch: lambda *xs: torch.einsum(subscripts, *xs),
    )


ATTENTION = [
    _einsum("bhqd,bhkd->bhqk", "pqnm, pqkm"),
    _einsum("bhqk,bhkd->bhqd", "pqnk, pqkm"),
    _einsum("bhqk,bhkd->bqhd", "pqnk, pqkm"),
    _einsum("bqhd,bkhd->bhqk", "pnqm, pkqm"),
    _einsum("bhqk,bkhd->bqhd", "pqnk, pkqm"),
    _einsum("bqhd,bkhd->bqkh", "pnqm, pkqm"),
    _einsum("...qd,...kd->...qk", "...nm, ...km"),
    _einsum("btd,dhk->bthk", "pnm, mqk"),
    _einsum("bthk,hkd->btd", "pnqk, qkm"),
    _einsum("bhqd,hkd->bhqk", "pqnm, qkm"),
    _einsum("nhd,mhd->nmh", "pqm, nqm"),
]
CONTRACTIONS = [
    _einsum("ij,ij->", "nm, nm"),
    _einsum("ij,ij->ij", "nm, nm"),
    _einsum("ij,j->ij", "nm, m"),
    _einsum("bi,bi->b", "nm, nm"),
    _einsum("ij,kl->lj", "nm, kp"),
    _einsum("ijk,jil->kl", "nmk, mnp"),
    _einsum("ijk,jil->lk", "nmk, mnp"),
    _einsum("ikj,jlk->il", "nkm, mpk"),
    _einsum("iij,jkk->ik", "NNm, mKK"),
    _einsum("iii->i", "NNN"),
    _einsum("iijj->ij", "NNMM"),
    _einsum("...,...", "..., ..."),
    _einsum("...i,i...", "nm, mn"),
    _einsum("i...,j...->ji...", "nk, mk"),
    _einsum("a,ab,abc->c", "n, nm, nmk"),
    _einsum("abc,cde,edf->abf", "nmk, kpq, qpn"),
    _einsum("i,j,k,ijk->", "n, m, k, nmk"),
    _einsum("ij,jk->ki", "n1, mk"),
    _einsum("i,i->i", "1, n"),
    _einsum("ij,i->j", "nm, 1"),
    _einsum("bij,bjk->bki", "1nm, pmk"),
    _einsum("...ij,...jk", "...nm, ...mk"),
    _einsum("bij,bkj->bki", "pnm, pkm", "complex"),
    _einsum("ij,ij->ij", "nm, nm", "complex"),
    _einsum("ii,jk,j->ik", "NN, mk, m", "complex"),
    *[_einsum("ij,jk,kl->li", "nm, mk, kp", optimize=how) for how in (False, True, "greedy", "optimal")],
    _einsum("ij,jk,kl->li", "nm, mk, kp", optimize=("greedy", 1000)),
    _einsum("ij,jk,kl->li", "nm, mk, kp", optimize=["einsum_path", (0, 2), (0, 1)]),
    _einsum("ij,jk,kl->li", "nm, mk, kp", optimize=["einsum_path", (0, 1, 2)]),
    op(np.einsum, lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), "nm, mk", label="integers"),
    op(np.einsum, lambda a, b: np.einsum(a, [0, 30], b, [30, 2]), "nm, mk", label="integers, implied output"),
    op(np.einsum, lambda a, b: np.einsum(a, [..., 1], b, [1], [...]), "knm, m", label="integers and an ellipsis"),
    op(np.einsum, lambda a: np.einsum(",ij->j", 2.0, a), "nm", label="with a number"),
    op(contract, lambda a, b: contract("ij,kj->ki", a, b), "nm, km"),
    op(contract, lambda a, b, c: contract("ij,jk,kk->ki", a, b, c, optimize=False), "nm, mK, KK", label="three"),
    op(contract, lambda a, b: contract("ij,kj->ki", a, b), "nm, km", "complex", label="written out, complex"),
]


def _vecmat(torch: Any) -> Any:
    return lambda v, m: (v.conj()[..., None, :] @ m)[..., 0, :]


def _matvec(torch: Any) -> Any:
    return lambda m, v: (m @ v[..., None])[..., 0]


VECTORS = [
    op(np.vecdot, np.vecdot, "...n, ...n", torch=t("linalg.vecdot")),
    op(np.vecdot, np.vecdot, "...n, ...n", "complex", label="complex", torch=t("linalg.vecdot")),
    op(np.vecdot, np.vecdot, "...n, ...n", "complex", "real", label="complex with real"),
    op(np.vecdot, np.vecdot, "...n, ...n", "real", "complex", label="real with complex"),
    op(np.vecdot, lambda a, b: np.vecdot(a, b, axis=0), "nm, nm", label="axis", torch=t("linalg.vecdot", dim=0)),
    op(np.linalg.vecdot, np.linalg.vecdot, "...n, ...n", label="linalg", torch=t("linalg.vecdot")),
    op(
        np.linalg.vecdot,
        lambda a, b: np.linalg.vecdot(a, b, axis=1),
        "knm, knm",
        "complex",
        label="linalg axis complex",
        torch=t("linalg.vecdot", dim=1),
    ),
    op(np.linalg.matmul, np.linalg.matmul, "...nm, ...mk", label="linalg", torch=t("matmul")),
    op(np.linalg.tensordot, np.linalg.tensordot, "nmk, mkp", label="linalg", torch=t("tensordot")),
    op(np.linalg.tensordot, lambda a, b: np.linalg.tensordot(a, b, axes=(0, 1)), "nm, kn", label="linalg axes"),
    op(np.linalg.outer, np.linalg.outer, "n, m", label="linalg", torch=t("outer")),
    op(np.linalg.outer, np.linalg.outer, "n, m", "complex", label="linalg complex", torch=t("outer")),
    op(np.vdot, np.vdot, "n, n", torch=t("vdot")),
    op(np.vdot, np.vdot, "n, n", "complex", "real", label="complex with real"),
    op(np.dot, np.dot, "nm, mk", "complex", label="complex", torch=t("matmul")),
    op(np.inner, np.inner, "nm, km", "complex", label="complex", torch=t("inner")),
    op(np.outer, np.outer, "n, m", "complex", label="complex", torch=t("outer")),
    op(np.tensordot, np.tensordot, "nmk, mkp", "complex", label="complex", torch=t("tensordot")),
    op(np.tensordot, lambda a, b: np.tensordot(a, b, (1, 0)), "nm, mk", label="one axis each"),
    op(
        kernels.linear,
        kernels.linear,
        "nm, km, k",
        "complex",
        label="complex",
        torch=t("nn.functional.linear"),
        reference=lambda x, w, b: x @ w.T + b,
    ),
] + [
    op(fun, fun, shapes, *domains, label=" ".join([shapes, *domains]), torch=theirs)
    for fun, theirs, shapes in [
        (getattr(np, "matvec", None), _matvec, "...nm, ...m"),
        (getattr(np, "vecmat", None), _vecmat, "...n, ...nm"),
    ]
    for domains in ([], ["complex"])
    if fun is not None
]


def _multi_dot(torch: Any) -> Any:
    return lambda *xs: torch.linalg.multi_dot(xs)


CHAINS = [
    op(np.linalg.multi_dot, lambda *xs: np.linalg.multi_dot(xs), shapes, label=shapes, torch=_multi_dot)
    for shapes in ("nm, mk", "nm, mk, kp", "nm, mk, kp, pq", "m, mk, kp", "nm, mk, k", "m, mk, k")
] + [
    op(
        np.linalg.matrix_power,
        lambda x, n=n: np.linalg.matrix_power(x + REGULAR, n),
        "n33" if n == 3 else "33",
        domain,
        label=" ".join([str(n), domain]),
        torch=lambda torch, n=n: lambda x: torch.linalg.matrix_power(x + torch.tensor(REGULAR), n) + 0 * x,
    )
    for n in (0, 1, 2, 3, 5, 6, -1, -3)
    for domain in ("small", "complex")
]


PRODUCTS = (
    [
        op(np.matmul, np.matmul, shapes, label=shapes, torch=t("matmul"))
        for shapes in ("n, n", "nm, m", "n, nm", "nm, mk", "...nm, ...mk", "...nm, m", "m, ...mk")
    ]
    + [
        op(np.dot, np.dot, shapes, label=shapes)
        for shapes in (", ", "nm, ", "n, n", "nm, m", "n, nm", "nm, mk", "knm, m", "knm, mp", "knm, pmq")
    ]
    + ATTENTION
    + CONTRACTIONS
    + VECTORS
    + CHAINS
    + [
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 1), "nm, mk", label="1", torch=t("tensordot", 1)),
        op(np.tensordot, np.tensordot, "nmk, mkp", label="2", torch=t("tensordot")),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 0), "nm, k", label="0"),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, ((0, -1), (2, 0))), "nmk, kpn", label="axes"),
        op(np.inner, np.inner, "nm, km", torch=t("inner")),
        op(np.inner, np.inner, "n, ", label="scalar"),
        op(np.outer, np.outer, "n, m", torch=t("outer")),
        op(np.outer, np.outer, "nm, k", label="flattens"),
        op(np.vdot, np.vdot, "nm, nm", label="flattens"),
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
