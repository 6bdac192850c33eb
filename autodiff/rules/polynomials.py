"""Polynomials by their coefficients, the highest power first, as in NumPy's older interface."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autodiff.kernels.sequences import convolve
from autodiff.primitive import composite, elementwise, primitive, values
from autodiff.rules.shapes import array, arrays

primitive(np.vander, lambda g, x, N, increasing: _vander(g if increasing else g[..., ::-1], x),
          kernel=lambda x, N, increasing: _powers(x, N, increasing),
          sig="x; N=None, increasing=False", shapes="(n)->(n,m)", analytic=True)  # fmt: skip


def _powers(x: Any, N: int | None, increasing: bool) -> Any:
    y = np.vander(x, N, increasing)
    return y.astype(x.dtype) if x.dtype.kind in "fc" else y  # NumPy's float32 does not stay


def _vander(g: Any, x: Any) -> Any:
    """Weigh the gradient of each power with the power before, and with how many of them there are."""
    powers = max(g.shape[-1] - 1, 0)
    return np.sum(g[..., 1:] * (np.vander(x, powers, increasing=True) * np.arange(1, powers + 1)), axis=-1)


@composite(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    """Multiply and add, from the highest power down (Horner's scheme)."""
    p, x = arrays(p, x)
    y = np.zeros_like(x)
    for coefficient in np.unstack(p):
        y = y * x + coefficient
    return y


def _sequences(*polynomials: Any) -> Any:
    return map(np.atleast_1d, arrays(*polynomials))


def _stacked(given: Any) -> Any:
    """Return what may be a list with tensors in it as one array."""
    return np.stack(arrays(*given)) if isinstance(given, (list, tuple)) and given else np.atleast_1d(given)


def _longer(a: Any, size: int) -> Any:
    """Put zeros before coefficients, so that there are so many."""
    return np.concatenate((np.zeros_like(a, shape=size - len(a)), a)) if len(a) < size else a


@composite(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _sequences(a1, a2)
    return _longer(a1, len(a2)) + _longer(a2, len(a1))


@composite(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = _sequences(a1, a2)
    return _longer(a1, len(a2)) - _longer(a2, len(a1))


@composite(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    a1, a2 = _sequences(a1, a2)
    return convolve(_leading(a1), _leading(a2))


def _leading(a: Any) -> Any:
    """Return coefficients without the zeros before the first other one; at least one of them."""
    if a.ndim != 1:
        raise ValueError(f"polymul: coefficients of shape {a.shape}; expected a sequence.")
    nonzero = np.flatnonzero(values(a))
    return a[nonzero[0] :] if nonzero.size else np.zeros_like(a, shape=1)


@composite(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    """Divide with a remainder, whose first coefficients are left out while they are 0, or next to it; by 0, NaN."""
    u, v = _sequences(u, v)
    spare = len(u) - len(v)
    quotient, rest = [], u + np.zeros_like(v, shape=()) + 0.0
    for k in range(spare + 1):
        quotient.append(rest[k] / v[0])
        rest = rest - np.pad(quotient[-1] * v, (k, spare - k))
    left = np.flatnonzero(~np.isclose(values(rest), 0.0))
    first = min(max(spare + 1, left[left > spare].min(initial=len(rest))), len(rest) - 1) if values(v[0]) else 0
    return np.stack(quotient) if quotient else np.zeros_like(rest, shape=1), rest[first:]


@composite(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    p = array(p)
    for _ in range(_times("polyder", m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Integrate so many times; the constants may be tensors, too."""
    p, m = array(p), _times("polyint", m)
    constants = (
        np.zeros_like(p, shape=m)
        if k is None
        else _stacked(arrays(p, *k)[1:] if isinstance(k, (list, tuple)) else arrays(p, k)[1])
    )
    if len(constants) == 1:
        constants = np.broadcast_to(constants, max(m, 1))
    if len(constants) < m:
        raise ValueError(f"polyint: {len(constants)} constants k are given for m = {m}; expected one, or {m} of them.")
    for n in range(m):
        p = np.concatenate((p / np.arange(len(p), 0, -1), constants[n : n + 1]))
    return p


def _times(name: str, m: Any) -> int:
    if int(m) < 0:
        raise ValueError(f"{name}: m is {m}; expected how many times, 0 or more.")
    return int(m)


# --- roots -----------------------------------------------------------------------------------------------------------


@composite(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    """Multiply the factors x - root; of a matrix, return its characteristic polynomial."""
    roots = _stacked(seq_of_zeros)
    roots = roots if roots.dtype.kind in "fc" else roots.astype(np.float64)
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] and roots.size:
        return characteristic(roots)
    if roots.ndim != 1:
        raise ValueError(f"poly: the shape is {roots.shape}; expected a sequence of roots, or a square matrix.")
    p = np.ones_like(roots, shape=1)
    for root in np.unstack(roots):
        p = _longer(root * p, len(p) + 1) * -1 + np.pad(p, (0, 1))
    given = values(roots)
    paired = given.dtype.kind == "c" and np.array_equal(np.sort(given), np.sort(given.conj()))
    return np.real(p) if paired else p if roots.size else p[0]


# Eigenvalues have rounding errors of their own size, so that neither of these takes an imaginary step of 1e-30.
# the change of det(t - x) is -trace(adj(t - x) dx), and the adjugate is a polynomial in t, too (Faddeev, Le Verrier)
@primitive(lambda g, x, y: _characteristic(g, x, y), shapes="(n,n)->(k)", analytic=False, complex=True)
def characteristic(x: Any) -> Any:
    """Return the coefficients of det(t - x) in t, the highest power first."""
    return _wide(np.poly, x)


def _characteristic(g: Any, x: Any, y: Any) -> Any:
    one = adjugate = np.diag(np.ones_like(x[0]))
    pulled = g[1] * adjugate
    for k in range(2, len(x) + 1):
        adjugate = np.matmul(x, adjugate) + y[k - 1] * one
        pulled = pulled + g[k] * adjugate
    return -np.swapaxes(pulled, 0, 1)


# p(r) = 0 keeps holding: the change of p at r is made up for by the slope there
@primitive(lambda g, x, y: _roots(g, x, y), sig="p;", shapes="(n)->(m)", analytic=False, complex=True)
def roots(p: Any) -> Any:
    """Return the roots of a polynomial, as np.roots does."""
    return _wide(np.roots, p)


def _roots(g: Any, p: Any, y: Any) -> Any:
    return -np.matmul(over_slope(g, np.polyval(np.polyder(p), y), y), np.vander(y, len(p)))


composite(np.roots, lambda p: roots(_stacked(p)))


def _wide(fun: Any, x: Any) -> Any:
    """Compute in float32 what LAPACK has not in float16."""
    if x.dtype != np.float16:
        return fun(x)
    y = fun(x.astype(np.float32))
    return y if y.dtype.kind == "c" else y.astype(x.dtype)


@elementwise(
    lambda g, b, c: over_slope(g, b, c),  # type: ignore[has-type]
    lambda g, y, b, c: -over_slope(g * y, b, c),  # type: ignore[has-type]
    lambda g: np.zeros_like(g),
    shapes="(n),(n),(n)->(n)",
    analytic=False,
    complex=True,  # of the roots only the distances matter
)
def over_slope(weight: Any, slope: Any, roots: Any) -> Any:
    """Return weight / slope, the polynomial's at its roots; where roots are equal, only 0 is divided, and is 0.

    The roots of an m-fold one come out about eps ** (1 / m) apart; so what counts is the product of small distances.
    """
    size = np.abs(roots[:, None]) + np.abs(roots)
    distance = np.divide(np.abs(roots[:, None] - roots), size, out=np.zeros_like(size), where=size > 0)
    nearness = np.where(np.eye(len(roots), dtype=bool), 1, np.minimum(100 * distance, 1)).prod(-1)
    equal = nearness < 500 * math.sqrt(np.finfo(size.dtype).eps)
    if np.any(equal & (weight != 0)):
        raise np.linalg.LinAlgError(
            "roots: two roots are equal, where neither has a derivative. Use symmetric functions of the roots, such as "
            "the coefficients themselves."
        )
    with np.errstate(all="ignore"):
        return np.where(equal, 0, np.divide(weight, slope))


# --- a fit -----------------------------------------------------------------------------------------------------------


@composite(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: bool | str = False
) -> Any:
    """Solve for the coefficients by least squares, each power scaled to length 1."""
    x, y, order = array(x) + 0.0, array(y) + 0.0, int(deg) + 1
    if order < 1:
        raise ValueError(f"polyfit: deg is {deg}; expected a degree, 0 or more.")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or len(y) != len(x):
        raise TypeError(f"polyfit: x {x.shape} and y {y.shape}; expected (n,) and (n,) or (n, k), and n not 0.")
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    powers = np.vander(x, order)
    if w is not None:
        w = array(w) + 0.0
        if w.shape != x.shape:
            raise TypeError(f"polyfit: the weights w {w.shape} have not the shape of x, {x.shape}.")
        powers, y = w[:, None] * powers, (w if y.ndim == 1 else w[:, None]) * y
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    c, residuals, rank, s = np.linalg.lstsq(powers, y, rcond)
    c = np.transpose(np.transpose(c) / scale)
    if full:
        return c, residuals, rank, s, rcond
    if int(values(rank)) != order:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return c
    base = np.linalg.inv(np.matmul(np.transpose(powers), powers)) / np.outer(scale, scale)
    if not isinstance(cov, str) or cov != "unscaled":
        if len(x) <= order:
            raise ValueError(
                f"polyfit: {len(x)} points cannot scale a covariance of {order} coefficients; expected more."
            )
        factor = residuals / (len(x) - order)
        return c, (base if y.ndim == 1 else base[:, :, None]) * factor
    return c, base if y.ndim == 1 else base[:, :, None]
