"""Scans: cumulative sums, products, maxima, differences and integrals."""

from __future__ import annotations
