"""Equivalent mutants of joins, splits and padding."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
