"""Equivalent mutants of sorting, searching and selection."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {
    "choose": {
        "skip _array in _array(indices, np.intp) (in resolved)": "in a rule the numbers are an array already",
    },
}
