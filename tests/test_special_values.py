"""The conventions at kinks, ties and limits, one row each; and dead branches that cannot poison live ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad

INF = np.inf


def derivative(f: Callable[..., Any], at: Any, order: int = 1) -> Any:
    """Return the derivative of sum(f) of an order, each time summed, at a point."""
    x = ad.tensor(np.array(at, dtype=np.float64), requires_grad=True)
    g = f(x).sum()
    for _ in range(order):
        if not g.requires_grad:  # a straight line: what follows is 0
            return np.zeros(x.shape)
        (g,) = ad.grad(g.sum(), x, create_graph=True)
    return g.detach().numpy()


FIRST = [
    # kinks: the subgradient 0, or shared evenly
    ("abs at 0", np.abs, [0.0, -0.0, 2.0], [0, 0, 1]),
    ("fabs at 0", np.fabs, [0.0, -3.0], [0, -1]),
    ("relu at 0", ad.relu, [0.0, -0.0, 1.0], [0, 0, 1]),
    ("maximum(x, 0) at 0", lambda x: np.maximum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 1, 0]),
    ("minimum(x, 0) at 0", lambda x: np.minimum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 0, 1]),
    ("maximum(x, x)", lambda x: np.maximum(x, x), [1.0], [1]),
    ("fmax(x, nan)", lambda x: np.fmax(x, np.array([np.nan])), [1.0], [1]),
    ("max over ties", np.max, [2.0, 1.0, 2.0], [0.5, 0, 0.5]),
    ("min over ties", np.min, [2.0, 2.0, 2.0, 2.0], [0.25] * 4),
    ("amax over ties, axis", lambda x: np.max(x, axis=1), [[2.0, 2.0], [1.0, 3.0]], [[0.5, 0.5], [0, 1]]),
    ("topk at ties", lambda x: ad.topk(x, 1)[0], [1.0, 2.0, 2.0], [0, 1, 0]),
    ("kthvalue at ties", lambda x: ad.kthvalue(x, 2)[0], [2.0, 1.0, 1.0], [0, 0, 1]),
    ("partition of equal values", lambda x: np.partition(x, 1) * 3.0, [2.0, 2.0, 2.0], [3, 3, 3]),
    ("unique of equal values", lambda x: np.unique(x) * np.array([1.0, 10.0]), [2.0, 1.0, 2.0], [10, 1, 0]),
    ("intersect1d of two arrays", lambda x: np.intersect1d(x, np.array([2.0])), [2.0, 1.0, 2.0], [1, 0, 0]),
    ("interp at knots", lambda x: np.interp(x, [0, 1, 3], [0, 2, -2]), [0.0, 1, 3, -1, 4], [2, -2, -2, 0, 0]),
    ("interp at inf", lambda h: np.interp(np.array([-np.inf, np.inf, 0.5]), [0, 1], h), [1.0, 2.0], [1.5, 1.5]),
    ("interp at knots that coincide", lambda h: np.interp([0.0, 1.0], [0, 0, 1, 1], h), [1.0, 2, 3, 4], [0, 1, 0, 1]),
    ("log where select took another", lambda x: np.select([x > 0], [np.log(x)], x), [0.0, 2.0], [1, 0.5]),
    ("log where choose took another", lambda x: np.choose([0, 1], [x, np.log(x)]), [0.0, 2.0], [1, 0.5]),
    ("ptp over ties", np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
    ("nanmax over ties", np.nanmax, [1.0, np.nan, 1.0], [0.5, 0, 0.5]),
    ("median at ties", np.median, [2.0, 2.0, 2.0], [0, 1, 0]),
    ("cummax at ties", lambda x: ad.cummax(x).values, [1.0, 3.0, 3.0, 2.0], [1, 1, 2, 0]),
    ("std of equal numbers under a mask", lambda x: np.std(x, where=x < 5), [2.0, 2.0, 9.0], [0, 0, 0]),
    ("logcumsumexp of -inf", ad.logcumsumexp, [-INF, -INF, 0.0], [0, 0, 1]),
    ("sort at ties", lambda x: np.sort(x) * np.array([1.0, 10.0, 100.0]), [2.0, 1.0, 2.0], [10, 1, 100]),
    ("clip at its bounds", lambda x: np.clip(x, -1, 1), [-1.0, 1.0, 0.0, 1.5, -1.5], [1, 1, 1, 0, 0]),
    ("copysign at 0", lambda x: np.copysign(x, -1.0), [2.0, -2.0], [-1, 1]),
    # roots, norms and logarithms
    ("sqrt at 0", np.sqrt, [0.0, 4.0], [INF, 0.25]),
    ("sqrt at 0, gradient 0", lambda x: np.sqrt(x) * 0.0, [0.0], [0]),
    ("cbrt at 0", np.cbrt, [0.0, 8.0], [INF, 1 / 12]),
    ("log at 0", np.log, [0.0, 2.0], [INF, 0.5]),
    ("log at 0, gradient 0", lambda x: np.log(x) * np.array([0.0]), [0.0], [0]),
    ("log2 at 0, gradient 0", lambda x: np.where(x > 0, np.log2(x), 0.0), [0.0], [0]),
    ("log1p at -1", np.log1p, [-1.0, 0.0], [INF, 1]),
    ("hypot at (0, 0)", lambda x: np.hypot(x, 0.0), [0.0, 3.0], [0, 1]),
    ("std of equal numbers", np.std, [2.0, 2.0, 2.0], [0, 0, 0]),
    ("var of equal numbers", np.var, [2.0, 2.0, 2.0], [0, 0, 0]),
    (
        "sqrt of a sum of squares at 0, as operations",
        lambda x: np.where(np.sum(x * x) > 0, np.sqrt(np.sum(x * x)), 0.0),
        [0.0, 0.0],
        [0, 0],
    ),
    ("arcsin at 1", np.arcsin, [1.0, 0.0], [INF, 1]),
    ("arccos at 1", np.arccos, [1.0], [-INF]),
    ("arctanh at 1, gradient 0", lambda x: np.where(x < 1, np.arctanh(x), 0.0), [1.0], [0]),
    ("arccosh at 1", np.arccosh, [1.0], [INF]),
    ("arctan2(0, x > 0)", lambda x: np.arctan2(x, 2.0), [0.0], [0.5]),
    ("arctan2(0, 0)", lambda x: np.where(x == 0, 0.0, np.arctan2(x, x)), [0.0], [0]),
    # powers
    ("x**2 at 0", lambda x: x**2, [0.0], [0]),
    ("x**3 at 0", lambda x: x**3, [0.0, -2.0], [0, 12]),
    ("x**1 at 0", lambda x: x**1, [0.0], [1]),
    ("x**0 at 0", lambda x: x**0, [0.0, 2.0], [0, 0]),
    ("x**0.0 of an array at 0", lambda x: np.power(x, np.array([0.0])), [0.0], [0]),
    ("x**2.0 of an array, negative base", lambda x: np.power(x, np.array([2.0])), [-3.0, 0.0], [-6, 0]),
    ("x**0.5 at 0", lambda x: x**0.5, [0.0, 4.0], [INF, 0.25]),
    ("x**-1", lambda x: x**-1, [2.0], [-0.25]),
    ("0**y for y > 0", lambda y: np.power(0.0, y), [2.0, 0.5], [0, 0]),
    ("0**y at 0, as torch", lambda y: np.power(np.zeros(2), y), [0.0, -1.0], [0, -INF]),
    ("float_power at 0", lambda x: np.float_power(x, 2), [0.0, -3.0], [0, -6]),
    ("2**y", lambda y: 2.0**y, [0.0, 3.0], [np.log(2), 8 * np.log(2)]),
    # products and scans with zeros
    ("prod with one 0", np.prod, [2.0, 0.0, 3.0], [0, 6, 0]),
    ("prod with two 0s", np.prod, [2.0, 0.0, 0.0], [0, 0, 0]),
    ("prod of one element 0", np.prod, [0.0], [1]),
    ("cumprod with a 0", np.cumprod, [2.0, 0.0, 3.0], [1, 8, 0]),
    # saturation
    ("logsumexp of all -inf", ad.logsumexp, [-INF, -INF], [0, 0]),
    ("logsumexp with a -inf", ad.logsumexp, [-INF, 0.0], [0, 1]),
    ("logsumexp of large numbers", ad.logsumexp, [1000.0, 1000.0], [0.5, 0.5]),
    ("logaddexp of two -inf", lambda x: np.logaddexp(x, -INF), [-INF], [0]),
    ("sigmoid far out", ad.sigmoid, [-1000.0, 1000.0, 0.0], [0, 0, 0.25]),
    ("tanh far out", np.tanh, [-1000.0, 1000.0], [0, 0]),
    ("softmax with a -inf", lambda x: ad.softmax(x)[1], [-INF, 0.0, 0.0], [0, 0.25, -0.25]),
    ("log_softmax far out", lambda x: ad.log_softmax(x)[0], [1000.0, 0.0], [0, 0]),
    ("exp overflow is IEEE", np.exp, [1000.0], [INF]),
    # borders, polynomials and phases
    ("pad with the maximum of ties", lambda x: np.pad(x, (1, 0), "maximum"), [2.0, 2.0, 1.0], [1.5, 1.5, 1]),
    ("pad with the median, even", lambda x: np.pad(x, (0, 2), "median"), [1.0, 3.0], [2, 2]),
    ("vander at 0", lambda x: np.vander(x, 4), [0.0, 1.0], [1, 6]),
    ("polyval at 0", lambda x: np.polyval([1.0, 0.0, 3.0, 1.0], x), [0.0], [3]),
    ("unwrap at a jump of half a period", lambda x: np.unwrap(x, period=2.0), [0.0, 1.0, 3.0], [1, 1, 1]),
    ("logspace of a base 0", lambda x: np.logspace(1.0, 2.0, 2, base=x), [0.0], [1]),
    ("logaddexp of an infinity", lambda x: np.logaddexp(x, 1.0), [INF, -INF], [1, 0]),
    ("logaddexp of two infinities", lambda x: np.logaddexp(x, INF), [INF, 0.0], [0.5, 0]),
    ("expm1 far down", np.expm1, [-INF, -1000.0], [0, 0]),
    ("arctan far out", np.arctan, [INF, -INF, 1e300], [0, 0, 0]),
    ("log and sqrt at infinity", lambda x: np.log(x) + np.sqrt(x), [INF], [0]),
    ("division by infinity", lambda x: 1.0 / x, [INF, -INF], [0, 0]),
    # sizes
    ("hypot of the huge", lambda x: np.hypot(x, 1e300), [1e300], [0.5**0.5]),
    ("hypot of the tiny", lambda x: np.hypot(x, 0.0), [5e-324, -1e-300], [1, -1]),
    ("hypot of infinities", lambda x: np.hypot(x, INF), [INF, 1.0], [0.5**0.5, 0]),
    ("arctan2 of the huge", lambda x: np.arctan2(x, 1e300), [1e300], [5e-301]),
    ("arctan2 of the tiny", lambda x: np.arctan2(x, 1e-300), [0.0, 1e-300], [1e300, 5e299]),
    ("arctan2 of infinities", lambda x: np.arctan2(x, INF), [INF, 1.0], [0, 0]),
    ("sinc", np.sinc, [0.0, -0.0, 1e-300, 1.0, INF], [0, 0, -(np.pi**2) / 3 * 1e-300, -1, 0]),
    ("i0", np.i0, [0.0, 5e-324, 1e-300], [0, 2.5e-324, 5e-301]),
    # steps and parts of numbers
    ("heaviside at 0, by the value there", lambda x: np.heaviside(np.array([0.0, 1.0, -0.0]), x), [0.5] * 3, [1, 0, 1]),
    ("heaviside, by where it steps", lambda x: np.heaviside(x, 0.5), [0.0, 1.0], [0, 0]),
    ("copysign by a zero", lambda x: np.copysign(x, np.array([0.0, -0.0])), [2.0, 2.0], [1, -1]),
    ("copysign of a zero", lambda x: np.copysign(x, 1.0), [0.0], [0]),
    ("nextafter", lambda x: np.nextafter(x, INF), [1.0, 0.0], [1, 1]),
    ("ldexp", lambda x: np.ldexp(x, 3), [0.0, 5e-324, 1e300], [8, 8, 8]),
    ("mantissa", lambda x: np.frexp(x)[0], [3.0, -0.375, 0.0], [0.25, 2, 1]),
    ("fix, trunc, spacing", lambda x: np.fix(x) + np.trunc(x) + np.spacing(x), [1.0, 1.5], [0, 0]),
    ("nan_to_num", np.nan_to_num, [np.nan, INF, -INF, 1.0], [0, 0, 0, 1]),
    # fractions
    ("remainder", lambda x: x % 3.0, [-4.0, 4.0], [1, 1]),
    ("floor_divide, sign, round", lambda x: x // 2.0 + np.sign(x) + np.round(x), [1.3], [0]),
]

SECOND = [
    ("sinc at 0", np.sinc, 0.0, -(np.pi**2) / 3),
    ("sinc near 0", np.sinc, 1e-9, -(np.pi**2) / 3),
    ("i0 at 0", np.i0, 0.0, 0.5),
    ("logaddexp of equal numbers", lambda x: np.logaddexp(x, 0.0), 0.0, 0.25),
    ("hypot of the huge", lambda x: np.hypot(x, 1e300), 0.0, 1e-300),
    ("arcsin at 1", np.arcsin, 1.0, INF),
    ("arccosh at 1", np.arccosh, 1.0, -INF),
    ("nan_to_num of a square", lambda x: np.nan_to_num(x * x), 3.0, 2.0),
    ("nan_to_num where it is not taken", lambda x: np.nan_to_num(np.sqrt(x)) + x * x, -1.0, 2.0),
    ("vander at 0", lambda x: np.vander(np.reshape(x, 1), 4), 0.0, 2.0),
    ("pad with the maximum of ties", lambda x: np.pad(np.stack([x, x]) ** 2, 1, "maximum"), 1.0, 8.0),
    ("sort of equal values", lambda x: np.sort(np.stack([x * x, x, x])) ** 2, 1.0, 16.0),
    ("interp at a knot", lambda x: np.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, -2.0]) ** 2, 1.0, 8.0),
    ("log where select took another", lambda x: np.select([x > 0], [np.log(x)], x * x), 0.0, 2.0),
    ("(sqrt(x) - 2)**2 at 4", lambda x: (np.sqrt(x) - 2) ** 2, 4.0, 0.125),
    ("x**2 at 0", lambda x: x**2, 0.0, 2.0),
    ("x**3 at 0", lambda x: x**3, 0.0, 0.0),
    ("x**1 at 0", lambda x: x**1, 0.0, 0.0),
    ("x**2.0 of an array at 0", lambda x: np.power(x, np.array(2.0)), 0.0, 2.0),
    ("abs at 0", np.abs, 0.0, 0.0),
    ("relu at 0", ad.relu, 0.0, 0.0),
    ("relu(x)**2 at 1", lambda x: ad.relu(x) ** 2, 1.0, 2.0),
    ("clip at a bound", lambda x: np.clip(x, -1, 1) ** 2, 1.0, 2.0),
    ("prod with zeros, mixed", lambda x: np.prod(np.stack([x, x, x + 1])), 0.0, 2.0),
    ("cumprod with zeros, mixed", lambda x: np.cumprod(np.stack([x, x, x + 1])), 0.0, 4.0),
    ("log where it is not taken", lambda x: np.where(x > 0, np.log(x), x * x), 0.0, 2.0),
    ("sqrt where it is not taken", lambda x: np.where(x > 0, np.sqrt(x), x * x), 0.0, 2.0),
    ("division where it is not taken", lambda x: np.where(x != 0, x / x, x**3), 0.0, 0.0),
    ("sigmoid far out", ad.sigmoid, 1000.0, 0.0),
    ("a live ratio where its gradient is 0", lambda x: (np.log(x) - np.log(2.0)) ** 2, 2.0, 0.5),
]


@pytest.mark.parametrize(("f", "at", "expected"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_first_derivative_by_convention(f: Any, at: Any, expected: Any) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(derivative(f, at), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("f", "at", "expected"), [row[1:] for row in SECOND], ids=[row[0] for row in SECOND])
def test_second_derivative_by_convention(f: Any, at: Any, expected: Any) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(derivative(f, at, 2), expected, rtol=1e-12, atol=1e-15)


SINGULAR = {
    "sqrt": (np.sqrt, 0.0),
    "cbrt": (np.cbrt, 0.0),
    "log": (np.log, 0.0),
    "log2": (np.log2, 0.0),
    "log10": (np.log10, 0.0),
    "log1p": (np.log1p, -1.0),
    "divide": (lambda x: 1 / x, 0.0),
    "reciprocal": (np.reciprocal, 0.0),
    "x**-1": (lambda x: x**-1, 0.0),
    "x**0.5": (lambda x: x**0.5, 0.0),
    "arcsin": (np.arcsin, 1.0),
    "arccos": (np.arccos, -1.0),
    "arctanh": (np.arctanh, 1.0),
    "arccosh": (np.arccosh, 1.0),
    "hypot": (lambda x: np.hypot(x, x), 0.0),
    "sqrt of a square": (lambda x: np.sqrt(x * x), 0.0),
    "norm of rows": (lambda x: np.sqrt(np.sum(np.stack([x, x]) ** 2, axis=0)), 0.0),
    "log of a negative": (np.log, -1.0),
    "sqrt of a negative": (np.sqrt, -1.0),
    "x / x": (lambda x: x / x, 0.0),
    "arctan2": (lambda x: np.arctan2(x, x), 0.0),
    "arccosh below 1": (np.arccosh, 0.5),
    "remainder by 0": (lambda x: 1.0 % x, 0.0),
    "fmod by 0": (lambda x: np.fmod(1.0, x), 0.0),
    "divmod by 0": (lambda x: np.divmod(1.0, x)[1], 0.0),
    "x**x": (lambda x: x**x, 0.0),
    "sinc": (np.sinc, 0.0),
    "angle": (lambda x: np.angle(x), 0.0),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", SINGULAR)
def test_a_dead_branch_of_where_cannot_poison_the_live_one(name: str, order: int) -> None:
    f, at = SINGULAR[name]
    with np.errstate(all="ignore"):
        found = derivative(lambda x: np.where(x == at, x * x * 3, f(x)), [at, 0.5 if at != 0.5 else 0.25], order)
    assert found[0] == (6 * at if order == 1 else 6.0)


def test_values_of_ratio() -> None:
    ratio = ad.kernels.ratio
    found = ratio(np.array([0.0, 1.0, -1.0, 0.0, np.nan, 6.0]), np.array([0.0, 0.0, 0.0, 3.0, 0.0, 3.0]))
    np.testing.assert_array_equal(found, [0.0, INF, -INF, 0.0, np.nan, 2.0])


def test_a_live_nan_stays_visible() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(derivative(lambda x: x * np.nan, [1.0])).all()
        assert np.isnan(derivative(np.log, [np.nan])).all()


def test_the_sweep_raises_no_numpy_warnings() -> None:
    x = ad.tensor([0.0, 4.0], requires_grad=True)
    y = np.sqrt(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [INF, 0.25])


def test_the_users_error_state_comes_back_after_a_sweep() -> None:
    before = np.geterr()
    x = ad.tensor([0.0], requires_grad=True)
    np.sqrt(x).sum().backward()
    assert np.geterr() == before


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (lambda t: np.sum(t, axis=0), 4096.0),
        (lambda t: np.cumsum(t, axis=0)[-1], 4096.0),
        (lambda t: np.var(t * 100, axis=0), 0.0),
        (lambda t: np.mean(t, axis=0), 1.0),
    ],
    ids=["sum", "cumsum", "var", "mean"],
)
def test_float16_accumulates_in_float32(value, exact) -> None:
    y = value(ad.ones(4096, 2, dtype=np.float16))
    assert y.dtype == np.float16
    assert y.tolist() == [exact, exact]


@pytest.mark.parametrize("fun", [np.sum, np.max, np.min, np.prod, ad.logsumexp])
@pytest.mark.parametrize("axis", [0, -1])
def test_numpy_takes_an_axis_of_a_0_d_array_and_so_do_the_gradients(fun: Any, axis: int) -> None:
    x = ad.tensor(2.0, requires_grad=True)
    fun(x, axis=axis).backward()
    assert x.grad.shape == ()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0.5, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_short_powers_are_those_of_the_general_algorithm(exponent: float, dtype: type) -> None:
    x = np.array([1e-3, 0.7, 2.0, 31.0] if dtype is np.complex128 else [1e-3, 0.7, 2.0, 31.0, INF, np.nan], dtype)
    if exponent == int(exponent):
        x = np.append(x, np.array([-1.5], dtype))
    t = ad.tensor(x, requires_grad=True)
    (slope,) = ad.grad(t**exponent, t, np.ones_like(x))
    close = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose((t**exponent).detach().numpy(), np.power(x, exponent), **close)
    np.testing.assert_allclose(slope.numpy(), exponent * np.power(x, exponent - 1), **close)
