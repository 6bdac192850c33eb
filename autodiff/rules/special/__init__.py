"""SciPy's special functions; this chapter is loaded when the first of them meets a Tensor.

The orders, degrees and parameters of families (jv's order, gammainc's first operand) have no rule unless one is
written: a Tensor that requires a gradient is refused there by name.
"""

from autodiff.rules.special import bessel, distributions, elementary, errors, gamma, information, integrals, polynomials

__all__ = [
    "bessel",
    "distributions",
    "elementary",
    "errors",
    "gamma",
    "information",
    "integrals",
    "polynomials",
]
