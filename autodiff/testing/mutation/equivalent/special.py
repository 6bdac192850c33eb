"""Equivalent mutants of SciPy's special functions."""

from __future__ import annotations

from autodiff.testing.mutation.equivalent.basics import BROADCAST_LATER, SPREAD

EQUIVALENT: dict[str, dict[str, str]] = {
    "weighted_logsumexp": {f"operand {i}: {SPREAD}": BROADCAST_LATER for i in (0, 1)},
}
