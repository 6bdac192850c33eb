"""Equivalent mutants of reductions and statistics."""

from __future__ import annotations

from autodiff.testing.mutation.equivalent.basics import BROADCAST_LATER, SPREAD

EQUIVALENT: dict[str, dict[str, str]] = {
    "nanmax": {SPREAD: BROADCAST_LATER},
    "nanmin": {SPREAD: BROADCAST_LATER},
    "bincount": {"skip un-broadcasting": "the weights and the places have one shape, and so has the gradient"},
}
