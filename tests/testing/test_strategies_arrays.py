"""Strategies for arrays: shapes, values, layouts, axes, indices and cotangents are as promised, and shrink."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.primitive import DOMAINS
from autodiff.testing import axes, broadcastable_operands, cotangents_for, index_expressions, tensors
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.testing.strategies.arrays import GRID, levels
from autodiff.tree import leaves


def drawn(strategy: st.SearchStrategy[Any], count: int = 100) -> list[Any]:
    """Return some values that a strategy draws."""
    values: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return values


def least(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    """Return what a value with a property shrinks to."""
    options = settings(database=None, max_examples=500, deadline=None)
    return find(strategy, condition, settings=options, random=random.Random(0))


# --- tensors -------------------------------------------------------------------------------------------------------


def test_tensors_are_small_scalars_empty_and_of_any_layout() -> None:
    arrays = [t.numpy() for t in drawn(tensors(), 200)]
    assert {a.ndim for a in arrays} == {0, 1, 2, 3}
    assert any(a.size == 0 for a in arrays)
    assert max(a.size for a in arrays) <= 27
    assert any(not a.flags.writeable for a in arrays)
    assert any(min(a.strides, default=1) < 0 for a in arrays)
    assert any(a.size > 1 and not a.flags.forc for a in arrays)
    values = np.concatenate([a.ravel() for a in arrays])
    assert (values == 0).any()
    assert (values < 0).mean() > 0.1
    assert (values > 0).mean() > 0.1
    assert np.abs(values).max() <= 3
    assert len(np.unique(values)) > 100


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "c16", "c8", "i8", "u1", "?"])
def test_tensors_have_the_dtype_asked_for(dtype: str) -> None:
    found = drawn(tensors(dtype, shape=(2, 3)), 60)
    assert {t.dtype for t in found} == {np.dtype(dtype)}
    values = np.concatenate([t.numpy().ravel() for t in found])
    assert len(np.unique(values)) > 1
    if dtype == "f2":  # the same values in every precision
        assert set(np.unique(values).tolist()) <= set(GRID.tolist())
    if dtype.startswith("c"):
        assert (values.imag != 0).any()


@pytest.mark.parametrize(
    ("shape", "expected"), [(3, {(3,)}), ((2, 0), {(2, 0)}), ((), {()}), (st.sampled_from([(1,), (2,)]), {(1,), (2,)})]
)
def test_a_shape_is_a_number_a_tuple_or_a_strategy(shape: Any, expected: Any) -> None:
    assert {t.shape for t in drawn(tensors(shape=shape), 20)} == expected


def test_kinks_are_met_exactly_and_other_points_kept_clear_of() -> None:
    values = np.concatenate([t.numpy() for t in drawn(tensors(shape=10, kinks=[0.7], away_from=[0.0, 1.0]), 50)])
    assert (values == 0.7).mean() > 0.05
    rest = values[values != 0.7]
    assert np.minimum(np.abs(rest), np.abs(rest - 1)).min() >= 0.25
    nearer = np.concatenate([t.numpy() for t in drawn(tensors(shape=10, away_from=[0.0], clear=0.1), 50)])
    assert 0.1 <= np.abs(nearer).min() < 0.25


def test_a_zero_among_the_kinks_comes_with_both_signs() -> None:
    values = np.concatenate([t.numpy() for t in drawn(tensors(shape=10, kinks=[0.0]), 50)])
    zeros = values[values == 0]
    assert np.signbit(zeros).any()
    assert not np.signbit(zeros).all()


def test_elements_of_ones_own_are_drawn() -> None:
    found = drawn(tensors(shape=4, elements=st.sampled_from([1e-12, 1e12])), 20)
    assert {v for t in found for v in t.tolist()} == {1e-12, 1e12}


def test_no_room_between_the_points_to_keep_clear_of_is_said() -> None:
    with pytest.raises(ValueError, match="no value .* is 9 away from"):
        levels(away_from=[0.0], clear=9)


def test_gradients_are_required_on_demand() -> None:
    assert least(tensors(requires_grad=True), lambda t: True).requires_grad
    assert not least(tensors(), lambda t: True).requires_grad


def test_tensors_shrink_to_few_simple_values() -> None:
    assert least(tensors(), lambda t: True).tolist() == 0.0
    assert least(tensors(), lambda t: t.size > 2).tolist() == [0.0, 0.0, 0.0]
    assert least(tensors(), lambda t: bool(np.any(t.numpy() > 1.3))).tolist() == 2.0
    assert least(tensors(shape=3), lambda t: t.numpy()[1] < 0).tolist() == [0.0, -1.0, 0.0]


def test_the_grid_goes_from_simple_to_less_simple_and_fits_a_byte() -> None:
    assert GRID[:8].tolist() == [0, 1, -1, 2, -2, 3, -3, 0.5]
    assert all(len(levels(domain, at=(0.0, 1.0, "integers", "halves"))) <= 256 for domain in DOMAINS.values())
    np.testing.assert_array_equal(GRID, GRID.astype(np.float16))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_a_layout_changes_memory_alone(layout: str, shape: Any) -> None:
    x = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    y = laid_out(x, layout)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(x, y)
    assert not np.may_share_memory(x, y)
    assert y.flags.writeable == (layout != "readonly")


# --- operands, axes, indices ---------------------------------------------------------------------------------------


@given(broadcastable_operands(3))
def test_operands_broadcast(operands: Any) -> None:
    assert len(operands) == 3
    np.broadcast_shapes(*[t.shape for t in operands])


def test_operands_differ_in_rank_and_have_axes_of_length_1_and_0() -> None:
    shapes = [[t.shape for t in pair] for pair in drawn(broadcastable_operands(2))]
    assert any(len(a) != len(b) for a, b in shapes)
    assert any(n != m and n == 1 for a, b in shapes for n, m in zip(a[::-1], b[::-1], strict=False))
    assert any(0 in a for a, _ in shapes)


@given(broadcastable_operands(signature="(m,n),(n)->(m)", dtype=np.float32))
def test_operands_fit_a_signature(operands: Any) -> None:
    a, b = operands
    assert a.dtype == b.dtype == np.float32
    assert np.matvec(a.numpy(), b.numpy()).ndim >= 1


def test_axes_are_none_one_or_several_counted_from_either_end() -> None:
    found = drawn(axes(3), 150)
    assert None in found
    assert {a for a in found if isinstance(a, int)} == {-3, -2, -1, 0, 1, 2}
    tuples = [a for a in found if isinstance(a, tuple)]
    assert {len(a) for a in tuples} == {0, 1, 2, 3}
    assert all(len({i % 3 for i in a}) == len(a) for a in tuples)
    assert any(i < 0 for a in tuples for i in a)
    assert set(drawn(axes(0))) == {None, ()}
    assert set(drawn(axes(2, none=False, several=False))) == {-2, -1, 0, 1}


@given(st.data())
def test_an_index_is_one_that_numpy_and_the_engine_take(data: st.DataObject) -> None:
    x = data.draw(tensors())
    index = data.draw(index_expressions(x.shape))
    expected = x.numpy()[index]
    np.testing.assert_array_equal(x[index].numpy(), expected)


def test_indices_are_of_every_kind_and_mixed() -> None:
    found = drawn(index_expressions((2, 3)), 400)

    def any_has(condition: Callable[[Any], bool], alone: bool = False) -> bool:
        return any(
            any(map(condition, i if isinstance(i, tuple) else (i,))) and isinstance(i, tuple) != alone for i in found
        )

    for alone in (True, False):
        assert any_has(lambda p: isinstance(p, slice), alone)
        assert any_has(lambda p: isinstance(p, int) and not isinstance(p, bool), alone)
        assert any_has(lambda p: isinstance(p, np.ndarray) and p.dtype.kind == "i", alone)
        assert any_has(lambda p: isinstance(p, np.ndarray) and p.dtype == bool, alone)
    assert any_has(lambda p: p is None)
    assert any_has(lambda p: p is Ellipsis)
    assert any_has(lambda p: isinstance(p, list))
    assert any_has(lambda p: isinstance(p, np.ndarray) and p.size == 0)
    assert any_has(lambda p: isinstance(p, slice) and (p.step or 1) < 0)
    arrays = [[p for p in i if isinstance(p, np.ndarray) and p.size > 1] for i in found if isinstance(i, tuple)]
    assert any(len(ps) == 2 for ps in arrays)
    assert any(len(np.unique(ps[0])) < ps[0].size for ps in arrays if ps and ps[0].dtype.kind == "i")  # a place twice
    assert () in [i for i in found if isinstance(i, tuple) and not i]


def test_empty_and_scalar_arrays_have_indices_too() -> None:
    for shape in ((0,), (), (2, 0, 1)):
        for index in drawn(index_expressions(shape), 60):
            np.testing.assert_array_equal(ad.zeros(shape, dtype=np.float64)[index].numpy(), np.zeros(shape)[index])


# --- cotangents ----------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    left: Any
    right: Any


def test_cotangents_have_the_structure_the_shapes_and_the_dtypes_of_the_value() -> None:
    y = {"a": [np.ones((2, 1), np.float32), ad.ones(3)], "b": Pair(np.array(1.0 + 1j), (np.arange(2), np.float64(2.0)))}
    for v in drawn(cotangents_for(y), 30):
        assert list(v) == ["a", "b"]
        assert isinstance(v["b"], Pair)
        (first, second), (left, right) = v["a"], v["b"]
        assert (first.shape, first.dtype, type(first)) == ((2, 1), np.float32, np.ndarray)
        assert (second.shape, second.dtype, type(second)) == ((3,), np.float32, ad.Tensor)
        assert (left.shape, left.dtype) == ((), np.complex128)
        assert right[0] is None  # integers have no derivative
        assert right[1].shape == ()


def test_cotangents_are_dense_with_zeros_one_hot_or_zero() -> None:
    y = [np.zeros((2, 2)), np.zeros(3)]
    counts = [sum(np.count_nonzero(part) for part in v) for v in drawn(cotangents_for(y), 200)]
    assert {0, 1, 7} < set(counts)
    assert set(counts) & {2, 3, 4, 5, 6}
    hot = [np.concatenate([v[0].ravel(), v[1]]) for v in drawn(cotangents_for(y), 400)]
    assert {int(np.argmax(h)) for h in hot if np.count_nonzero(h) == 1 and h.sum() == 1} == set(range(7))


def test_cotangents_for_an_output_of_the_engine_start_its_sweep() -> None:
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    y = np.exp(x)
    for v in drawn(cotangents_for(y), 20):
        (g,) = ad.grad(y, x, v, retain_graph=True)
        np.testing.assert_allclose(g.numpy(), v.numpy() * y.detach().numpy())


def test_cotangents_of_nothing() -> None:
    assert drawn(cotangents_for([]), 3)[0] == []
    assert leaves(drawn(cotangents_for({"n": np.zeros((0, 2))}), 3))[0].shape == (0, 2)


def test_an_example_is_drawn_again_from_the_same_choices() -> None:
    first, again = (drawn(tensors(), 30) for _ in range(2))
    assert [pickle.dumps(t.numpy()) for t in first] == [pickle.dumps(t.numpy()) for t in again]
