"""SciPy's triangular systems, factors of Gaussian elimination and functions of matrices, in stacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
from scipy import linalg

from autodiff.primitive import joint, outputs, primitive

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def _stacked(fun: Callable[..., Any], *xs: Any) -> Any:
    """Call a function of matrices on stacks of them, which SciPy's functions take from a later version on."""
    if all(x.ndim <= 2 for x in xs):
        return fun(*xs)
    cores = [x.shape[-2:] for x in xs]
    batch = np.broadcast_shapes(*[x.shape[:-2] for x in xs])
    stacks = [
        np.broadcast_to(x, (*batch, *core)).reshape(math.prod(batch), *core) for x, core in zip(xs, cores, strict=True)
    ]
    results = [fun(*matrices) for matrices in zip(*stacks, strict=True)]
    if not results:
        like = fun(*[np.eye(*core, dtype=x.dtype) for x, core in zip(xs, cores, strict=True)])
        return np.zeros((*batch, *like.shape), like.dtype)
    return np.reshape(np.stack(results), (*batch, *results[0].shape))


def _columns(x: Any, like: Any) -> Any:
    return x[..., None] if like.ndim == 1 else x


@joint(
    lambda g, a, b, y, needs, trans, lower, unit_diagonal: _triangular(
        g, a, b, y, needs, trans=trans, lower=lower, unit_diagonal=unit_diagonal
    ),
    sig="a, b; trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True",
    complex=True,
)
def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve a x = b (`trans` 1: a.T x = b, 2: a.conj().T x = b) for a triangle of a; b is a vector or columns.

    >>> import autodiff as ad, numpy as np
    >>> a, b = np.array([[2.0, 0.0], [1.0, 4.0]]), ad.tensor([2.0, 5.0], requires_grad=True)
    >>> x = ad.linalg.solve_triangular(a, b, lower=True)
    >>> x.sum().backward()
    >>> x.tolist(), b.grad
    ([1.0, 1.0], tensor([0.375, 0.25 ]))
    """

    def solve(a: Any, b: Any) -> Any:
        return linalg.solve_triangular(a, b, trans, lower, unit_diagonal, check_finite=check_finite)

    if b.ndim == 1 and a.ndim > 2:
        return _stacked(solve, a, b[:, None])[..., 0]
    return _stacked(solve, a, b)


def _triangular(
    g: Any, a: Any, b: Any, y: Any, needs: list[bool], *, trans: int | str, lower: bool, unit_diagonal: bool
) -> list[Any]:
    """Return the gradients of a, whose other triangle and unit diagonal have none, and of b: h = op(a)^-T g."""
    trans = "NTC".index(trans) if isinstance(trans, str) else trans
    back = {"trans": 1 if trans == 0 else 0, "lower": lower, "unit_diagonal": unit_diagonal}
    g = _columns(g, b)
    turned = np.conjugate if trans == 2 else np.positive
    h = turned(solve_triangular(a, turned(g), **back))
    by_b = h[..., 0] if b.ndim == 1 else h
    if not needs[0]:
        return [None, by_b]
    outer = -np.matmul(h, _columns(y, b).mT)
    outer = outer if trans == 0 else outer.mT if trans == 1 else np.conjugate(outer.mT)
    return [np.tril(outer, -int(unit_diagonal)) if lower else np.triu(outer, int(unit_diagonal)), by_b]


@joint(
    lambda g, a, b, y, needs: _sylvester(g, a, b, y, needs),
    sig="a, b, q;",
    complex=True,
)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Return the solution of a x + x b = q."""
    demand_square(a, b)
    return _stacked(linalg.solve_sylvester, a, b, q)


def _sylvester(g: Any, a: Any, b: Any, y: Any, needs: list[bool]) -> list[Any]:
    h = solve_sylvester(a.mT, b.mT, g)
    return [-np.matmul(h, y.mT) if needs[0] else None, -np.matmul(y.mT, h) if needs[1] else None, h]


# --- Gaussian elimination ------------------------------------------------------------------------------------------


@outputs(
    lambda g, y: _lu_rule(g[0], *y),
    sig="a; overwrite_a=False, check_finite=True",
    shapes="(m,n)->(m,n),(k)",
    analytic=True,
)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Return a matrix that holds l below its diagonal and u above, and the rows that were exchanged: a = p l u."""

    def factor(a: Any) -> Any:
        return tuple(linalg.lu_factor(a, check_finite=check_finite))

    demand_matrices(a)
    if a.ndim == 2:
        return factor(a)
    pairs = [factor(x) for x in a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])]
    k = min(a.shape[-2:])
    lu = np.reshape([lu for lu, _ in pairs], a.shape) if pairs else np.zeros_like(a)
    return lu, np.reshape(np.array([piv for _, piv in pairs], dtype=np.int32), (*a.shape[:-2], k))


@primitive(None, kind="boolean", sig="piv; *, m")
def permutation(piv: Any, *, m: int) -> Any:
    """Return the order of m rows that exchanging row i with row piv[i], one after the other, makes."""

    def order(piv: Any) -> Any:
        rows = np.arange(m)
        for i, j in enumerate(piv):
            rows[[i, j]] = rows[[j, i]]
        return rows

    orders = [order(p) for p in piv.reshape(math.prod(piv.shape[:-1]), piv.shape[-1])]
    return np.reshape(np.array(orders, dtype=np.intp), (*piv.shape[:-1], m))


def permuted(x: Any, order: Any) -> Any:
    """Return the rows of a stack of matrices in an order."""
    return np.take_along_axis(x, np.broadcast_to(order[..., None], x.shape), axis=-2)


def _lu_rule(g: Any, lu: Any, piv: Any) -> Any:
    """By de Hoog, Anderssen and Lukas, Differentiation of matrix functionals using triangular factorization, 2011."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    unit = {"lower": True, "unit_diagonal": True}
    square, g_l = lu[..., :k, :k], np.tril(g[..., :k, :k], -1)
    below = np.matmul(np.tril(square, -1).mT, g_l) + g_l
    above = np.matmul(np.triu(g[..., :k, :k]), np.triu(square).mT)
    if n > k:
        below = below - np.matmul(g[..., k:], lu[..., k:].mT)
    if m > k:
        above = above - np.matmul(lu[..., k:, :].mT, g[..., k:, :])
    middle = solve_triangular(square, np.tril(below, -1) + np.triu(above), trans=1, **unit)
    inner = solve_triangular(square, middle.mT).mT
    if n > k:
        inner = np.concatenate([inner, solve_triangular(square, g[..., k:], trans=1, **unit)], axis=-1)
    if m > k:
        inner = np.concatenate([inner, solve_triangular(square, g[..., k:, :].mT).mT], axis=-2)
    return permuted(inner, np.argsort(permutation(piv, m=m), axis=-1))


# --- functions of matrices -----------------------------------------------------------------------------------------


def _frechet(fun: Callable[..., Any], g: Any, x: Any) -> Any:
    """Return the derivative of a matrix function at x^T along g: a block of its value at [[x^T, g], [0, x^T]]."""
    a, n = x.mT, x.shape[-1]
    above, below = np.concatenate([a, g], axis=-1), np.concatenate([np.zeros_like(a), a], axis=-1)
    return fun(np.concatenate([above, below], axis=-2))[..., :n, n:]


def demand_matrices(*matrices: Any) -> None:
    """Refuse what is no matrix, nor a stack of them."""
    for a in matrices:
        if a.ndim < 2:
            raise np.linalg.LinAlgError(f"expected matrices (..., m, n); got an array of shape {a.shape}")


def demand_square(*matrices: Any) -> None:
    """Refuse what is no square matrix, nor a stack of them."""
    for a in matrices:
        if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
            raise np.linalg.LinAlgError(f"expected square matrices (..., n, n); got an array of shape {a.shape}")


def _wide(fun: Callable[..., Any], A: Any) -> Any:
    """Return a matrix function computed in double precision, in which alone SciPy's are accurate, as A's own."""
    demand_square(A)
    if not A.size:
        return np.zeros_like(A)
    y = _stacked(fun, A.astype(np.result_type(A.dtype, np.float64)))
    return y.astype(np.result_type(A.dtype, np.complex64)) if y.dtype.kind == "c" else y.astype(A.dtype)


def _matrix_function(theirs: Callable[..., Any], text: str, analytic: bool = False) -> Callable[..., Any]:
    """Register one of SciPy's functions of a matrix: Najfeld and Havel, 1995, Mathias, 1996.

    All are analytic, but some of SciPy's lose a step off the real axis to round-off.
    """

    def function(A: Any) -> Any:
        return _wide(theirs, A)

    function.__name__ = function.__qualname__ = theirs.__name__
    function.__doc__ = text
    registered: Callable[..., Any] = primitive(
        lambda g, x: _frechet(registered, g, x), shapes="(n,n)->(n,n)", analytic=analytic, complex=True
    )(function)
    return registered


expm = _matrix_function(linalg.expm, "Return the exponential of a matrix.", analytic=True)
logm = _matrix_function(linalg.logm, "Return the logarithm of a matrix.")
sinm = _matrix_function(linalg.sinm, "Return the sine of a matrix.")
cosm = _matrix_function(linalg.cosm, "Return the cosine of a matrix.")
tanm = _matrix_function(linalg.tanm, "Return the tangent of a matrix.")
sinhm = _matrix_function(linalg.sinhm, "Return the hyperbolic sine of a matrix.", analytic=True)
coshm = _matrix_function(linalg.coshm, "Return the hyperbolic cosine of a matrix.", analytic=True)
tanhm = _matrix_function(linalg.tanhm, "Return the hyperbolic tangent of a matrix.", analytic=True)


@primitive(lambda g, y: solve_sylvester(y.mT, y.mT, g), shapes="(n,n)->(n,n)", complex=True)
def sqrtm(A: Any) -> Any:
    """Return the principal square root y of a matrix: y dy + dy y = dA."""
    return _wide(linalg.sqrtm, A)


@primitive(lambda g, x, y: _sign(g, np.matmul(y, x), y), shapes="(n,n)->(n,n)", complex=True)
def signm(A: Any) -> Any:
    """Return the matrix sign function y: 1 and -1 are in place of the eigenvalues.

    With p = y A, p dy + dy p = dA - y dA y.
    """
    return _wide(linalg.signm, A)


def _sign(g: Any, p: Any, y: Any) -> Any:
    h = solve_sylvester(p.mT, p.mT, g)
    return h - np.matmul(np.matmul(y.mT, h), y.mT)
