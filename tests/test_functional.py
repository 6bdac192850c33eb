"""Derivatives as functions of functions, against closed forms, over containers, nested, and differentiable outward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as fn

RNG = np.random.default_rng(7)
M = RNG.normal(size=(3, 3))
S = M + M.T
X = RNG.normal(size=3)


def t(x: Any, requires_grad: bool = False) -> ad.Tensor:
    return ad.tensor(np.asarray(x, np.float64), requires_grad=requires_grad)


def close(given: Any, expected: Any, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(given.detach().numpy(), expected, rtol=rtol, atol=1e-12)


def quadratic(x: Any) -> Any:
    return x @ S @ x / 2


def cubic(x: Any) -> Any:
    return np.sum(x**3)


class Pair(NamedTuple):
    a: Any
    b: Any


def test_grad_and_value() -> None:
    close(fn.grad(quadratic)(t(X)), S @ X)
    value, g = fn.value_and_grad(quadratic)(t(X))
    close(value, X @ S @ X / 2)
    close(g, S @ X)


def test_argnums_and_keywords() -> None:
    def f(x: Any, w: Any, *, power: int) -> Any:
        return np.sum(w * x**power)

    close(fn.grad(f, 1)(t(X), t(X + 1), power=2), X**2)
    first, second = fn.grad(f, (0, 1))(t(X), t(X + 1), power=2)
    close(first, 2 * X * (X + 1))
    close(second, X**2)


def test_aux_passes_through() -> None:
    def f(x: Any) -> Any:
        return quadratic(x), "aux"

    g, aux = fn.grad(f, has_aux=True)(t(X))
    assert aux == "aux"
    close(g, S @ X)
    (value, aux), g = fn.value_and_grad(f, has_aux=True)(t(X))
    assert aux == "aux"
    close(value, X @ S @ X / 2)


def test_plain_numbers_and_arrays_are_taken() -> None:
    assert fn.grad(lambda x: x * x)(3.0).item() == 6.0
    close(fn.grad(quadratic)(X), S @ X)


def test_integer_arguments_become_floats() -> None:
    assert fn.grad(lambda x: x * x)(3).item() == 6.0


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_grad_of_grad(depth: int) -> None:
    f: Callable[..., Any] = np.exp
    for _ in range(depth):
        f = fn.grad(lambda x, f=f: f(2 * x) if f is np.exp else f(x))
    assert f(t(0.3)).item() == pytest.approx(2.0**depth * np.exp(0.6))


def test_grad_inside_a_function_that_is_differentiated() -> None:
    def outer(x: Any) -> Any:
        return x * fn.grad(lambda y: x * y * y)(x)  # x * 2x*x = 2x**3

    assert fn.grad(outer)(t(3.0)).item() == pytest.approx(6 * 9)


def test_inner_and_outer_perturbations_are_not_confused() -> None:
    def f(x: Any) -> Any:
        return x * fn.grad(lambda y: x + y)(t(1.0))

    assert fn.grad(f)(t(1.0)).item() == 1.0


def test_vjp() -> None:
    y, pull = fn.vjp(lambda x, w: np.tanh(w @ x), t(X), t(M))
    close(y, np.tanh(M @ X))
    v = RNG.normal(size=3)
    gx, gw = pull(t(v))
    d = v * (1 - np.tanh(M @ X) ** 2)
    close(gx, M.T @ d)
    close(gw, np.outer(d, X))
    close(pull(t(2 * v))[0], 2 * M.T @ d)  # may be called again


def test_jvp() -> None:
    y, dy = fn.jvp(lambda x, w: np.tanh(w @ x), (t(X), t(M)), (t(X + 1), t(S)))
    close(y, np.tanh(M @ X))
    close(dy, (1 - np.tanh(M @ X) ** 2) * (M @ (X + 1) + S @ X))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2.0,
        lambda x: x[::-1],
        lambda x: np.sum(x),
        lambda x: np.concatenate([x, x]),
        lambda x: np.maximum(x, 0.1),
    ],
)
def test_jvp_of_linear_pieces_is_the_piece_itself(f: Any) -> None:
    v = RNG.normal(size=3)
    _, dy = fn.jvp(f, (t(X),), (t(v),))
    numeric = (f(X + 1e-6 * v) - f(X - 1e-6 * v)) / 2e-6
    close(dy, numeric, rtol=1e-6)


def test_jvp_of_a_constant_is_zero() -> None:
    _, dy = fn.jvp(lambda x: t(5.0), (t(X),), (t(X),))
    close(dy, 0.0)


def test_jvp_and_vjp_are_adjoint() -> None:
    def f(x: Any) -> Any:
        return np.sin(x @ M) * np.cumsum(x)

    u, v = RNG.normal(size=3), RNG.normal(size=3)
    _, pushed = fn.jvp(f, (t(X),), (t(u),))
    _, pull = fn.vjp(f, t(X))
    assert (pushed.numpy() @ v) == pytest.approx(u @ pull(t(v))[0].numpy())


def test_jacobian() -> None:
    close(fn.jacobian(lambda x: np.tanh(M @ x))(t(X)), np.diag(1 - np.tanh(M @ X) ** 2) @ M)
    j = fn.jacobian(lambda w: w @ X)(t(M))
    assert j.shape == (3, 3, 3)
    close(j, np.einsum("ik,j->ikj", np.eye(3), X))


def test_jacobian_of_an_empty_output_and_of_a_constant() -> None:
    assert fn.jacobian(lambda x: x[:0])(t(X)).shape == (0, 3)
    close(fn.jacobian(lambda x: t([1.0, 2.0]))(t(X)), np.zeros((2, 3)))


def test_hessian() -> None:
    close(fn.hessian(quadratic)(t(X)), S)
    close(fn.hessian(cubic)(t(X)), np.diag(6 * X))
    close(fn.hessian(lambda x: np.sum(np.sqrt(x) - 2) ** 2)(t([4.0])), [[0.125]])


def test_hessian_of_two_arguments_has_mixed_blocks() -> None:
    h = fn.hessian(lambda x, y: np.sum(x * x * y), (0, 1))(t([2.0]), t([3.0]))
    assert [[block.item() for block in row] for row in h] == [[6.0, 4.0], [4.0, 0.0]]


def test_hvp() -> None:
    v = RNG.normal(size=3)
    value, (product,) = fn.hvp(cubic, (t(X),), (t(v),))
    close(value, np.sum(X**3))
    close(product, 6 * X * v)


def test_hvp_of_several_arguments() -> None:
    _, (px, py) = fn.hvp(lambda x, y: np.sum(x * x * y), (t([2.0]), t([3.0])), (t([1.0]), t([10.0])))
    assert (px.item(), py.item()) == (6.0 + 40.0, 4.0)


def test_third_derivative_tensor() -> None:
    third = fn.jacobian(fn.hessian(cubic))(t(X))
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6
    close(third, expected)


# --- containers ---


def test_gradients_have_the_arguments_structure() -> None:
    params = {"w": [t(M), (t(X), None)], "pair": Pair(t(2.0), t(3.0))}

    def f(p: Any) -> Any:
        return np.sum(p["w"][0] @ p["w"][1][0]) + p["pair"].a * p["pair"].b

    g = fn.grad(f)(params)
    close(g["w"][0], np.tile(X, (3, 1)))
    close(g["w"][1][0], M.sum(0))
    assert g["w"][1][1] is None
    assert type(g["pair"]) is Pair
    assert (g["pair"].a.item(), g["pair"].b.item()) == (3.0, 2.0)


def test_jacobian_has_the_functions_structure_with_the_arguments_inside() -> None:
    j = fn.jacobian(lambda p: {"sum": p["a"] + p["b"], "product": (p["a"] * p["b"],)})(
        {"a": t([1.0, 2.0]), "b": t([3.0, 4.0])}
    )
    close(j["sum"]["a"], np.eye(2))
    close(j["product"][0]["b"], np.diag([1.0, 2.0]))


def test_vjp_and_jvp_over_containers() -> None:
    point = [t([1.0, 2.0]), {"b": t([3.0, 4.0])}]

    def f(p: Any) -> Any:
        return p[0] * p[1]["b"], np.sum(p[0])

    y, pull = fn.vjp(f, point)
    assert isinstance(y, tuple)
    ((ga, gb),) = pull((t([1.0, 1.0]), t(10.0)))
    close(ga, [13.0, 14.0])
    close(gb["b"], [1.0, 2.0])
    _, (d, s) = fn.jvp(f, (point,), ([t([1.0, 0.0]), {"b": t([0.0, 1.0])}],))
    close(d, [3.0, 2.0])
    close(s, 1.0)


def test_outputs_without_a_gradient_have_derivative_zero() -> None:
    def f(x: Any) -> Any:
        return x * 2, np.argmax(x), t(5.0)

    _, pull = fn.vjp(f, t(X))
    close(pull((t(X), t(1.0), t(1.0)))[0], 2 * X)
    _, (doubled, place, constant) = fn.jvp(f, (t(X),), (t(X + 1),))
    close(doubled, 2 * (X + 1))
    close(place, 0)
    close(constant, 0)


# --- results stay differentiable where it matters ---


def test_results_depend_on_captured_tensors() -> None:
    w = t(3.0, requires_grad=True)
    g = fn.grad(lambda x: w * x * x)(t(2.0))  # 2wx
    assert g.requires_grad
    g.backward()
    assert w.grad.item() == 4.0


@pytest.mark.parametrize(
    "transform",
    [
        lambda f, x: fn.jacobian(f)(x),
        lambda f, x: fn.jvp(f, (x,), (t(1.0),))[1],
        lambda f, x: fn.vjp(f, x)[1](t(1.0))[0],
        lambda f, x: fn.value_and_grad(f)(x)[1],
    ],
)
def test_every_transform_stays_differentiable_in_a_captured_tensor(transform: Any) -> None:
    w = t(3.0, requires_grad=True)
    assert ad.grad(transform(lambda x: w * w * x, t(2.0)), w)[0].item() == 6.0


def test_a_hessians_entries_depend_on_captured_tensors() -> None:
    w = t(3.0, requires_grad=True)
    assert ad.grad(fn.hessian(lambda x: w * w * x**3)(t(2.0)), w)[0].item() == 72.0
    assert ad.grad(fn.hvp(lambda x: w * w * x**3, (t(2.0),), (t(1.0),))[1], w)[0].item() == 72.0


def test_an_argument_with_history_continues_it() -> None:
    w = t(2.0, requires_grad=True)
    g = fn.grad(lambda x: x**3)(w * 5)  # 3 (5w)**2
    assert ad.grad(g, w)[0].item() == 3 * 25 * 2 * 2


def test_results_without_captured_tensors_are_plain_values() -> None:
    g = fn.grad(quadratic)(t(X))
    assert not g.requires_grad
    value, _ = fn.value_and_grad(quadratic)(t(X))
    assert not value.requires_grad


def test_the_arguments_themselves_are_left_alone() -> None:
    x = t(X, requires_grad=True)
    fn.grad(quadratic)(x)
    assert x.grad is None


def test_under_no_grad_derivatives_still_come() -> None:
    with ad.no_grad():
        close(fn.grad(quadratic)(t(X)), S @ X)
        close(fn.hessian(quadratic)(t(X)), S)
        assert not fn.grad(quadratic)(t(X, requires_grad=True)).requires_grad


# --- mistakes ---


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fn.grad(lambda x: x)(t(X)), ad.AutodiffError, r"returns a scalar Tensor; got f64\[3\].*jacobian"),
        (lambda: fn.grad(lambda x: 1.0)(t(X)), ad.AutodiffError, r"returns a scalar Tensor; got float"),
        (lambda: fn.vjp(lambda x: x, t(X))[1](t(1.0)), ValueError, r"shape \(\) was given for a value of shape \(3,\)"),
        (
            lambda: fn.jvp(lambda x: x, (t(X),), (t([1.0]),)),
            ValueError,
            r"shape \(1,\) was given for a value of shape \(3,\)",
        ),
        (lambda: fn.jvp(lambda x: x, (t(X),), (t(X), t(X))), ValueError, "2 tangents were given for 1 values"),
        (lambda: fn.vjp(lambda x: (x, x), t(X))[1](t(X)), ValueError, "1 cotangents were given for 2 values"),
        (lambda: fn.jvp(np.sin, t(X), t(X)), TypeError, r"jvp takes tuples.*jvp\(f, \(x,\), \(v,\)\)"),
        (lambda: fn.grad(cubic, argnums=3)(t(X)), ValueError, "argnums=3 for 1 positional arguments"),
        (lambda: fn.jacobian(np.sin, argnums="x")(t(X)), ValueError, "argnums='x' for 1 positional"),
    ],
)
def test_mistakes_say_what_was_given_and_expected(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_jvp_passes_over_outputs_that_carry_no_derivative() -> None:
    (y, places), (dy, none) = fn.jvp(
        lambda x: (x * 2, np.argmax(x)), (ad.tensor([1.0, 3.0]),), (ad.tensor([1.0, 0.5]),)
    )
    assert (y.tolist(), places.item(), dy.tolist(), none.item()) == ([2.0, 6.0], 1, [2.0, 1.0], 0)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize(("f", "words"), [(lambda x: x > 0, "bool"), (lambda x: None, "NoneType|no numbers")])
def test_a_jacobian_of_what_has_no_derivatives_is_refused(mode: str, f: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        fn.jacobian(f, mode=mode)(ad.tensor([1.0, 2.0]))
