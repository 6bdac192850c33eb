"""Arguments of linear algebra: matrices clear of singular ones, of equal eigenvalues and of equal singular values.

Eigenvectors and their like have no sign, or phase, of their own: at complex numbers what does not depend on it is
drawn, and functions of symmetric matrices are given a matrix's symmetric part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from autodiff.kernels import matrices, spectra
from autodiff.rules import decompositions
from autodiff.rules.linalg import p_norm
from autodiff.testing.strategies.arrays import GRID, distinct
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape
from autodiff.testing.strategies.matrices import distinct_singular_values
from autodiff.testing.strategies.matrices import well_conditioned as well_conditioned_matrices
from autodiff.testing.strategies.scipy_linalg import ARGUMENTS as SCIPYS
from autodiff.testing.strategies.stacks import (
    batch,
    finished,
    gapped,
    hermitian,
    invertible,
    positive_definite,
    rectangular,
    rotation,
    square,
    squared,
    symmetric,
)

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


# --- what is called: nothing that depends on a choice LAPACK makes, and functions of the symmetric part ------------


def cholesky(x: Any, **keywords: Any) -> Any:
    """np.linalg.cholesky of the symmetric part."""
    return np.linalg.cholesky(hermitian(x), **keywords)


def eigh(x: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigh of the symmetric part, the vectors squared."""
    values, vectors = np.linalg.eigh(hermitian(x), UPLO)
    return values, squared(vectors)


def eigh_vectors(x: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigh of the symmetric part."""
    return tuple(np.linalg.eigh(hermitian(x), UPLO))


def eigvalsh(x: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigvalsh of the symmetric part."""
    return np.linalg.eigvalsh(hermitian(x), UPLO)


def eig(x: Any) -> Any:
    """np.linalg.eig, the vectors squared."""
    values, vectors = np.linalg.eig(x)
    return values, squared(vectors)


def svd(x: Any, **keywords: Any) -> Any:
    """np.linalg.svd with what neither phases nor the completion of a basis change."""
    u, s, vh = np.linalg.svd(x, **keywords)
    k = s.shape[-1]
    completed = [np.matmul(q, np.conjugate(q.mT)) for q in (u[..., k:], np.conjugate(vh[..., k:, :].mT))]
    return squared(u[..., :k]), s, squared(vh[..., :k, :]), np.matmul(u[..., :k], vh[..., :k, :]), *completed


def svd_left(x: Any, **keywords: Any) -> Any:
    """What `svd` makes of the left vectors alone."""
    y = svd(x, **keywords)
    return y[0], y[4]


def svd_right(x: Any, **keywords: Any) -> Any:
    """What `svd` makes of the right vectors alone."""
    y = svd(x, **keywords)
    return y[2], y[5]


def singular(x: Any, **keywords: Any) -> Any:
    """The singular values that np.linalg.svd returns with vectors."""
    return (np.linalg.svd(x, **keywords)[1],)


def svd_values(x: Any, **keywords: Any) -> Any:
    """np.linalg.svd, the singular values alone."""
    return np.linalg.svd(x, compute_uv=False, **keywords)


def svd_of_symmetric(x: Any, **keywords: Any) -> Any:
    """np.linalg.svd of the symmetric part."""
    return svd(hermitian(x), hermitian=True)


def qr(x: Any, mode: str = "reduced") -> Any:
    """np.linalg.qr with what the completion of the basis does not change."""
    q, r = np.linalg.qr(x, mode=mode)
    k = min(x.shape[-2:])
    return q[..., :k], r, np.matmul(q[..., k:], np.conjugate(q[..., k:].mT))


def orthonormal(x: Any, mode: str) -> Any:
    """What `qr` makes of the columns alone."""
    return qr(x, mode)[::2]


def triangular(x: Any, mode: str) -> Any:
    """The triangular factor that `qr` returns with columns."""
    return (qr(x, mode)[1],)


def pinv_of_symmetric(x: Any, **keywords: Any) -> Any:
    """np.linalg.pinv of the symmetric part."""
    return np.linalg.pinv(hermitian(x), hermitian=True, **keywords)


def lstsq(a: Any, b: Any, **keywords: Any) -> Any:
    """np.linalg.lstsq without the rank."""
    x, residuals, _, values = np.linalg.lstsq(a, b, **keywords)
    return x, residuals, values


# --- how calls are drawn -------------------------------------------------------------------------------------------


def solve(d: Draw) -> Arguments:
    """Draw a vector, or stacks of matrices that broadcast."""
    if d.chance():
        a = square(d)
        return [a, d.array((a.shape[-1],), 1)], {}
    first, second = d.shapes(2)
    a = square(d, stack=first[-1:])
    return [a, d.array((*second[-1:], a.shape[-1], d.integer(0, 2)), 1)], {}


def least_squares(d: Draw) -> Arguments:
    """Draw a tall or a wide matrix of full rank and one right-hand side or several; `rcond` says which it was."""
    m, n = d.choice((3, 2), (2, 3), (4, 1), (2, 2), (1, 3))
    x = d(distinct_singular_values(m, n, 0.75))
    a = finished(d, np.matmul(np.matmul(rotation(d, m), x), rotation(d, n)))
    vector = d.chance()
    keywords = {"rcond": 10.0 ** -(6 + 2 * (m > n) + vector)} if vector or m < n else {}
    return [a, d.array((m,) if vector else (m, 2), 1)], keywords, lstsq


def pseudo_inverse(d: Draw) -> Arguments:
    """Draw a matrix of any shape, its rank perhaps cut, or a symmetric one."""
    if d.chance():
        return [symmetric(d)], {}, pinv_of_symmetric
    return [rectangular(d)], d.choice({}, {"rcond": 0.1}, {"rtol": 0.1})


def singular_values(d: Draw) -> Arguments:
    """Draw a matrix of any shape in one of np.linalg.svd's forms."""
    form = d.choice(svd, svd_values, svd_of_symmetric)
    if form is svd_of_symmetric:
        return [symmetric(d)], {}, form
    return [rectangular(d)], d.choice({}, {"full_matrices": False}), form


def singular_vectors(d: Draw) -> Arguments:
    """Draw a matrix of any shape, whether its bases are completed, and which of the results are used."""
    return [rectangular(d)], {"full_matrices": d.chance()}, d.choice(svd, svd_left, svd_right, singular)


def columns(d: Draw) -> Arguments:
    """Draw a matrix of any shape, whether its basis is completed, and which of the results are used."""
    return [rectangular(d)], {"mode": d.choice("reduced", "complete")}, d.choice(qr, orthonormal, triangular)


def factors(d: Draw) -> Arguments:
    """Draw a matrix of any shape and a mode."""
    mode = d.choice("reduced", "complete", "r")
    return ([rectangular(d)], {"mode": mode}) if mode == "r" else ([rectangular(d)], {"mode": mode}, qr)


def triangle(d: Draw) -> dict[str, Any]:
    """Draw which triangle is read."""
    return d.choice({}, {"UPLO": "U"})  # type: ignore[no-any-return]


def tensor_equation(d: Draw) -> Arguments:
    """Draw a tensor that maps one shape to another of as many elements."""
    rows, columns = d.choice(((2, 3), (6,)), ((6,), (3, 2)), ((3,), (3,)), ((2,), (1, 2)))
    n = int(np.prod(rows))
    a = d(well_conditioned_matrices(n, 8.0)) * (1 + 0.5j if d.complex else 1)
    if d.chance():
        return [finished(d, a.reshape(*rows, *columns)), d.array(rows, 1)], {}
    moved = np.moveaxis(a.reshape(*rows, *columns), range(len(rows), len(rows + columns)), range(len(columns)))
    return [finished(d, moved), d.array(rows, 1)], {"axes": tuple(range(len(columns)))}


def tensor_inverse(d: Draw) -> Arguments:
    """Draw a tensor that is a square matrix once its first axes are rows."""
    rows, columns = d.choice(((2, 3), (6,)), ((6,), (3, 2)), ((3,), (3,)), ((2,), (1, 2)))
    a = d(well_conditioned_matrices(int(np.prod(rows)), 8.0)) * (1 + 0.5j if d.complex else 1)
    return [finished(d, a.reshape(*rows, *columns))], {} if len(rows) == 2 and d.chance() else {"ind": len(rows)}


VECTOR_ORDERS = (2, None, 1, 3, 2.5, 0.5, 0, -1, np.inf, -np.inf)
MATRIX_ORDERS = ("fro", None, "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def apart(d: Draw, shape: Shape) -> Any:
    """Draw an array no two elements, and no two moduli, of which are near each other or 0; or with many ties."""
    if not d.smooth:
        return d.finished(d.values(shape, np.append(GRID[:3], 0.0)))
    (moduli,) = distinct(d.draw, [shape])
    return d.finished((moduli + 3.5) / 2 * d.values(shape, np.array([1.0, -1.0])))


def vector_norm(d: Draw) -> Arguments:
    """Draw one axis or none, and an order."""
    x = apart(d, d.shape(dims=1, sides=1))
    axis = d.choice(None, *range(-x.ndim, x.ndim), tuple(range(x.ndim)))
    ord = {"ord": d.choice(*VECTOR_ORDERS[:1], *VECTOR_ORDERS[2:])} if d.chance() else {}
    return [x], {**({} if axis is None else {"axis": axis}), **ord, **d.choice({}, {"keepdims": True})}


def matrix_norm(d: Draw) -> Arguments:
    """Draw a stack of matrices whose singular values, and whose elements' sums, are apart."""
    keywords = {**d.choice({}, {"keepdims": True}), **({"ord": d.choice(*MATRIX_ORDERS)} if d.chance() else {})}
    return [matrix_apart(d)], {k: v for k, v in keywords.items() if k != "ord" or v is not None}


def matrix_apart(d: Draw) -> Any:
    """Draw a stack of matrices on whose norms no tie decides."""
    return rectangular(d, least=1) + 1e-3 * (1 + 0j if d.complex else 1)


def norm(d: Draw) -> Arguments:
    """Draw all elements, one axis or two, and an order that fits."""
    keep = d.choice({}, {"keepdims": True})
    count = d.integer(0, 2)
    if count == 0:
        return [apart(d, d.shape())], keep
    if count == 1:
        x = apart(d, d.shape(dims=1, sides=1))
        return [x], {"ord": d.choice(*VECTOR_ORDERS), "axis": d.integer(-x.ndim, x.ndim - 1), **keep}
    x = matrix_apart(d)
    axes = d.choice((-2, -1), (-1, -2)) if x.ndim > 2 or d.chance() else None
    return [x], {"ord": d.choice(*MATRIX_ORDERS[::-1]), **({} if axes is None else {"axis": axes}), **keep}


def condition(d: Draw) -> Arguments:
    """Draw a matrix and the norm its condition number is of."""
    p = d.choice(None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf)
    x = rectangular(d, least=1, square=p not in (None, 2, -2))
    return [x + 1e-3], {} if p is None else {"p": p}


def cross(d: Draw) -> Arguments:
    """Draw vectors of three elements along an axis."""
    axis = d.choice(-1, 0)
    a, b = ((*s, 3) if axis else (3, *s) for s in [d.shape(max_dims=2)] * 2)
    return [d.array(a), d.array(b, 1)], {"axis": axis} if not axis or d.chance() else {}


def diagonal(d: Draw) -> Arguments:
    """Draw a stack of matrices and a diagonal."""
    return [d.array((*batch(d), d.integer(0, 3), d.integer(0, 3)))], d.choice({}, {"offset": d.integer(-3, 3)})


def divided(d: Draw) -> Arguments:
    """Draw what is divided by gaps clear of 0."""
    n = d.integer(1, 3)
    values = np.cumsum(d.values((n,), np.array([1.0, 1.5, 2.0]))) - 2.25
    scale = d.choice([], [d.array((n, n))])
    return [d.array((n, n)), spectra.gaps(values) + 0.125, values, *scale], {}


def checked(d: Draw) -> Arguments:
    """Draw a gradient by vectors of distinct values, which is what it is; no step of a check makes two equal."""
    values = np.cumsum(d.values((d.integer(1, 3),), np.array([1.1, 1.7, 2.3]) / np.e))
    x = d.array((len(values), len(values)))
    return [x, values, d.array(values.shape), x.copy()], {}


def with_minors(d: Draw) -> Arguments:
    """Draw a direction and a matrix."""
    x = square(d, least=2)
    return [d.array(x.shape), x], {}


def without_rest(x: Any) -> Any:
    """The check of a pseudo-inverse, where it finds nothing."""
    return matrices.whole(x, np.linalg.inv(x))


def completing(x: Any) -> Any:
    """The check of further columns of a basis, where it finds nothing."""
    return spectra.unturned(x, np.matmul(np.conjugate(x.mT), x))


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = SCIPYS | {
    np.linalg.det: invertible,
    np.linalg.slogdet: invertible,
    np.linalg.inv: invertible,
    np.linalg.pinv: pseudo_inverse,
    np.linalg.solve: solve,
    np.linalg.lstsq: least_squares,
    np.linalg.tensorsolve: tensor_equation,
    np.linalg.tensorinv: tensor_inverse,
    np.linalg.cholesky: lambda d: ([positive_definite(d)], d.choice({}, {"upper": True}), cholesky),
    np.linalg.qr: factors,
    np.linalg.eigh: lambda d: ([symmetric(d)], triangle(d), eigh if d.complex else d.choice(eigh, eigh_vectors)),
    np.linalg.eigvalsh: lambda d: ([symmetric(d)], triangle(d), eigvalsh),
    np.linalg.eig: lambda d: ([gapped(d)], {}, eig),
    np.linalg.eigvals: lambda d: ([gapped(d)], {}),
    np.linalg.svd: singular_values,
    np.linalg.svdvals: lambda d: ([rectangular(d)], {}),
    np.linalg.norm: norm,
    np.linalg.vector_norm: vector_norm,
    np.linalg.matrix_norm: matrix_norm,
    np.linalg.cond: condition,
    np.linalg.cross: cross,
    np.linalg.diagonal: diagonal,
    np.linalg.trace: diagonal,
    np.linalg.matrix_transpose: lambda d: ([rectangular(d)], {}),
    p_norm: vector_norm,
    decompositions.svd: singular_vectors,
    decompositions.qr: columns,
    matrices.cofactor: lambda d: ([square(d, least=2)], {}),
    matrices.minors: with_minors,
    matrices.regular: lambda d: ([square(d, least=1)], {"name": "qr"}),
    matrices.whole: lambda d: ([square(d, least=1)], {}, without_rest),
    matrices.full_rank: lambda d: ([d.array((2, 3)), 2], {}),
    matrices.inverse_or_nan: invertible,
    matrices.nonzero: lambda d: ([np.asarray(1 + np.abs(d.array(d.shape())))], {}),
    spectra.quotient: divided,
    spectra.determined: checked,
    spectra.unturned: lambda d: ([d.array((3, 2))], {}, completing),
}
