"""Mutants of this package's rules that are no errors: they change no derivative anywhere, and here is why."""

from __future__ import annotations

# by operation, then by the mutant's name
EQUIVALENT: dict[str, dict[str, str]] = {}


def reason(operation: str, mutant: str) -> str:
    """Say why a mutant of an operation's rules is no error; "" where it is one."""
    return EQUIVALENT.get(operation, {}).get(mutant, "")
