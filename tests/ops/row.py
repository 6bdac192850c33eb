"""What a row of the table of operations says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autodiff.primitive import registry


class Op(NamedTuple):
    """One row: the entry it belongs to, the call, its operands' shapes and domains, and where else to compare."""

    fun: Callable[..., Any]
    label: str
    call: Callable[..., Any]
    shapes: str
    domains: tuple[str, ...]
    torch: Callable[..., Any] | None = None
    reference: Callable[..., Any] | None = None  # what NumPy computes; the call itself unless given
    twice: bool = True  # whether torch differentiates it twice
    small: str = "fe"  # the codes of the smaller floats it keeps: float32, float16

    def __str__(self) -> str:
        return self.label


def op(
    fun: Any,
    call: Any,
    shapes: str,
    *domains: str,
    label: str = "",
    torch: Any = None,
    reference: Any = None,
    twice: bool = True,
    small: str = "fe",
) -> Op:
    """Make a row; domains default to "real"."""
    count = shapes.count(",") + 1
    given = domains * count if len(domains) == 1 else domains or ("real",) * count
    return Op(fun, f"{registry[fun].name} {label}".strip(), call, shapes, given, torch, reference, twice, small)


def t(name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return a function that calls torch's function of a name."""
    return lambda torch: lambda *xs: _find(torch, name)(*xs, *args, **kwargs)


def _find(torch: Any, name: str) -> Any:
    for part in name.split("."):
        torch = getattr(torch, part)
    return torch
