"""Arrays for tests of operations, and the check that every rule of the engine is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.testing import gradcheck


def values(rng: np.random.Generator, shapes: Sequence[tuple[int, ...]], domains: Sequence[str]) -> list[Any]:
    """Draw float64 arrays, no two elements of which are close, none close to 0, each within its operand's domain."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    pool = np.linspace(-2, 2, sum(sizes) + 2)[1:-1]
    pool = rng.permutation(pool + rng.uniform(-0.8, 0.8, pool.size) / (pool.size + 1))
    parts = np.split(pool, np.cumsum(sizes)[:-1])
    return [DOMAINS[d](part, rng).reshape(shape) for part, shape, d in zip(parts, shapes, domains, strict=True)]


def _away(v: Any, distance: float) -> Any:
    return v + np.where(v < 0, -distance, distance)


DOMAINS: dict[str, Callable[[Any, np.random.Generator], Any]] = {
    "real": lambda v, rng: _away(v, 0.1),
    "positive": lambda v, rng: np.abs(v) + 0.3,
    "nonzero": lambda v, rng: _away(v, 0.4),
    "unit": lambda v, rng: v * 0.4,
    "above minus one": lambda v, rng: np.abs(v) + 0.3,
    "quarter turn": lambda v, rng: v * 0.4,
    "above one": lambda v, rng: np.abs(v) + 1.3,
    "dividend": lambda v, rng: 1.0 + v / 4 + 2.05 * rng.integers(-2, 2, v.shape),
    "divisor": lambda v, rng: 2.05 + v / 40,
    "complex": lambda v, rng: _away(v, 0.4) + 1j * rng.uniform(0.2, 1, v.shape),
    "small": lambda v, rng: v * 0.2,
    "clear of 0.8": lambda v, rng: v * 0.3 + 1.6 * rng.integers(-1, 2, v.shape),
    "open unit": lambda v, rng: 0.5 + v * 0.2,
    "double unit": lambda v, rng: 1.0 + v * 0.4,
    "negative": lambda v, rng: -np.abs(v) - 0.3,
    "below one": lambda v, rng: v * 0.4,
    "above a quarter": lambda v, rng: np.abs(v) + 0.4,
    "well above one": lambda v, rng: np.abs(v) + 1.4,
    "fraction": lambda v, rng: 0.5 + v / 10,
    "order": lambda v, rng: 0.5 + v * 0.2,
    "quarters": lambda v, rng: 0.75 + v / 10,
    "between integers": lambda v, rng: 0.5 + v * 0.2 + rng.integers(-3, 3, v.shape),
}


def t(x: Any, requires_grad: bool = False) -> ad.Tensor:
    """Return a tensor."""
    return ad.tensor(x, requires_grad=requires_grad)


def same(given: Any, expected: Any) -> None:
    """Assert that a tensor has an array's dtype, shape and values."""
    assert isinstance(given, ad.Tensor)
    assert given.dtype == expected.dtype
    np.testing.assert_array_equal(given.detach().numpy(), expected, strict=True)


def listed(ys: Any) -> list[Any]:
    """Return one result or several as a list."""
    return list(ys) if isinstance(ys, (tuple, list)) else [ys]


def direction(rng: np.random.Generator, x: Any) -> Any:
    """Draw a direction in the space of x, complex where x is."""
    u = rng.uniform(-1, 1, x.shape)
    return u + 1j * rng.uniform(-1, 1, x.shape) if x.dtype.kind == "c" else u


def check(f: Callable[..., Any], *xs: Any, order: int = 1, seed: int = 0, **options: Any) -> None:
    """Assert that the derivatives of f up to an order are right; the options are gradcheck's."""
    report = gradcheck(f, *xs, order=order, seed=seed, **options)
    assert report, str(report)


def gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient of f by its first operand as a function: its derivatives of an order are f's of the next."""

    def function(*xs: Any) -> Any:
        with ad.enable_grad():
            leaves = [x if x.requires_grad else x.detach().requires_grad_() for x in map(ad.as_tensor, xs)]
            return ad.grad(f(*leaves), leaves[0], create_graph=True)[0]

    return function
