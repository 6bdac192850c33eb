"""Joins, splits, insertion and padding."""

from __future__ import annotations

from tests.ops.row import Op

JOINING: list[Op] = []
