"""SciPy's special functions."""

from __future__ import annotations

from tests.ops.row import Op

SPECIAL: list[Op] = []
