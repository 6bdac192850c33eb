"""Functions of matrices that NumPy lacks: cofactors, which singular matrices have too, and checked inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import elementwise, primitive


@primitive(
    lambda g, x: minors(g, x),  # type: ignore[has-type]
    shapes="(n,n)->(n,n)",
    analytic=True,
)
def cofactor(x: Any) -> Any:
    """Return det(x) inv(x).T, the gradient of det; of a singular matrix, its limit."""
    try:
        return np.linalg.det(x)[..., None, None] * np.linalg.inv(x).mT
    except np.linalg.LinAlgError:
        phase, u, s, vh = _svd(x)
        others = np.prod(np.where(np.eye(s.shape[-1]), 1, s[..., None, :]), axis=-1)
        return phase * np.matmul(np.conjugate(u) * others[..., None, :], np.conjugate(vh))


@primitive(
    lambda g, b: minors(g, b),  # type: ignore[has-type]
    lambda g, a, b: _third(g, a, b),
    shapes="(n,n),(n,n)->(n,n)",
    complex=True,  # analytic, but what is computed through the singular values is not to the last digit
)
def minors(a: Any, b: Any) -> Any:
    """Return the second derivative of det at b along a, a matrix of minors of order n - 2; of a singular b too."""
    phase, u, s, vh = _svd(b)
    p = _products_of_others(s)
    h = np.matmul(np.matmul(np.conjugate(u.mT), a), np.conjugate(vh.mT))
    outer, inner = np.conjugate(u), np.conjugate(vh)
    traces = np.matmul(p, np.diagonal(h, axis1=-2, axis2=-1)[..., None])[..., 0]
    return phase * (np.matmul(outer * traces[..., None, :], inner) - np.matmul(np.matmul(outer, (p * h).mT), inner))


def _svd(x: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vh = np.linalg.svd(x)
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None], u, s, vh


def _products_of_others(s: Any) -> Any:
    """Return the products of all singular values but i and j; only the two smallest may be 0, or all products are."""
    n = s.shape[-1]
    p = np.zeros((*s.shape, n), s.dtype)
    if n < 2:
        return p
    a, b, others = s[..., -2], s[..., -1], s[..., :-2]
    whole = np.prod(others, axis=-1)
    inverse = np.divide(1, others, out=np.zeros_like(others), where=whole[..., None] > 0)
    p[..., :-2, :-2] = inverse[..., None] * inverse[..., None, :] * (whole * a * b)[..., None, None]
    p[..., -2, :-2] = p[..., :-2, -2] = inverse * (whole * b)[..., None]
    p[..., -1, :-2] = p[..., :-2, -1] = inverse * (whole * a)[..., None]
    p[..., -2, -1] = p[..., -1, -2] = whole
    p[..., range(n), range(n)] = 0
    return p


def _third(g: Any, a: Any, b: Any) -> Any:
    """Return the third derivative of det at a regular b along a and g."""
    inverse = np.linalg.inv(b)
    p, q = np.matmul(inverse, g), np.matmul(inverse, a)
    both = np.matmul(p, q)
    tp, tq, tpq = (np.trace(x, axis1=-2, axis2=-1)[..., None, None] for x in (p, q, both))
    middle = both + np.matmul(q, p) - tp * q - tq * p
    return np.linalg.det(b)[..., None, None] * ((tp * tq - tpq) * inverse + np.matmul(middle, inverse)).mT


@primitive(lambda g: g, None, sig="a, rank;", analytic=True)
def full_rank(a: Any, rank: Any) -> Any:
    """Return a if it has full rank: a solution of least squares jumps where the rank changes."""
    if rank < min(a.shape):
        raise np.linalg.LinAlgError(
            f"lstsq: a {a.shape} has rank {rank}; the solution has a derivative at full rank {min(a.shape)} alone. "
            "Use np.linalg.pinv(a) @ b for a rank that stays as it is, or penalize x by further rows of a."
        )
    return a


@primitive(lambda g: g, lambda g, inverse: np.zeros_like(inverse), sig="a, inverse;", analytic=True)
def whole(a: Any, inverse: Any) -> Any:
    """Return a if its pseudo-inverse leaves out nothing but what is 0 in it: at constant rank alone it is smooth."""
    rest = a - np.matmul(np.matmul(a, inverse), a)
    size = np.max(np.abs(a), axis=(-2, -1), keepdims=True, initial=0)
    if np.any(np.abs(rest) > size * np.finfo(a.dtype).eps ** 0.5):
        raise np.linalg.LinAlgError(
            "pinv: the tolerance cuts off singular values that are not 0, and then the derivative is not that of a "
            "matrix of lower rank. Lower rcond or rtol; or compute vh.mT[:, :k] / s[:k] @ u.mT[:k] from np.linalg.svd."
        )
    return a


@elementwise(lambda g: g, analytic=True)
def regular(x: Any, *, name: str) -> Any:
    """Return x, a factor the operation of a name has made, if it has an inverse: the gradient divides by it."""
    s = np.linalg.svd(x, compute_uv=False) if np.isfinite(x).all() else np.ones((1, 1), x.dtype)
    if s.size and np.any(s[..., -1] <= s.shape[-1] * np.finfo(s.dtype).eps * s[..., 0]):
        raise np.linalg.LinAlgError(f"{name}: {_SINGULAR[name]}, and there it has no derivative.")
    return x


_SINGULAR = {
    "qr": "the columns of the matrix (of a wide one, the first) depend linearly on one another",
    "eig": "the matrix is defective: it has fewer eigenvectors than rows",
}


@primitive(lambda g, x: _inverse(g, np.linalg.inv(x).mT), name="cond", shapes="(n,n)->(n,n)", analytic=True)
def inverse_or_nan(x: Any) -> Any:
    """Return the inverses of a stack of matrices, NaN where there is none, as np.linalg.cond means them."""
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        if x.shape[-1] != x.shape[-2]:
            raise
        if x.ndim == 2:
            return np.full_like(x, np.nan)
        return np.stack([inverse_or_nan(part) for part in x])


@elementwise(lambda g, b: g / nonzero(b), lambda g, y, b: -g * y / nonzero(b), name="cond",  # type: ignore[has-type]
             domain=(None, "nonzero"), analytic=True)  # fmt: skip
def proportion(a: Any, b: Any) -> Any:
    """Return a / b of singular values; infinite for a singular matrix, where it has no derivative."""
    with np.errstate(all="ignore"):
        return np.divide(a, b)


@elementwise(lambda g: g, analytic=True, complex=False)
def nonzero(b: Any) -> Any:
    """Return singular values if none is 0."""
    if np.any(np.equal(b, 0)):
        raise np.linalg.LinAlgError("cond: the matrix is singular, and there its condition number has no derivative.")
    return b


def _inverse(g: Any, y: Any) -> Any:
    return -np.matmul(np.matmul(y, g), y)
