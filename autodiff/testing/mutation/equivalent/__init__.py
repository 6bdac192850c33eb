"""Mutants of this package's rules that are no errors: they change no derivative anywhere, and here is why.

A file a chapter; each maps an operation's name to the names of mutants, and these to the reason.
"""

from __future__ import annotations

from autodiff.testing.mutation.equivalent import (
    basics,
    convolution,
    fourier,
    joining,
    linalg,
    losses,
    ordering,
    reductions,
    scans,
    special,
)

EQUIVALENT: dict[str, dict[str, str]] = {}
for _chapter in (basics, special, reductions, scans, ordering, joining, convolution, linalg, losses, fourier):
    for _name, _reasons in _chapter.EQUIVALENT.items():
        EQUIVALENT[_name] = EQUIVALENT.get(_name, {}) | _reasons


def reason(operation: str, mutant: str) -> str:
    """Say why a mutant of an operation's rules is no error; "" where it is one."""
    return EQUIVALENT.get(operation, {}).get(mutant, "")
