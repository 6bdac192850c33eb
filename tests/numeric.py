"""Derivatives by numeric differences: what every rule of the engine is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autodiff as ad

STEP = 4e-3  # values keep clear of kinks by more than this
LAYOUTS = ("C", "F", "negative", "strided", "readonly")


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
    "between integers": lambda v, rng: 0.5 + v * 0.2 + rng.integers(-3, 3, v.shape),
}


def laid_out(x: Any, layout: str) -> Any:
    """Return an equal array with another layout in memory."""
    if layout == "F":
        return np.asfortranarray(x) if x.ndim else x
    if layout == "negative":
        flip = (slice(None, None, -1),) * x.ndim
        return x[flip].copy()[flip]
    if layout == "strided":
        wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
        even = (slice(None, None, 2),) * x.ndim
        wide[even] = x
        return wide[even]
    copy = x.copy()
    copy.flags.writeable = layout != "readonly"
    return copy


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


def pairing(vs: Sequence[Any], ys: Sequence[Any]) -> float:
    """Return the real inner product of cotangents with outputs."""
    return float(sum(np.vdot(v, y).real for v, y in zip(vs, ys, strict=True)))


def direction(rng: np.random.Generator, x: Any) -> Any:
    """Draw a direction in the space of x, complex where x is."""
    u = rng.uniform(-1, 1, x.shape)
    return u + 1j * rng.uniform(-1, 1, x.shape) if x.dtype.kind == "c" else u


def slope(f: Callable[[float], float]) -> float:
    """Return the derivative of f at 0: central differences at three steps, extrapolated (Richardson)."""
    d = [(f(h) - f(-h)) / (2 * h) for h in (STEP, STEP / 2, STEP / 4)]
    first, second = (4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3
    return (16 * second - first) / 15


def run(f: Callable[..., Any], xs: Sequence[Any]) -> list[Any]:
    """Return the floating outputs of f on arrays, as arrays."""
    return [y.numpy() for y in listed(f(*[ad.as_tensor(x) for x in xs])) if y.dtype.kind in "fc"]


def gradients(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the function of (x…, v…) that gives the gradients of <v, f(x)>, and can be differentiated itself."""

    def function(*args: Any) -> list[Any]:
        lift = any(t.requires_grad for t in args)
        xs = [x if x.requires_grad else x.detach().requires_grad_() for x in args[:count]]
        ys = [y for y in listed(f(*xs)) if y.dtype.kind in "fc"]
        live = [(y, v) for y, v in zip(ys, args[count:], strict=True) if y.requires_grad]
        if not live:
            return [ad.zeros_like(x) for x in xs]
        gs = ad.grad([y for y, _ in live], xs, [v for _, v in live], create_graph=lift, allow_unused=True)
        return [ad.zeros_like(x) if g is None else g for g, x in zip(gs, xs, strict=True)]

    return function


def check(f: Callable[..., Any], *xs: Any, order: int = 1, seed: int = 0, rtol: float = 1e-7) -> None:
    """Assert that the derivatives of f up to an order are those that numeric differences give, along random lines."""
    rng = np.random.default_rng(seed)
    ys = run(f, xs)
    us, vs = [direction(rng, x) for x in xs], [direction(rng, y) for y in ys]
    tensors = [ad.as_tensor(x).requires_grad_() for x in xs]
    outputs = [y for y in listed(f(*tensors)) if y.dtype.kind in "fc"]
    for y, t in zip(ys, outputs, strict=True):  # recorded or not, the value is the same
        np.testing.assert_allclose(t.numpy(), y, rtol=1e-12, atol=1e-13)
    gs = [g.numpy() for g in gradients(f, len(xs))(*[ad.as_tensor(a) for a in (*xs, *vs)])]
    assert [(g.shape, g.dtype) for g in gs] == [(x.shape, x.dtype) for x in xs]
    exact = pairing(gs, us)
    if any(t.requires_grad for t in outputs):
        live = [(y, ad.as_tensor(v)) for y, v in zip(outputs, vs, strict=True) if y.requires_grad]
        lifted = ad.grad([y for y, _ in live], tensors, [v for _, v in live], create_graph=True, allow_unused=True)
        again = pairing(
            [np.zeros(1) if g is None else g.detach().numpy() for g in lifted],
            [np.zeros(1) if g is None else u for g, u in zip(lifted, us, strict=True)],
        )
        np.testing.assert_allclose(again, exact, rtol=1e-10, atol=1e-12)
    numeric = slope(lambda h: pairing(vs, run(f, [x + h * u for x, u in zip(xs, us, strict=True)])))
    scale = 1 + sum(float(np.abs(g).sum()) for g in gs)
    assert abs(exact - numeric) <= rtol * scale, f"derivative {exact} along a line; numeric differences give {numeric}"
    if order > 1:
        check(gradients(f, len(xs)), *xs, *vs, order=order - 1, seed=seed + 1, rtol=10 * rtol)
