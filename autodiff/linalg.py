"""SciPy's linear algebra under SciPy's names and signatures, of tensors and of arrays.

`scipy.linalg` would turn a tensor into a plain array; these are the differentiable forms of its functions, in stacks
wherever NumPy's are. `check_finite` refuses infinities and NaN as SciPy does; `overwrite_a` and others change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import scipy.linalg as _scipy

from autodiff import rules as _rules  # noqa: F401 (registers)
from autodiff.kernels import triangular as _kernels
from autodiff.kernels.forms import block_diag as block_diag
from autodiff.kernels.forms import circulant as circulant
from autodiff.kernels.forms import companion as companion
from autodiff.kernels.forms import convolution_matrix as convolution_matrix
from autodiff.kernels.forms import diagsvd as diagsvd
from autodiff.kernels.forms import fiedler as fiedler
from autodiff.kernels.forms import hankel as hankel
from autodiff.kernels.forms import khatri_rao as khatri_rao
from autodiff.kernels.forms import leslie as leslie
from autodiff.kernels.forms import matmul_toeplitz as matmul_toeplitz
from autodiff.kernels.forms import solve_circulant as solve_circulant
from autodiff.kernels.forms import solve_toeplitz as solve_toeplitz
from autodiff.kernels.forms import toeplitz as toeplitz
from autodiff.kernels.triangular import coshm as coshm
from autodiff.kernels.triangular import cosm as cosm
from autodiff.kernels.triangular import demand_matrices, demand_square
from autodiff.kernels.triangular import expm as expm
from autodiff.kernels.triangular import logm as logm
from autodiff.kernels.triangular import lu_factor as lu_factor
from autodiff.kernels.triangular import signm as signm
from autodiff.kernels.triangular import sinhm as sinhm
from autodiff.kernels.triangular import sinm as sinm
from autodiff.kernels.triangular import solve_sylvester as solve_sylvester
from autodiff.kernels.triangular import solve_triangular as solve_triangular
from autodiff.kernels.triangular import sqrtm as sqrtm
from autodiff.kernels.triangular import tanhm as tanhm
from autodiff.kernels.triangular import tanm as tanm
from autodiff.primitive import alias, composite, plain, refused, registry, unsupported, values

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def _checked(check_finite: bool, *arrays: Any) -> None:
    """Refuse infinities and NaN, as SciPy does."""
    if check_finite:
        for x in arrays:
            np.asarray_chkfinite(values(x))


def _adjoint(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def _hermitian(a: Any, lower: bool) -> Any:
    """Return the symmetric (Hermitian) matrix that one triangle of a stands for."""
    demand_square(a)
    inner, strict = (np.tril(a), np.tril(a, -1)) if lower else (np.triu(a), np.triu(a, 1))
    return inner + _adjoint(strict)


def _refuse(name: str, **given: Any) -> None:
    for word, value in given.items():
        if value:
            raise TypeError(f"ad.linalg.{name} does not support {word}= (given {value!r}); leave it out.")


# --- linear systems ------------------------------------------------------------------------------------------------


@composite
def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: Any = None, lower: bool = False
) -> Any:
    """Return the inverse of a matrix; `assume_a` says what it is known to be, as in `solve`."""
    return (
        solve(a, np.eye(np.shape(a)[-1], dtype=a.dtype), lower, assume_a=assume_a, check_finite=check_finite)
        if (assume_a not in (None, "gen", "general"))
        else np.linalg.inv(_read(a, check_finite))
    )


def _read(a: Any, check_finite: bool) -> Any:
    _checked(check_finite, a)
    return a


@composite
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Return the determinant of a matrix."""
    return np.linalg.det(_read(a, check_finite))


@composite
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """Solve a x = b; `assume_a` may say that a is "sym", "her", "pos", "diagonal" or "upper" or "lower triangular".

    >>> import autodiff as ad, numpy as np
    >>> a = ad.tensor([[4.0, 0.0], [1.0, 2.0]], requires_grad=True)
    >>> solve(a, np.array([4.0, 3.0]), assume_a="lower triangular").tolist()
    [1.0, 1.0]
    """
    _checked(check_finite, a, b)
    match assume_a:
        case "upper triangular" | "lower triangular":
            return solve_triangular(a, b, trans=int(transposed), lower=assume_a.startswith("lower"))
        case "pos" | "positive definite":
            a = _hermitian(a, lower)
        case "her" | "hermitian":
            a = _hermitian(a, lower)
        case "sym" | "symmetric":
            inner, strict = (np.tril(a), np.tril(a, -1)) if lower else (np.triu(a), np.triu(a, 1))
            a = inner + np.swapaxes(strict, -1, -2)
        case "diagonal":
            d = np.diagonal(a, 0, -2, -1)
            return b / (d if np.ndim(b) == 1 else d[..., None])
        case None | "gen" | "general" | "banded" | "tridiagonal":
            pass
        case _:
            raise ValueError(f"ad.linalg.solve: assume_a={assume_a!r} is not one of SciPy's structures.")
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


@composite
def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Solve a x = b (`trans` 1: a.T x = b, 2: a.conj().T x = b) given lu_factor(a)."""
    lu, piv = lu_and_piv
    _checked(check_finite, lu, b)
    order = _kernels.permutation(values(piv), m=lu.shape[-1])
    column = np.ndim(b) == 1
    x = b[:, None] if column else b
    x = np.broadcast_to(x, (*np.broadcast_shapes(lu.shape[:-2], np.shape(x)[:-2]), *np.shape(x)[-2:]))
    if trans == 0:
        x = solve_triangular(lu, _kernels.permuted(x, order), lower=True, unit_diagonal=True)
        x = solve_triangular(lu, x)
    else:
        x = solve_triangular(lu, solve_triangular(lu, x, trans=trans), trans=trans, lower=True, unit_diagonal=True)
        x = _kernels.permuted(x, np.argsort(order, axis=-1))
    return x[..., 0] if column else x


@composite
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    """Return p, l, u with a = p l u; p as a matrix, as indices of rows (`p_indices`), or within l (`permute_l`)."""
    both, piv = lu_factor(a, check_finite=check_finite)
    m, k = a.shape[-2], min(a.shape[-2:])
    order = np.argsort(_kernels.permutation(values(piv), m=m), axis=-1)
    left = np.tril(both[..., :k], -1) + np.eye(m, k, dtype=both.dtype)
    right = np.triu(both[..., :k, :])
    if permute_l:
        return _kernels.permuted(left, order), right
    return (order if p_indices else np.eye(m, dtype=values(np.real(both)).dtype)[order]), left, right


@composite
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Return u with u.conj().T u = a, or l with l l.conj().T = a; only that triangle of a is read."""
    return np.linalg.cholesky(_read(a, check_finite), upper=not lower)


@composite
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Return Cholesky's factor and `lower` for `cho_solve`; its other triangle is 0 (in SciPy it is left as it was)."""
    return np.linalg.cholesky(_read(a, check_finite), upper=not lower), lower


@composite
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Solve a x = b given cho_factor(a)."""
    c, lower = c_and_lower
    _checked(check_finite, c, b)
    if b.ndim == 1 < c.ndim - 1:  # of each matrix of a stack
        return cho_solve(c_and_lower, b[:, None])[..., 0]
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(c, solve_triangular(c, b, trans=first, lower=lower), trans=second, lower=lower)


@composite
def lstsq(
    a: Any, b: Any, cond: float | None = None, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, lapack_driver: str | None = None,
) -> Any:  # fmt: skip
    """Return the least-squares solution, its residuals (a number for a vector b), the rank and the singular values."""
    _checked(check_finite, a, b)
    x, residuals, rank, s = np.linalg.lstsq(a, b, rcond=cond)
    rank = int(values(rank))
    return x, residuals[0] if np.ndim(b) == 1 and residuals.size else residuals, rank, s


@composite
def pinv(
    a: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """Return the pseudo-inverse, singular values below atol + rtol * the largest counting as 0."""
    _checked(check_finite, a)
    s = np.linalg.svd(values(a), compute_uv=False)
    rtol = (max(a.shape[-2:]) * np.finfo(s.dtype).eps if atol is None else 0.0) if rtol is None else rtol
    largest = np.max(s, axis=-1, initial=0)
    cut = np.divide((atol or 0.0) + rtol * largest, largest, out=np.zeros_like(largest), where=largest > 0)
    y = np.linalg.pinv(a, rcond=cut)
    return (y, np.sum(s > (cut * largest)[..., None], axis=-1)) if return_rank else y


@composite
def pinvh(
    a: Any, atol: float | None = None, rtol: float | None = None, lower: bool = True, return_rank: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """Return the pseudo-inverse of the symmetric (Hermitian) matrix one triangle of which is given."""
    return pinv(_hermitian(a, lower), atol=atol, rtol=rtol, return_rank=return_rank, check_finite=check_finite)


@composite
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Return the solution of a x + x a.conj().T = q."""
    return solve_sylvester(a, _adjoint(a), q)


@composite
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """Return the solution of a x a.conj().T - x + q = 0, as one linear system of all its elements."""
    n = a.shape[-1]
    system = np.eye(n * n, dtype=a.dtype) - np.reshape(
        a[:, None, :, None] * np.conjugate(a)[None, :, None, :], (n * n, n * n)
    )
    return np.reshape(np.linalg.solve(system, np.reshape(q, -1)), (n, n))


# --- decompositions ------------------------------------------------------------------------------------------------


@composite
def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, type: int = 1, check_finite: bool = True, subset_by_index: Any = None,
    subset_by_value: Any = None, driver: str | None = None,
) -> Any:  # fmt: skip
    """Return the eigenvalues, ascending, and eigenvectors of a symmetric (Hermitian) matrix; or some, by index."""
    _refuse("eigh", b=b is not None, subset_by_value=subset_by_value)
    _checked(check_finite, a)
    w, v = np.linalg.eigh(a, "L" if lower else "U")
    if subset_by_index is not None:
        first, last = subset_by_index
        w, v = w[..., first : last + 1], v[..., first : last + 1]
    return w if eigvals_only else (w, v)


@composite
def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False, overwrite_b: bool = False, type: int = 1,
    check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None, driver: str | None = None,
) -> Any:  # fmt: skip
    """Return the eigenvalues, ascending, of a symmetric (Hermitian) matrix."""
    return eigh(a, b, lower=lower, eigvals_only=True, check_finite=check_finite, subset_by_index=subset_by_index,
                subset_by_value=subset_by_value)  # fmt: skip


@composite
def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """Return the eigenvalues, complex numbers, and the right eigenvectors, of length 1."""
    _refuse("eig", b=b is not None, left=left, homogeneous_eigvals=homogeneous_eigvals)
    _checked(check_finite, a)
    w, v = np.linalg.eig(a)
    w = w.astype(np.result_type(w.dtype, np.complex64))
    return (w, v) if right else w


@composite
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False
) -> Any:
    """Return the eigenvalues, complex numbers."""
    return eig(a, b, right=False, check_finite=check_finite, homogeneous_eigvals=homogeneous_eigvals)


@composite
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """Return the singular values, and with `compute_uv` the vectors: u, s, vh."""
    y = np.linalg.svd(_read(a, check_finite), full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(y) if compute_uv else y


@composite
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Return the singular values, descending."""
    return np.linalg.svdvals(_read(a, check_finite))


@composite
def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """Return q and r (`mode` "full" or "economic"), or (r,) for "r"."""
    _refuse("qr", pivoting=pivoting)
    _checked(check_finite, a)
    if mode == "r":
        r = np.linalg.qr(a, mode="r")
        missing = a.shape[-2] - r.shape[-2]
        return (np.concatenate([r, np.zeros((*r.shape[:-2], missing, r.shape[-1]), r.dtype)], axis=-2),)
    if mode not in ("full", "economic"):
        raise TypeError(f"ad.linalg.qr does not support mode={mode!r}; expected 'full', 'economic' or 'r'.")
    return tuple(np.linalg.qr(a, mode="complete" if mode == "full" else "reduced"))


@composite
def polar(a: Any, side: str = "right") -> Any:
    """Return u and p, a = u p (`side` "left": a = p u), of a square or tall (left: wide) matrix of full rank."""
    if side not in ("right", "left"):
        raise ValueError(f"ad.linalg.polar: side={side!r}; expected 'right' or 'left'.")
    demand_matrices(a)
    if side == "left":
        u, p = polar(_adjoint(a))
        return _adjoint(u), p
    if a.shape[-2] < a.shape[-1]:
        raise np.linalg.LinAlgError(f"ad.linalg.polar: a {a.shape} is wide, so p has no inverse; use side='left'.")
    p = sqrtm(np.matmul(_adjoint(a), a))
    return _adjoint(np.linalg.solve(p, _adjoint(a))), p


@composite
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """Return the orthogonal matrix that brings A nearest to B, and the sum of the singular values of A^H B."""
    _checked(check_finite, A, B)
    u, s, vh = np.linalg.svd(_adjoint(np.matmul(_adjoint(B), A)), full_matrices=False)
    return np.matmul(u, vh), np.sum(s)


@composite
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """Return a norm of a vector or a matrix, by `ord` as in np.linalg.norm."""
    return np.linalg.norm(_read(a, check_finite), ord, axis, keepdims)


@composite
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """Return expm(A) and its derivative along E, from the exponential of [[A, E], [0, A]]."""
    _checked(check_finite, A, E)
    n = A.shape[-1]
    below = np.concatenate([np.zeros_like(A), A], axis=-1)
    both = expm(np.concatenate([np.concatenate([A, E], axis=-1), below], axis=-2))
    return (both[..., :n, :n], both[..., :n, n:]) if compute_expm else both[..., :n, n:]


@composite
def fractional_matrix_power(A: Any, t: float) -> Any:
    """Return a matrix to a power t, a number: exp(t log(A))."""
    return np.linalg.matrix_power(A, int(t)) if t == int(t) else expm(t * logm(A))


# --- SciPy's other functions ---------------------------------------------------------------------------------------

solve_lyapunov = solve_continuous_lyapunov

_REFUSED: tuple[tuple[str, str, str], ...] = (
    ("solve_banded solveh_banded cholesky_banded cho_solve_banded eig_banded eigvals_banded",
     "it stores a matrix by its diagonals", "the function of full matrices, on np.diag of each diagonal, added up"),
    ("eigh_tridiagonal eigvalsh_tridiagonal", "it stores a matrix by its diagonals",
     "ad.linalg.eigh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1))"),
    ("schur hessenberg qz ordqz rsf2csf cdf2rdf cossin ldl rq matrix_balance",
     "no rule is written for its factors", "ad.linalg.eig, ad.linalg.qr or ad.linalg.lu"),
    ("null_space orth", "any basis of the space is an answer, so none has a derivative",
     "the projection onto it, a @ np.linalg.pinv(a) or the identity minus np.linalg.pinv(a) @ a"),
    ("subspace_angles", "the angles are found by comparing values", "np.arccos(np.linalg.svdvals(qa.T @ qb))"),
    ("solve_continuous_are solve_discrete_are", "no rule is written for Riccati equations", ""),
    ("qr_delete qr_insert qr_update qr_multiply", "it changes a factorization in place",
     "ad.linalg.qr of the changed matrix"),
    ("funm", "nothing is known of the derivative of func", "ad.linalg.expm and its like, or ad.linalg.eig"),
    ("expm_cond", "it estimates a norm by iteration", ""),
    ("fiedler_companion", "no rule is written for it", "ad.linalg.companion, which has the same eigenvalues"),
    ("clarkson_woodruff_transform", "it multiplies by a random matrix of its own",
     "a product with a random matrix of yours"),
)  # fmt: skip

for _names, _reason, _instead in _REFUSED:
    unsupported(
        *[getattr(_scipy, _n) for _n in _names.split() if hasattr(_scipy, _n)], reason=_reason, instead=_instead
    )

# what answers with plain values
plain(_scipy.bandwidth, _scipy.ishermitian, _scipy.issymmetric)
bandwidth, ishermitian, issymmetric = (registry[f] for f in (_scipy.bandwidth, _scipy.ishermitian, _scipy.issymmetric))

if hasattr(_scipy, "kron"):  # until SciPy 1.16
    kron = np.kron

__all__ = [_n for _n in dir(_scipy) if _n in globals() and not _n.startswith("_") and callable(globals()[_n])]

for _n in __all__:
    if getattr(_scipy, _n) not in registry:
        alias(getattr(_scipy, _n), globals()[_n])


def __getattr__(name: str) -> Callable[..., Any]:
    """Say why a function of scipy.linalg is not here."""
    if (found := refused.get(getattr(_scipy, name, None))) is not None:  # type: ignore[arg-type]
        instead = f" Use {found.instead}." if found.instead else ""
        raise AttributeError(f"scipy.linalg.{name} is not supported: {found.reason}.{instead}")
    raise AttributeError(f"module 'autodiff.linalg' has no attribute {name!r}.")
