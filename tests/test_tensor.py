"""Tensor itself: making one, Python's protocols, what autograd adds."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import same, t

A = np.random.default_rng(2).uniform(0.5, 2.0, (2, 3))
N = np.array([1, 2, 12])


# --- making one ---


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.0, "f4"),
        ([1.0, 2.0], "f4"),
        (1, "i8"),
        ([1, 2], "i8"),
        (True, "?"),
        (1j, "c8"),
        ([], "f4"),
        ([[1, 2.5]], "f4"),
        (np.float64(1.0), "f8"),
        (np.array([1.0]), "f8"),
        (np.array([1], "i2"), "i2"),
        (np.array([1], "f2"), "f2"),
        (range(3), "i8"),
    ],
)
def test_dtypes_of_new_tensors(data: Any, dtype: str) -> None:
    assert ad.tensor(data).dtype == np.dtype(dtype)
    assert ad.as_tensor(data).dtype == np.dtype(dtype)


def test_the_default_dtype_can_be_set() -> None:
    ad.set_default_dtype(np.float64)
    assert ad.tensor(1.0).dtype == ad.zeros(2).dtype == ad.linspace(0, 1).dtype == np.float64
    assert ad.tensor(1j).dtype == np.complex128
    assert ad.get_default_dtype() == np.float64


def test_a_dtype_can_be_asked_for() -> None:
    assert ad.tensor([1, 2], dtype=np.float16).dtype == np.float16
    assert ad.tensor(np.ones(2), ad.float32).dtype == np.float32
    assert ad.as_tensor(ad.tensor([1.0]), np.float64).dtype == np.float64


def test_tensor_copies_and_as_tensor_shares() -> None:
    array = np.zeros(2)
    copied, shared, wrapped = ad.tensor(array), ad.as_tensor(array), ad.Tensor(array)
    array[0] = 1
    assert copied.tolist() == [0.0, 0.0]
    assert shared.tolist() == wrapped.tolist() == [1.0, 0.0]
    assert ad.as_tensor(shared) is shared
    again = ad.tensor(shared)
    array[1] = 1
    assert again.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: ad.zeros(2, 3), np.zeros((2, 3), "f4")),
        (lambda: ad.zeros((2, 3)), np.zeros((2, 3), "f4")),
        (lambda: ad.zeros(), np.zeros((), "f4")),
        (lambda: ad.ones(2, dtype=np.int64), np.ones(2, "i8")),
        (lambda: ad.full((2,), 3.0), np.full(2, 3, "f4")),
        (lambda: ad.full(2, 3), np.full(2, 3)),
        (lambda: ad.arange(4), np.arange(4)),
        (lambda: ad.arange(1, 4, 2), np.arange(1, 4, 2)),
        (lambda: ad.arange(0, 1, 0.25), np.arange(0, 1, 0.25, "f4")),
        (lambda: ad.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype="f4")),
        (lambda: ad.eye(2), np.eye(2, dtype="f4")),
        (lambda: ad.eye(2, 3), np.eye(2, 3, dtype="f4")),
        (lambda: ad.zeros_like(t(A)), np.zeros((2, 3))),
        (lambda: ad.ones_like(t(N)), np.ones(3, "i8")),
        (lambda: ad.full_like(t(A), 2), np.full((2, 3), 2.0)),
        (lambda: ad.zeros_like(t(N), dtype=np.float32), np.zeros(3, "f4")),
    ],
)
def test_creation_functions(made: Any, expected: Any) -> None:
    same(made(), expected)


def test_empty_has_its_shape_and_creation_may_require_gradients() -> None:
    assert ad.empty(2, 0).shape == (2, 0)
    assert ad.empty_like(t(A)).shape == (2, 3)
    for made in (
        ad.zeros(2, requires_grad=True),
        ad.ones_like(t(A), requires_grad=True),
        ad.eye(2, requires_grad=True),
    ):
        assert made.requires_grad
        assert made.is_leaf


# --- Python's protocols ---


def test_len_iter_unpack_contains() -> None:
    x = t(A, requires_grad=True)
    assert len(x) == 2
    first, second = x
    same(first, A[0])
    (first.sum() + second[0]).backward()
    assert x.grad.tolist() == [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    assert [i.item() for i in t(N)] == [1, 2, 12]
    assert 12 in t(N)
    assert 13 not in t(N)
    with pytest.raises(TypeError, match="0-d"):
        iter(t(1.0))


def test_bool_int_float_complex_index_of_values() -> None:
    assert t(1.0)
    assert not t([0])
    assert (int(t(2.7)), float(t([2.5])), complex(t(1j)), operator.index(t(3))) == (2, 2.5, 1j, 3)


def test_hash_is_by_identity() -> None:
    a, b = t(1.0), t(1.0)
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (lambda: t([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: t(1.5), "tensor(1.5)"),
        (lambda: t([1, 2]), "tensor([1, 2])"),
        (lambda: t(True), "tensor(True)"),
        (lambda: t(np.array([1.0])), "tensor([1.], dtype=float64)"),
        (lambda: t([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: np.exp(t([0.0], requires_grad=True)), "tensor([1.], grad_fn=<exp>)"),
        (lambda: ad.zeros(0), "tensor([])"),
        (lambda: ad.zeros(2, 0), "tensor([], shape=(2, 0))"),
        (lambda: t([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
        (lambda: t(np.array([1j], "c8")), "tensor([0.+1.j], dtype=complex64)"),
    ],
)
def test_repr_shows_values_dtype_and_history(x: Any, text: str) -> None:
    assert repr(x()) == str(x()) == text


def test_repr_of_many_elements_is_short() -> None:
    assert len(repr(ad.zeros(100, 100))) < 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lambda: f"{t(3.14159):.2f}", "3.14"),
        (lambda: f"{t([2.5], requires_grad=True):6.1f}", "   2.5"),
        (lambda: f"{t(7):03d}", "007"),
        (lambda: f"{t(0.5):.0%}", "50%"),
        (lambda: f"{t([1, 2])}", "tensor([1, 2])"),
        (lambda: f"{np.exp(t(0.0, requires_grad=True)).sum():.4f}", "1.0000"),
        (lambda: f"{t([1, 2])!r:>16}", "  tensor([1, 2])"),
    ],
)
def test_format(text: Any, expected: str) -> None:
    assert text() == expected


def test_format_of_several_elements_with_a_number_format_is_a_clear_error() -> None:
    with pytest.raises((TypeError, ValueError), match="format"):
        f"{t([1.0, 2.0]):.2f}"


def test_html() -> None:
    html = t(A, requires_grad=True)._repr_html_()
    assert "f64[2,3], requires_grad=True" in html
    assert f"{A[1, 2]:.4f}" in html


def test_copies_of_leaves() -> None:
    x = t(A, requires_grad=True)
    x.name = "x"
    (x * x).sum().backward()
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    assert np.shares_memory(shallow.detach().numpy(), x.detach().numpy())
    assert not np.shares_memory(deep.detach().numpy(), x.detach().numpy())
    for made in (shallow, deep, pickle.loads(pickle.dumps(x))):
        assert type(made) is ad.Tensor
        assert made.requires_grad
        assert made.is_leaf
        assert made.name == "x"
        same(made, A)
        np.testing.assert_array_equal(made.grad.numpy(), 2 * A)


def test_deepcopy_keeps_sharing_and_subclasses() -> None:
    class Parameter(ad.Tensor):
        pass

    p = Parameter(A.copy(), requires_grad=True)
    first, second = copy.deepcopy([p, p])
    assert first is second
    assert type(first) is Parameter


def test_save_and_load(tmp_path: Any) -> None:
    path = tmp_path / "tensors.npz"
    state = {"w": t(A), "n": t(3), "layer.bias": t([1.0], requires_grad=True)}
    ad.save(state, path)
    loaded = ad.load(path)
    assert list(loaded) == list(state)
    for key, value in state.items():
        same(loaded[key], value.detach().numpy())
    ad.save(t(A), path)
    same(ad.load(path), A)
    with pytest.raises(TypeError, match="save: 'x' is a object"):
        ad.save({"x": object()}, path)


# --- what autograd adds ---


def test_leaves_and_inner_tensors() -> None:
    x, c = t(A, requires_grad=True), t(A)
    y = x * c
    assert (x.is_leaf, c.is_leaf, y.is_leaf) == (True, True, False)
    assert (x.grad_fn, c.grad_fn) == (None, None)
    assert y.grad_fn.name == "multiply"
    assert y.requires_grad
    assert not (c * 2).requires_grad


def test_detach_shares_memory_and_forgets() -> None:
    x = t(A, requires_grad=True)
    y = (x * 2).detach()
    assert y.is_leaf
    assert not y.requires_grad
    assert np.shares_memory(x.detach().numpy(), x.numpy())
    z = x * 2
    assert z.detach_() is z
    assert z.is_leaf


def test_requires_grad_can_be_switched_on_a_leaf() -> None:
    x = t([1.0])
    assert x.requires_grad_() is x
    (x * 2).backward()
    x.requires_grad = False
    assert not (x * 2).requires_grad
    assert x.grad.tolist() == [2.0]


def test_names() -> None:
    x = t([1.0], requires_grad=True)
    assert x.name is None
    x.name = "weights"
    assert (x * 2).grad_fn.next_functions[0][0].name == "weights"


def test_torchs_words_for_dtypes() -> None:
    x = ad.tensor([1.0, 2.0])
    assert (x.double().dtype, x.half().dtype, x.long().dtype, x.int().dtype, x.bool().dtype) == (
        ad.float64,
        ad.float16,
        ad.int64,
        ad.int32,
        ad.bool_,
    )
    assert ad.long == np.int64
