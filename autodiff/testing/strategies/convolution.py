"""Arguments of convolutions, cross products, unwrapped phases, polynomials and spaced numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import sequences
from autodiff.primitive import DOMAINS
from autodiff.rules import convolution, polynomials
from autodiff.testing.strategies.arrays import GRID, distinct, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw

NONZERO = DOMAINS["nonzero"]


def two_sequences(d: Draw) -> Arguments:
    """Draw two sequences, either of which may be the longer one, and a mode."""
    a, v = d.array((d.integer(1, 4),)), d.array((d.integer(1, 4),), 1)
    return [a, v], {"mode": d.choice("full", "same", "valid")} if d.chance() else {}


def vectors(d: Draw) -> Arguments:
    """Draw vectors of three elements."""
    a, b = d.shapes(2)
    return [d.array((*a, 3)), d.array((*b, 3), 1)], {}


def cross(d: Draw) -> Arguments:
    """Draw vectors of three elements, and the axes along which they lie."""
    (a, b), _ = vectors(d)
    if d.chance():
        return [a, b], {}
    if d.chance():
        shape = d.shape(dims=1)
        axis = d.axis(len(shape))
        shape = (*shape[: axis % len(shape)], 3, *shape[axis % len(shape) + 1 :])
        return [d.array(shape), d.array(shape, 1)], {"axis": axis}
    axisa, axisb, axisc = d.axis(a.ndim), d.axis(b.ndim), d.axis(max(a.ndim, b.ndim))
    return [np.moveaxis(a, -1, axisa), np.moveaxis(b, -1, axisb)], {"axisa": axisa, "axisb": axisb, "axisc": axisc}


def unwrap(d: Draw) -> Arguments:
    """Draw numbers near multiples of a period, so that no two differ by nearly half of one."""
    period = d.choice(2 * math.pi, 4.0)
    shape = d.shape(dims=1)
    x = drawn(d.draw, shape, GRID) / 4 + period * d.integers(shape, -1, 1)
    keywords = {"period": period} if period == 4.0 else {}
    if d.chance():
        keywords["axis"] = d.axis(len(shape))
    return [d.finished(x)], keywords | d.choice({}, {"discont": 2.25})


# --- polynomials -----------------------------------------------------------------------------------------------------


CLEAR = levels(NONZERO)[levels(NONZERO) != 0]


def coefficients(d: Draw, operand: int = 0, least: int = 1) -> Any:
    """Draw coefficients that are not 0: a leading 0 is left out."""
    return d.finished(drawn(d.draw, (d.integer(least, 4),), CLEAR), operand)


def vander(d: Draw) -> Arguments:
    """Draw a number of powers, and their order."""
    x = d.array((d.integer(0, 3),))
    return [x], d.choice({}, {"N": d.integer(0, 4)}) | d.choice({}, {"increasing": True})


def polyval(d: Draw) -> Arguments:
    """Draw coefficients, and where they are evaluated."""
    return [d.array((d.integer(0, 4),)), d.array(d.shape(), 1)], {}


def two_polynomials(d: Draw) -> Arguments:
    """Draw two polynomials."""
    return [coefficients(d), coefficients(d, 1)], {}


def polydiv(d: Draw) -> Arguments:
    """Draw a quotient, a divisor and a remainder that is not near 0; or a divisor of the higher degree."""
    if d.chance():
        return [coefficients(d)[:2], coefficients(d, 1, least=3)], {}
    quotient, v = coefficients(d), coefficients(d, 1)
    u = np.convolve(quotient, v)
    if len(v) > 1:
        u = np.polyadd(u, 1.1 * drawn(d.draw, (len(v) - 1,), CLEAR))
    return [u, v], {}


def times(d: Draw) -> Arguments:
    """Draw how many times to differentiate."""
    return [d.array((d.integer(1, 4),))], d.choice({}, {"m": d.integer(0, 3)})


def polyint(d: Draw) -> Arguments:
    """Draw how many times to integrate, and constants: none, one number, a list or an array."""
    m = d.integer(0, 3)
    constants = d.choice({}, {"k": 2.0}, {"k": [1.0] * m}, {"k": d.array((max(m, 1),), 1)})
    return [d.array((d.integer(0, 3),))], d.choice({}, {"m": m} | constants)


def square(d: Draw) -> Any:
    """Draw a square matrix; of complex numbers, one whose eigenvalues are no conjugate pairs."""
    n = d.integer(1, 3)
    x = d.array((n, n))
    return x + 2j * np.eye(n) if d.complex else x


def poly(d: Draw) -> Arguments:
    """Draw roots, or a square matrix."""
    if d.chance():
        return [square(d)], {}
    x = d.array((d.integer(1, 3),))
    return [x.real + 1j * np.abs(x.imag) if d.complex else x], {}


def roots(d: Draw) -> Arguments:
    """Draw a multiple of a polynomial whose roots lie so far apart that LAPACK keeps their order: one to three."""
    last = 2.0 + d.choice(0.0, 0.5, 2.0, 1.25)
    pairs = [] if d.complex else [[1 + 2j, 1 - 2j], [1 + 2j, 1 - 2j, -2 * last]]
    p = np.poly(d.choice([], [last], [last, -1.0], *pairs))
    return [np.atleast_1d(p * drawn(d.draw, (), CLEAR)) * (1 + 0.5j if d.complex else 1)], {}


def over_slope(d: Draw) -> Arguments:
    """Draw weights of different roots, and slopes that are not 0."""
    shape = (d.integer(0, 3),)
    (x,) = distinct(d.draw, [shape])
    return [d.array(shape), d.finished(drawn(d.draw, shape, CLEAR), 1), d.finished(x, 2)], {}


def polyfit(d: Draw) -> Arguments:
    """Draw more points than coefficients, weights, and what is asked for."""
    deg = d.integer(0, 2)
    n = deg + d.integer(2, 3)
    (x,) = distinct(d.draw, [(n,)])
    y = d.array((n,) if d.chance() else (n, d.integer(1, 2)), 1)
    given = d.choice({}, {"w": np.abs(x) + 1}, {"cov": True}, {"cov": "unscaled"}, {"rcond": 1e-10}, {"full": False})
    return [d.finished(x), y, deg], given


# --- spaced numbers --------------------------------------------------------------------------------------------------


def spaced(d: Draw) -> Arguments:
    """Draw ends that broadcast, how many numbers lie between them, and where their axis goes."""
    a, b = d.shapes(2)
    start, stop = d.array(a), d.array(b, 1)
    if d.entry.fun is np.geomspace:  # from one number to a multiple of it
        start = d.finished(drawn(d.draw, a, CLEAR))
        stop = np.asarray(start * np.exp(d.array(b, 1)))
    num = d.integer(0, 4)
    keywords: dict[str, Any] = {"num": num} if num else d.choice({"num": 0}, {"num": 1})
    keywords |= d.choice({}, {"endpoint": False}) | d.optional((), "dtype")
    if d.chance():
        keywords["axis"] = d.axis(max(np.ndim(start), np.ndim(stop)) + 1)
    if d.entry.fun is np.linspace and num > 1:
        keywords |= d.choice({}, {"retstep": True})
    if d.entry.fun is np.logspace:
        keywords |= d.choice({}, {"base": 2.0}, {"base": d.array((), 2, DOMAINS["positive"])})
    return [start, stop], keywords


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.convolve: two_sequences,
    np.correlate: two_sequences,
    sequences.convolve: two_sequences,
    np.cross: cross,
    convolution.cross: vectors,
    np.unwrap: unwrap,
    np.vander: vander,
    np.polyval: polyval,
    np.polyadd: two_polynomials,
    np.polysub: two_polynomials,
    np.polymul: two_polynomials,
    np.polydiv: polydiv,
    np.polyder: times,
    np.polyint: polyint,
    np.poly: poly,
    polynomials.characteristic: lambda d: ([square(d)], {}),
    np.roots: roots,
    polynomials.roots: roots,
    polynomials.over_slope: over_slope,
    np.polyfit: polyfit,
    np.linspace: spaced,
    np.logspace: spaced,
    np.geomspace: spaced,
}
