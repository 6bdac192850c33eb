"""Decompositions of matrices. Functions of symmetric (Hermitian) matrices have symmetric gradients."""

from __future__ import annotations

from typing import Any

import numpy

from autodiff.kernels.matrices import regular
from autodiff.kernels.spectra import determined, gaps, quotient, unturned
from autodiff.primitive import composite, outputs, primitive

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say

primitive(np.linalg.cholesky, lambda g, y, upper: _cholesky(_adjoint(g), _adjoint(y)) if upper else _cholesky(g, y),
          sig="a; *, upper=False", shapes="(n,n)->(n,n)", complex=True)  # fmt: skip
outputs(np.linalg.eigh, lambda g, y: _eigh(g, *y), sig="a; UPLO='L'", shapes="(n,n)->(n),(n,n)", complex=True)
outputs(np.linalg.eig, lambda g, y: _eig(g, *y), sig="a;", shapes="(n,n)->(n),(n,n)", complex=True)

SVDResult = type(np.linalg.svd(np.ones((1, 1))))


def _adjoint(x: Any) -> Any:
    return np.conjugate(x.mT)


def _halved(x: Any, triangle: Any, k: int) -> Any:
    """Return a triangle of x plus its adjoint, the diagonal once."""
    half = (triangle(x, 0) + triangle(x, k)) / 2
    return half + _adjoint(half)


def _cholesky(g: Any, y: Any) -> Any:
    """Iain Murray, Differentiation of the Cholesky decomposition, 2016: y^-T H conj(y)^-1, H from tril(y^T g)."""
    middle = np.linalg.solve(y.mT, _halved(np.matmul(y.mT, g), np.tril, -1))
    return np.linalg.solve(_adjoint(y), middle.mT).mT / 2


# --- eigenvalues and eigenvectors ----------------------------------------------------------------------------------


def _eigh(g: Any, values: Any, vectors: Any) -> Any:
    """Return conj(V) (diag(g0) + (X - X^H) / 2 / gaps) V^T with X = V^T g1: the vectors turn into one another."""
    outer, answer = np.conjugate(vectors), None
    if g[0] is not None:
        answer = np.matmul(outer * g[0][..., None, :], vectors.mT)
    if g[1] is not None:
        x = np.matmul(vectors.mT, g[1])
        if g[0] is not None:
            x = determined(x, values, g[0], x, name="eigh")
        turn = quotient(x - _adjoint(x), gaps(values), values, x, name="eigh") / 2
        turned = np.matmul(np.matmul(outer, turn), vectors.mT)
        answer = turned if answer is None else answer + turned
    return answer


def _eig(g: Any, values: Any, vectors: Any) -> Any:
    """Return V^-T (diag(g0) + (X - V^T conj(V) Re diag(X)) / gaps) V^T with X = V^T g1, for columns of length 1."""
    if g[1] is None:
        middle = g[0][..., None] * vectors.mT
    else:
        x = np.matmul(vectors.mT, g[1])
        if g[0] is not None:
            x = determined(x, values, g[0], x, name="eig", unitary=False)
        lengths = np.real(np.sum(vectors * g[1], axis=-2))
        turn = x - np.matmul(vectors.mT, np.conjugate(vectors) * lengths[..., None, :])
        middle = np.matmul(quotient(turn, gaps(values), values, x, name="eig"), vectors.mT)
        if g[0] is not None:
            middle = middle + g[0][..., None] * vectors.mT
    return np.linalg.solve(regular(vectors, name="eig").mT, middle)


@composite(np.linalg.eigvalsh, shapes="(n,n)->(n)")
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return np.linalg.eigh(a, UPLO)[0]


@composite(np.linalg.eigvals, shapes="(n,n)->(n)")
def _eigvals(a: Any) -> Any:
    return np.linalg.eig(a)[0]


# --- singular values and vectors -----------------------------------------------------------------------------------


def _svd_rule(g: Any, y: Any) -> Any:
    """Townsend, Differentiating the singular value decomposition, 2016.

    (P s_j + s_i Q) / (s_j^2 - s_i^2) is split into ((P + Q) / (s_j - s_i) + (P - Q) / (s_j + s_i)) / 2: where one of
    the divisors is 0, only that part must be.
    """
    u, s, vh = y
    k = s.shape[-1]
    g_u, g_v = _completed(g[0], u, k), _completed(_flipped(g[2]), _flipped(vh), k)
    g_v = _flipped(g_v)
    u, vh = np.conjugate(u[..., :k]), np.conjugate(vh[..., :k, :])
    answer = None if g[1] is None else np.matmul(u * g[1][..., None, :], vh)
    if g_u is None and g_v is None:
        return answer
    x = z = None
    if g_u is not None:
        x = np.matmul(_adjoint(u), g_u)
    if g_v is not None:
        z = _adjoint(np.matmul(g_v, _adjoint(vh)))
    both, apart = _plus(x, z), _plus(x, None if z is None else -z)
    like = g_u if z is None else g_v.mT if x is None else np.concatenate([g_u, g_v.mT], axis=-2)
    if g[1] is not None:
        both = determined(both, s, g[1], like, name="svd")
    sums = s[..., None, :] + s[..., :, None]
    turn = quotient(both - _adjoint(both), gaps(s), s, like, name="svd")
    turn = turn + quotient(apart - _adjoint(apart), sums, s, like, name="svd")
    answer = _plus(answer, np.matmul(np.matmul(u, turn / 2), vh))
    if g_u is not None and u.shape[-2] > k:
        outside = quotient(g_u - np.matmul(u, x), s[..., None, :], s, like, name="svd")
        answer = answer + np.matmul(outside, vh)
    if g_v is not None and vh.shape[-1] > k:
        outside = quotient((g_v - np.matmul(_adjoint(z), vh)).mT, s[..., None, :], s, like, name="svd").mT
        answer = answer + np.matmul(u, outside)
    return answer


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _flipped(x: Any) -> Any:
    return None if x is None else _adjoint(x)


def _completed(g: Any, basis: Any, k: int, name: str = "svd") -> Any:
    """Return the gradient by the first k columns of a basis; by the others, it is theirs to keep them orthogonal."""
    if g is None or basis.shape[-1] == k:
        return g
    inner, outer = np.conjugate(basis[..., :k]), np.conjugate(basis[..., k:])
    g = unturned(g, np.matmul(_adjoint(outer), g[..., k:]), name=name)
    return g[..., :k] - np.matmul(outer, np.matmul(_adjoint(g[..., k:]), inner))


@outputs(lambda g, y: _svd_rule(g, y), shapes="(m,n)->(m,k),(k),(k,n)", complex=True)
def svd(a: Any, *, full_matrices: bool = False) -> Any:
    """Return np.linalg.svd(a, full_matrices): u, s, vh."""
    return np.linalg.svd(a, full_matrices=full_matrices)


@composite(np.linalg.svd, shapes="(m,n)->(m,m),(k),(n,n)")
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if not hermitian:
        return svd(a, full_matrices=full_matrices) if compute_uv else svd(a)[1]
    values, vectors = np.linalg.eigh(a)
    order = np.argsort(np.absolute(values), axis=-1)[..., ::-1]
    values = np.take_along_axis(values, order, axis=-1)
    if not compute_uv:
        return np.absolute(values)
    vectors = np.take_along_axis(vectors, np.broadcast_to(order[..., None, :], vectors.shape), axis=-1)
    return SVDResult(vectors, np.absolute(values), _adjoint(vectors * np.sign(values)[..., None, :]))


@composite(np.linalg.svdvals, shapes="(m,n)->(k)")
def _svdvals(x: Any) -> Any:
    return svd(x)[1]


# --- triangular factors --------------------------------------------------------------------------------------------


def _qr_rule(g: Any, y: Any) -> Any:
    """Walter and Lehmann, Algorithmic differentiation of linear algebra functions, 2018.

    The columns of a wide matrix beyond the square are Q times those of r.
    """
    q, r = y
    n, k = r.shape[-1], min(q.shape[-2], r.shape[-1])
    g_q, g_r = _completed(g[0], q, k, "qr"), None if g[1] is None else g[1][..., :k, :]
    q, r = q[..., :k], r[..., :k, :]
    if n == k:
        return _qr_tall(g_q, g_r, q, r)
    if g_r is None:
        return np.concatenate([_qr_tall(g_q, None, q, r[..., :k]), np.zeros_like(r[..., k:])], axis=-1)
    further = np.matmul(np.conjugate(np.matmul(q, r[..., k:])), _adjoint(g_r[..., k:]))
    first = _qr_tall(_plus(g_q, further), g_r[..., :k], q, r[..., :k])
    return np.concatenate([first, np.matmul(np.conjugate(q), g_r[..., k:])], axis=-1)


def _qr_tall(g_q: Any, g_r: Any, q: Any, r: Any) -> Any:
    inner = None if g_q is None else -np.matmul(q.mT, g_q)
    inner = _plus(inner, None if g_r is None else np.matmul(g_r, r.mT))
    g = _plus(g_q, np.matmul(np.conjugate(q), _halved(inner, np.triu, 1)))
    return np.linalg.solve(regular(r, name="qr"), g.mT).mT


@outputs(lambda g, y: _qr_rule(g, y), shapes="(m,n)->(m,k),(k,n)", complex=True)
def qr(a: Any, *, mode: str = "reduced") -> Any:
    """Return np.linalg.qr(a, mode) for a mode with two results: q, r."""
    return np.linalg.qr(a, mode=mode)


@composite(np.linalg.qr, shapes="(m,n)->(m,k),(k,n)")
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode in ("reduced", "complete"):
        return qr(a, mode=mode)
    if mode == "r":
        return qr(a)[1]
    raise TypeError(f"qr of a Tensor does not support mode={mode!r}; expected 'reduced', 'complete' or 'r'.")
