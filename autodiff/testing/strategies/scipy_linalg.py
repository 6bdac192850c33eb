"""Arguments of SciPy's linear algebra."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy

from autodiff import linalg
from autodiff.testing.strategies.drawing import Arguments, Draw
from autodiff.testing.strategies.stacks import (
    finished,
    gapped,
    hermitian,
    invertible,
    positive_definite,
    rectangular,
    square,
    squared,
    symmetric,
)

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say

Strategy = Callable[[Draw], Arguments]


def right(d: Draw, n: int) -> Any:
    """Draw a vector or columns of n numbers."""
    return d.array(d.choice((n,), (n, 2), (n, 0), (n, 1)), 1)


def triangular_system(d: Draw) -> Arguments:
    """Draw a stack of matrices, which of their triangles is meant, and as what."""
    a = square(d)
    eye = 3 * np.eye(a.shape[-1])
    keywords = {"trans": d.choice(0, 1, 2, "N", "T", "C"), "lower": d.chance(), "unit_diagonal": d.chance()}
    return [a + eye, right(d, a.shape[-1])], keywords


def sylvester(d: Draw) -> Arguments:
    """Draw two matrices no eigenvalue of which is minus one of the other's."""
    a, b = positive_definite(d), square(d, least=1, stack=())
    b = np.matmul(b, np.conjugate(b.mT)) + 1
    return [a, finished(d, b + 0.25j if d.complex else b), d.array((a.shape[-1], b.shape[-1]), 2)], {}


def lyapunov(d: Draw) -> Arguments:
    """Draw a matrix with positive eigenvalues, and a right-hand side."""
    a = alone(d, positive_definite(d))
    return [a, d.array(a.shape, 1)], {}


def discrete(d: Draw) -> Arguments:
    """Draw a matrix with small eigenvalues, and a right-hand side."""
    n = d.integer(1, 2)
    return [square(d, least=n, stack=())[:n, :n] / 20, d.array((n, n), 1)], {}


def lu_solution(a: Any, b: Any, **keywords: Any) -> Any:
    """The solution by lu_factor and lu_solve."""
    return linalg.lu_solve(linalg.lu_factor(a), b, **keywords)


def cho_solution(a: Any, b: Any, lower: bool = False) -> Any:
    """The solution by cho_factor and cho_solve."""
    return linalg.cho_solve(linalg.cho_factor(hermitian(a), lower=lower), b)


def factor_alone(a: Any) -> Any:
    """The factors of lu_factor without the order of the rows."""
    return linalg.lu_factor(a)[0]


def factors(a: Any, **keywords: Any) -> Any:
    """The triangular factors of lu."""
    return linalg.lu(a, **keywords)[-2:]


def cholesky(a: Any, **keywords: Any) -> Any:
    """linalg.cholesky of the symmetric part."""
    return linalg.cholesky(hermitian(a), **keywords)


def cho_factor(a: Any, **keywords: Any) -> Any:
    """linalg.cho_factor of the symmetric part, without the word which triangle it is."""
    return linalg.cho_factor(hermitian(a), **keywords)[0]


def pinvh(a: Any, **keywords: Any) -> Any:
    """linalg.pinvh of the symmetric part."""
    return linalg.pinvh(hermitian(a), **keywords)


def eigh(a: Any, **keywords: Any) -> Any:
    """linalg.eigh of the symmetric part, the vectors squared."""
    y = linalg.eigh(hermitian(a), **keywords)
    return (y[0], squared(y[1])) if isinstance(y, tuple) else y


def eigvalsh(a: Any, **keywords: Any) -> Any:
    """linalg.eigvalsh of the symmetric part."""
    return linalg.eigvalsh(hermitian(a), **keywords)


def eig(a: Any) -> Any:
    """linalg.eig, the vectors squared."""
    w, v = linalg.eig(a)
    return w, squared(v)


def svd(a: Any, **keywords: Any) -> Any:
    """linalg.svd without phases."""
    y = linalg.svd(a, full_matrices=False, **keywords)
    return (squared(y[0]), y[1], squared(y[2])) if isinstance(y, tuple) else y


def lstsq(a: Any, b: Any) -> Any:
    """linalg.lstsq without the rank."""
    x, residuals, _, s = linalg.lstsq(a, b)
    return x, residuals, s


def alone(d: Draw, x: Any) -> Any:
    """Return the first of a stack of matrices."""
    return x.reshape(-1, *x.shape[-2:])[0] if x.size else np.eye(2) * (1 + 0.5j if d.complex else 1)


def system(d: Draw) -> Arguments:
    """Draw a matrix and what is known of it."""
    if d.chance():
        a = square(d)
        return [a, d.array((a.shape[-1],), 1)], d.choice({}, {"transposed": True})
    a = positive_definite(d)
    keywords = {"assume_a": d.choice("pos", "her", "diagonal", "upper triangular", "lower triangular")}
    return [a, d.array((a.shape[-1], 2), 1)], keywords | ({"lower": True} if d.chance() else {})


def near_one(d: Draw) -> Arguments:
    """Draw a matrix with eigenvalues away from 0 and from the negative real axis."""
    a = positive_definite(d)
    return [finished(d, a + 0.05 * d.array(a.shape[-2:]))], {}


def small(d: Draw) -> Arguments:
    """Draw a matrix with eigenvalues clear of the poles of tangents."""
    return [finished(d, square(d) / 10)], {}


def two_small(d: Draw) -> Arguments:
    """Draw a matrix and a direction."""
    a = square(d, stack=()) / 10
    return [a, d.array(a.shape, 1)], d.choice({}, {"compute_expm": False})


def signed(d: Draw) -> Arguments:
    """Draw a matrix with eigenvalues of both signs, clear of 0."""
    basis = square(d, stack=())
    signs = d.values(basis.shape[-1:], np.array([1.0, -1.0, 1.5, -2.0])) * (1 + 0.25j if d.complex else 1)
    return [finished(d, np.matmul(basis * signs, np.linalg.inv(basis)))], {}


def vector(d: Draw, least: int = 1) -> Any:
    """Draw a vector."""
    return d.array((d.integer(least, 4),))


def one_vector(d: Draw) -> Arguments:
    """Draw a vector."""
    return [vector(d)], {}


def column_and_row(d: Draw) -> Arguments:
    """Draw a column, and a row or none."""
    return [vector(d), *([vector(d)] if d.chance() else [])], {}


def toeplitz_system(d: Draw) -> Arguments:
    """Draw a column with a large first number, and a right-hand side."""
    c = vector(d)
    return [c + 14 * (np.arange(len(c)) == 0), right(d, len(c))], {}


def companion(d: Draw) -> Arguments:
    """Draw coefficients, the first clear of 0."""
    a = vector(d, least=2)
    return [a + 7 * (np.arange(len(a)) == 0)], {}


def leslie(d: Draw) -> Arguments:
    """Draw fertilities and one rate of survival fewer."""
    f = vector(d, least=2)
    return [f, d.array((len(f) - 1,), 1)], {}


def blocks(d: Draw) -> Arguments:
    """Draw matrices, vectors and numbers."""
    return [d.array(d.choice((2, 3), (2,), (), (0, 2), (1, 1))) for _ in range(d.integer(1, 3))], {}


def diagonal(d: Draw) -> Arguments:
    """Draw singular values and the shape of their matrix."""
    s = vector(d)
    rows, columns = d.choice((0, 0), (1, 0), (0, 2))
    return [s, len(s) + rows, len(s) + columns], {}


def apart(d: Draw) -> Arguments:
    """Draw numbers no two of which are near each other."""
    x = np.arange(1.0, 5) + d.values((4,), np.array([0.0, 0.25, -0.25]))
    return [x[: d.integer(0, 4)]], {}


def of_matrix(draw: Callable[[Draw], Any], fun: Any = None, **choices: tuple[Any, ...]) -> Strategy:
    """Draw a matrix, and keywords among some values; and what is called if it is not the entry's own function."""

    def strategy(d: Draw) -> Arguments:
        keywords = {word: d.choice(*values) for word, values in choices.items() if d.chance()}
        return ([draw(d)], keywords) if fun is None else ([draw(d)], keywords, fun)

    return strategy


def of_system(draw: Callable[[Draw], Any], fun: Any, **choices: tuple[Any, ...]) -> Strategy:
    """Draw a matrix and a right-hand side."""

    def strategy(d: Draw) -> Arguments:
        a = draw(d)
        keywords = {word: d.choice(*values) for word, values in choices.items() if d.chance()}
        return [a, right(d, a.shape[-1])], keywords, fun

    return strategy


def least_squares(d: Draw) -> Arguments:
    """Draw a matrix of full rank and right-hand sides."""
    a = alone(d, rectangular(d, least=1))
    return [a, right(d, a.shape[0])], {}, lstsq


def procrustes(d: Draw) -> Arguments:
    """Draw two matrices whose product has singular values that are apart."""
    a = alone(d, tall(d))
    return [a, np.matmul(a, np.diag(np.arange(1.0, a.shape[-1] + 1)))], {}


def tall(d: Draw) -> Any:
    """Draw a tall matrix of full rank."""
    a = rectangular(d, least=1)
    return a if a.shape[-2] >= a.shape[-1] else a.mT


ARGUMENTS: dict[Callable[..., Any], Strategy] = {
    linalg.solve_triangular: triangular_system,
    linalg.solve_sylvester: sylvester,
    linalg.solve_continuous_lyapunov: lyapunov,
    linalg.solve_discrete_lyapunov: discrete,
    linalg.lu_factor: of_matrix(rectangular, factor_alone),
    linalg.lu: of_matrix(rectangular, factors, permute_l=(True,), p_indices=(True,)),
    linalg.lu_solve: of_system(square, lu_solution, trans=(0, 1, 2)),
    linalg.cho_factor: of_matrix(positive_definite, cho_factor, lower=(True,)),
    # SciPy's takes no empty vector
    linalg.cho_solve: of_system(functools.partial(positive_definite, least=1), cho_solution, lower=(True,)),
    linalg.cholesky: of_matrix(positive_definite, cholesky, lower=(True,)),
    linalg.solve: system,
    linalg.inv: of_matrix(positive_definite, None, assume_a=("pos", "her", "gen")),
    linalg.det: invertible,
    linalg.pinv: of_matrix(rectangular, None, rtol=(0.05,), atol=(0.05,)),
    linalg.pinvh: of_matrix(symmetric, pinvh, lower=(False,), rtol=(0.01,)),
    linalg.lstsq: least_squares,
    linalg.eigh: of_matrix(symmetric, eigh, lower=(False,), eigvals_only=(True,), subset_by_index=((0, 1), (1, 1))),
    linalg.eigvalsh: of_matrix(symmetric, eigvalsh, lower=(False,), subset_by_index=((0, 1),)),
    linalg.eig: of_matrix(gapped, eig),
    linalg.eigvals: of_matrix(gapped),
    linalg.svd: of_matrix(rectangular, svd, compute_uv=(False,)),
    linalg.svdvals: of_matrix(rectangular),
    linalg.qr: lambda d: ([tall(d)], {"mode": "economic"}),
    linalg.polar: lambda d: ([tall(d)], {}),
    linalg.orthogonal_procrustes: procrustes,
    linalg.norm: lambda d: ([rectangular(d, least=1)], {}),
    linalg.expm: small,
    linalg.expm_frechet: two_small,
    linalg.logm: near_one,
    linalg.sqrtm: near_one,
    linalg.sinm: small,
    linalg.cosm: small,
    linalg.tanm: small,
    linalg.sinhm: small,
    linalg.coshm: small,
    linalg.tanhm: small,
    linalg.signm: signed,
    linalg.fractional_matrix_power: lambda d: ([near_one(d)[0][0], d.choice(0.5, 0.3, -0.25, 2)], {}),
    linalg.block_diag: blocks,
    linalg.toeplitz: column_and_row,
    linalg.circulant: one_vector,
    linalg.hankel: column_and_row,
    linalg.companion: companion,
    linalg.leslie: leslie,
    linalg.fiedler: apart,
    linalg.convolution_matrix: lambda d: ([vector(d), d.integer(1, 4)], {"mode": d.choice("full", "same", "valid")}),
    linalg.khatri_rao: lambda d: ([d.array((2, 3)), d.array((d.integer(0, 2), 3), 1)], {}),
    linalg.diagsvd: diagonal,
    linalg.matmul_toeplitz: toeplitz_system,
    linalg.solve_toeplitz: toeplitz_system,
    linalg.solve_circulant: toeplitz_system,
}
