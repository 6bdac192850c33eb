"""Matrices made of a vector's elements, and systems of them: SciPy's functions, found in ad.linalg."""

from __future__ import annotations

import functools
from typing import Any

import numpy

from autodiff.primitive import composite, values

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def _steps(m: int, n: int) -> Any:
    """Return j - i at [i, j]."""
    return np.arange(n) - np.arange(m)[:, None]


@composite
def toeplitz(c: Any, r: Any = None) -> Any:
    """Return the matrix of a first column and a first row that is constant along its diagonals."""
    r = np.conjugate(c) if r is None else r
    m, n = np.shape(c)[-1], np.shape(r)[-1]
    return np.concatenate([c[..., ::-1], r[..., 1:]], axis=-1)[..., _steps(m, n) + m - 1]


@composite
def circulant(c: Any) -> Any:
    """Return the matrix of a first column whose columns are that one, turned."""
    n = np.shape(c)[-1]
    return c[..., -_steps(n, n) % n]


@composite
def hankel(c: Any, r: Any = None) -> Any:
    """Return the matrix of a first column and a last row that is constant along its antidiagonals; stacks of them.

    SciPy ravels a stack until 1.19.
    """
    r = np.zeros(np.shape(c), values(c).dtype) if r is None else r
    m, n = np.shape(c)[-1], np.shape(r)[-1]
    return np.concatenate([c, r[..., 1:]], axis=-1)[..., np.arange(m)[:, None] + np.arange(n)]


@composite
def block_diag(*arrs: Any) -> Any:
    """Return the matrix of matrices along its diagonal; vectors are rows, numbers matrices of one element."""
    blocks = [np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x for x in arrs]
    width, dtype, rows, start = sum(x.shape[1] for x in blocks), np.result_type(*map(values, blocks)), [], 0
    for x in blocks:
        before, after = (np.zeros((x.shape[0], k), dtype) for k in (start, width - start - x.shape[1]))
        rows.append(np.concatenate([before, x, after], axis=1))
        start += x.shape[1]
    return np.concatenate(rows, axis=0)


@composite
def companion(a: Any) -> Any:
    """Return the matrix whose characteristic polynomial has the coefficients a, the highest power's first."""
    if np.ndim(a) != 1 or np.size(a) < 2:
        raise ValueError(f"expected the coefficients of one polynomial, at least two; got shape {np.shape(a)}")
    n = np.size(a) - 1
    return np.concatenate([np.reshape(-a[1:] / a[0], (1, n)), np.eye(n - 1, n, dtype=values(a).dtype)], axis=0)


@composite
def leslie(f: Any, s: Any) -> Any:
    """Return the matrix of fertilities f, its first row, and of rates of survival s, below its diagonal."""
    below = np.concatenate([np.diag(s), np.zeros((np.shape(s)[-1], 1), values(s).dtype)], axis=1)
    return np.concatenate([np.reshape(f, (1, -1)), below], axis=0)


@functools.partial(composite, complex=False)
def fiedler(a: Any) -> Any:
    """Return the matrix of |a[i] - a[j]|."""
    return np.absolute(a[..., :, None] - a[..., None, :])


@composite
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """Return the matrix that convolves a vector of n numbers with a."""
    k = np.shape(a)[-1]
    ends = {"full": (0, 0), "same": ((min(n, k) - 1) // 2, min(n, k) // 2), "valid": (min(n, k) - 1, min(n, k) - 1)}
    if mode not in ends:
        raise ValueError(f"ad.linalg.convolution_matrix: mode={mode!r}; expected 'full', 'same' or 'valid'.")
    place = -_steps(n + k - 1, n)[ends[mode][0] : n + k - 1 - ends[mode][1]]
    return np.where((place >= 0) & (place < k), a[..., place % k], 0)


@composite
def khatri_rao(a: Any, b: Any) -> Any:
    """Return the Kronecker products of each column of a with that of b."""
    return np.reshape(a[:, None, :] * b[None, :, :], (-1, np.shape(a)[-1]))


@composite
def diagsvd(s: Any, M: int, N: int) -> Any:
    """Return the M by N matrix of singular values."""
    k = np.shape(s)[-1]
    if k == M == N:
        return np.diag(s)
    rest = (M - k, k) if k < M else (k, N - k)
    return np.concatenate([np.diag(s), np.zeros(rest, values(s).dtype)], axis=int(k < N))


def _toeplitz(c_or_cr: Any) -> Any:
    return toeplitz(*c_or_cr) if isinstance(c_or_cr, tuple) else toeplitz(c_or_cr)


@composite
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: int | None = None) -> Any:
    """Return toeplitz(c, r) @ x."""
    return np.matmul(_toeplitz(c_or_cr), x)


@composite
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """Solve toeplitz(c, r) x = b."""
    return np.linalg.solve(_toeplitz(c_or_cr), b)


@composite
def solve_circulant(
    c: Any, b: Any, singular: str = "raise", tol: Any = None, caxis: int = -1, baxis: int = 0, outaxis: int = 0
) -> Any:
    """Solve circulant(c) x = b."""
    if singular != "raise" or (caxis, baxis, outaxis) != (-1, 0, 0):
        raise TypeError(
            f"ad.linalg.solve_circulant: singular={singular!r} and axes {caxis, baxis, outaxis}; expected 'raise' and "
            "-1, 0, 0: move the axes before."
        )
    return np.linalg.solve(circulant(c), b)
