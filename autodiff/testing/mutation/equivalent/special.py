"""Equivalent mutants of SciPy's special functions."""

from __future__ import annotations

from autodiff.testing.mutation.equivalent.basics import BROADCAST_LATER, SPREAD

EQUIVALENT: dict[str, dict[str, str]] = {
    "erfcx": {
        "skip maximum in np.maximum(x, -1) (in _erfcx_slope)": "left of 0 the other branch is taken",
    },
    "rgamma": {
        "replace < by <= in np.real(x) < 0.5 (in _rgamma_slope)": "at 1/2 both formulas hold",
        "skip real in np.real(x) (in _rgamma_slope)": "NumPy orders complex numbers by their real parts first",
        "always take the branch x (in _rgamma_slope) (2)": "right of 1/2 the other branch is taken",
    },
    "weighted_logsumexp": {f"operand {i}: {SPREAD}": BROADCAST_LATER for i in (0, 1)},
}
