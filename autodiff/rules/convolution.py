"""Convolution, correlation, interpolation and polynomials."""

from __future__ import annotations
