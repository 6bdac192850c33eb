"""SciPy's special functions under SciPy's names and signatures, of tensors and of arrays.

SciPy's ufuncs take tensors as they stand (`scipy.special.erf(t)`) and are found here too. Its functions written in
Python (softmax, polygamma, ...) would turn a tensor into a plain array; these are their differentiable forms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff import rules as _rules  # noqa: F401 (registers)
from autodiff.kernels import logits
from autodiff.kernels import special as kernels
from autodiff.kernels.special import lambertw as lambertw
from autodiff.primitive import registry
from autodiff.rules import special as _chapter  # noqa: F401 (registers)

__all__ = [
    "comb",
    "factorial",
    "lambertw",
    "log_softmax",
    "logsumexp",
    "multigammaln",
    "perm",
    "polygamma",
    "softmax",
]

_WRITTEN_IN_UFUNCS = ("zeta", "softplus", "sinc", "jvp", "yvp", "ivp", "kvp", "h1vp", "h2vp")


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) / sum(exp(x)) over an axis, several, or all.

    >>> import autodiff as ad
    >>> t = ad.tensor([0.0, 0.0], requires_grad=True)
    >>> softmax(t)[0].backward()
    >>> t.grad
    tensor([ 0.25, -0.25])
    """
    return logits.softmax(_array(x), axis=axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return the logarithm of softmax, finite where softmax underflows."""
    return logits.log_softmax(_array(x), axis=axis)


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """Return log(sum(b exp(a))) over an axis, and with `return_sign` that of the sum's size, and its sign.

    Gradients flow to a and to the factors b. The logarithm of a negative sum is NaN unless its sign is asked for.

    >>> logsumexp([0.0, 0.0], b=[1.0, -3.0], return_sign=True)
    (array(0.69314718), array(-1.))
    """
    a, b = _array(a), None if b is None else _array(b)
    if any(x is not None and x.dtype.kind == "c" for x in (a, b)) and (b is not None or return_sign):
        raise TypeError("logsumexp of complex numbers supports neither b= nor return_sign=; use np.log(np.sum(...)).")
    if b is None:
        y = logits.logsumexp(a, axis=axis, keepdims=keepdims)
        return (y, np.where(np.isneginf(y), np.zeros_like(y), np.ones_like(y))) if return_sign else y
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    y, sign = logits.weighted_logsumexp(a, b, axis=axis, keepdims=keepdims)
    return (y, sign) if return_sign else np.where(np.less(sign, 0), np.nan, y)


def polygamma(n: Any, x: Any) -> Any:
    """Return the n-th derivative of the digamma function; no gradient flows to n.

    >>> polygamma(1, 1.0)
    array(1.64493407)
    """
    if np.any(np.less(n, 0) | np.not_equal(n, np.floor(n))):
        raise ValueError(f"polygamma: n must be 0, 1, 2, ...; got {n}.")
    return kernels.polygamma(n, _array(x))


def multigammaln(a: Any, d: int) -> Any:
    """Return the logarithm of the multivariate gamma function of dimension d, for a > (d - 1) / 2."""
    if d != int(d) or d < 1:
        raise ValueError(f"multigammaln: d must be 1, 2, 3, ...; got {d}.")
    a = _array(a)
    if np.any(np.less_equal(a, (d - 1) / 2)):
        raise ValueError(f"multigammaln: a must be above (d - 1) / 2 = {(d - 1) / 2:g}.")
    terms = [special.gammaln(a - j / 2) for j in range(int(d))]
    return sum(terms[1:], terms[0]) + d * (d - 1) / 4 * math.log(math.pi)


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """Return the number of ways to choose k of N, by the gamma function; 0 where there are none."""
    _inexact("comb", exact)
    N, k = _array(N), _array(k)
    if repetition:
        N = N + k - 1
    possible = np.less_equal(k, N) & np.greater_equal(N, 0) & np.greater_equal(k, 0)
    return np.where(possible, special.binom(N, k), 0.0)


def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """Return the number of ordered ways to choose k of N, by the gamma function; 0 where there are none."""
    _inexact("perm", exact)
    N, k = _array(N), _array(k)
    possible = np.less_equal(k, N) & np.greater_equal(N, 0) & np.greater_equal(k, 0)
    return np.where(possible, special.poch(N - k + 1, k), 0.0)


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """Return gamma(n + 1), 0 for negative n unless `extend="complex"`."""
    _inexact("factorial", exact)
    n = _array(n)
    if extend == "complex":
        return special.gamma(n + 1)
    if extend != "zero":
        raise ValueError(f'factorial: extend must be "zero" or "complex"; got {extend!r}.')
    return np.where(np.less(n, 0), 0.0, special.gamma(np.where(np.less(n, 0), 0, n) + 1))


def _array(x: Any) -> Any:
    """Return a tensor as it is, and anything else as an array of floating numbers."""
    if hasattr(x, "dtype"):
        return x if x.dtype.kind in "fc" else x.astype(np.float64)
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _inexact(name: str, exact: bool) -> None:
    if exact:
        raise TypeError(f"{name}: exact=True makes Python integers, which carry no gradient; leave it out.")


def __getattr__(name: str) -> Any:
    """Find SciPy's own functions that take tensors as they stand."""
    fun = getattr(special, name, None)
    if name in _WRITTEN_IN_UFUNCS or _takes_tensors(fun):
        return fun
    why = "has no derivative rule" if callable(fun) else "is no function of scipy.special"
    raise AttributeError(f"ad.special has no {name}: it {why}.")


def __dir__() -> list[str]:
    return sorted({*__all__, *_WRITTEN_IN_UFUNCS, *(n for n in dir(special) if _takes_tensors(getattr(special, n)))})


def _takes_tensors(fun: Any) -> bool:
    return isinstance(fun, np.ufunc) and fun in registry
