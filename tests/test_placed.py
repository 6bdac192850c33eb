"""Gradients of lookups are added where they belong: into one array, by the fastest way, with no zeros for each."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.kernels import compiled
from autodiff.kernels.indexing import ARRAY, parse, placed
from autodiff.kernels.scatter import add_at
from autodiff.testing.strategies.arrays import index_expressions
from tests.numeric import check


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_adding_at_an_index_is_what_numpy_does_one_by_one(data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)))
    index = data.draw(index_expressions(shape))
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.complex128, np.int64]))
    out = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    out = out if data.draw(st.booleans()) else np.asfortranarray(out)
    x = np.random.default_rng(0).integers(-9, 9, size=out[index].shape).astype(dtype)
    expected = out.copy()
    np.add.at(expected, index, x)
    template, arrays = parse(index)
    with compiled.without() if data.draw(st.booleans()) else np.errstate():
        add_at(out, arrays, template, x)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("columns", [1, 3, 200])
@pytest.mark.parametrize("count", [3, 500])
def test_many_rows(columns, count, fast) -> None:
    rng = np.random.default_rng(0)
    out, rows = rng.normal(size=(7, columns)), rng.integers(-7, 7, size=count)
    x, expected = rng.normal(size=(count, columns)), out.copy()
    np.add.at(expected, rows, x)
    with compiled.without() if not fast else np.errstate():
        add_at(out, (rows,), (ARRAY,), x)
    np.testing.assert_allclose(out, expected, rtol=1e-12)


@pytest.mark.parametrize("row", [5, -6])
def test_a_number_that_was_changed_into_one_of_no_row_is_refused(row) -> None:
    x, rows = ad.ones(5, 2, requires_grad=True), np.array([0, 1])
    y = x[rows].sum()
    rows[0] = row
    with pytest.raises(IndexError, match="is out of bounds for an axis of size 5"):
        y.backward()


def test_many_lookups_of_one_array_make_one_array_of_zeros() -> None:
    x = ad.zeros(1000, 1000, requires_grad=True)  # 4 MB
    picked = [x[i] for i in range(50)] + [x[np.array([3, 3])], x[-1]]
    total = sum(row.sum() for row in picked)
    tracemalloc.start()
    total.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6e6
    g = x.grad.numpy()
    assert g[:50].sum() == 52_000
    assert (g[3] == 3).all()
    assert g.sum() == 53_000


def test_a_lookup_beside_other_uses() -> None:
    def f(x: Any) -> Any:
        h = np.tanh(x)  # neither a leaf nor used by lookups alone
        parts = [h[0] * h[1], h[[2, 2]] * 3.0, h.T @ h, h[::2], h + 1.0, h[..., 0]]
        return sum(np.sum(part * part) for part in parts)

    check(f, np.random.default_rng(0).normal(size=(3, 2)), order=2)


def test_a_gradient_handed_in_is_not_added_to() -> None:
    x = ad.ones(4, requires_grad=True)
    seed = ad.ones(4)
    y, z = x * 1.0, x[1:3]
    (g,) = ad.grad([x + 0.0, y, z], x, [seed, seed, ad.ones(2)])
    assert g.tolist() == [2.0, 3.0, 3.0, 2.0]
    assert seed.tolist() == [1.0] * 4
    (h,) = ad.grad([x[1:3], x + 0.0], x, [ad.ones(2), seed])
    assert h.tolist() == [1.0, 2.0, 2.0, 1.0]
    assert seed.tolist() == [1.0] * 4


def test_float16_is_accumulated_in_float32() -> None:
    x = ad.ones(2, dtype=np.float16, requires_grad=True)
    (g,) = ad.grad(x[np.zeros(4000, int)].sum(), x)
    assert g.tolist() == [4000.0, 0.0]
    (g,) = ad.grad(x[np.zeros(3000, int)].sum() + (x * 2).sum(), x)
    assert (g.dtype, g.tolist()) == (np.float16, [3002.0, 2.0])


def test_a_real_array_gets_the_real_part() -> None:
    x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (g,) = ad.grad(np.real(x[[0, 0]] * 1j * (1 + 1j)).sum() + x.sum(), x)
    np.testing.assert_allclose(g.numpy(), [-1.0, 1.0, 1.0])


def test_hooks_and_anomaly_mode_see_arrays() -> None:
    x, seen = ad.ones(3, requires_grad=True), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    with ad.detect_anomaly():
        (x[0] + x[[1, 1]].sum()).backward()
    assert seen == [[1.0, 2.0, 0.0]]
    assert x.grad.tolist() == [1.0, 2.0, 0.0]


def test_of_a_tensor_it_is_the_recorded_operation() -> None:
    g = ad.ones(2, requires_grad=True)
    assert placed(g, (np.array([0, 0]),), (ARRAY,), (3,)).grad_fn.name == "scatter_add"
