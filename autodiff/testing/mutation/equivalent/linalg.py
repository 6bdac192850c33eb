"""Equivalent mutants of linear algebra."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
