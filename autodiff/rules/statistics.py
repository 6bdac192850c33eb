"""Medians, quantiles, covariances, and counts that have no derivative."""

from __future__ import annotations
