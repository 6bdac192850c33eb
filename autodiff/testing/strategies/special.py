"""Arguments of SciPy's special functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels import special as kernels
from autodiff.kernels.bessel import bessel_i, scaled_bessel_i
from autodiff.kernels.logits import weighted_logsumexp
from autodiff.kernels.quotients import exp_quotient, sine_quotient
from autodiff.primitive import DOMAINS
from autodiff.testing.strategies.arrays import levels
from autodiff.testing.strategies.drawing import Arguments, Draw

ARRAY = None  # in place of an operand's numbers: it is drawn as an array, where the entry says
Numbers = tuple[float, ...]


def family(*operands: Numbers | None) -> Callable[[Draw], Arguments]:
    """Draw a number, or two whole ones, for each operand without a rule (an order), arrays for the others."""

    def number(d: Draw, numbers: Numbers, ndim: int) -> Any:
        whole = [n for n in numbers if isinstance(n, int)]
        return (
            np.reshape([d.choice(*whole) for _ in range(2)], (2,) + (1,) * ndim)
            if whole and d.chance()
            else d.choice(*numbers)
        )

    def draw(d: Draw) -> Arguments:
        free = [i for i, numbers in enumerate(operands) if numbers is ARRAY]
        shapes = d.shapes(len(free)) if len(free) > 1 else [d.shape()]
        arrays = {i: d.array(shape, 0, d.entry.domain_of(i)) for i, shape in zip(free, shapes, strict=True)}
        ndim = max(map(len, shapes))
        return [arrays[i] if numbers is ARRAY else number(d, numbers, ndim) for i, numbers in enumerate(operands)], {}

    return draw


def of_order(d: Draw) -> Arguments:
    """Draw the order of a derivative."""
    return [d.array(d.shape())], {"order": d.choice(1, 0, 2, 3)}


def weighted(d: Draw) -> Arguments:
    """Draw summands and their factors, whose weighted sum is clear of 0; or factors that are 0 too."""
    shape = d.shape(sides=1)
    low = np.array([0.0, 0.0625, -0.125, 0.1875])
    factors = levels(DOMAINS["positive"], away_from=(0.0,)) if d.smooth else np.array([0.0, 1.0, -1.0])
    a, b = (d.values(shape, among) for among in (low, factors))
    return [a, b * d.choice(1.0, -1.0)], d.optional(shape, "axis", "keepdims")


def branch(d: Draw) -> Arguments:
    """Draw a branch of Lambert's function."""
    return [d.array(d.shape())], d.choice({}, {"k": 0}, {"k": -1}, {"k": 1, "tol": 1e-9})


def chosen(d: Draw) -> Arguments:
    """Draw how many are chosen among more than them."""
    a, b = d.shapes(2)
    return [d.array(a) + 1.0, d.array(b, 1)], {}


ORDERS, WHOLE, SHAPES, ABOVE_ONE = (1, 0.5, 0, 2), (1, 2, 0, 3), (1.5, 1, 2.5, 0.5), (1.5, 2, 3.5)
ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    **dict.fromkeys(
        (special.jv, special.yv, special.iv, special.kv, special.jve, special.yve, special.ive, special.kve,
         special.hankel1, special.hankel2, special.hankel1e, special.hankel2e),
        family(ORDERS, ARRAY),
    ),
    **dict.fromkeys((special.yn, special.kn, special.expn), family(WHOLE, ARRAY)),
    **dict.fromkeys((special.pdtr, special.pdtrc), family((1, 2, 0, 2.5), ARRAY)),  # SciPy rounds them down
    **dict.fromkeys(
        (special.eval_legendre, special.eval_chebyt, special.eval_chebyu, special.eval_chebyc, special.eval_chebys,
         special.eval_sh_legendre, special.eval_sh_chebyt, special.eval_sh_chebyu, special.eval_laguerre,
         special.eval_hermite, special.eval_hermitenorm),
        family((2, 1, 0, 3, 4), ARRAY),
    ),
    **dict.fromkeys((special.eval_gegenbauer, special.eval_genlaguerre), family((2, 1, 0, 3, 4), SHAPES, ARRAY)),
    special.eval_jacobi: family((2, 1, 0, 3, 4), SHAPES, (0.5, 2), ARRAY),
    **dict.fromkeys(
        (special.gammainc, special.gammaincc, special.chdtr, special.chdtrc, special.chdtri, special.stdtr),
        family(SHAPES, ARRAY),
    ),
    **dict.fromkeys((special.gammaincinv, special.gammainccinv, special.stdtrit), family(ABOVE_ONE, ARRAY)),
    **dict.fromkeys((special.betainc, special.betaincc, special.fdtr, special.fdtrc), family(SHAPES, SHAPES, ARRAY)),
    **dict.fromkeys((special.betaincinv, special.betainccinv, special.fdtri), family(ABOVE_ONE, ABOVE_ONE, ARRAY)),
    **dict.fromkeys((special.gdtr, special.gdtrc), family(ARRAY, SHAPES, ARRAY)),
    **dict.fromkeys((special.ellipkinc, special.ellipeinc, special.ellipj), family(ARRAY, (0.5, 0, 0.75))),
    special.hyp0f1: family(SHAPES, ARRAY),
    special.hyp1f1: family((0.5, 1, 2), ABOVE_ONE, ARRAY),
    special.hyp2f1: family((0.5, 1, 2), (0.5, 1.5), ABOVE_ONE, ARRAY),
    special.hyperu: family((0.5, 1, 2), ABOVE_ONE, ARRAY),
    special._ufuncs._zeta: family((2.0, 3.0, 1.5), ARRAY),
    special.binom: chosen,
    kernels.lambertw: branch,
    weighted_logsumexp: weighted,
    kernels.polygamma: family((1, 0, 2), ARRAY),
    kernels.exponential_integral: family((1, 0, -1, -2), ARRAY),
    **dict.fromkeys((kernels.bell, kernels.faddeeva, kernels.hazard, sine_quotient, exp_quotient, bessel_i,
         scaled_bessel_i), of_order),
}  # fmt: skip
