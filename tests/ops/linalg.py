"""Linear algebra: every function of np.linalg at matrices far from singular, real and complex, alone and in stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import matrices, spectra
from autodiff.rules import decompositions
from autodiff.rules.linalg import p_norm
from tests.ops.row import Op, op, t

Prepared = Callable[[Any, Any], Any]
REAL = ("real",)


def regular(x: Any, eye: Any) -> Any:
    """Make a matrix far from singular."""
    return x * 0.25 + 2 * eye


def adjoint(x: Any) -> Any:
    return x.mT.conj()


def hermitian(x: Any, eye: Any) -> Any:
    """Make a symmetric (Hermitian) matrix with eigenvalues of both signs, far from one another and from 0."""
    return (x + adjoint(x)) * 0.1 + spread(eye) - 3 * eye


def spd(x: Any, eye: Any) -> Any:
    """Make a positive definite matrix."""
    return x @ adjoint(x) * 0.25 + eye


def distinct(x: Any, eye: Any) -> Any:
    """Make a matrix whose eigenvalues or singular values are far apart."""
    return x * 0.1 + spread(eye)


def spread(eye: Any) -> Any:
    """Return the diagonal matrix of 2, 4, 6, ..."""
    return 2 * eye.cumsum(-2).cumsum(-1) * eye


def given(x: Any, eye: Any) -> Any:
    return x


def eye(x: Any) -> Any:
    return np.eye(*x.shape[-2:], dtype=x.dtype)


def torch_eye(torch: Any, x: Any) -> Any:
    return torch.eye(*x.shape[-2:], dtype=x.dtype)


def rows(
    fun: Any,
    call: Callable[..., Any] | None = None,
    theirs: Any = None,
    prepared: Prepared = regular,
    shapes: tuple[str, ...] = ("mm", "nmm"),
    label: str = "",
    domains: tuple[str, ...] = ("real", "complex"),
    after: Callable[..., Any] = lambda y: y,
) -> list[Op]:
    """Make a row for each shape, real and complex: the first operand prepared, outputs read by `after`."""
    called = call or fun

    def torchs(torch: Any) -> Any:
        return lambda x, *rest: after(theirs(torch)(prepared(x, torch_eye(torch, x)), *rest))

    return [
        op(
            fun,
            lambda x, *rest: after(called(prepared(x, eye(x)), *rest)),
            shape,
            domain,
            label=" ".join([label, shape, *["complex"] * (domain == "complex")]).strip(),
            torch=torchs if theirs else None,
        )
        for shape in shapes
        for domain in domains
    ]


def eigen(ys: Any) -> Any:
    values, vectors = ys
    return values, abs(vectors) ** 2


def singular(ys: Any) -> Any:
    u, s, vh = ys
    return abs(u) ** 2, s, abs(vh) ** 2


def _l(name: str, *args: Any, **kwargs: Any) -> Any:
    return t(f"linalg.{name}", *args, **kwargs)


ANY = ("mm", "nm", "mn", "kmn", "knm")  # square, wide, tall, and stacks

INVERSES = [
    *rows(np.linalg.det, None, _l("det")),
    *rows(np.linalg.slogdet, None, _l("slogdet"), domains=REAL, after=lambda y: y[1]),
    *rows(np.linalg.slogdet, label="both", after=tuple),
    *rows(np.linalg.inv, None, _l("inv")),
    *rows(np.linalg.pinv, None, _l("pinv"), distinct, ANY),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, rcond=0.3), _l("pinv", rtol=0.3), distinct, label="rcond"),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, rtol=0.3), _l("pinv", rtol=0.3), distinct, label="rtol"),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, hermitian=True), _l("pinv", hermitian=True), hermitian,
          label="hermitian"),
    *rows(np.linalg.solve, None, _l("solve"), shapes=("mm, mn", "kmm, mn", "mm, kmn", "kmm, kmn")),
    *rows(np.linalg.solve, label="vector", shapes=("mm, m", "nmm, m")),
    *rows(np.linalg.tensorsolve, None, _l("tensorsolve"), lambda x, e: x.reshape(3, 2, 6), ("66, 32",)),
    *rows(np.linalg.tensorsolve, lambda a, b: np.linalg.tensorsolve(a, b, axes=(0, 2)),
          _l("tensorsolve", dims=(0, 2)), lambda x, e: x.reshape(2, 6, 3), ("66, 6",), label="axes"),
    *rows(np.linalg.tensorinv, None, _l("tensorinv"), lambda x, e: regular(x, e).reshape(3, 2, 6), ("66",)),
    *rows(np.linalg.tensorinv, lambda x: np.linalg.tensorinv(x, ind=1), _l("tensorinv", ind=1),
          lambda x, e: regular(x, e).reshape(6, 3, 2), ("66",), label="ind=1"),
    *rows(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(a, b)[0],
          lambda torch: lambda a, b: torch.linalg.lstsq(a, b)[0], distinct, ("32, 3n", "33, 3n"), domains=REAL),
    *rows(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(a, b)[0], None, distinct, ("23, 2n", "32, 3"),
          label="solution"),
    *rows(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(a, b)[:2], None, distinct, ("42, 4", "42, 4n"),
          label="residuals"),
    *rows(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=1e-6)[3], None, distinct, ("42, 4", "24, 2"),
          label="singular values"),
    *rows(np.linalg.matrix_transpose, None, lambda torch: lambda x: x.mT, given, ("nm", "knm")),
    *rows(np.linalg.diagonal, None, _l("diagonal"), given, ("nm", "knm")),
    *rows(np.linalg.diagonal, lambda x: np.linalg.diagonal(x, offset=1), _l("diagonal", offset=1), given, ("knm",),
          label="offset"),
    *rows(np.linalg.trace, None, lambda torch: lambda x: torch.diagonal(x, 0, -2, -1).sum(-1), given, ("nm", "knm")),
    *rows(np.linalg.trace, lambda x: np.linalg.trace(x, offset=-1), None, given, ("knm",), label="offset"),
    *rows(np.linalg.cross, None, _l("cross"), given, ("n3, n3",)),
    *rows(np.linalg.cross, lambda a, b: np.linalg.cross(a, b, axis=0), _l("cross", dim=0), given, ("3n, 3n",),
          label="axis"),
]  # fmt: skip

REDUCED = {"full_matrices": False}
DECOMPOSITIONS = [
    *rows(np.linalg.cholesky, None, _l("cholesky"), spd),
    *rows(np.linalg.cholesky, lambda x: np.linalg.cholesky(x, upper=True), _l("cholesky", upper=True), spd,
          label="upper"),
    *rows(np.linalg.qr, None, _l("qr"), distinct, ANY, after=tuple),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="r"), None, distinct, ANY, label="r"),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="complete"), _l("qr", "complete"), distinct, ("33", "23"),
          label="complete", after=tuple),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="complete"), None, distinct, ("42",), label="complete",
          after=lambda y: (y[0][..., :2], y[0][..., 2:] @ adjoint(y[0][..., 2:]), y[1])),
    *rows(np.linalg.eigh, None, _l("eigh"), hermitian, after=eigen),
    *rows(np.linalg.eigh, lambda x: np.linalg.eigh(x, UPLO="U"), _l("eigh", UPLO="U"), hermitian, label="upper",
          after=eigen),
    *rows(np.linalg.eigh, None, None, hermitian, label="vectors", domains=REAL, after=tuple),
    *rows(np.linalg.eigvalsh, None, _l("eigvalsh"), hermitian),
    *rows(np.linalg.eigvalsh, lambda x: np.linalg.eigvalsh(x, UPLO="U"), _l("eigvalsh", UPLO="U"), hermitian,
          label="upper"),
    *rows(np.linalg.eig, None, _l("eig"), lambda x, e: distinct(x, e) * (1 + 0.5j), after=eigen,
          domains=("complex",)),
    *rows(np.linalg.eig, None, None, distinct, label="real values", domains=REAL, after=tuple),
    *rows(np.linalg.eigvals, None, _l("eigvals"), lambda x, e: distinct(x, e) * (1 + 0.5j),
          domains=("complex",)),
    *rows(np.linalg.eigvals, None, None, distinct, label="real values", domains=REAL),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, **REDUCED), _l("svd", **REDUCED), distinct, ANY, after=singular),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, **REDUCED), None, distinct, ANY, label="vectors", domains=REAL,
          after=tuple),
    *rows(np.linalg.svd, None, _l("svd"), distinct, ("mm",), label="full", after=singular),
    *rows(np.linalg.svd, None, None, distinct, ("42", "24"), label="full",
          after=lambda y: (y[1], y[0][:, 2:] @ adjoint(y[0][:, 2:]), adjoint(y[2][2:]) @ y[2][2:],
                           y[0][:, :2] @ y[2][:2])),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, compute_uv=False), _l("svdvals"), distinct, ANY, label="values"),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, hermitian=True), _l("svd"), hermitian, label="hermitian",
          after=singular),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True), _l("svdvals"), hermitian,
          label="hermitian values"),
    *rows(np.linalg.svdvals, None, _l("svdvals"), distinct, ANY),
]  # fmt: skip

INF = np.inf
NORMS = [
    *[row for ord in (2, 3, 2.5, 0.5, -2, 1, -1, INF, -INF) for row in (
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o), _l("vector_norm", ord), given, ("M",),
              label=f"vector {ord}"),
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o, axis=0, keepdims=True),
              _l("vector_norm", ord, dim=0, keepdim=True), given, ("Mn",), label=f"axis {ord}"),
        *rows(np.linalg.vector_norm, lambda x, o=ord: np.linalg.vector_norm(x, axis=(0, -1), ord=o),
              _l("vector_norm", ord, dim=(0, -1)), given, ("NkM",), label=str(ord)),
    )],
    *[row for ord in ("fro", "nuc", 1, -1, 2, -2, INF, -INF) for row in (
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o), _l("matrix_norm", ord), distinct, ("MN",),
              label=f"matrix {ord}"),
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o, axis=(2, 0), keepdims=True),
              _l("matrix_norm", ord, dim=(2, 0), keepdim=True), given, ("NkM",), label=f"axes {ord}"),
        *rows(np.linalg.matrix_norm, lambda x, o=ord: np.linalg.matrix_norm(x, ord=o), _l("matrix_norm", ord), distinct,
              ("kMN",), label=str(ord)),
    )],
    *rows(np.linalg.norm, None, _l("norm"), given, ("n", "nm", "knm")),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, keepdims=True), None, given, ("knm",), label="keepdims"),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, axis=-1), _l("vector_norm", dim=-1), given, ("knm",),
          label="axis"),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, axis=(0, 1)), _l("matrix_norm", dim=(0, 1)), given, ("nmk",),
          label="two axes"),
    *rows(np.linalg.vector_norm, None, _l("vector_norm"), given, ("knm",)),
    *rows(np.linalg.matrix_norm, lambda x: np.linalg.matrix_norm(x, keepdims=True), _l("matrix_norm", keepdim=True),
          given, ("knm",), label="keepdims"),
    op(np.linalg.norm, lambda x: np.linalg.norm(x, 0) + np.sum(x), "n", label="count"),
    op(p_norm, p_norm, "...", torch=_l("vector_norm"), reference=np.linalg.vector_norm),
    *[row for p in (None, 2, -2, "fro", "nuc", 1, -1, INF, -INF) for row in rows(
        np.linalg.cond, lambda x, p=p: np.linalg.cond(x, p), _l("cond", p) if p in (None, 2, -2, "nuc") else None,
        distinct, ("MM", "nMM"), label=str(p))],
    *rows(np.linalg.cond, None, _l("cond"), distinct, ("MN",), label="not square"),
]  # fmt: skip

KERNELS = [
    *rows(matrices.cofactor, prepared=regular),
    *rows(matrices.minors, prepared=given, shapes=("mm, mm",)),
    *rows(matrices.regular, lambda x: matrices.regular(x, name="qr")),
    *rows(matrices.inverse_or_nan),
    op(matrices.proportion, matrices.proportion, "..., ...", "nonzero", reference=np.divide),
    op(matrices.nonzero, matrices.nonzero, "...", "nonzero"),
    op(matrices.full_rank, lambda a: matrices.full_rank(a, 2), "32", "complex"),
    op(spectra.quotient, lambda a, b: spectra.quotient(a, b, np.array([1.0, 2.5, 3.5])), "m3, m3", "real", "nonzero"),
    op(spectra.determined, lambda a: spectra.determined(a, np.arange(3.0), np.ones(3), np.ones((3, 3))), "33"),
    op(spectra.unturned, lambda a: spectra.unturned(a, np.eye(2)), "32"),
    op(decompositions.svd, decompositions.svd, "33", reference=lambda x: np.linalg.svd(x, full_matrices=False)),
    op(decompositions.qr, decompositions.qr, "33", reference=np.linalg.qr),
]

LINALG = INVERSES + DECOMPOSITIONS + NORMS + KERNELS
