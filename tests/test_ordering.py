"""Sorting, searching, sets and selection: what carries no gradient, what is refused, NaN, tracing, methods."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.primitive import registry
from tests.numeric import check

X = np.array([[3.0, 1.0, 2.0, 2.0], [0.5, 4.0, -1.0, 2.0]])
V = np.array([0.3, -1.2, 2.5, 0.9])
MASK = np.array([True, False, True, True])
SORTED = "sorted" in registry[np.unique].keywords and np.lib.NumpyVersion(np.__version__) >= "2.3.0"


# --- indices, counts and truths are tensors without a gradient ---

PLACES = {
    "argpartition": lambda x: np.argpartition(x, 1),
    "argpartition, axis": lambda x: np.argpartition(x, [0, 1], axis=0, kind="introselect"),
    "searchsorted": lambda x: np.searchsorted(V, x, side="right", sorter=np.argsort(V)),
    "searchsorted in a Tensor": lambda x: np.searchsorted(x[1, :2], 2.0),
    "isin": lambda x: np.isin(x, [2.0, 4.0], invert=True),
    "isin a Tensor": lambda x: np.isin(V, x, assume_unique=False, kind="sort"),
    "lexsort": lambda x: np.lexsort((x[1], x[0])),
    "lexsort, axis": lambda x: np.lexsort(x, axis=-1),
    "argwhere": lambda x: np.argwhere(x > 1),
    "flatnonzero": lambda x: np.flatnonzero(x > 1),
    "nonzero": np.nonzero,
    "ix_": lambda x: np.ix_(x[0] > 1, np.array([1, 0])),
    "places of topk": lambda x: ad.topk(x, 2).indices,
    "place of kthvalue": lambda x: ad.kthvalue(x, 2, keepdim=True).indices,
    "places of unique": lambda x: np.unique(x, True, True, True)[1:],
    "places of intersect1d": lambda x: np.intersect1d(x, V[:1], return_indices=True)[1:],
}


@pytest.mark.parametrize("name", PLACES)
def test_indices_counts_and_truths_are_tensors_without_a_gradient(name: str) -> None:
    t = ad.tensor(X, requires_grad=True)
    found, expected = PLACES[name](t), PLACES[name](X)
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for y, e in pairs:
        assert isinstance(y, ad.Tensor)
        assert not y.requires_grad
        assert y.dtype == np.asarray(e).dtype
        np.testing.assert_array_equal(y.numpy(), e)


def test_indices_that_follow_from_a_shape_are_numpys_own() -> None:
    t = ad.tensor(np.ones((3, 3)), requires_grad=True)
    for f in (np.diag_indices_from, np.tril_indices_from, lambda x: np.triu_indices_from(x, k=1)):
        for found, expected in zip(f(t), f(np.ones((3, 3))), strict=True):
            assert type(found) is np.ndarray
            np.testing.assert_array_equal(found, expected)


# --- what is refused, by name ---

T = ad.tensor(X)
REFUSED = {
    "sort, order": (lambda: np.sort(T, order="a"), TypeError, "sort .*order="),
    "partition, order": (lambda: np.partition(T, 1, order="a"), TypeError, "partition .*order="),
    "sort of a number": (lambda: np.sort(T[0, 0]), ValueError, "axis -1 is out of bounds"),
    "partition beyond": (lambda: np.partition(T, 4), ValueError, "kth"),
    "topk beyond": (lambda: ad.topk(T, 5), ValueError, "k=5.*4 elements along axis -1"),
    "topk, axis": (lambda: ad.topk(T, 1, 2), ValueError, "axis 2 is out of bounds"),
    "kthvalue of 0": (lambda: ad.kthvalue(T, 0), ValueError, "k counts from 1"),
    "kthvalue beyond": (lambda: ad.kthvalue(T, 3, 0), ValueError, "k=3.*2 elements along axis 0"),
    "take, axis": (lambda: np.take(T, 0, axis=2), ValueError, "axis 2 is out of bounds"),
    "take, out": (lambda: np.take(T, 0, out=np.zeros(())), TypeError, "take .*out="),
    "take, mode": (lambda: np.take(T, 0, mode="reflect"), ValueError, "'raise', 'wrap' or 'clip'; got 'reflect'"),
    "take beyond": (lambda: np.take(T, 8), IndexError, "out of bounds"),
    "take, no integers": (lambda: np.take(T, [0.5]), IndexError, "expected integers"),
    "take_along_axis, ndim": (lambda: np.take_along_axis(T, np.array([0]), 1), ValueError, "as many axes"),
    "take_along_axis, floats": (lambda: np.take_along_axis(T, X, 1), IndexError, "must be integers; got float64"),
    "take_along_axis, axis": (lambda: np.take_along_axis(T, X.astype(int), 2), ValueError, "axis 2 is out of bounds"),
    "compress, matrix": (lambda: np.compress(X > 1, T), ValueError, "one axis; got 2"),
    "compress, out": (lambda: np.compress(MASK, T, out=X), TypeError, "compress .*out="),
    "trim_zeros": (lambda: np.trim_zeros(T, "x"), ValueError, "'f'.*got 'x'"),
    "diag of a stack": (lambda: np.diag(T[None]), ValueError, r"vector or a matrix; got shape \(1, 2, 4\)"),
    "choose, out": (lambda: np.choose(T > 1, [T, T], out=X), TypeError, "choose .*out="),
    "choose beyond": (lambda: np.choose([2], [T, T]), ValueError, "invalid entry in choice array"),
    "choose, mode": (lambda: np.choose([2], [T, T], mode="up"), ValueError, "mode"),
    "select, no conditions": (lambda: np.select([T > 1], []), ValueError, "got 1 and 0"),
    "select, numbers": (lambda: np.select([T], [T]), TypeError, "condition 0 must be boolean; got float64"),
    "piecewise": (lambda: np.piecewise(T, [T > 1], [1, 2, 3]), ValueError, "expected 1 or one more functions; got 3"),
    "apply_along_axis": (lambda: np.apply_along_axis(np.sum, 1, T[:0]), ValueError, "no line along axis 1"),
    "apply_over_axes": (lambda: np.apply_over_axes(lambda x, axis: x.sum(), T, 0), ValueError, "made 2 axes into 0"),
    "interp, lengths": (lambda: np.interp(T, [0.0, 1.0], [1.0]), ValueError, r"one length.*\(2,\) and \(1,\)"),
    "interp, empty": (lambda: np.interp(T, [], []), ValueError, "one length, not 0"),
    "interp, period": (lambda: np.interp(T, [0.0], [1.0], period=0), ValueError, "period must not be 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_by_name(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


# --- values that need a word ---


def test_nan_is_last_in_order_and_the_largest() -> None:
    x = ad.tensor([1.0, np.nan, 0.5], requires_grad=True)
    np.testing.assert_array_equal(np.sort(x).detach().numpy(), [0.5, 1.0, np.nan])
    top = ad.topk(x, 2)
    np.testing.assert_array_equal(top.values.detach().numpy(), [np.nan, 1.0])
    assert top.indices.tolist() == [1, 0]
    assert np.isnan(ad.kthvalue(x, 3).values.item())
    assert np.unique(np.stack([x, x])).shape == (3,)
    assert np.unique(np.stack([x, x]), equal_nan=False).shape == (4,)
    assert np.unique_values(np.stack([x, x])).shape == (4,)


def test_topk_and_kthvalue_at_ties_and_nan_are_torchs(torch: ModuleType) -> None:
    x = np.array([[2.0, np.nan, 1.0, 3.0], [0.0, 5.0, -1.0, 2.5]])
    for k in range(5):
        for largest in (True, False):
            ours, theirs = ad.topk(ad.tensor(x), k, -1, largest), torch.topk(torch.tensor(x), k, -1, largest)
            np.testing.assert_array_equal(ours.values.numpy(), theirs.values.numpy())
            np.testing.assert_array_equal(ours.indices.numpy(), theirs.indices.numpy())
    ours, theirs = ad.kthvalue(ad.tensor(x), 1, 0), torch.kthvalue(torch.tensor(x), 1, 0)
    np.testing.assert_array_equal(ours.values.numpy(), theirs.values.numpy())


def test_equal_values_keep_their_order() -> None:
    x = ad.tensor(np.zeros(100), requires_grad=True)
    weights = np.arange(100.0)
    for y in (np.sort(x), ad.topk(x, 100).values, ad.topk(x, 100, largest=False).values):
        (g,) = ad.grad((y * weights).sum(), x)
        np.testing.assert_array_equal(g.numpy(), weights)


def test_a_partition_has_smaller_values_before_and_larger_behind() -> None:
    x = np.random.default_rng(0).normal(size=(5, 200))
    y = np.partition(ad.tensor(x, requires_grad=True), 70).detach().numpy()
    np.testing.assert_array_equal(np.sort(y), np.sort(x))
    np.testing.assert_array_equal(y[:, 70], np.sort(x)[:, 70])
    assert (y[:, :70] <= y[:, 70:71]).all()
    assert (y[:, 71:] >= y[:, 70:71]).all()


def test_sort_complex_of_small_floats_makes_small_complex_numbers() -> None:
    x = ad.tensor(np.array([2.0, 1.0], np.float32), requires_grad=True)
    y = np.sort_complex(x)
    assert y.dtype == np.complex64
    (g,) = ad.grad((y * np.array([1.0 + 1j, 10.0 - 2j], np.complex64)).sum().real, x)
    assert (g.tolist(), g.dtype) == ([10.0, 1.0], np.float32)


def test_numbers_and_lists_do_not_widen_a_small_float() -> None:
    x = ad.tensor(np.array([0.5, 1.5, 2.5], np.float32), requires_grad=True)
    for y in (
        np.select([x < 1, x > 2], [x, 2.0], 0.5),
        np.select([x < 1, x > 2], [[1.0, 2.0, 3.0], np.arange(3)], x),
        np.select([x < 1], [np.float64(2.0)], x),
        np.choose([0, 1, 0], [x, [1.0, 2.0, 3.0]]),
        np.piecewise(x, [x < 1], [1.0, np.ones(2)]),
        np.interp(x, [0, 1, 2.5], [1.0, 2.0, 3.0], left=0.0),
        np.interp(0.5, x, np.arange(3)),
        np.interp([0.5], [0.0, 1.0, 2.0], x, period=3.5),
    ):
        assert y.dtype == np.float32
    assert np.select([x > 1], [x], 1j).dtype == np.complex64
    assert np.select([x > 1], [np.ones(3)], x).dtype == np.float64
    np.testing.assert_allclose(np.interp(ad.tensor([1, 2]), [0, 3], [0, 5]).numpy(), [5 / 3, 10 / 3])


@pytest.mark.skipif(not SORTED, reason="NumPy's unique takes sorted= from 2.3 on")
def test_unique_is_sorted_in_any_case() -> None:
    assert np.unique(ad.tensor([3.0, 1.0, 2.0]), sorted=False).tolist() == [1.0, 2.0, 3.0]


def test_results_have_numpys_types() -> None:
    t = ad.tensor(X, requires_grad=True)
    for f in (np.unique_all, np.unique_counts, np.unique_inverse):
        assert type(f(t)) is type(f(X))
        assert f(t).values.requires_grad


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sort(x**3),
        lambda x: ad.topk(x**3, 2).values,
        lambda x: np.unique(x**3),
        lambda x: np.select([x > 0.5], [np.exp(x)], x**3),
        lambda x: np.choose([0, 1, 1, 0], [x**3, np.sin(x)]),
        lambda x: np.piecewise(x, [x < 0, x > 1], [np.exp, np.sin, lambda v: v**3]),
        lambda x: np.interp(x**2 / 4, np.cumsum(np.exp(x)), np.sin(x)),
        lambda x: np.apply_along_axis(lambda v: v**3 / v.sum(), 0, x),
    ],
)
def test_third_derivatives(f: Any) -> None:
    check(f, V, order=3)


TRACED = {
    "sort": np.sort,
    "partition": lambda x: np.partition(x, 2),
    "topk": lambda x: ad.topk(x, 2)[0],
    "unique": np.unique,
    "choose": lambda x: np.choose(np.astype(x > 0, int), [x, x * x]),
    "select": lambda x: np.select([x > 0], [x], -x),
    "piecewise": lambda x: np.piecewise(x, [x < 0], [np.exp, np.sin]),
    "interp": lambda x: np.interp(x, np.array([-1.0, 0.0, 2.0]), np.array([1.0, 3.0, -1.0]), left=0.0),
    "take": lambda x: np.take(x, np.argsort(x) + 3, mode="wrap"),
    "compress": lambda x: np.compress(np.argsort(x) > 1, x),
}


@pytest.mark.parametrize("name", TRACED)
def test_a_traced_graph_replays_the_choice_anew(name: str) -> None:
    f = TRACED[name]
    graph = ad.trace(f)(ad.tensor(V))
    other = graph.replay({graph.sources[0]: -V})
    np.testing.assert_array_equal(other[graph.outputs[0]], f(ad.tensor(-V)).numpy())


# --- methods ---


def test_methods_are_the_functions() -> None:
    t = ad.tensor(X, requires_grad=True)
    pairs = [
        (t.topk(2, dim=0, largest=False).values, np.sort(X, 0)),
        (t.kthvalue(2, keepdim=True).values, np.sort(X)[:, 1:2]),
        (t.argpartition(1, axis=0), X.argpartition(1, axis=0)),
        (t[1, :2].searchsorted([2.0]), [1]),
        (t.take([9, -1], mode="clip"), X.take([9, -1], mode="clip")),
        (t.take([1], 1), X.take([1], 1)),
        (t.compress(MASK, axis=1), X.compress(MASK, axis=1)),
        (ad.tensor([1, 0, 1, 1]).choose(t), np.array([1, 0, 1, 1]).choose(X)),
    ]
    for found, expected in pairs:
        assert isinstance(found, ad.Tensor)
        np.testing.assert_array_equal(found.detach().numpy(), expected)


def test_gather_takes_fewer_lines_than_there_are_as_torchs(torch: ModuleType) -> None:
    index = np.array([[0, 2]])
    found = ad.tensor(X).gather(1, ad.tensor(index))
    np.testing.assert_array_equal(found.numpy(), torch.tensor(X).gather(1, torch.tensor(index)).numpy())
    assert np.take_along_axis(ad.tensor(X), index, 1).shape == (2, 2)
