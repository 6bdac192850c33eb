"""Equivalent mutants of joins, splits and padding."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {
    "repeat": {"skip un-broadcasting": "what is added up has the shape of a"},
    "pad_constant": {"operand 0: skip un-broadcasting": "what lies within the border has the shape of x"},
}
