"""Sorting, searching and selection."""

from __future__ import annotations

from tests.ops.row import Op

ORDERING: list[Op] = []
