"""Arguments of elementwise operations that are special."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels.division import cosine
from autodiff.primitive import DOMAINS
from autodiff.testing.strategies.arrays import GRID, drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw

NOT_ZERO = levels(away_from=(0.0,))


def power(d: Draw) -> Arguments:
    """Draw positive bases and any exponents; or any bases and one whole exponent."""
    a, b = d.shapes(2)
    if d.chance():
        exponent = d.choice(2, 3, 1, 0, -1, -2, 2.0)
        return [d.array(a, domain=DOMAINS["nonzero" if exponent < 0 else None]), exponent], {}
    return [d.array(a), d.array(b, 1)], {}


def quotient(d: Draw) -> Arguments:
    """Draw divisors near ±2, and dividends whose quotients are clear of whole numbers; or exactly whole."""
    a, b = d.shapes(2)
    whole = d.integers(a, -2, 2)
    if d.smooth:
        part, spread = drawn(d.draw, a, np.array([0.5, 0.25, 0.75, 0.375, 0.625])), drawn(d.draw, b, GRID / 64)
    else:
        part, spread = drawn(d.draw, a, np.array([0.0, 0.5])), np.zeros(b)
    return [d.finished((whole + part) * 2.0), d.finished((2.0 + spread) * d.choice(1, -1), 1)], {}


def not_at_origin(d: Draw) -> Arguments:
    """Draw pairs one of which is not 0, nor a on the cut where b < 0; or such pairs too."""
    a, b = d.shapes(2)
    if not d.smooth:
        zeros = levels(at=(0.0,))
        return [d.finished(drawn(d.draw, a, zeros)), d.finished(drawn(d.draw, b, zeros), 1)], {}
    if d.chance():
        return [d.finished(drawn(d.draw, a, GRID)), d.finished(np.abs(drawn(d.draw, b, NOT_ZERO)), 1)], {}
    return [d.finished(drawn(d.draw, a, NOT_ZERO)), d.finished(drawn(d.draw, b, GRID), 1)], {}


def often_equal(d: Draw) -> Arguments:
    """Draw from a few numbers, so that many pairs are equal."""
    return [d.finished(drawn(d.draw, shape, np.array([0.0, 0.5, -1.0])), i) for i, shape in enumerate(d.shapes(2))], {}


def rounded(d: Draw) -> Arguments:
    """Draw decimals, and values clear of the halves between what is rounded to; or exactly there."""
    decimals = d.choice(0, 1, 2, -1)
    x = np.asarray(d.array(d.shape()) * 10.0**-decimals)
    return [x], {"decimals": decimals} if decimals or d.chance() else {}


def where(d: Draw) -> Arguments:
    """Draw a mask or a truth, and two operands, one of which may be a number."""
    condition, a, b = d.shapes(3)
    mask = d.choice(True, False, *[drawn(d.draw, condition, np.array([True, False]))] * 3)
    yes, no = d.array(a), d.array(b, 1)
    return [mask, *d.choice((yes, no), (yes, 2.0), (-1.0, no))], {}


def clip(d: Draw) -> Arguments:
    """Draw bounds about ±1, in either order, as arrays, numbers or none; values clear of them or exactly there."""
    x, low, high = d.shapes(3)
    signs = d.choice((-1.0, 1.0), (1.0, -1.0))
    off = np.array([0.0, 0.0625, 0.125]) if d.smooth else np.zeros(1)
    values = [0.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0] + ([] if d.smooth else [1.0, -1.0, 1.0, -1.0])
    bounds = [d.finished(sign * (1.0 + drawn(d.draw, s, off)), 1) for s, sign in zip((low, high), signs, strict=True)]
    given = d.choice(tuple(bounds), (bounds[0], signs[1]), (None, bounds[1]), (signs[0], None), signs)
    operand = d.finished(drawn(d.draw, x, np.array(values)))
    names = d.choice(None, ("a_min", "a_max"), ("min", "max"))
    return ([operand, *given], {}) if names is None else ([operand], dict(zip(names, given, strict=True)))


def ldexp(d: Draw) -> Arguments:
    """Draw numbers, and whole exponents of 2."""
    a, b = d.shapes(2)
    return [d.array(a), d.integers(b, -2, 3)], {}


def heaviside(d: Draw) -> Arguments:
    """Draw whole numbers, 0 among them, which no gradient flows to; or numbers clear of the step, or at it too."""
    a, b = d.shapes(2)
    first = d.integers(a, -1, 1) if d.smooth and d.chance() else d.array(a, domain=DOMAINS["nonzero"])
    return [first, d.array(b, 1)], {}


def frexp(d: Draw) -> Arguments:
    """Draw mantissas clear of the powers of 2, and exponents; or exactly powers of 2."""
    shape = d.shape()
    mantissas = np.array([0.75, -0.75, 0.625, 0.875, -0.6875]) if d.smooth else np.array([1.0, -1.0, 0.5, 0.75])
    return [d.finished(drawn(d.draw, shape, mantissas) * 2.0 ** d.integers(shape, -1, 2))], {}


def nan_to_num(d: Draw) -> Arguments:
    """Draw what stands for NaN and the infinities, and these among the values."""
    among = GRID if d.smooth else np.array([1.5, np.nan, np.inf, -np.inf, -2.0])
    return [d.finished(drawn(d.draw, d.shape(), among))], d.choice(
        {}, {"nan": 0.5}, {"nan": 1.0, "posinf": 2.0, "neginf": -3.0}, {"copy": True}
    )


def nearly_real(d: Draw) -> Arguments:
    """Draw a tolerance."""
    return [d.array(d.shape())], d.choice({}, {"tol": 1000})


def astype(d: Draw) -> Arguments:
    """Draw a dtype that loses nothing, so that differences can be taken."""
    dtype = np.complex128 if d.complex else d.choice(np.float64, np.complex128)
    return [d.array(d.shape()), dtype], d.choice({}, {"copy": False}, {"copy": True})


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.power: power,
    np.float_power: power,
    np.remainder: quotient,
    np.fmod: quotient,
    np.divmod: quotient,
    np.floor_divide: quotient,
    np.hypot: not_at_origin,
    np.arctan2: not_at_origin,
    np.round: rounded,
    np.where: where,
    np.clip: clip,
    np.astype: astype,
    np.ldexp: ldexp,
    np.logaddexp: often_equal,
    np.logaddexp2: often_equal,
    np.heaviside: heaviside,
    np.frexp: frexp,
    np.spacing: frexp,
    np.nan_to_num: nan_to_num,
    np.real_if_close: nearly_real,
    cosine: not_at_origin,
}
