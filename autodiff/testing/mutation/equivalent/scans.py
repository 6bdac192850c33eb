"""Equivalent mutants of scans."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
