"""Fourier transforms."""

from __future__ import annotations

from tests.ops.row import Op

FOURIER: list[Op] = []
