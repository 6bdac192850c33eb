"""A planted derivative, written once for every library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A function with a right and a wrong derivative, and a point where they differ.

    `forward(xp, *xs)` and `right` and `wrong(xp, g, *xs)` are written in functions that NumPy, PyTorch, JAX and HIPS
    autograd share (`xp` is one of these), so that rules can be differentiated again. A rule of several operands returns
    a tuple. Rules are written without conjugation. `wrong` is None where only a false alarm is looked for; `order` is 1
    where the function has no second derivative, or too large a one; `cannot` names the checkers that cannot be shown
    the case, and why.
    """

    name: str
    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any] | None
    inputs: tuple[Array, ...]
    order: int = 2
    cannot: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Library:
    """An array library, and the few things that each one spells its own way."""

    module: Any
    constant: Callable[[Array], Any]  # an array of NumPy's as the library's own
    detach: Callable[[Any], Any]  # the same value, held constant in a derivative
    narrow: Callable[[Any], Any]  # rounded to float32, in the dtype it had
    contiguous: Callable[[Any], bool]  # whether an array lies in memory in the order of its elements

    def __getattr__(self, name: str) -> Any:
        """Give what is not said here from the library."""
        return getattr(self.module, name)


def normal(*shape: int, seed: int = 0) -> Array:
    """Normal numbers, always the same."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def positive(*shape: int, seed: int = 0) -> Array:
    """Numbers from 0.5 to 2, always the same."""
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 2, shape))


def numbers(*values: Any) -> Array:
    """The given numbers as an array of float64."""
    return np.array(values, dtype=np.float64)
