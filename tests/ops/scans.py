"""Scans."""

from __future__ import annotations

from tests.ops.row import Op

SCANS: list[Op] = []
