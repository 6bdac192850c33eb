"""Equivalent mutants of SciPy's special functions."""

from __future__ import annotations

from autodiff.testing.mutation.equivalent.basics import BROADCAST_LATER, SPREAD

REAL = "of a real operand's gradient the sweep takes the real part"

EQUIVALENT: dict[str, dict[str, str]] = {
    "erfcx": {
        "replace < by <= in x < 0 (in _erfcx_slope)": "at 0 both formulas give -2 / sqrt(pi)",
        "skip maximum in np.maximum(x, -1) (in _erfcx_slope)": "left of 0 the other branch is taken",
    },
    "kl_div": {
        f"operand 0: {mutant} (in _excess)": "it is 0 here, and stands for the 1 of rel_entr"
        for mutant in ("drop the term + plus", "flip the sign of the term plus")
    },
    "rgamma": {
        "replace < by <= in np.real(x) < 0.5 (in _rgamma_slope)": "at 1/2 both formulas hold",
        "skip real in np.real(x) (in _rgamma_slope)": "NumPy orders complex numbers by their real parts first",
        "always take the branch x (in _rgamma_slope) (2)": "right of 1/2 the other branch is taken",
    },
    "voigt_profile": {
        "operand 0: skip real in np.real(_voigt(a, b, c))": REAL,
        "operand 1: skip real in np.real(_voigt(a, b, c) * (a + c * 1j))": REAL,
        "operand 2: skip real in np.real(_voigt(a, b, c) * 1j)": REAL,
        "operand 2: flip the sign of the term x (in _voigt)": "w of -conj(z) is conj(w(z)), so that w' is -conj(w'(z))",
    },
    "weighted_logsumexp": {f"operand {i}: {SPREAD}": BROADCAST_LATER for i in (0, 1)},
}
