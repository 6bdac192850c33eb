"""Linear algebra: every function of np.linalg at matrices far from singular, real and complex, alone and in stacks."""

from __future__ import annotations

import numpy as np

from autodiff.kernels import matrices, spectra
from autodiff.primitive import values
from autodiff.rules import decompositions
from autodiff.rules.linalg import p_norm
from tests.ops.matrices import REAL, adjoint, distinct, eigen, given, hermitian, linalg, regular, rows, singular, spd
from tests.ops.row import op
from tests.ops.scipy_linalg import SCIPY_LINALG

ANY = ("mm", "mn", "knm")  # square, tall, stacks of wide ones

INVERSES = [
    *rows(np.linalg.det, None, linalg("det")),
    *rows(np.linalg.slogdet, None, linalg("slogdet"), domains=REAL, after=lambda y: y[1]),
    *rows(np.linalg.slogdet, label="both", after=tuple),
    *rows(np.linalg.inv, None, linalg("inv")),
    *rows(np.linalg.pinv, None, linalg("pinv"), distinct, ANY),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, rcond=0.3), linalg("pinv", rtol=0.3), distinct, ("mm",),
          label="rcond"),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, rtol=0.3), linalg("pinv", rtol=0.3), distinct, ("mm",),
          label="rtol"),
    *rows(np.linalg.pinv, lambda x: np.linalg.pinv(x, hermitian=True), linalg("pinv", hermitian=True), hermitian,
          ("mm",), label="hermitian"),
    *rows(np.linalg.solve, None, linalg("solve"), shapes=("mm, mn", "kmm, mn", "mm, kmn", "kmm, kmn")),
    *rows(np.linalg.solve, label="vector", shapes=("mm, m", "nmm, m")),
    *rows(np.linalg.tensorsolve, None, linalg("tensorsolve"), lambda x, e: x.reshape(3, 2, 6), ("66, 32",)),
    *rows(np.linalg.tensorsolve, lambda a, b: np.linalg.tensorsolve(a, b, axes=(0, 2)),
          linalg("tensorsolve", dims=(0, 2)), lambda x, e: x.reshape(2, 6, 3), ("66, 6",), label="axes"),
    *rows(np.linalg.tensorinv, None, linalg("tensorinv"), lambda x, e: regular(x, e).reshape(3, 2, 6), ("66",)),
    *rows(np.linalg.tensorinv, lambda x: np.linalg.tensorinv(x, ind=1), linalg("tensorinv", ind=1),
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
    *rows(np.linalg.diagonal, None, linalg("diagonal"), given, ("nm", "knm")),
    *rows(np.linalg.diagonal, lambda x: np.linalg.diagonal(x, offset=1), linalg("diagonal", offset=1), given, ("knm",),
          label="offset"),
    *rows(np.linalg.trace, None, lambda torch: lambda x: torch.diagonal(x, 0, -2, -1).sum(-1), given, ("nm", "knm")),
    *rows(np.linalg.trace, lambda x: np.linalg.trace(x, offset=-1), None, given, ("knm",), label="offset"),
    *rows(np.linalg.cross, None, linalg("cross"), given, ("n3, n3",)),
    *rows(np.linalg.cross, lambda a, b: np.linalg.cross(a, b, axis=0), linalg("cross", dim=0), given, ("3n, 3n",),
          label="axis"),
]  # fmt: skip

REDUCED = {"full_matrices": False}
# of a real matrix with real eigenvalues NumPy 2.5 gives complex vectors, whose phase is free, and before it real ones
REAL_VALUES = tuple if np.linalg.eigvals(np.eye(2)).dtype.kind == "f" else eigen
DECOMPOSITIONS = [
    *rows(np.linalg.cholesky, None, linalg("cholesky"), spd),
    *rows(np.linalg.cholesky, lambda x: np.linalg.cholesky(x, upper=True), linalg("cholesky", upper=True), spd, ("mm",),
          label="upper"),
    *rows(np.linalg.qr, None, linalg("qr"), distinct, ANY, after=tuple),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="r"), None, distinct, ANY, label="r"),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="complete"), linalg("qr", "complete"), distinct, ("33", "23"),
          label="complete", after=tuple),
    *rows(np.linalg.qr, lambda x: np.linalg.qr(x, mode="complete"), None, distinct, ("42",), label="complete",
          after=lambda y: (y[0][..., :2], y[0][..., 2:] @ adjoint(y[0][..., 2:]), y[1])),
    *rows(np.linalg.eigh, None, linalg("eigh"), hermitian, after=eigen),
    *rows(np.linalg.eigh, lambda x: np.linalg.eigh(x, UPLO="U"), linalg("eigh", UPLO="U"), hermitian, ("mm",),
          label="upper", after=eigen),
    *rows(np.linalg.eigh, None, None, hermitian, label="vectors", domains=REAL, after=tuple),
    *rows(np.linalg.eigvalsh, None, linalg("eigvalsh"), hermitian),
    *rows(np.linalg.eigvalsh, lambda x: np.linalg.eigvalsh(x, UPLO="U"), linalg("eigvalsh", UPLO="U"), hermitian,
          ("mm",), label="upper"),
    *rows(np.linalg.eig, None, linalg("eig"), lambda x, e: distinct(x, e) * (1 + 0.5j), after=eigen,
          domains=("complex",)),
    *rows(np.linalg.eig, None, None, distinct, label="real values", domains=REAL, after=REAL_VALUES),
    *rows(np.linalg.eigvals, None, linalg("eigvals"), lambda x, e: distinct(x, e) * (1 + 0.5j),
          domains=("complex",)),
    *rows(np.linalg.eigvals, None, None, distinct, label="real values", domains=REAL),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, **REDUCED), linalg("svd", **REDUCED), distinct, ANY,
          after=singular),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, **REDUCED), None, distinct, ANY, label="vectors", domains=REAL,
          after=tuple),
    *rows(np.linalg.svd, None, linalg("svd"), distinct, ("mm",), label="full", after=singular),
    *rows(np.linalg.svd, None, None, distinct, ("42", "24"), label="full",
          after=lambda y: (y[1], y[0][:, 2:] @ adjoint(y[0][:, 2:]), adjoint(y[2][2:]) @ y[2][2:],
                           y[0][:, :2] @ y[2][:2])),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, compute_uv=False), linalg("svdvals"), distinct, ANY,
          label="values"),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, hermitian=True), linalg("svd"), hermitian, label="hermitian",
          after=singular),
    *rows(np.linalg.svd, lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True), linalg("svdvals"), hermitian,
          ("mm",), label="hermitian values"),
    *rows(np.linalg.svdvals, None, linalg("svdvals"), distinct, ANY),
]  # fmt: skip

INF = np.inf
NORMS = [
    *[row for ord in (2, 3, 2.5, 0.5, -2, 1, -1, INF, -INF) for row in (
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o), linalg("vector_norm", ord), given, ("M",),
              label=f"vector {ord}"),
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o, axis=0, keepdims=True),
              linalg("vector_norm", ord, dim=0, keepdim=True), given, ("Mn",), label=f"axis {ord}", domains=REAL),
        *rows(np.linalg.vector_norm, lambda x, o=ord: np.linalg.vector_norm(x, axis=(0, -1), ord=o),
              linalg("vector_norm", ord, dim=(0, -1)), given, ("NkM",), label=str(ord), domains=REAL),
    )],
    *[row for ord in ("fro", "nuc", 1, -1, 2, -2, INF, -INF) for row in (
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o), linalg("matrix_norm", ord), distinct, ("MN",),
              label=f"matrix {ord}"),
        *rows(np.linalg.norm, lambda x, o=ord: np.linalg.norm(x, o, axis=(2, 0), keepdims=True),
              linalg("matrix_norm", ord, dim=(2, 0), keepdim=True), given, ("NkM",), label=f"axes {ord}", domains=REAL),
        *rows(np.linalg.matrix_norm, lambda x, o=ord: np.linalg.matrix_norm(x, ord=o), linalg("matrix_norm", ord),
              distinct, ("kMN",), label=str(ord)),
    )],
    *rows(np.linalg.norm, None, linalg("norm"), given, ("n", "nm", "knm")),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, keepdims=True), None, given, ("knm",), label="keepdims"),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, axis=-1), linalg("vector_norm", dim=-1), given, ("knm",),
          label="axis"),
    *rows(np.linalg.norm, lambda x: np.linalg.norm(x, axis=(0, 1)), linalg("matrix_norm", dim=(0, 1)), given, ("nmk",),
          label="two axes"),
    *rows(np.linalg.vector_norm, None, linalg("vector_norm"), given, ("knm",)),
    *rows(np.linalg.matrix_norm, lambda x: np.linalg.matrix_norm(x, keepdims=True), linalg("matrix_norm", keepdim=True),
          given, ("knm",), label="keepdims"),
    op(np.linalg.norm, lambda x: np.linalg.norm(x, 0) + np.sum(x), "n", label="count"),
    op(p_norm, p_norm, "...", torch=linalg("vector_norm"), reference=np.linalg.vector_norm),
    *[row for p in (None, 2, -2, "fro", "nuc", 1, -1, INF, -INF) for row in rows(
        np.linalg.cond, lambda x, p=p: np.linalg.cond(x, p), linalg("cond", p) if p in (None, 2, -2, "nuc") else None,
        distinct, ("nMM",), label=str(p))],
    *rows(np.linalg.cond, None, linalg("cond"), distinct, ("MN",), label="not square"),
]  # fmt: skip

KERNELS = [
    *rows(matrices.cofactor, prepared=regular),
    *rows(matrices.minors, prepared=given, shapes=("mm, mm",)),
    *rows(matrices.regular, lambda x: matrices.regular(x, name="qr")),
    *rows(matrices.inverse_or_nan),
    op(matrices.proportion, matrices.proportion, "..., ...", "nonzero", reference=np.divide),
    op(matrices.nonzero, matrices.nonzero, "...", "nonzero"),
    op(matrices.whole, lambda a: matrices.whole(a, np.linalg.pinv(values(a))), "32"),
    op(matrices.full_rank, lambda a: matrices.full_rank(a, 2), "32", "complex"),
    op(spectra.quotient, lambda a, b: spectra.quotient(a, b, np.array([1.0, 2.5, 3.5])), "m3, m3", "real", "nonzero"),
    op(spectra.determined, lambda a: spectra.determined(a, np.arange(3.0), np.ones(3), np.ones((3, 3))), "33"),
    op(spectra.unturned, lambda a: spectra.unturned(a, np.eye(2)), "32"),
    op(decompositions.svd, decompositions.svd, "33", reference=lambda x: np.linalg.svd(x, full_matrices=False)),
    op(decompositions.qr, decompositions.qr, "33", reference=np.linalg.qr),
]

LINALG = INVERSES + DECOMPOSITIONS + NORMS + KERNELS + SCIPY_LINALG
