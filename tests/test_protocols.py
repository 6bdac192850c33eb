"""NumPy's protocols: functions and ufuncs called with Tensors record, answer with values, or refuse by name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import autodiff as ad

A = np.array([[1.0, 2.5, -3.0], [0.5, 2.0, 4.0]])


def leaf() -> ad.Tensor:
    return ad.tensor(A, requires_grad=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(x),
        lambda x: np.sum(x),
        lambda x: np.add(1.0, x),
        lambda x: np.add(x, A),
        lambda x: np.add(A, x),
        lambda x: np.concatenate([A, x]),
        lambda x: np.where(A > 0, x, 0),
        lambda x: np.matmul(A.T, x),
        lambda x: np.dot(x, A.T),
        lambda x: np.einsum("ij->j", x),
        lambda x: np.stack([x, A]),
        lambda x: np.mean(a=x, axis=0),
        lambda x: np.reshape(x, shape=(3, 2)),
        lambda x: np.sum(x, axis=(0,), keepdims=True),
        lambda x: np.take(x, [0, 1], axis=1),
        lambda x: np.split(x, 3, axis=1)[0],
        lambda x: np.average(x, weights=np.abs(A)),
        lambda x: np.full_like(x, 3.0) * x,
        lambda x: np.clip(x, a_min=-1, a_max=1),
        lambda x: np.var(x, ddof=1),
        lambda x: np.pad(x, 1),
        lambda x: np.transpose(a=x, axes=(1, 0)),
        lambda x: np.cumsum(x, 0),
        lambda x: np.std(x, 1, None, None, 1),
    ],
)
def test_numpys_functions_record_and_equal_themselves_on_arrays(f: Any) -> None:
    y = f(leaf())
    assert isinstance(y, ad.Tensor)
    assert not y.is_leaf
    np.testing.assert_allclose(y.detach().numpy(), f(A), rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda x: np.add.reduce(x), lambda x: np.add.reduce(x)),
        (lambda x: np.add.reduce(x, axis=1), lambda x: x.sum(1)),
        (lambda x: np.add.reduce(x, axis=None), lambda x: x.sum()),
        (lambda x: np.multiply.reduce(x, axis=0, keepdims=True), lambda x: x.prod(0, keepdims=True)),
        (lambda x: np.maximum.reduce(x), lambda x: x.max(0)),
        (lambda x: np.minimum.reduce(x, axis=1), lambda x: x.min(1)),
        (lambda x: np.add.accumulate(x), lambda x: np.cumsum(x, 0)),
        (lambda x: np.add.accumulate(x, axis=1), lambda x: np.cumsum(x, 1)),
        (lambda x: np.multiply.accumulate(x), lambda x: np.cumprod(x, 0)),
        (lambda x: np.multiply.outer(x, A[0]), lambda x: np.multiply.outer(x, A[0])),
        (lambda x: np.subtract.outer(A[0], x), lambda x: np.subtract.outer(A[0], x)),
        (lambda x: np.add.outer(x[0], x[1]), lambda x: np.add.outer(x[0], x[1])),
    ],
)
def test_reduce_accumulate_and_outer_map_to_their_functions(given: Any, expected: Any) -> None:
    y = given(leaf())
    assert not y.is_leaf
    np.testing.assert_allclose(y.detach().numpy(), expected(A))


def test_logical_reductions() -> None:
    assert not np.logical_and.reduce(ad.tensor([True, False])).item()
    assert np.logical_or.reduce(ad.tensor([True, False])).item()


# --- answers by value ---

VALUES = {
    "allclose": (lambda x: np.allclose(x, A), True),
    "array_equal": (lambda x: np.array_equal(x, x), True),
    "array_equiv": (lambda x: np.array_equiv(x, A), True),
    "shape": (lambda x: np.shape(x), (2, 3)),
    "ndim": (lambda x: np.ndim(x), 2),
    "size": (lambda x: np.size(x), 6),
    "iscomplexobj": (lambda x: np.iscomplexobj(x), False),
    "isrealobj": (lambda x: np.isrealobj(x), True),
    "result_type": (lambda x: np.result_type(x, np.float32), np.float64),
    "array2string": (lambda x: np.array2string(x), np.array2string(A)),
    "array_str": (lambda x: np.array_str(x), np.array_str(A)),
    "may_share_memory": (lambda x: np.may_share_memory(x, x), True),
    "can_cast of a dtype": (lambda x: np.can_cast(x.dtype, np.float64), True),
}


@pytest.mark.parametrize("name", VALUES)
def test_questions_are_answered_with_plain_values(name: str) -> None:
    ask, expected = VALUES[name]
    answer = ask(leaf())
    assert not isinstance(answer, ad.Tensor)
    assert answer == expected


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.argmax(x), np.argmax(A)),
        (lambda x: np.argmin(x, axis=1), np.argmin(A, axis=1)),
        (lambda x: np.argsort(x, axis=0), np.argsort(A, axis=0)),
        (lambda x: np.isclose(x, A), np.isclose(A, A)),
        (lambda x: np.isnan(x), np.isnan(A)),
        (lambda x: np.count_nonzero(x, axis=0), np.count_nonzero(A, axis=0)),
        (lambda x: np.any(x > 3), np.asarray(True)),
        (lambda x: np.all(x > 3, axis=0), np.all(A > 3, axis=0)),
        (lambda x: np.zeros_like(x), np.zeros_like(A)),
        (lambda x: np.ones_like(x, dtype=np.int8), np.ones_like(A, dtype=np.int8)),
        (lambda x: np.signbit(x), np.signbit(A)),
        (lambda x: np.nonzero(x > 2)[0], np.nonzero(A > 2)[0]),
    ],
)
def test_indices_masks_and_likenesses_are_tensors_without_history(f: Any, expected: Any) -> None:
    y = f(leaf())
    assert isinstance(y, ad.Tensor)
    assert not y.requires_grad
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y.numpy(), expected)


def test_numpy_testing_takes_tensors_that_need_gradients() -> None:
    x = leaf()
    np.testing.assert_allclose(x, A)
    np.testing.assert_array_equal(x * 2, A * 2)
    np.testing.assert_array_almost_equal(x, x)
    np.testing.assert_almost_equal(x.sum(), A.sum())
    np.testing.assert_array_less(x, A + 1)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        np.testing.assert_array_equal(x, A + 1)


def test_save_writes_the_values() -> None:
    file = io.BytesIO()
    np.save(file, leaf())
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), A)
    file = io.BytesIO()
    np.savez(file, x=leaf(), y=ad.tensor([1.0]))
    file.seek(0)
    np.testing.assert_array_equal(np.load(file)["x"], A)
    text = io.StringIO()
    np.savetxt(text, leaf())
    np.testing.assert_array_equal(np.loadtxt(io.StringIO(text.getvalue())), A)


# --- leaving and entering ---


def test_a_tensor_without_a_gradient_is_an_array_to_others() -> None:
    x = ad.tensor(A)
    assert np.shares_memory(np.asarray(x), x.numpy())
    np.testing.assert_array_equal(np.array(x, dtype=np.float32), A.astype(np.float32))
    assert not np.shares_memory(np.array(x), x.numpy())
    np.testing.assert_array_equal(np.array([ad.tensor(1.0), ad.tensor(2.0)], dtype=np.float32), [1.0, 2.0])


def test_an_out_array_is_written_where_nothing_would_be_lost() -> None:
    x, out = ad.tensor(A), np.empty_like(A)
    assert np.multiply(x, 2.0, out=out) is out
    np.testing.assert_array_equal(out, 2 * A)
    assert np.sum(x, axis=0, out=out[0]) is not None
    np.testing.assert_array_equal(out[0], A.sum(0))
    with ad.no_grad():
        np.exp(leaf(), out=out)
    np.testing.assert_array_equal(out, np.exp(A))
    array = np.ones((2, 3))
    array += x
    np.testing.assert_array_equal(array, 1 + A)


def test_an_out_array_that_a_graph_saved_is_noticed() -> None:
    w = leaf()
    y = (w * w).sum()
    np.add(w.detach(), 1.0, out=w.data)
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        y.backward()


def test_an_out_tensor_takes_value_and_history() -> None:
    x, out = leaf(), ad.zeros(2, 3, dtype=np.float64)
    assert np.exp(x, out=out) is out
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(A))


def test_dtype_casts_the_operands() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(x, dtype=np.float64)
    assert y.dtype == np.float64
    y.backward()
    assert x.grad.dtype == np.float32
    assert np.add(x, x, dtype=np.float64).dtype == np.float64


def test_array_plus_tensor_is_a_tensor_whatever_the_side() -> None:
    for y in (A + leaf(), leaf() + A, A @ leaf().T, A[0] * leaf(), np.float64(2.0) * leaf(), 2.0 / leaf(), leaf() > A):
        assert isinstance(y, ad.Tensor)


def test_sequences_where_numpys_dispatcher_looks_inside() -> None:
    x = leaf()
    assert np.stack([x[0], A[0]]).shape == (2, 3)
    assert np.concatenate((x, [[1.0, 2.0, 3.0]])).shape == (3, 3)
    assert np.hstack([x, x]).requires_grad
    assert np.where([True, False, True], x, 0.0).requires_grad
    assert np.einsum("ij,ij->", x, A).requires_grad


def test_cut_places_and_counts_may_be_tensors() -> None:
    x = leaf()
    assert [p.shape for p in np.split(x, ad.tensor([1]), axis=1)] == [(2, 1), (2, 2)]
    assert np.repeat(x, ad.tensor([1, 2]), axis=0).shape == (3, 3)
    assert np.take(x, ad.tensor([0, 2]), axis=1).shape == (2, 2)


def test_code_written_for_numpy_runs_on_tensors_unchanged() -> None:
    def layer_norm(x: Any) -> Any:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)

    x = leaf()
    np.testing.assert_allclose(layer_norm(x).detach().numpy(), layer_norm(A), rtol=1e-12)
    layer_norm(x)[:, 0].sum().backward()
    np.testing.assert_allclose(x.grad.numpy().sum(-1), 0, atol=1e-12)  # shifts of a row change nothing
