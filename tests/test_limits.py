"""Every elementwise function at zeros, infinities, huge and tiny numbers: no NaN where there is a limit."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.primitive import registry
from autodiff.rules import special as _chapter  # noqa: F401 (registers)

INF = np.inf
POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 5e-324, -5e-324, 1e-300, 1e-8, 40.0, -40.0, 1e300, -1e300, INF, -INF]
FINITE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 5e-324, 1e-300, 1e300, -1e300, -0.25]
UFUNCS = [
    f
    for f, e in registry.items()
    if isinstance(f, np.ufunc) and f is e.fun and e.differentiable and e.kind != "zero" and e.shapes is None
    and f.nin <= 2 and all(e.carries(i) for i in range(f.nin))
]  # fmt: skip
OWN = [f for f in UFUNCS if getattr(np, f.__name__, None) is f]
OVERFLOW = {  # an infinite derivative times 0 is NaN, as IEEE has it
    "exp", "exp2", "expm1", "sinh", "cosh", "exp10", "exprel", "i0", "i1", "erfi", "airy", "iti0k0", "shichi",
    "fresnel", "rgamma", "expi", "exp1",
}  # fmt: skip
NAMES = {"divide": "true_divide", "power": "pow", "absolute": "abs", "psi": "digamma"}
# where torch's gradient is another one's convention, or is wrong: a tie, a value that is no number, a tiny denominator
APART = {
    "fmax": "a tie is shared", "fmin": "a tie is shared", "kl_div": "torch has another function of this name",
    "arctan2": "torch squares what is tiny",
}  # fmt: skip


def name(fun: Any) -> str:
    return str(fun.__name__)


def grid(fun: Any, points: list[float]) -> list[Any]:
    """Return all tuples of some points as a function's operands."""
    return [np.array(column) for column in zip(*itertools.product(points, repeat=fun.nin), strict=True)]


def at(fun: Any, points: list[float]) -> tuple[Any, list[Any]]:
    """Return a function's values at all tuples of some points, and the gradients of their sum."""
    xs = [ad.tensor(x, requires_grad=True) for x in grid(fun, points)]
    with np.errstate(all="ignore"):
        y = fun(*xs)
        gradients = ad.grad(y.sum(), xs)
    return y.detach().numpy(), [g.numpy() for g in gradients]


@pytest.mark.parametrize("fun", [f for f in OWN if f.nout == 1 and f not in (np.power, np.float_power)], ids=name)
def test_no_gradient_is_nan_where_the_value_is_finite(fun: Any) -> None:
    y, gradients = at(fun, POINTS)
    for g in gradients:
        assert not np.isnan(g[np.isfinite(y)]).any()


@pytest.mark.parametrize("fun", [np.power, np.float_power])
def test_powers_are_nan_only_by_the_exponent_of_a_negative_base(fun: Any) -> None:
    y, (by_base, by_exponent) = at(fun, POINTS)
    base = np.repeat(POINTS, len(POINTS))
    assert not np.isnan(by_base[np.isfinite(y)]).any()
    assert not np.isnan(by_exponent[np.isfinite(y) & (base >= 0)]).any()


@pytest.mark.parametrize("fun", [f for f in UFUNCS if f.nout == 1 and f.__name__ not in APART], ids=name)
def test_gradients_are_torchs_wherever_torch_has_one(fun: Any, torch: ModuleType) -> None:
    known_as = NAMES.get(name(fun), name(fun))
    theirs = getattr(torch, known_as, None) or getattr(torch.special, known_as, None)
    points = [p for p in POINTS if abs(p) <= 40] if fun not in OWN else POINTS
    operands = [torch.tensor(x) for x in grid(fun, points)]
    try:
        expected = torch.autograd.grad(theirs(*[x.requires_grad_() for x in operands]).sum(), operands)
    except (TypeError, RuntimeError, NotImplementedError):
        pytest.skip(f"torch has no derivative of {known_as}")
    y, gradients = at(fun, points)
    for ours, their in zip(gradients, expected, strict=True):
        known = ~np.isnan(y) & ~np.isnan(their.numpy()) & (np.abs(their.numpy()) < 1e30)
        if fun is np.nextafter:
            known &= np.repeat(points, len(points)) != np.tile(points, len(points))
        np.testing.assert_allclose(ours[known], their.numpy()[known], rtol=1e-7, atol=1e-290)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("fun", UFUNCS, ids=name)
def test_what_where_does_not_take_leaves_no_trace(fun: Any, order: int) -> None:
    points = [p for p in FINITE if abs(p) < 1e300] if fun.__name__ in OVERFLOW else FINITE
    xs = [ad.tensor(x, requires_grad=True) for x in grid(fun, points)]
    with np.errstate(all="ignore"):
        ys = fun(*xs)
        taken = sum(np.real(np.where(False, y, 0.0)).sum() for y in (ys if isinstance(ys, tuple) else (ys,)))
        found = ad.grad(sum((x * 3).sum() for x in xs) + taken, xs, create_graph=True)
        if order == 2:
            again = sum(g.sum() for g in found)
            found = ad.grad(again, xs, allow_unused=True) if again.requires_grad else [None] * len(xs)
    for g in found:
        np.testing.assert_array_equal(0 if g is None else g.detach().numpy(), 3 if order == 1 else 0)
