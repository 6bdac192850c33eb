"""Equivalent mutants of Fourier transforms."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
