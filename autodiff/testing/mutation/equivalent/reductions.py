"""Equivalent mutants of reductions and statistics."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
