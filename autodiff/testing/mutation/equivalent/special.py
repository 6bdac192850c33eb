"""Equivalent mutants of SciPy's special functions."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
