"""Joins and splits, insertion and deletion."""

from __future__ import annotations
