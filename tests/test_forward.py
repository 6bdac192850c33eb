"""Forward mode: every operation's tangent is the transpose of its gradient, alone and side by side; levels nest."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as fn
from autodiff.tree import leaves
from tests.numeric import direction, t
from tests.ops.drawn import example
from tests.ops.table import Op, each_function, each_op

RNG = np.random.default_rng(3)
M, X = RNG.normal(size=(3, 3)), RNG.normal(size=3)


def floats(op: Op) -> Callable[..., Any]:
    """Return a row's call, its floating outputs in a list."""
    return lambda *xs: [y for y in leaves(op.call(*xs)) if isinstance(y, ad.Tensor) and y.dtype.kind in "fc"]


def real(pairs: Any) -> float:
    return float(sum(np.sum(np.asarray(a) * np.asarray(b)).real for a, b in pairs))


@each_op
def test_pushing_forward_is_the_transpose_of_pulling_back(op: Op) -> None:
    arrays = example(op)
    us = [direction(RNG, x) for x in arrays]
    f = floats(op)
    ys, pushed = fn.jvp(f, tuple(arrays), tuple(us))
    expected = f(*[ad.as_tensor(x) for x in arrays])
    for y, dy, e in zip(ys, pushed, expected, strict=True):
        np.testing.assert_array_equal(y.numpy(), e.numpy())
        assert (dy.shape, dy.dtype, dy.requires_grad) == (y.shape, y.dtype, False)
    vs = [direction(RNG, y) for y in ys]
    _, pull = fn.vjp(f, *arrays)
    forwards = real((dy.numpy(), np.conj(v)) for dy, v in zip(pushed, vs, strict=True))
    backwards = real((np.conj(g.numpy()), u) for g, u in zip(pull(vs), us, strict=True))
    assert forwards == pytest.approx(backwards, rel=1e-9, abs=1e-11)


@each_function
def test_directions_side_by_side_are_those_one_by_one(op: Op) -> None:
    arrays = example(op)
    if any(x.dtype.kind == "c" for x in arrays):
        pytest.skip("a Jacobian in forward mode is that of real arguments")
    numbers = tuple(range(len(arrays)))
    f = floats(op)
    together = fn.jacobian(f, numbers, mode="forward")(*arrays)
    ys = f(*[ad.as_tensor(x) for x in arrays])
    for y, row in zip(ys, together, strict=True):
        for x, block in zip(arrays, row, strict=True):
            assert (block.shape, block.dtype) == (y.shape + x.shape, y.dtype)
    us = [direction(RNG, x) for x in arrays]
    _, pushed = fn.jvp(f, tuple(arrays), tuple(us))
    for row, dy in zip(together, pushed, strict=True):
        total = sum(np.tensordot(block.numpy(), u, u.ndim) for block, u in zip(row, us, strict=True))
        np.testing.assert_allclose(total, dy.numpy(), rtol=1e-9, atol=1e-11)


@each_function
def test_forward_over_reverse_is_reverse_over_reverse(op: Op) -> None:
    arrays = example(op)
    us = tuple(direction(RNG, x) for x in arrays)
    f = floats(op)
    ys = f(*[ad.as_tensor(x) for x in arrays])
    vs = [direction(RNG, y) for y in ys]

    def scalar(*xs: Any) -> Any:
        return sum(np.sum(np.real(y * ad.as_tensor(np.conj(v)))) for y, v in zip(f(*xs), vs, strict=True))

    numbers = tuple(range(len(arrays)))
    if not ys or not scalar(*[ad.as_tensor(x).requires_grad_() for x in arrays]).requires_grad:
        return
    _, forward = fn.jvp(fn.grad(scalar, numbers), tuple(arrays), us)
    xs = [ad.as_tensor(x).requires_grad_() for x in arrays]
    gs = ad.grad(scalar(*xs), xs, create_graph=True, allow_unused=True)
    pairing = sum(
        np.sum(np.real(g * ad.as_tensor(np.conj(u))))
        for g, u in zip(gs, us, strict=True)
        if g is not None and g.requires_grad
    )
    reverse: Any = [None] * len(xs)
    if isinstance(pairing, ad.Tensor) and pairing.requires_grad:
        reverse = ad.grad(pairing, xs, allow_unused=True)
    for a, b, x in zip(forward, reverse, arrays, strict=True):
        np.testing.assert_allclose(a.numpy(), np.zeros(x.shape) if b is None else b.numpy(), rtol=1e-8, atol=1e-10)


# --- memory ---


def peak(run: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_depth() -> None:
    x = np.ones(20_000)

    def deep(n: int) -> Callable[..., Any]:
        def f(x: Any) -> Any:
            for _ in range(n):
                x = np.tanh(np.sin(x) * 1.01 + x) @ np.ones((1, 1)) if x.ndim == 2 else np.sin(x) * 1.01
            return x

        return f

    short, long = (peak(lambda n=n: fn.jvp(deep(n), (x,), (x,))) for n in (5, 200))  # type: ignore[misc]
    assert long < short + x.nbytes
    assert peak(lambda: fn.grad(lambda x: np.sum(deep(200)(x)))(x)) > 100 * x.nbytes


def test_a_pushed_value_dies_with_its_tensor() -> None:
    level_size: list[int] = []

    def f(x: Any) -> Any:
        (level,) = ad.forward.levels()
        y = np.exp(x)
        for _ in range(10):
            y = np.sin(y)
        level_size.append(len(level._tangents))
        return y

    fn.jvp(f, (X,), (X,))
    assert level_size == [2]  # the variable and the last value


# --- levels ---


def test_levels_nest_without_confusion() -> None:
    def inner(x: Any) -> Any:
        return x * fn.jvp(lambda y: x + y, (1.0,), (1.0,))[1]

    assert fn.jvp(inner, (1.0,), (1.0,))[1].item() == 1.0


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_forward_over_forward(order: int) -> None:
    f: Callable[..., Any] = lambda x: np.exp(2 * x)  # noqa: E731
    for _ in range(order):
        f = lambda x, f=f: fn.jvp(f, (x,), (1.0,))[1]  # noqa: E731
    assert f(t(0.3)).item() == pytest.approx(2.0**order * np.exp(0.6))


@pytest.mark.parametrize("word", ["frf", "rfr", "ffr", "rff", "frr", "rrf"])
def test_modes_mix_in_any_order(word: str) -> None:
    f: Callable[..., Any] = lambda x: np.sin(x) * x**3  # noqa: E731
    for mode in word:
        f = fn.grad(f) if mode == "r" else lambda x, f=f: fn.jvp(f, (x,), (1.0,))[1]
    x = 0.7
    # the third derivative of x**3 sin x
    expected = 6 * np.sin(x) + 18 * x * np.cos(x) - 9 * x**2 * np.sin(x) - x**3 * np.cos(x)
    assert f(t(x)).item() == pytest.approx(expected)


def test_reverse_over_forward_through_a_captured_tensor_and_through_the_tangent() -> None:
    w, v = t(3.0, requires_grad=True), t(5.0, requires_grad=True)
    _, dy = fn.jvp(lambda x: np.exp(w * x), (t(2.0),), (v,))  # v w exp(2w)
    gw, gv = ad.grad(dy, (w, v))
    assert gw.item() == pytest.approx(5 * np.exp(6) + 5 * 3 * 2 * np.exp(6))
    assert gv.item() == pytest.approx(3 * np.exp(6))


def test_no_cycle_is_left_by_reverse_over_forward() -> None:
    import gc
    import weakref

    w = t(X, requires_grad=True)
    gc.disable()
    try:
        y, dy = fn.jvp(lambda x: np.exp(w * x), (X,), (X,))
        node = weakref.ref(dy.grad_fn)
        del y, dy
        assert node() is None
    finally:
        gc.enable()


def test_no_grad_inside_concerns_the_reverse_mode_alone() -> None:
    def f(x: Any) -> Any:
        with ad.no_grad():
            return np.sin(x) * x

    _, dy = fn.jvp(f, (2.0,), (1.0,))
    assert dy.item() == pytest.approx(np.cos(2) * 2 + np.sin(2))


def test_values_written_under_no_grad_keep_their_tangents() -> None:
    def f(x: Any) -> Any:
        y, z = x * 2, x * 1
        with ad.no_grad():
            y += x
            y[0] = x[1] * x[2]
            z.copy_(ad.as_tensor(X))
        return y, z

    x = np.array([1.0, 2.0, 4.0])
    (y, z), (dy, dz) = fn.jvp(f, (x,), (np.array([1.0, 10.0, 100.0]),))
    np.testing.assert_array_equal(y.numpy(), [8.0, 6.0, 12.0])
    np.testing.assert_array_equal(dy.numpy(), [240.0, 30.0, 300.0])
    np.testing.assert_array_equal(z.numpy(), X)
    np.testing.assert_array_equal(dz.numpy(), np.zeros(3))


def test_an_array_cannot_take_a_result_with_a_tangent() -> None:
    def f(x: Any) -> Any:
        with ad.no_grad():
            return np.multiply(x, 2.0, out=np.zeros(3))

    with pytest.raises(TypeError, match="out=ndarray"):
        fn.jvp(f, (X,), (X,))


def test_detach_cuts_the_tangent() -> None:
    _, dy = fn.jvp(lambda x: x * x.detach(), (3.0,), (1.0,))
    assert dy.item() == 3.0


def test_values_written_in_place_keep_their_tangents() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y += x
        y[0] = y[1] * x[2]
        return y

    x = np.array([1.0, 2.0, 4.0])
    y, dy = fn.jvp(f, (x,), (np.array([1.0, 10.0, 100.0]),))
    np.testing.assert_array_equal(y.numpy(), [24.0, 6.0, 12.0])
    np.testing.assert_array_equal(dy.numpy(), [30 * 4.0 + 6 * 100.0, 30.0, 300.0])


def test_a_custom_function_is_pushed_by_the_transpose_of_its_backward() -> None:
    class Straight(ad.Function):
        """Rounds; the gradient passes as if it did not."""

        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            kept = x * 2
            ctx.save_for_backward(y, kept)
            return np.round(x) * y, kept

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            y, kept = ctx.saved_tensors
            return g * y + h * 2, g * kept / 2

    x, y = np.array([1.4, 2.6]), np.array([3.0, 5.0])
    (z, _), (dz, dkept) = fn.jvp(Straight.apply, (x, y), (np.ones(2), np.full(2, 10.0)))
    np.testing.assert_array_equal(z.numpy(), [3.0, 15.0])
    np.testing.assert_allclose(dz.numpy(), y + 10 * x)
    np.testing.assert_array_equal(dkept.numpy(), [2.0, 2.0])
    j = fn.jacobian(lambda x: Straight.apply(x, ad.as_tensor(y))[0], mode="forward")(x)
    np.testing.assert_allclose(j.numpy(), np.diag(y))


def test_requires_grad_inside_makes_a_leaf_that_keeps_its_tangent() -> None:
    def f(x: Any) -> Any:
        x.requires_grad_()
        return ad.grad((x**3).sum(), x, create_graph=True)[0]

    _, dy = fn.jvp(f, (X,), (X,))
    np.testing.assert_allclose(dy.detach().numpy(), 6 * X * X)


def test_hooks_and_retained_gradients_work_inside() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        def inner(v: Any) -> Any:
            y = v * v
            y.register_hook(seen.append)
            return (y * y).sum()

        return fn.grad(inner)(x)

    _, dy = fn.jvp(f, (X,), (X,))
    np.testing.assert_allclose(dy.numpy(), 12 * X**3)
    np.testing.assert_allclose(seen[0].detach().numpy(), 2 * X * X)


def test_what_does_not_depend_on_the_variables_is_left_alone() -> None:
    w = t(X, requires_grad=True)
    y, dy = fn.jvp(lambda x: (w * w, x + 1), (X,), (X,))
    assert not dy[0].numpy().any()
    (g,) = ad.grad(y[0].sum(), w)
    np.testing.assert_allclose(g.numpy(), 2 * X)


def test_complex_tangents() -> None:
    z, u = np.array([1 + 2j, 0.5 - 1j]), np.array([1j, 2 - 1j])
    (_, b, _), (da, db, dc) = fn.jvp(lambda z: (z * z, np.abs(z) ** 2, np.conj(z)), (z,), (u,))
    np.testing.assert_allclose(da.numpy(), 2 * z * u)
    np.testing.assert_allclose(db.numpy(), 2 * (np.conj(z) * u).real)
    np.testing.assert_allclose(dc.numpy(), np.conj(u))
    assert (db.dtype, b.dtype) == (np.dtype(float),) * 2


# --- Jacobians ---


@pytest.mark.parametrize("chunk", [None, 1, 2, 7])
def test_both_modes_give_the_same_jacobian(chunk: int | None) -> None:
    def f(x: Any, w: Any) -> Any:
        h = np.tanh(w @ x)
        return {"h": np.outer(h, h)[1:], "s": np.sum(np.sort(h)[::-1] * np.array([3.0, 2.0, 1.0]))}

    backward = fn.jacobian(f, (0, 1), mode="reverse")(X, M)
    forward = fn.jacobian(f, (0, 1), mode="forward", chunk_size=chunk)(X, M)
    for name in ("h", "s"):
        for a, b in zip(forward[name], backward[name], strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.tril, X),
        (np.triu, X),
        (lambda x: np.flip(x, [0, 1]), M),
        (lambda x: np.cumsum(x, axis=0), np.array(2.0)),
        (np.cumprod, np.zeros(0)),
        (np.linalg.det, np.zeros((0, 0))),
        (np.linalg.svdvals, np.zeros((0, 3))),
        (lambda x: np.linalg.qr(x)[1], np.zeros((2, 0))),
    ],
)
def test_odd_shapes_have_the_same_jacobian_in_both_modes(f: Any, x: Any) -> None:
    forward, reverse = fn.jacobian(f, mode="forward")(x), fn.jacobian(f, mode="reverse")(x)
    assert forward.shape == reverse.shape
    np.testing.assert_allclose(forward.numpy(), reverse.numpy(), atol=1e-12)


def test_outputs_that_are_no_tensors_are_constants() -> None:
    (_, c, n), (dy, dc, dn) = fn.jvp(lambda x: (x * 2, np.ones(2), 3.0), (X,), (X,))
    np.testing.assert_array_equal(dy.numpy(), 2 * X)
    assert (c.shape, n.item(), dc.tolist(), dn.item()) == ((2,), 3.0, [0.0, 0.0], 0.0)
    _, pull = fn.vjp(lambda x: (x * 2, np.ones(2)), X)
    np.testing.assert_array_equal(pull((np.ones(3), np.ones(2)))[0].numpy(), np.full(3, 2.0))
    assert fn.jacobian(lambda x: np.ones(2))(X).shape == (2, 3)


def calls(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    made: list[int] = []

    def counted(*args: Any) -> Any:
        made.append(len(ad.forward.levels()))
        return f(*args)

    return counted, made


def test_auto_takes_the_cheaper_side() -> None:
    for f, x, forward in (
        (lambda x: np.outer(x, x), X, True),
        (lambda x: np.sum(x * x), X, False),
        (lambda x: x * M, np.array(2.0), True),
    ):
        g, made = calls(f)
        fn.jacobian(g)(x)
        assert made[-1] == int(forward)


def test_a_forward_jacobian_of_nothing() -> None:
    for mode in ("forward", "reverse", "auto"):
        assert fn.jacobian(lambda x: np.sum(x) * X, mode=mode)(np.zeros((0, 2))).shape == (3, 0, 2)
        assert fn.jacobian(lambda x: x[:0], mode=mode)(X).shape == (0, 3)


def test_complex_outputs_of_real_arguments_go_forwards() -> None:
    j = fn.jacobian(lambda x: np.exp(1j * x))(X)
    np.testing.assert_allclose(j.numpy(), np.diag(1j * np.exp(1j * X)))
    with pytest.raises(ad.AutodiffError, match=r"outputs are complex.*mode=\"forward\""):
        fn.jacobian(lambda x: np.exp(1j * x), mode="reverse")(X)
    with pytest.raises(ad.AutodiffError, match=r"c128\[1\].*two directions.*mode=\"reverse\""):
        fn.jacobian(np.abs, mode="forward")(np.array([1j]))
    np.testing.assert_allclose(fn.jacobian(np.abs)(np.array([3 + 4j])).numpy(), [[0.6 + 0.8j]])


@pytest.mark.parametrize(
    ("options", "message"), [({"mode": "fast"}, "mode='fast'.*auto"), ({"chunk_size": 0}, "chunk_size=0.*at least 1")]
)
def test_jacobians_say_what_they_take(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fn.jacobian(np.sin, **options)


def test_a_hessian_records_the_function_alone() -> None:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x)
        return np.sum(x)

    x = np.ones(20_000)
    once = peak(lambda: fn.grad(f)(x))
    assert peak(lambda: fn.hvp(f, (x,), (x,))) < 4 * once


# --- where a part of a decomposition has no derivative ---

EQUAL = np.diag([2.0, 2.0, 5.0])
TURN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]])


def test_rules_that_are_not_asked_for_are_not_run() -> None:
    """The rule of the matrix in det's rule divides by what is 0 here; the transpose in g alone does not need it."""
    rank_one = np.outer(X, X + 1)
    _, dg = fn.jvp(fn.grad(np.linalg.det), (rank_one,), (M,))
    g = [fn.grad(np.linalg.det)(rank_one + step * M).numpy() for step in (1e-4, -1e-4)]
    np.testing.assert_allclose(dg.numpy(), (g[0] - g[1]) / 2e-4, rtol=1e-6, atol=1e-8)


def test_a_tangent_that_does_not_exist_is_refused_where_it_is_used() -> None:
    """Along TURN the eigenvectors of the repeated eigenvalue jump."""
    with pytest.raises(ad.AutodiffError, match=r"eigh: eigenvalues 0 and 1 are equal"):
        fn.jvp(lambda x: np.linalg.eigh(x)[1], (EQUAL,), (TURN,))
    with pytest.raises(ad.AutodiffError, match=r"svd: singular values 1 and 2 are equal"):
        fn.jvp(lambda x: np.sin(np.linalg.svd(x)[0]), (EQUAL,), (TURN,))
    _, total = fn.jvp(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2), (EQUAL,), (TURN,))
    assert total.item() == pytest.approx(2 * np.sum(EQUAL * TURN))
    _, nuclear = fn.jvp(lambda x: np.sum(np.linalg.svd(x)[1]), (EQUAL,), (TURN,))
    assert nuclear.item() == pytest.approx(3.0)


def test_eigenvectors_of_equal_eigenvalues_may_move_together() -> None:
    along = np.diag([1.0, 1.0, 3.0])
    _, (values, vectors) = fn.jvp(lambda x: tuple(np.linalg.eigh(x)), (EQUAL,), (along,))
    np.testing.assert_allclose(values.numpy(), [1.0, 1.0, 3.0])
    np.testing.assert_allclose(vectors.numpy(), np.zeros((3, 3)), atol=1e-12)
