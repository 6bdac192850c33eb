"""Equivalent mutants of sorting, searching and selection."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
