"""What a picture is asked to look like: the options of `draw` and of every output of a Graph, checked."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

SHOW = ("shapes", "values", "grads", "params", "bytes", "time", "rules")
DIRECTIONS = ("down", "right")
THEMES = ("light", "dark", "paper")
OVERLAYS = ("memory", "time")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a graph is drawn.

    `depth` is how many levels of modules are opened: a number, None for all, or "auto" for what is readable at first
    sight. `expand` opens what matches its patterns below that: modules by their path ("layer3.*"), fused and composite
    operations by name ("cross_entropy"). `fold_repeats` draws repeated blocks and loops once, with their count. `show`
    is any of shapes, values, grads, params, bytes, time, rules; by itself values and grads where all is scalar, else
    shapes and params. `highlight` marks Ops, Values, or what matches a name or pattern; `overlay` colours by "memory"
    or "time", `orders` by order of derivative; `backward` draws the reverse pass as well.

    >>> Look(depth=2).updated(theme="dark")
    Look(depth=2, theme='dark')
    >>> Look(theme="blue")
    Traceback (most recent call last):
        ...
    ValueError: theme is "light", "dark" or "paper"; got 'blue'.
    """

    depth: int | str | None = "auto"
    expand: tuple[str, ...] = ()
    fold_repeats: bool = True
    show: tuple[str, ...] | None = None
    direction: str = "down"
    theme: str = "light"
    highlight: tuple[Any, ...] = ()
    overlay: str | None = None
    orders: bool = False
    backward: bool = False

    def __post_init__(self) -> None:
        for name in ("expand", "show", "highlight"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _several(given))
        for name, right, expected in _CHECKS:
            if not right(getattr(self, name)):
                raise ValueError(f"{name} is {expected}; got {getattr(self, name)!r}.")

    def updated(self, **options: Any) -> Look:
        """Return this look with some options changed."""
        unknown = [name for name in options if name not in OPTIONS]
        if unknown:
            near = difflib.get_close_matches(unknown[0], OPTIONS, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise TypeError(f"a picture has no option {unknown[0]!r}: {hint}the options are {', '.join(OPTIONS)}.")
        return replace(self, **options) if options else self

    def shows(self, what: str, scalar: bool = False) -> bool:
        """Say whether a fact of the boxes is shown, in a graph whose values are all `scalar` or not."""
        if self.show is None:
            return what in (("values", "grads") if scalar else ("shapes", "params"))
        return what in self.show

    def __repr__(self) -> str:
        given = ((f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default)
        return f"Look({', '.join(f'{name}={x!r}' for name, x in given)})"


def _several(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _one_of(options: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    named = [f'"{x}"' for x in options]
    return lambda x: isinstance(x, str) and x in options, f"{', '.join(named[:-1])} or {named[-1]}"


def _switch(x: Any) -> bool:
    return isinstance(x, bool)


def _is_depth(x: Any) -> bool:
    return x is None or x == "auto" or (isinstance(x, int) and not isinstance(x, bool) and x >= 0)


_CHECKS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("depth", _is_depth, 'a number of module levels (0, 1, ...), "auto", or None for everything'),
    ("expand", lambda x: all(isinstance(p, str) for p in x), 'patterns of module paths or operations, e.g. "layer3.*"'),
    ("fold_repeats", _switch, "True or False"),
    ("show", lambda x: x is None or all(p in SHOW for p in x), f"any of {', '.join(SHOW)}"),
    ("direction", *_one_of(DIRECTIONS)),
    ("theme", *_one_of(THEMES)),
    ("overlay", lambda x: x is None or x in OVERLAYS, 'None, "memory" or "time"'),
    ("orders", _switch, "True or False"),
    ("backward", _switch, "True or False"),
)
OPTIONS = tuple(f.name for f in fields(Look))
