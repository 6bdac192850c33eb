"""Padding in all modes."""

from __future__ import annotations
