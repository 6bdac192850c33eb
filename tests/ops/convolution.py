"""Convolutions, interpolation and polynomials."""

from __future__ import annotations

from tests.ops.row import Op

CONVOLUTION: list[Op] = []
