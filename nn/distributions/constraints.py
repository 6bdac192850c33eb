"""Where the parameters of distributions, and their values, may lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Constraint(NamedTuple):
    """A set of numbers: its name, and what says of an array's elements whether they are in it.

    Of a set of vectors or matrices, `event_dims` counts the last axes that make up one element.
    """

    name: str
    check: Callable[[Any], Any]
    event_dims: int = 0

    def __repr__(self) -> str:
        return self.name


def _symmetric(x: Any) -> Any:
    return np.isclose(x, np.swapaxes(x, -1, -2), atol=1e-6).all((-2, -1))


def _positive_definite(x: Any) -> Any:
    return _symmetric(x) & (np.linalg.eigvalsh(x) > 0).all(-1)


def _lower_cholesky(x: Any) -> Any:
    return (np.tril(x) == x).all((-2, -1)) & (np.diagonal(x, axis1=-2, axis2=-1) > 0).all(-1)


real = Constraint("real", lambda x: x == x)  # noqa: PLR0124 (NaN is not)
positive = Constraint("positive", lambda x: x > 0)
non_negative = Constraint("non-negative", lambda x: x >= 0)
unit_interval = Constraint("in [0, 1]", lambda x: (x >= 0) & (x <= 1))
boolean = Constraint("0 or 1", lambda x: (x == 0) | (x == 1))
count = Constraint("a non-negative integer", lambda x: (x >= 0) & (x % 1 == 0))
simplex = Constraint(
    "non-negative with the sum 1", lambda x: (x >= 0).all(-1) & (np.abs(x.sum(-1) - 1) < 1e-6), event_dims=1
)
real_vector = Constraint("a real vector", lambda x: (x == x).all(-1), event_dims=1)  # noqa: PLR0124
positive_definite = Constraint("positive definite", _positive_definite, event_dims=2)
lower_cholesky = Constraint("lower triangular with a positive diagonal", _lower_cholesky, event_dims=2)


def between(low: Any, high: Any) -> Constraint:
    """Return an interval, both ends included; they may be arrays."""
    return Constraint(f"between {_short(low)} and {_short(high)}", lambda x: (x >= low) & (x <= high))


def integers(low: Any, high: Any) -> Constraint:
    """Return the whole numbers of an interval, both ends included; they may be arrays."""
    name = f"a whole number from {_short(low)} to {_short(high)}"
    return Constraint(name, lambda x: (x >= low) & (x <= high) & (x % 1 == 0))


def _short(x: Any) -> str:
    return f"{np.asarray(x).item():g}" if np.size(x) == 1 else "its bound"
