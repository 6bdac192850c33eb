"""Equivalent mutants of convolutions, interpolation and polynomials."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
