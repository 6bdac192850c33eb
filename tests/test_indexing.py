"""Indexing is NumPy's, with tensors as indices too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check, same, t

CUBE = np.arange(24.0).reshape(2, 3, 4)
INDICES = [
    0,
    -1,
    np.int64(1),
    slice(None),
    slice(None, None, -1),
    slice(5, None),
    (0, 1),
    (0, 1, 2),
    (..., 0),
    (0, ...),
    ...,
    None,
    (None, 0),
    (0, None, slice(1, 3)),
    (slice(None), slice(None, None, 2)),
    (slice(None, None, -1), slice(2, 0, -1)),
    [0, 1],
    [1, 0, 1],
    np.array([[0, 1], [1, 1]]),
    ([0, 1], [2, 0]),
    ([0, 1], slice(None), [3, 0]),
    (slice(None), [2, 0]),
    ([[0], [1]], [0, 2]),
    (0, [1, 2]),
    ([1, 0], None, 2),
    (..., [0, 3]),
    (None, [1], ..., None),
    [True, False],
    CUBE > 10,
    (CUBE > 10)[0] if False else (0, CUBE[0] > 3),
    (slice(None), np.array([True, False, True])),
    (np.array([True, False]), 1),
    ([True, True], ..., 0),
    [],
    np.zeros(0, int),
    (),
    True,
    False,
    np.zeros((2, 3, 4), bool),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_is_numpys(index: Any) -> None:
    same(t(CUBE)[index], np.asarray(CUBE[index]))
    check(lambda x: x[index], CUBE, order=2)


@pytest.mark.parametrize("index", [i for i in INDICES if isinstance(i, (list, np.ndarray)) and np.size(i)], ids=repr)
def test_a_tensor_is_an_index(index: Any) -> None:
    same(t(CUBE)[ad.tensor(index)], CUBE[np.asarray(index)])
    same(ad.as_tensor(CUBE)[ad.tensor(index)], CUBE[np.asarray(index)])
    check(lambda x: x[ad.tensor(index)], CUBE)


def test_a_scalar_tensor_is_an_index_of_tensors_lists_and_ranges() -> None:
    i = ad.tensor(1)
    same(t(CUBE)[i, ..., i], CUBE[1, ..., 1])
    assert [10, 20, 30][i] == 20
    assert list(range(3))[i] == 1
    assert CUBE[i].shape == (3, 4)


def test_comparison_masks_select() -> None:
    x = ad.tensor([1.0, -2.0, 3.0], requires_grad=True)
    x[x > 0].sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_repeated_indices_add_up_small_floats_in_larger_ones() -> None:
    x = ad.tensor(np.ones(2, np.float16), requires_grad=True)
    (g,) = ad.grad(x[np.zeros(10_000, int)].sum(), x)
    assert (g.tolist(), g.dtype) == ([10_000.0, 0.0], np.float16)


def test_repeated_indices_add_up_their_gradients() -> None:
    x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2]].sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 1.0]
