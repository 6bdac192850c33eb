"""put, place, putmask, copyto, fill_diagonal, put_along_axis: what they write into, and what they refuse.

That a leaf refuses, that history continues and that memory is written under no_grad: tests/test_inplace.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad

M = np.arange(9.0).reshape(3, 3)
EVEN = M % 2 == 0
PLACES = np.array([[0, 2], [1, 1], [2, 0]])
WRITERS = {
    "put": lambda y, v: np.put(y, [4, 0, -1], v),
    "put, wrap": lambda y, v: np.put(y, ind=[12, 0, -10], v=v, mode="wrap"),
    "place": lambda y, v: np.place(y, EVEN, v),
    "putmask": lambda y, v: np.putmask(y, EVEN, v),
    "copyto": lambda y, v: np.copyto(y, v),
    "copyto, where": lambda y, v: np.copyto(y, v, casting="same_kind", where=EVEN),
    "fill_diagonal": lambda y, v: np.fill_diagonal(y, v),
    "put_along_axis": lambda y, v: np.put_along_axis(y, PLACES, v[:2], axis=1),
    "put_along_axis, flat": lambda y, v: np.put_along_axis(y, PLACES[0], v[:2], axis=None),
}
V = np.array([10.0, 20.0, 30.0])
each_writer = pytest.mark.parametrize("name", WRITERS)
# NumPy asks the array alone how to fill its diagonal, so that an ndarray does not hear of the Tensor
each_writer_into_arrays = pytest.mark.parametrize("name", [name for name in WRITERS if name != "fill_diagonal"])


def written(name: str, v: Any = V) -> Any:
    y = M.copy()
    WRITERS[name](y, v)
    return y


@each_writer
def test_a_tensor_takes_numpys_values_in_its_own_dtype(name: str) -> None:
    for dtype in (np.float32, np.float64, np.complex64):
        y = ad.tensor(M.astype(dtype))
        assert WRITERS[name](y, V.astype(np.float32)) is None
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), written(name))


@each_writer_into_arrays
def test_an_array_refuses_what_has_a_history(name: str) -> None:
    y, v = M.copy(), ad.tensor(V, requires_grad=True)
    function = name.partition(",")[0]
    with pytest.raises(TypeError, match=rf"{function} into an ndarray.*history.*ad\.tensor\(a\).*detach"):
        WRITERS[name](y, v)
    np.testing.assert_array_equal(y, M)


@each_writer_into_arrays
def test_an_array_takes_the_values_of_a_tensor_without_a_history(name: str) -> None:
    y = M.copy()
    WRITERS[name](y, ad.tensor(V))
    np.testing.assert_array_equal(y, written(name))
    y = M.copy()
    with ad.no_grad():
        WRITERS[name](y, ad.tensor(V, requires_grad=True))
    np.testing.assert_array_equal(y, written(name))


@each_writer
def test_the_gradient_of_what_is_overwritten_is_0_and_of_what_is_written_its_places(name: str) -> None:
    x, v = ad.tensor(M, requires_grad=True), ad.tensor(V, requires_grad=True)
    y = x * 1.0
    WRITERS[name](y, v)
    weights = np.cos(np.arange(9.0)).reshape(3, 3)
    gx, gv = ad.grad((y * weights).sum(), [x, v])
    kept = np.isclose(written(name, V), written(name, V + 1))  # what does not follow v
    np.testing.assert_array_equal(gx.numpy(), np.where(kept, weights, 0))
    for k in range(3):
        change = written(name, V + np.eye(3)[k]) - written(name)
        np.testing.assert_allclose(gv.numpy()[k], (change * weights).sum())


@each_writer
def test_a_write_between_forward_and_backward_is_noticed(name: str) -> None:
    x = ad.tensor(M, requires_grad=True)
    y = (x * x).sum()
    with ad.no_grad():
        WRITERS[name](x, V)
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        y.backward()


def test_a_diagonal_of_an_array_refuses_what_has_a_history() -> None:
    with pytest.raises(TypeError, match="losing its history"):
        np.fill_diagonal(M.copy(), ad.tensor(V, requires_grad=True))


def test_a_write_into_an_array_is_noticed_too() -> None:
    data = M.copy()
    x = ad.as_tensor(data).requires_grad_()
    y = (x * x).sum()
    np.put(data, [0], ad.tensor([5.0]))
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        y.backward()


def test_no_values_change_nothing() -> None:
    y = ad.tensor(M)
    np.put(y, [0, 1], [])
    np.putmask(y, EVEN, [])
    np.fill_diagonal(y, [])
    np.place(y, M < 0, [])
    np.testing.assert_array_equal(y.numpy(), M)


T = ad.tensor(M)
SMALL = ad.tensor(np.zeros(3, np.uint8))
REFUSED = {
    "put beyond": (lambda: np.put(T, [9], 1.0), IndexError, "out of bounds"),
    "put, dtype": (lambda: np.put(SMALL, [0], [300]), OverflowError, "300 out of bounds for uint8"),
    "place, dtype": (lambda: np.place(SMALL, [True, False, True], [300]), OverflowError, "300 out of bounds for uint8"),
    "put, mode": (lambda: np.put(T, [9], 1.0, mode="up"), ValueError, "got 'up'"),
    "place, no values": (lambda: np.place(T, EVEN, []), ValueError, "no values to put"),
    "place, size": (lambda: np.place(T, EVEN[0], 1.0), ValueError, "place: the mask has 3 elements and the array 9"),
    "putmask, size": (lambda: np.putmask(T, EVEN[0], 1.0), ValueError, "putmask: the mask has 3 elements"),
    "copyto, shape": (lambda: np.copyto(T, np.ones(4)), ValueError, "broadcast"),
    "copyto, larger": (lambda: np.copyto(T[0], M), ValueError, "does not fit"),
    "copyto, complex": (lambda: np.copyto(T, 1j * M), TypeError, "cannot cast complex128 to float64"),
    "copyto, casting": (
        lambda: np.copyto(ad.tensor([1.0]), M[:1, 0], casting="safe"),
        TypeError,
        "cannot cast float64 to float32 with casting='safe'",
    ),
    "fill_diagonal, vector": (lambda: np.fill_diagonal(T[0], 1.0), ValueError, r"matrix.*got shape \(3,\)"),
    "fill_diagonal, uneven": (lambda: np.fill_diagonal(T[None], 1.0), ValueError, r"got shape \(1, 3, 3\)"),
    "put_along_axis, ndim": (lambda: np.put_along_axis(T, PLACES[0], 1.0, 0), ValueError, "as many axes"),
    "a list": (lambda: np.put([1.0], [0], ad.tensor([1.0])), TypeError, "put writes into .* got a list"),
    "traced": (
        lambda: ad.trace(lambda v: np.copyto(M.copy(), v))(ad.tensor(M)),
        TypeError,
        "copyto into an ndarray.*history",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused_by_name(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()
    np.testing.assert_array_equal(T.numpy(), M)


def test_numbers_are_written_into_integers() -> None:
    y = ad.tensor(np.array([1, 2, 3], np.uint8))
    np.copyto(y, 7, where=[True, False, True])
    np.put(y, 1, 9)
    assert (y.tolist(), y.dtype) == ([7, 9, 7], np.uint8)


def test_second_derivatives_through_a_write() -> None:
    x = ad.tensor(V, requires_grad=True)
    y = np.outer(x, x)
    np.fill_diagonal(y, x**3)
    (g,) = ad.grad(y.sum(), x, create_graph=True)
    (h,) = ad.grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy(), 6 * V + 4.0)  # 6 x of the cubes, and 2 of each of the two other products


def test_a_traced_write_is_replayed() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        np.putmask(y, y > 4, -y)
        return y

    graph = ad.trace(f)(ad.tensor(M))
    other = graph.replay({graph.sources[0]: M - 2})
    np.testing.assert_array_equal(other[graph.outputs[0]], np.where(M - 2 > 4, 2 - M, M - 2))
