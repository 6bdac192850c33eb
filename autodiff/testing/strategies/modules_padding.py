"""Padding and Unflatten, with any of their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Layer = Callable[[Any, Any], Any]
KINDS = ("Zero", "Constant", "Reflection", "Replication", "Circular")


def _widths(d: Any, lengths: tuple[int, ...]) -> tuple[int, ...]:
    """Draw what to add before and after each axis, from the last, or to take off on one side of it."""
    pairs = [d.choice((1, 0), (0, 2), (1, 1), (2, 1), (-1, 1), (0, -1), (2, -1)) for _ in lengths]
    return tuple(n for pair in pairs for n in pair)


def padding(kind: str, n: int) -> Layer:
    """Return what draws the widths of one padding layer, and images or one."""

    def layer(d: Any, nn: Any) -> Any:
        lengths = tuple(d.integer(3, 4 - (n == 3)) for _ in range(n))
        given = d.choice(1, _widths(d, lengths))
        value = (d.choice(2.0, -0.5),) if kind == "Constant" else ()
        batch = d.choice((), (d.integer(0, 2),))
        return getattr(nn, f"{kind}Pad{n}d")(given, *value), d.tensor((*batch, d.integer(1, 2), *lengths))

    return layer


def pad(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a mode, how many axes to pad, and by how much."""
    n, mode = d.integer(1, 3), d.choice("constant", "reflect", "replicate", "circular")
    lengths = tuple(d.integer(3, 4) for _ in range(n))
    options: dict[str, Any] = {"pad": _widths(d, lengths), "mode": mode}
    if mode == "constant":
        options["value"] = d.choice(None, 1.5)
        n = d.integer(0, n)
        options["pad"] = options["pad"][: 2 * n]
    return options, [d.tensor((*d.choice((), (d.integer(0, 2),)), 2, *lengths))]


def unflatten(d: Any, nn: Any) -> Any:
    """Draw an axis and what it divides into; one of the sizes may be left open."""
    shape = list(d.shape(dims=1))
    dim = d.integer(-len(shape), len(shape) - 1)
    sizes = [d.integer(1, 2), d.integer(1, 2), d.integer(0, 2)][: d.integer(1, 3)]
    shape[dim] = 1
    for n in sizes:
        shape[dim] *= n
    if 0 not in sizes and d.chance():
        sizes[d.integer(0, len(sizes) - 1)] = -1
    return nn.Unflatten(dim, tuple(sizes)), d.tensor(tuple(shape))


LAYERS: dict[str, Layer] = {
    **{f"{kind}Pad{n}d": padding(kind, n) for kind in KINDS for n in (1, 2, 3)},
    "Unflatten": unflatten,
}
FUNCTIONS = {"pad": pad}
