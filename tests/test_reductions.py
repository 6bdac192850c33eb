"""Reductions, scans and statistics: float16 sums, masks, `out=`, order statistics at ties and NaN, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.summation import total
from tests.numeric import check

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
KEPT = np.array([[True, False, True, True], [False, True, False, True], [True, True, True, False]])


def gradient(f: Callable[..., Any], x: Any) -> Any:
    """Return the gradient of sum(f)."""
    t = ad.tensor(np.array(x, np.float64), requires_grad=True)
    (g,) = ad.grad(f(t).sum(), t)
    return g.numpy()


# --- float16 is accumulated in float32 -----------------------------------------------------------------------------


def normalized(z: Any) -> Any:
    return (z - np.mean(z, 0)) / np.std(z, 0)


ROWS = np.linspace(-1, 1, 30_000).reshape(10_000, 3)
THROUGH: dict[str, Callable[[Any, Any], Any]] = {
    "addition": lambda b, x: b + x,
    "multiplication": lambda b, x: b * x * x,
    "broadcast_to": lambda b, x: np.broadcast_to(b, x.shape),
    "mean": lambda b, x: np.mean(b + x, axis=0),
    "var": lambda b, x: np.var(b * x, axis=0),
    "softmax of rows": lambda b, x: ad.softmax(b + x)[:, 0],
    "log_softmax": lambda b, x: ad.log_softmax(b + x)[:, 1],
    "logsumexp": lambda b, x: ad.logsumexp(b + x, axis=1),
    "cumsum": lambda b, x: np.cumsum(np.broadcast_to(b, x.shape), axis=0)[-1],
    "a layer": lambda b, x: normalized(b + x)[:5000] + b,
}


@pytest.mark.parametrize("name", THROUGH)
@pytest.mark.parametrize("lift", [False, True], ids=["first order", "create_graph"])
def test_a_float16_gradient_of_a_broadcast_over_10000_rows_is_exact_to_float16(name: str, lift: bool) -> None:
    def of(dtype: Any) -> Any:
        b = ad.tensor(np.array([0.5, 1.0, -0.25], dtype), requires_grad=True)
        (g,) = ad.grad(THROUGH[name](b, ROWS.astype(np.float16).astype(dtype)).sum(), b, create_graph=lift)
        assert g.dtype == dtype
        return g.detach().numpy()

    exact = of(np.float64)
    np.testing.assert_allclose(of(np.float16), exact, rtol=2**-9, atol=2**-9 * np.abs(exact).max())


def test_total_is_what_sum_computes() -> None:
    ones = np.ones((4096, 2), np.float16)
    assert total(ones, axis=0).tolist() == [4096, 4096]
    assert total(ones, axis=0).dtype == np.float16
    assert total(ad.tensor(ones), axis=(0, 1), keepdims=True).tolist() == [[8192]]
    assert total(X) == pytest.approx(X.sum())


# --- masks, initial values and out= --------------------------------------------------------------------------------


@pytest.mark.parametrize("fun", [np.sum, np.mean, np.prod, np.var, np.std, np.nansum, np.nanvar])
def test_masked_elements_get_no_gradient_even_where_they_are_not_finite(fun: Any) -> None:
    holed = np.where(KEPT, X, np.inf)
    g = gradient(lambda x: fun(x, axis=1, where=KEPT), holed)
    assert np.all(g[~KEPT] == 0)
    assert np.all(np.isfinite(g))
    np.testing.assert_allclose(g[KEPT], gradient(lambda x: fun(x, axis=1, where=KEPT), X)[KEPT])


def test_a_mask_may_be_a_tensor_or_a_list() -> None:
    t = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert np.sum(t, where=t > 1.5).item() == 5.0
    assert np.max(t, where=[True, True, False], initial=0).item() == 2.0
    assert t.sum(where=[True, False, True]).item() == 4.0
    assert np.add.reduce(t, where=[True, False, True], initial=1.0).item() == 5.0
    assert np.any(t < 2, where=t > 1.5).item() is False
    assert np.all(t < 2, axis=0, keepdims=True, where=[True, False, False]).tolist() == [True]


def test_the_initial_value_gets_its_gradient_and_shares_a_tie() -> None:
    x, a = ad.tensor([1.0, 2.0], requires_grad=True), ad.tensor(2.0, requires_grad=True)
    for fun, expected in ((np.sum, ([1, 1], 1)), (np.prod, ([4, 2], 2)), (np.max, ([0, 0.5], 0.5))):
        gx, ga = ad.grad(fun(x, initial=a), (x, a))
        assert (gx.tolist(), ga.item()) == expected
    assert np.max(ad.tensor(np.zeros((2, 0))), axis=1, initial=3.0).tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: np.sum(x, axis=0, where=KEPT, out=out),
        lambda x, out: np.median(x, axis=0, out=out),
        lambda x, out: np.quantile(x, 0.3, axis=0, out=out),
        lambda x, out: np.ptp(x, axis=0, out=out),
        lambda x, out: np.nanvar(x, axis=0, out=out),
        lambda x, out: np.nanmean(x, axis=0, out=out),
        lambda x, out: np.cumulative_sum(x[0], out=out),
    ],
)
def test_out_takes_the_value_and_the_history(call: Any) -> None:
    x, out = ad.tensor(X, requires_grad=True), ad.zeros(4, dtype=np.float64)
    assert call(x, out) is out
    np.testing.assert_allclose(out.detach().numpy(), call(X, np.zeros(4)))
    assert out.requires_grad
    array = np.zeros(4)
    with pytest.raises(TypeError, match="out=ndarray"):
        call(x, array)
    assert call(x.detach(), array) is array
    np.testing.assert_allclose(array, call(X, np.zeros(4)))


# --- order statistics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (np.median, [3.0, 1.0, 2.0, 5.0], [0.5, 0, 0.5, 0]),
        (np.median, [2.0, 2.0, 2.0], [0, 1, 0]),
        (np.median, [1.0, np.nan, 2.0], [0, 1, 0]),
        (np.nanmedian, [1.0, np.nan, 4.0], [0.5, 0, 0.5]),
        (lambda x: np.quantile(x, 0.25), [1.0, 2.0, 4.0], [0.5, 0.5, 0]),
        (lambda x: np.quantile(x, 1.0), [1.0, np.inf, 4.0], [0, 1, 0]),
        (lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=[1, 1, 5]), [1.0, 2.0, 4.0], [0, 0, 1]),
        (np.nanmax, [1.0, np.nan, 1.0], [0.5, 0, 0.5]),
        (lambda x: np.nanmax(x, initial=1.0), [1.0, np.nan, -1.0], [0.5, 0, 0]),
        (np.nansum, [1.0, np.nan], [1, 0]),
        (np.nanprod, [3.0, np.nan, 0.0], [0, 0, 3]),
        (np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
        (np.ptp, [2.0, 2.0], [0, 0]),
        (lambda x: np.std(x, where=[True, True, False]), [2.0, 2.0, 5.0], [0, 0, 0]),
        (lambda x: np.std(x, mean=2.0), [2.0, 2.0], [0, 0]),
        (lambda x: np.std(x, where=[True, True, False]), [1.0, 3.0, 5.0], [-0.5, 0.5, 0]),
        (np.nanstd, [2.0, np.nan, 2.0], [0, 0, 0]),
        (lambda x: ad.cummax(x).values, [1.0, 3.0, 3.0, 2.0], [1, 1, 2, 0]),
        (lambda x: np.minimum.accumulate(x), [3.0, 1.0, 1.0, 2.0], [1, 1, 2, 0]),
        (ad.logcumsumexp, [-np.inf, -np.inf, 0.0], [0, 0, 1]),
        (ad.logcumsumexp, [1000.0, 1000.0], [1.5, 0.5]),
        (ad.logcumsumexp, [1000.0, 0.0, -1000.0], [3, 0, 0]),
    ],
)
def test_gradient_by_convention(f: Any, at: Any, expected: Any) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(gradient(f, at), expected, atol=1e-12)


def test_cumprod_and_prod_are_exact_at_zeros_to_second_order() -> None:
    for x in ([2.0, 0.0, 3.0, 0.0], [0.0, 0.0], [0.0], [1.0, 0.0, 2.0]):
        check(np.cumprod, np.array(x), order=2)
        check(np.prod, np.array(x), order=2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.median(np.exp(x), axis=0),
        lambda x: np.quantile(x**3, [0.2, 0.7], axis=1),
        ad.logcumsumexp,
        np.cumprod,
        np.prod,
        lambda x: np.std(x, axis=0, where=KEPT),
        np.corrcoef,
        lambda x: np.gradient(x**2, np.cumsum(np.exp(x[0])), axis=1, edge_order=2),
        lambda x: ad.cummax(np.sin(x), 1).values,
    ],
)
def test_third_derivatives(f: Any) -> None:
    check(f, X, order=3, exhaustive=False, directions=1)


def test_order_statistics_of_nothing() -> None:
    with pytest.warns(RuntimeWarning):
        assert np.isnan(np.median(ad.tensor([])).item())
    with pytest.raises(IndexError):
        np.quantile(ad.tensor([]), 0.5)


def test_integers_are_taken_too() -> None:
    x = ad.tensor([1, 4, 9])
    for f in (np.median, np.ptp, np.gradient, np.diff, np.nanmax, np.cumulative_sum, np.cov,
              lambda t: np.quantile(t, 0.5, method="lower")):  # fmt: skip
        expected = f(np.array([1, 4, 9]))
        found = f(x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.numpy(), expected)


def test_counts_are_constants_and_weights_and_edges_are_not() -> None:
    a, w = ad.tensor([0.5, 1.5, 4.0, 0.0], requires_grad=True), ad.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    counts, edges = np.histogram(a, bins=2)
    assert counts.tolist() == [3, 1]
    assert not counts.requires_grad
    assert ad.grad(edges[1], a)[0].tolist() == [0, 0, 0.5, 0.5]
    sums, edges = np.histogram(a.detach(), bins=[0.0, 1.0, 2.0], weights=w)
    assert ad.grad(sums[0], w)[0].tolist() == [1, 0, 0, 1]
    assert not np.digitize(a, [1.0]).requires_grad


# --- bad input -----------------------------------------------------------------------------------------------------

T = ad.tensor(X, requires_grad=True)
BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "q": (lambda: np.quantile(T, ad.tensor(0.5, requires_grad=True)), TypeError, "no gradient flows to q; pass q="),
    "weights": (
        lambda: np.quantile(T, 0.5, weights=T, method="inverted_cdf"), TypeError, "no gradient flows to weights",
    ),
    "q too large": (lambda: np.percentile(T, 101), ValueError, "range"),
    "method": (lambda: np.quantile(T, 0.5, method="nearly"), ValueError, "nearly"),
    "mask of integers": (lambda: np.sum(T, where=np.ones(4, int)), TypeError, r"int64.*astype\(bool\)"),
    "mask too large": (lambda: np.sum(T, where=np.ones((2, 3, 4), bool)), ValueError, r"\(2, 3, 4\) does not"),
    "mask of an extremum": (lambda: np.max(T, where=KEPT), ValueError, "needs initial=.*maximum"),
    "initial": (lambda: np.sum(T, initial=[1.0, 2.0]), ValueError, r"initial= has shape \(2,\)"),
    "weights without an axis": (lambda: np.average(T, weights=[1.0] * 4), TypeError, "axis="),
    "weights along another axis": (lambda: np.average(T, 0, [1.0] * 4), ValueError, "along axis 0"),
    "weights that sum to zero": (lambda: np.average(T, 1, [1.0, -1, 0, 0]), ZeroDivisionError, "sum to zero"),
    "cumulative_sum": (lambda: np.cumulative_sum(T), ValueError, "needs axis="),
    "diff of order -1": (lambda: np.diff(T, -1), ValueError, "-1; expected 0 or more"),
    "diff of a number": (lambda: np.diff(T[0, 0]), ValueError, "at least one dimension"),
    "ediff1d": (lambda: np.ediff1d(ad.tensor([1, 2]), 1.5), TypeError, "to_end of dtype float64"),
    "edge_order": (lambda: np.gradient(T, edge_order=3), ValueError, "edge_order is 3; expected 1 or 2"),
    "spacings": (lambda: np.gradient(T, 1, 2, 3), TypeError, "3 spacings are given for 2 axes"),
    "coordinates": (lambda: np.gradient(T, [1.0, 2.0], 1), ValueError, r"shape \(2,\) for axis 0 of length 3"),
    "too few": (lambda: np.gradient(T[:2], axis=0, edge_order=2), ValueError, "edge_order=2 takes 3"),
    "ddof": (lambda: np.cov(T, ddof=0.5), ValueError, "expected an integer"),
    "dimensions": (lambda: np.cov(ad.ones(2, 2, 2)), ValueError, "at most two dimensions"),
    "aweights": (lambda: np.cov(T, aweights=[1, 2]), RuntimeError, r"aweights has shape \(2,\)"),
    "negative aweights": (lambda: np.cov(T, aweights=[1, 2, -1, 1]), ValueError, "negative"),
    "fweights": (lambda: np.cov(T, fweights=[1, 2, 0.5, 1]), TypeError, "fweights are counts"),
    "histogram weights": (lambda: np.histogram(T, weights=[1.0]), ValueError, r"weights of shape \(1,\)"),
    "histogram2d": (lambda: np.histogram2d(T[0], T[0, :2]), ValueError, r"\(4,\) and y of shape \(2,\)"),
    "histogramdd": (lambda: np.histogramdd([T[0], T[1]], [1, 2, 3]), ValueError, "2 variables, 3 bins"),
    "axis": (lambda: np.median(T, axis=2), np.exceptions.AxisError, "2"),
    "accumulate": (lambda: np.power.accumulate(T), TypeError, "np.power.accumulate of a Tensor has no derivative rule"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()
