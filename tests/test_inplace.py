"""Updates in place: a new value and history while recording, a write into the memory under no_grad."""

from __future__ import annotations

import operator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad

ENDS = np.array([True, False, True])


def leaf(*values: float) -> ad.Tensor:
    return ad.tensor(list(values), dtype=np.float64, requires_grad=True)


UPDATES = {
    "+=": (lambda x, y: operator.iadd(x, y), lambda x, y: x + y),
    "-=": (operator.isub, lambda x, y: x - y),
    "*=": (operator.imul, lambda x, y: x * y),
    "/=": (operator.itruediv, lambda x, y: x / y),
    "**=": (operator.ipow, lambda x, y: x**y),
    "%=": (operator.imod, lambda x, y: x % y),
    "//=": (operator.ifloordiv, lambda x, y: x // y),
    "+= number": (lambda x, y: operator.iadd(x, 2), lambda x, y: x + 2),
    "add_": (lambda x, y: x.add_(y), lambda x, y: x + y),
    "add_ alpha": (lambda x, y: x.add_(y, alpha=-0.5), lambda x, y: x - 0.5 * y),
    "sub_": (lambda x, y: x.sub_(y), lambda x, y: x - y),
    "mul_": (lambda x, y: x.mul_(y), lambda x, y: x * y),
    "div_": (lambda x, y: x.div_(y), lambda x, y: x / y),
    "pow_": (lambda x, y: x.pow_(y), lambda x, y: x**y),
    "neg_": (lambda x, y: x.neg_(), lambda x, y: -x),
    "exp_": (lambda x, y: x.exp_(), lambda x, y: np.exp(x)),
    "sqrt_": (lambda x, y: x.sqrt_(), lambda x, y: np.sqrt(x)),
    "abs_": (lambda x, y: x.abs_(), lambda x, y: abs(x)),
    "relu_": (lambda x, y: x.relu_(), lambda x, y: np.maximum(x, 0)),
    "clamp_": (lambda x, y: x.clamp_(1.2, 1.9), lambda x, y: np.clip(x, 1.2, 1.9)),
    "clip_ max": (lambda x, y: x.clip_(max=1.4), lambda x, y: np.clip(x, None, 1.4)),
    "zero_": (lambda x, y: x.zero_(), lambda x, y: x * 0),
    "fill_": (lambda x, y: x.fill_(3.0), lambda x, y: x * 0 + 3.0),
    "copy_": (lambda x, y: x.copy_(y), lambda x, y: x * 0 + y),
    "masked_fill_": (
        lambda x, y: x.masked_fill_(np.array([True, False, False]), 7.0),
        lambda x, y: np.where(np.array([True, False, False]), 7.0, x),
    ),
    "scatter_": (lambda x, y: x.scatter_(0, np.array([2, 0]), y), lambda x, y: _set(x, [2, 0], y[:2])),
    "scatter_add_": (lambda x, y: x.scatter_add_(0, np.array([1, 1, 0]), y), lambda x, y: _add_at(x, [1, 1, 0], y)),
    "out=": (lambda x, y: np.multiply(x, y, out=x), lambda x, y: x * y),
    "put": (lambda x, y: (np.put(x, [2, 0], y), x)[1], lambda x, y: _set(x, [2, 0], y[:2])),
    "put, method": (lambda x, y: (x.put(4, y[1:], mode="wrap"), x)[1], lambda x, y: _set(x, 1, y[1])),
    "place": (lambda x, y: (np.place(x, ENDS, y), x)[1], lambda x, y: _set(x, [0, 2], y[:2])),
    "putmask": (lambda x, y: (np.putmask(x, ENDS, y), x)[1], lambda x, y: _set(x, [0, 2], y[[0, 2]])),
    "copyto": (lambda x, y: (np.copyto(x, y, where=ENDS), x)[1], lambda x, y: _set(x, [0, 2], y[[0, 2]])),
    "put_along_axis": (
        lambda x, y: (np.put_along_axis(x, np.array([2, 0]), y[:2], 0), x)[1],
        lambda x, y: _set(x, [2, 0], y[:2]),
    ),
    "sort": (lambda x, y: (x.sort(kind="stable"), x)[1], lambda x, y: np.sort(x)),
    "partition": (lambda x, y: (x.partition(1), x)[1], lambda x, y: np.sort(x)),
    "x[i] = v": (lambda x, y: (x.__setitem__(1, 9.0), x)[1], lambda x, y: _set(x, 1, 9.0)),
    "x[slice] = tensor": (
        lambda x, y: (x.__setitem__(slice(1, None), y[1:]), x)[1],
        lambda x, y: _set(x, slice(1, None), y[1:]),
    ),
    "x[list] = tensor": (lambda x, y: (x.__setitem__([2, 0], y[:2]), x)[1], lambda x, y: _set(x, [2, 0], y[:2])),
    "x[mask] = v": (lambda x, y: (x.__setitem__(x > 1.7, 0.0), x)[1], lambda x, y: np.where(x > 1.7, 0.0, x)),
    "x[...] = tensor": (lambda x, y: (x.__setitem__(..., y), x)[1], lambda x, y: x * 0 + y),
    "x[i] += v": (lambda x, y: (x.__setitem__(1, x[1] + y[0]), x)[1], lambda x, y: _set(x, 1, x[1] + y[0])),
}


def _set(x: Any, index: Any, value: Any) -> Any:
    out = np.array(x)
    out[index] = value
    return out


def _add_at(x: Any, index: Any, value: Any) -> Any:
    out = np.array(x)
    np.add.at(out, index, value)
    return out


X, Y = np.array([1.0, 1.5, 2.0]), np.array([0.7, 1.3, 2.2])
each_update = pytest.mark.parametrize("name", UPDATES)


@each_update
def test_the_object_stays_and_takes_the_new_value(name: str) -> None:
    update, expected = UPDATES[name]
    x = ad.tensor(X)
    assert update(x, ad.tensor(Y)) is x
    np.testing.assert_allclose(x.numpy(), expected(X, Y))


@each_update
def test_under_no_grad_the_memory_is_written_so_that_aliases_see_it(name: str) -> None:
    update, expected = UPDATES[name]
    x = ad.tensor(X, requires_grad=True)
    array, alias = x.numpy(), x.detach()
    with ad.no_grad():
        assert update(x, ad.tensor(Y)) is x
    assert x.numpy() is array
    assert x.is_leaf
    assert x.requires_grad
    np.testing.assert_allclose(alias.numpy(), expected(X, Y))


@each_update
def test_while_recording_the_history_continues_and_nothing_saved_is_touched(name: str) -> None:
    update, expected = UPDATES[name]
    a, b = ad.tensor(X, requires_grad=True), ad.tensor(Y, requires_grad=True)
    x = a * 1.0
    before, earlier = x.detach().numpy(), np.sin(x)
    assert update(x, b) is x
    np.testing.assert_array_equal(before, X)
    weights = np.array([1.0, 10.0, 100.0])
    (x * weights + earlier).sum().backward()
    given = [np.zeros(3) if t.grad is None else t.grad.numpy() for t in (a, b)]

    def loss(p: Any, q: Any) -> float:
        return float((expected(p, q) * weights + np.sin(p)).sum())

    h, kinked = 1e-6, name == "//="
    for k in range(3):
        step = np.eye(3)[k] * h
        np.testing.assert_allclose(
            given[0][k],
            np.cos(X[k]) if kinked else (loss(X + step, Y) - loss(X - step, Y)) / (2 * h),
            rtol=1e-6,
            atol=1e-6,
        )
        np.testing.assert_allclose(
            given[1][k], 0 if kinked else (loss(X, Y + step) - loss(X, Y - step)) / (2 * h), rtol=1e-6, atol=1e-6
        )


@each_update
def test_a_leaf_that_requires_a_gradient_refuses_while_recording(name: str) -> None:
    x = ad.tensor(X, requires_grad=True)
    with pytest.raises(ad.AutodiffError, match="leaf that requires a gradient.*no_grad"):
        UPDATES[name][0](x, ad.tensor(Y))
    np.testing.assert_array_equal(x.detach().numpy(), X)


def test_second_derivatives_through_updates() -> None:
    a = leaf(2.0)
    x = a * a
    x *= a
    x[0] = x[0] * a[0]  # a**4
    (g,) = ad.grad(x.sum(), a, create_graph=True)
    (h,) = ad.grad(g, a)
    assert (g.item(), h.item()) == (32.0, 48.0)


def test_a_tensor_filled_row_by_row() -> None:
    rows, w = ad.zeros(3, 2, dtype=np.float64), leaf(1.0, 2.0)
    for i in range(3):
        rows[i] = w * i
    rows.sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_overwritten_values_get_no_gradient() -> None:
    a, b = leaf(1.0, 2.0), leaf(5.0)
    x = a * 3
    x[0] = b[0]
    x.sum().backward()
    assert a.grad.tolist() == [0.0, 3.0]
    assert b.grad.tolist() == [1.0]


def test_where_an_index_repeats_the_last_value_counts() -> None:
    v = leaf(1.0, 2.0, 3.0)
    x = ad.zeros(2, dtype=np.float64)
    x[[0, 0, 1]] = v
    assert x.tolist() == [2.0, 3.0]
    x.sum().backward()
    assert v.grad.tolist() == [0.0, 1.0, 1.0]


def test_in_place_results_are_cast_to_the_tensors_dtype() -> None:
    x = ad.tensor([1.0, 2.0])
    x += ad.tensor(np.array([0.5, 0.5]))
    assert x.dtype == np.float32
    x[0] = np.float64(3.0)
    assert x.dtype == np.float32
    n = ad.tensor([1, 2])
    n[0] = 5
    n += 1
    assert n.tolist() == [6, 3]


def test_a_view_follows_a_write_but_not_a_recorded_update() -> None:
    x = ad.tensor([1.0, 2.0])
    row = x[:1]
    x += 1  # nothing has a history: the memory is written, as in NumPy and PyTorch
    assert row.tolist() == [2.0]
    row[0] = 7
    assert x.tolist() == [7.0, 3.0]
    with ad.no_grad():
        x += 1
    assert row.tolist() == [8.0]
    x += leaf(1.0, 1.0)
    assert row.tolist() == [8.0]


def test_an_index_of_an_index_writes_into_what_has_no_history() -> None:
    x, array = ad.zeros(2, 3), np.zeros((2, 3))
    for y in (x, array):
        y[1][2] = 5
        y[0][:2] += 1
        y[1][0:2][1] = 3
        y.T[0][0] = 9
    x.reshape(-1)[2:].fill_(4)
    np.testing.assert_array_equal(x.numpy(), [[9, 1, 4], [4, 4, 4]])
    array.reshape(-1)[2:].fill(4)
    np.testing.assert_array_equal(x.numpy(), array)


def test_an_index_of_an_index_is_refused_where_the_change_would_be_lost() -> None:
    w, rows = leaf(1.0, 2.0), ad.zeros(2, 2, dtype=np.float64)
    y = w * 2
    square = y.reshape(1, 2)
    with pytest.raises(ad.AutodiffError, match=r"write x\[i, j\] = v"):
        square[0][1] = 5.0
    with pytest.raises(ad.AutodiffError, match=r"write x\[i, j\] = v"):
        square[0][1] += 5.0
    with pytest.raises(ad.AutodiffError, match=r"write x\[i, j\] = v"):
        rows[0][1] = y[0]
    held = {"row": square[0]}
    held["row"][1] = 5.0  # a row that has a name takes the value itself
    assert held["row"].tolist() == [2.0, 5.0]
    rows[0, 1] = y[0]
    rows.sum().backward()
    assert w.grad.tolist() == [2.0, 0.0]


def test_a_constant_that_was_saved_is_not_changed_unnoticed() -> None:
    w, x = leaf(1.0, 2.0), ad.tensor(np.array([3.0, 4.0]))
    y = w * x
    x += 1
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        y.sum().backward()


def test_an_expanded_constant_takes_a_value_of_its_own() -> None:
    x = ad.tensor([1.0])
    wide = x.expand(3)
    wide[0] = 5
    assert (wide.tolist(), x.tolist()) == ([5.0, 1.0, 1.0], [1.0])


def test_data_is_the_array_and_may_be_replaced_or_updated() -> None:
    w = leaf(1.0, 2.0)
    (w * w).sum().backward()
    array = w.data
    w.data -= 0.5 * w.grad
    assert w.data is array
    assert w.tolist() == [0.0, 0.0]
    w.data[:] = 3.0
    assert w.tolist() == [3.0, 3.0]
    w.data = np.array([[7.0]], np.float32)
    assert (w.shape, w.dtype, w.is_leaf, w.requires_grad) == ((1, 1), np.float32, True, True)
    w.grad = None
    (w * 2).sum().backward()
    assert w.grad.numpy().tolist() == [[2.0]]


@pytest.mark.parametrize(
    "update",
    [
        lambda w: w.data.__isub__(0.1 * w.grad),
        lambda w: w.data.__isub__(0.1 * w.grad.data),
        lambda w: w.data.__isub__(0.1 * w.grad.numpy()),
        lambda w: np.subtract(w.data, 0.1 * w.grad, out=w.data),
    ],
)
def test_updates_through_data_need_no_no_grad(update: Any) -> None:
    w = leaf(1.0, 2.0)
    (w * w).sum().backward()
    update(w)
    np.testing.assert_allclose(w.numpy(), [0.8, 1.6])
    assert w.is_leaf


def test_an_update_through_data_between_forward_and_backward_is_noticed() -> None:
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    w.data -= 1.0
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        y.backward()


def test_assigning_other_data_leaves_what_was_saved_as_it_was() -> None:
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    w.data = np.array([10.0, 20.0])
    y.backward()
    assert w.grad.tolist() == [2.0, 4.0]


# --- loops as PyTorch's tutorials write them ---


def test_a_hand_written_loop_fits_a_line_as_torch_does(torch: ModuleType) -> None:
    x = np.linspace(-1, 1, 20)
    target = 3 * x - 2

    def fit(lib: Any) -> list[float]:
        xs, ts = lib.tensor(x), lib.tensor(target)
        w, b = (
            lib.tensor(0.0, dtype=lib.float64, requires_grad=True),
            lib.tensor(0.0, dtype=lib.float64, requires_grad=True),
        )
        for _ in range(30):
            prediction = xs * w + b
            loss = ((prediction - ts) ** 2).mean()
            loss.backward()
            with lib.no_grad():
                w -= 0.3 * w.grad
                b -= 0.3 * b.grad
                w.grad.zero_()
                b.grad = None
        return [w.item(), b.item(), loss.item()]

    np.testing.assert_allclose(fit(ad), fit(torch), rtol=1e-12)


def test_torchs_cubic_tutorial() -> None:
    x = ad.linspace(-np.pi, np.pi, 200, dtype=np.float64)
    y = np.sin(x)
    a, b, c, d = (ad.randn(dtype=np.float64, requires_grad=True) for _ in range(4))
    first = None
    for _ in range(400):
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        first = first or loss.item()
        loss.backward()
        with ad.no_grad():
            for p in (a, b, c, d):
                p -= 1e-5 * p.grad
                p.grad = None
    assert loss.item() < first / 2


def test_gradient_descent_with_momentum_buffers_and_add_() -> None:
    w = leaf(4.0)
    velocity = ad.zeros_like(w)
    for _ in range(200):
        (w * w).sum().backward()
        with ad.no_grad():
            velocity.mul_(0.5).add_(w.grad)
            w.add_(velocity, alpha=-0.1)
            w.grad.zero_()
    assert abs(w.item()) < 1e-6


def test_a_flat_buffer_of_parameters() -> None:
    buffer = np.zeros(5)
    w, b = ad.as_tensor(buffer[:4].reshape(2, 2)).requires_grad_(), ad.as_tensor(buffer[4:]).requires_grad_()
    ((w.sum() - 1) ** 2 + b.sum()).backward()
    with ad.no_grad():
        w -= w.grad
        b -= b.grad
    np.testing.assert_array_equal(buffer, [2, 2, 2, 2, -1])
