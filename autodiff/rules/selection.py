"""Choosing among arrays, and writing into places."""

from __future__ import annotations
