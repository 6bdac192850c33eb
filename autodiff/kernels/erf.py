"""The error function of float32, vectorised: SciPy's takes 12 ns an element."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.blocks import BLOCK, Scratch, in_float32, mapped
from autodiff.kernels.compiled import loop
from autodiff.kernels.scalars import erf as erf_of_one

# In NumPy's passes: erf(x) = tanh(x P(t) / Q(t)), t = x**2, whose P and Q have positive coefficients, so that nothing
# cancels, and whose tanh is NumPy's fastest function. The fit is minimax for the relative error on |x| <= 4: 3.3e-9.
# Both are divided by Q's last coefficient.
_Q3 = 3.249236928733e-4
P = [
    np.array(c / _Q3, np.float32) for c in (1.128379170849748, 0.279806808860563, 0.0426465284821519, 0.002178278582943)
]
Q = [np.array(c / _Q3, np.float32) for c in (1.0, 0.156892560214864, 0.0236899028354347)]
FAR = np.full(BLOCK, 16, np.float32)  # an array: minimum with a number takes 6.4 us a block, with an array 1.6


def exponent(x: Any, t: Any, p: Any, q: Any) -> Any:
    """Write atanh(erf(x)) to p, of one block; t and q are scratch."""
    np.multiply(x, x, t)
    np.minimum(t, FAR[: t.size], out=t)
    np.multiply(t, P[3], p)
    for c in P[2:0:-1]:
        np.add(p, c, p)
        np.multiply(p, t, p)
    np.add(p, P[0], p)
    np.add(t, Q[2], q)
    for c in Q[1::-1]:
        np.multiply(q, t, q)
        np.add(q, c, q)
    np.divide(p, q, p)
    return np.multiply(p, x, p)


def _form(y: Any, x: Any, t: Any, q: Any) -> None:
    np.tanh(exponent(x, t, y, q), y)


@loop
def _loop(y: Any, x: Any) -> None:
    for i in range(x.size):
        y[i] = erf_of_one(x[i])


_scratch = Scratch(2)


def _scipys(x: Any) -> Any:
    from scipy import special

    return special.erf(x)


@in_float32(_scipys)
def erf(x: Any) -> Any:
    """Return the error function: of float32 within 3.5 ulp in NumPy, 2.5 in a compiled loop; else SciPy's.

    float32: 1.3 and 0.36 ns an element, against SciPy's 12.
    """
    return mapped(_form, _loop, _scratch, x)
