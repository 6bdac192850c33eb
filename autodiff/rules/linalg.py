"""Linear algebra: determinants, inverses, linear systems and norms; decompositions have a file of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.kernels.division import product, ratio
from autodiff.kernels.matrices import cofactor, full_rank, inverse_or_nan, proportion, whole
from autodiff.primitive import composite, constant, joint, linear, outputs, primitive, reduction

primitive(np.linalg.det, lambda g, x: _times(g, cofactor(x)), sig="a;", shapes="(n,n)->()", analytic=True)
outputs(np.linalg.slogdet, lambda g, x, y: _slogdet(g, x, y[0]), sig="a;", shapes="(n,n)->(),()",
        singular=("no inverse",), complex=True)  # fmt: skip
primitive(np.linalg.inv, lambda g, y: -np.matmul(np.matmul(y.mT, g), y.mT), sig="a;",
          shapes="(n,n)->(n,n)", singular=("no inverse",), analytic=True)  # fmt: skip
primitive(np.linalg.pinv, lambda g, x, y: _pinv(g, x, y), sig="a; rcond=None, hermitian=False, *, rtol=np._NoValue",
          shapes="(m,n)->(n,m)", complex=True)  # fmt: skip
joint(np.linalg.solve, lambda g, a, b, y, needs: _solve(g, a, b, y, needs), sig="a, b;",
      singular=("no inverse",), analytic=True)  # fmt: skip
outputs(np.linalg.lstsq, lambda g, y, a, b: _lstsq_matrix(g, y, a, b), lambda g, y, a, b: _lstsq_right(g, y, a, b),
        sig="a, b; rcond=None", complex=True)  # fmt: skip
constant(np.linalg.matrix_rank, "A; tol=None, hermitian=False, *, rtol=None")


def _times(g: Any, matrix: Any) -> Any:
    return g[..., None, None] * matrix


def _adjoint(x: Any) -> Any:
    return np.conjugate(x.mT)


def _slogdet(g: Any, x: Any, sign: Any) -> Any:
    """The logarithm moves by the real part of tr(inv(x) dx), the phase by its imaginary part; a real sign never."""
    if x.dtype.kind != "c":
        return None if g[1] is None else _times(g[1], np.linalg.inv(x).mT)
    turn = None if g[0] is None else np.multiply(1j, np.imag(g[0] * sign))
    return _times(turn if g[1] is None else g[1] if turn is None else g[1] + turn, np.linalg.inv(x).mT)


def _pinv(g: Any, x: Any, y: Any) -> Any:
    """Golub and Pereyra, The differentiation of pseudo-inverses, 1973, at constant rank."""
    x = whole(x, y)
    right = np.matmul(g.mT - np.matmul(x, np.matmul(y, g.mT)), np.matmul(y, _adjoint(y)))
    left = np.matmul(np.matmul(_adjoint(y), y), g.mT - np.matmul(np.matmul(g.mT, y), x))
    return np.conjugate(right + left) - np.matmul(np.matmul(y.mT, g), y.mT)


def _solve(g: Any, a: Any, b: Any, y: Any, needs: list[bool]) -> list[Any]:
    """Return the gradients of a and b: h = a^-T g and -h y^T, for NumPy's vector (one axis) and stacks of matrices."""
    h = np.linalg.solve(a.mT, g[..., None] if b.ndim == 1 else g)
    columns = y[..., None] if b.ndim == 1 else y
    return [-np.matmul(h, columns.mT) if needs[0] else None, h[..., 0] if b.ndim == 1 else h]


# --- least squares -------------------------------------------------------------------------------------------------


def _columns(x: Any) -> Any:
    return None if x is None else x[:, None] if x.ndim == 1 else x


def _lstsq_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Return pinv(a)^T g_x + 2 conj(r) g_residuals; r = b - a x is orthogonal to a's columns."""
    answer, g_x = None, _columns(g[0])
    if g_x is not None:
        answer = np.matmul(np.linalg.pinv(full_rank(a, y[2])).mT, g_x)
    if g[1] is not None and y[1].size:
        spread = 2 * np.conjugate(_columns(b) - np.matmul(a, _columns(y[0]))) * g[1]
        answer = spread if answer is None else answer + spread
    return None if answer is None else np.reshape(answer, b.shape)


def _lstsq_matrix(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Return the gradient of x = pinv(a) b through pinv, and those of the residuals and of the singular values."""
    answer = None
    if g[0] is not None:
        inverse = np.linalg.pinv(full_rank(a, y[2]))
        answer = _pinv(np.matmul(_columns(g[0]), _columns(b).mT), a, inverse)
    if g[1] is not None and y[1].size:
        rest = np.conjugate(_columns(b) - np.matmul(a, _columns(y[0]))) * g[1]
        answer = _plus(answer, -2 * np.matmul(rest, _columns(y[0]).mT))
    if g[3] is not None:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        answer = _plus(answer, np.matmul(np.conjugate(u) * g[3], np.conjugate(vh)))
    return answer


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a + b


# --- norms ---------------------------------------------------------------------------------------------------------


def _norm_rule(g: Any, x: Any, y: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    """Return g conj(x) / y (|x| / y)^(ord - 2); 0 where all of x is 0, and at elements 0 of a kink there."""
    if ord == 0:
        return np.zeros_like(x)
    if axis is not None and not keepdims and x.ndim:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    if ord == 2:
        return g * ratio(np.conjugate(x), y)
    return g * product(ratio(np.conjugate(x), y), np.power(ratio(np.absolute(x), y), ord - 2))


@reduction(lambda g, x, y, ord, axis, keepdims: _norm_rule(g, x, y, ord, axis, keepdims),
           sig="a; ord=2, axis=None, keepdims=False", kinks=("origin",), complex=True)  # fmt: skip
def p_norm(x: Any, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """Return np.linalg.vector_norm for a finite ord; float16 is accumulated in float32."""
    if x.dtype == np.float16:
        y = np.linalg.vector_norm(x.astype(np.float32), axis=axis, keepdims=keepdims, ord=ord)
        return np.asarray(y, np.float16)
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


@composite(np.linalg.vector_norm)
def _vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if isinstance(ord, str) and ord:
        raise ValueError(f"vector_norm: ord={ord!r}; expected a number, np.inf or -np.inf for vectors.")
    ord = 2 if ord is None else ord
    if ord in (math.inf, -math.inf):
        return (_largest if ord > 0 else np.min)(np.absolute(x), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.absolute(x), axis=axis, keepdims=keepdims)
    return p_norm(_inexact(x), ord=ord, axis=axis, keepdims=keepdims)


@composite(np.linalg.matrix_norm, shapes="(m,n)->()")
def _matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm_of_matrices(x, ord, (-2, -1), keepdims)


@composite(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and ord is None:
        return p_norm(_inexact(x), keepdims=keepdims)
    if axis is None:
        axis = tuple(range(np.ndim(x)))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, axes[0], keepdims, ord)
    if len(axes) == 2:
        return _norm_of_matrices(x, ord, axes, keepdims)
    raise ValueError(
        f"norm: {len(axes)} axes {axes} with ord={ord!r}; expected one axis or two. Leave ord out for all."
    )


def _norm_of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Return a norm over two axes: of rows' or columns' sums, of singular values, or of all elements."""
    row, column = (normalize_axis_index(axis, np.ndim(x)) for axis in axes)
    if row == column:
        raise ValueError(f"norm: axis={axes} names one axis twice; expected two different ones.")
    if ord in (None, "fro", "f"):
        return p_norm(_inexact(x), axis=(row, column), keepdims=keepdims)
    if ord in _OF_SUMS:
        within, pick = _OF_SUMS[ord]
        sums = np.sum(np.absolute(x), axis=(row, column)[within], keepdims=True)
        y = pick(sums, axis=(row, column)[1 - within], keepdims=True)
    elif ord in _OF_SINGULAR_VALUES:
        # np.absolute makes 0 the gradient where the values are 0: of the zero matrix, and of what its rank lacks
        values = np.absolute(np.linalg.svdvals(np.moveaxis(_inexact(x), (row, column), (-2, -1))))
        y = np.expand_dims(_OF_SINGULAR_VALUES[ord](values, axis=-1), (row, column))
    else:
        raise ValueError(f"norm: ord={ord!r} of matrices; expected 'fro', 'nuc', 1, -1, 2, -2, np.inf or -np.inf.")
    return y if keepdims else np.squeeze(y, axis=(row, column))


def _largest(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Return the largest of numbers that are not negative; of none of them, 0."""
    given: dict[str, Any] = {} if x.size else {"initial": 0}
    return np.max(x, axis=axis, keepdims=keepdims, **given)


_OF_SUMS: dict[Any, Any] = {1: (0, _largest), -1: (0, np.min), math.inf: (1, _largest), -math.inf: (1, np.min)}
_OF_SINGULAR_VALUES: dict[Any, Any] = {"nuc": np.sum, 2: _largest, -2: np.min}


def _inexact(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


@composite(np.linalg.cond, shapes="(n,n)->()")
def _cond(x: Any, p: Any = None) -> Any:
    if not math.prod(np.shape(x)[-2:]):
        raise np.linalg.LinAlgError(f"cond: the matrix is empty, {np.shape(x)}; expected at least one row and column.")
    if p in (None, 2, -2):
        values = np.linalg.svdvals(x)
        first, last = (values[..., 0], values[..., -1]) if p != -2 else (values[..., -1], values[..., 0])
        y = proportion(first, last)
    else:
        y = np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(inverse_or_nan(x), p, axis=(-2, -1))
    singular = np.isnan(y) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(singular, math.inf, y)


# --- tensors as matrices, and NumPy's second names -----------------------------------------------------------------


@composite(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        moved = [normalize_axis_index(axis, a.ndim) for axis in axes]
        a = np.transpose(a, [i for i in range(a.ndim) if i not in moved] + moved)
    unknown = np.shape(a)[np.ndim(b) :]
    if math.prod(np.shape(b)) != math.prod(unknown):
        raise np.linalg.LinAlgError(
            f"tensorsolve: a {np.shape(a)} maps {math.prod(unknown)} unknowns to b {np.shape(b)} of "
            f"{math.prod(np.shape(b))}; expected as many (a's first axes are b's)."
        )
    matrix = np.reshape(a, (math.prod(unknown), math.prod(unknown)))
    return np.reshape(np.linalg.solve(matrix, np.reshape(b, -1)), unknown)


@composite(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"tensorinv: ind={ind}; expected at least 1, the number of first axes that are rows.")
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(columns), -1))), (*columns, *rows))


linear(np.linalg.matrix_transpose, lambda g: g.mT, sig="a;", shapes="(m,n)->(n,m)")


@composite(np.linalg.diagonal, shapes="(m,n)->(k)")
def _diagonal(x: Any, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@composite(np.linalg.trace, shapes="(m,n)->()")
def _trace(x: Any, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


@composite(np.linalg.cross)
def _cross(x1: Any, x2: Any, axis: int = -1) -> Any:
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(
            f"cross: vectors of {np.shape(x1)[axis]} and {np.shape(x2)[axis]} elements; expected 3 of each."
        )
    return np.cross(x1, x2, axis=axis)
