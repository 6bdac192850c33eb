"""Joins, splits, insertion, shapes and spaced numbers beyond the table: orders of memory, containers, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import same, t

X = np.arange(24.0).reshape(2, 3, 4)
LAYOUTS = {
    "C": X,
    "Fortran": np.asfortranarray(X),
    "turned": np.ascontiguousarray(X.transpose(1, 2, 0)).transpose(2, 0, 1),
    "negative": X[::-1, :, ::-2],
    "broadcast": np.broadcast_to(X[:, :1], X.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_reading_in_an_order_and_its_gradient(order: str, layout: str) -> None:
    array = LAYOUTS[layout]
    x = ad.as_tensor(array).requires_grad_()
    weights = np.arange(1.0, array.size + 1)
    calls: list[Any] = [lambda a: np.ravel(a, order=order)]
    if order != "K":
        calls.append(lambda a: np.reshape(a, -1, order=order))
    for call in calls:
        y = call(x)
        np.testing.assert_array_equal(y.detach().numpy(), call(np.asarray(x.data)))
        (g,) = ad.grad((y * weights).sum(), x)
        numbered = np.empty_like(array) if layout != "broadcast" else np.empty(array.shape)
        numbered[...] = np.arange(array.size).reshape(array.shape)
        places = np.empty(array.size, int)
        places[call(numbered).astype(int)] = np.arange(array.size)
        if layout != "broadcast":  # where elements share memory, an array of numbers cannot lie as they do
            np.testing.assert_array_equal(g.numpy(), weights[places].reshape(array.shape))


def test_a_reading_in_the_order_of_memory_is_resolved_once() -> None:
    x = ad.as_tensor(np.asfortranarray(X)).requires_grad_()
    (g,) = ad.grad((np.reshape(x, (4, 6), order="A") ** 3).sum(), x, create_graph=True)
    (h,) = ad.grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy(), 6 * X)


def test_blocks_and_grids_of_tensors_are_found_in_lists() -> None:
    a, b = t(np.ones((1, 2)), requires_grad=True), t(np.ones((1, 2)), requires_grad=True)
    y = np.block([[a, 2 * b], [np.zeros((1, 2)), a]])
    ga, gb = ad.grad(y.sum(), (a, b))
    assert (ga.tolist(), gb.tolist()) == ([[2, 2]], [[2, 2]])


def test_a_repeated_place_keeps_numpys_order_of_insertion() -> None:
    a, v = t(np.zeros(2), requires_grad=True), t([1.0, 2.0, 3.0], requires_grad=True)
    y = np.insert(a, [1, 0, 1], v)
    same(y, np.insert(np.zeros(2), [1, 0, 1], [1.0, 2.0, 3.0]))
    (g,) = ad.grad((y * np.arange(5.0)).sum(), v)
    assert g.tolist() == [2.0, 0.0, 3.0]


def test_what_is_inserted_takes_the_dtype_of_the_array() -> None:
    x = t(np.ones(2, np.float32), requires_grad=True)
    v = t(np.ones(1), requires_grad=True)
    y = np.insert(x, 1, v)
    assert y.dtype == np.float32
    gx, gv = ad.grad(y.sum(), (x, v))
    assert (gx.dtype, gv.dtype) == (np.float32, np.float64)


def test_places_may_be_given_as_tensors() -> None:
    x, places = t(np.arange(4.0), requires_grad=True), ad.tensor([0, 2])
    assert np.delete(x, places).tolist() == [1, 3]
    assert np.insert(x, places, 9.0).tolist() == [9, 0, 1, 9, 2, 3]
    assert np.repeat(x[:2], places).tolist() == [1, 1]
    assert np.tile(x[:1], places[1:]).tolist() == [0, 0]


def test_ends_are_met_exactly_and_their_step_is_differentiable() -> None:
    a, b = t(np.array(0.1), requires_grad=True), t(np.array(0.7), requires_grad=True)
    y, step = np.linspace(a, b, 7, retstep=True)
    assert (y[0].item(), y[-1].item()) == (0.1, 0.7)
    assert [g.item() for g in ad.grad(step, (a, b))] == pytest.approx([-1 / 6, 1 / 6])
    assert np.geomspace(a, b, 5)[-1].item() == 0.7
    whole = np.linspace(a, b * 10, 4, dtype=int)
    assert (whole.tolist(), whole.requires_grad) == ([0, 2, 4, 7], False)


BAD = {
    "blocks in a tuple": (lambda x: ad.registry[np.block]([(x, x)]), TypeError, "a tuple is given"),
    "blocks of different depths": (lambda x: np.block([x, [x]]), ValueError, "different depths .0, 1."),
    "no blocks": (lambda x: np.block([[x], []]), ValueError, "a list is empty"),
    "a grid's order": (lambda x: np.meshgrid(x, x, indexing="yx"), ValueError, "indexing is 'yx'; expected 'xy'"),
    "a split of too few axes": (lambda x: np.dsplit(x[0], 2), ValueError, "dsplit: the array has 2 axes; expected 3"),
    "a split into unequal parts": (lambda x: np.split(x, 3), ValueError, "split"),
    "a place outside": (lambda x: np.insert(x, 4, 0.0, axis=1), IndexError, "index 4 is out of bounds for axis"),
    "a place to delete outside": (lambda x: np.delete(x, [0, 3], axis=1), IndexError, "3"),
    "values that do not fit": (lambda x: np.insert(x, [0, 1], np.ones((2, 5, 4)), axis=1), ValueError, "5"),
    "a negative length": (lambda x: np.resize(x, (2, -1)), ValueError, "new_shape is .2, -1."),
    "a negative number": (lambda x: np.linspace(x, x, -1), ValueError, "num is -1"),
    "a ratio of 0": (lambda x: np.geomspace(x * 0, 1.0), ValueError, "an end is 0"),
    "another device": (lambda x: np.linspace(x, x, device="gpu"), ValueError, "device is 'gpu'"),
    "an unsafe cast": (lambda x: np.concatenate([x, x], dtype=np.int64), TypeError, "cast"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call(t(X, requires_grad=True))
