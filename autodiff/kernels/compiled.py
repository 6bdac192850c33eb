"""Loops that Numba compiles, where it is installed (the extra `numba`); the kernels hold their NumPy form beside them.

A loop makes one pass over memory where NumPy makes one an operation. It is compiled at its first call for the dtypes it
meets, and kept on disk for the next process.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_wanted = True
_parts: dict[Callable[..., Any], set[str]] = {}  # those that Numba does not know yet


@functools.cache
def installed() -> bool:
    """Say whether Numba is there to be imported."""
    return importlib.util.find_spec("numba") is not None


def available() -> bool:
    """Say whether loops are to be used in place of NumPy."""
    return _wanted and installed()


# NaN and infinity mean what they mean; only the order of sums is free, so that they vectorise
FREE = {"contract", "reassoc", "nsz", "arcp"}


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays and numbers that is compiled when first called; ask `available()` before."""
    return _compiled(function, FREE, ())


def exact(*formulas: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a `loop` decorator whose loops round as NumPy does; `formulas` are the Python functions that they call."""
    return lambda function: _compiled(function, set(), formulas)


def _compiled(
    function: Callable[..., Any], fastmath: set[str], formulas: tuple[Callable[..., Any], ...]
) -> Callable[..., Any]:
    @functools.cache
    def made() -> Callable[..., Any]:
        import numba
        from numba.extending import register_jitable

        _introduce(function)
        for formula in formulas:
            register_jitable(formula)
        jitted: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath)(
            function
        )
        return jitted

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return made()(*arguments)

    return call


def part(function: Callable[..., Any], flags: tuple[str, ...] = ("contract",)) -> Callable[..., Any]:
    """Mark a function that loops call, to be compiled into each; `flags` say which laws of arithmetic it may assume."""
    _parts[function] = {*flags}
    return function


def _introduce(function: Any) -> None:
    """Make the parts that a function names known to Numba, and theirs."""
    from numba.extending import register_jitable

    for name in function.__code__.co_names:
        used = function.__globals__.get(name)
        if callable(used) and (flags := _parts.pop(used, None)):
            register_jitable(error_model="numpy", fastmath=flags)(used)
            _introduce(used)


@contextmanager
def without() -> Iterator[None]:
    """Run a block as if Numba were not installed."""
    global _wanted
    before, _wanted = _wanted, False
    try:
        yield
    finally:
        _wanted = before
