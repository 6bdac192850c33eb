"""Custom operations as PyTorch writes them: ad.Function."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check

X = np.array([0.3, -1.2, 2.0])


def define(forward: Any, backward: Any, name: str = "Custom") -> Any:
    return type(name, (ad.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


class Cube(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class Exp(ad.Function):
    """Saves its output, as PyTorch's own tutorial does."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (y,) = ctx.saved_tensors
        return g * y


class Scale(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float, w: Any) -> Any:
        ctx.factor = factor
        ctx.save_for_backward(x, w)
        return x * factor * w

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        return g * ctx.factor * w, None, g * ctx.factor * x


class SineCosine(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return np.sin(x), np.cos(x)

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * np.cos(x) - h * np.sin(x)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("f", "operands"),
    [
        (Cube.apply, (X,)),
        (Exp.apply, (X,)),
        (lambda x, w: Scale.apply(x, 2.5, w), (X, X + 1)),
        (SineCosine.apply, (X,)),
        (lambda x: SineCosine.apply(x)[0], (X,)),
        (lambda x: Cube.apply(Exp.apply(x)), (X,)),
    ],
)
def test_derivatives_of_any_order(f: Any, operands: Any, order: int) -> None:
    check(f, *operands, order=order)


def test_the_node_bears_the_classs_name() -> None:
    y = Cube.apply(ad.tensor(X, requires_grad=True))
    assert y.grad_fn.name == "Cube"
    assert "Cube" in repr(y)


def test_nothing_is_recorded_without_a_need() -> None:
    assert Cube.apply(ad.tensor(X)).is_leaf
    with ad.no_grad():
        assert Cube.apply(ad.tensor(X, requires_grad=True)).is_leaf


def test_forward_is_not_recorded_itself() -> None:
    y = Cube.apply(ad.tensor(X, requires_grad=True))
    assert [p.name for p, _ in y.grad_fn.next_functions] == ["leaf"]


def test_needs_input_grad_says_which_gradients_are_wanted() -> None:
    seen = []
    f = define(lambda ctx, x, w: x * w, lambda ctx, g: (seen.append(ctx.needs_input_grad), g, g)[1:])
    f.apply(ad.tensor(X, requires_grad=True), ad.tensor(X)).sum().backward()
    assert seen == [(True, False)]


def test_none_for_an_argument_stops_its_gradient() -> None:
    f = define(lambda ctx, x, w: x + w, lambda ctx, g: (g, None))
    x, w = ad.tensor(X, requires_grad=True), ad.tensor(X, requires_grad=True)
    f.apply(x, w).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones(3))
    assert w.grad is None


def test_an_output_marked_non_differentiable_has_no_history() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        place = np.argmax(x).float()
        ctx.mark_non_differentiable(place)
        return np.max(x), place

    f = define(forward, lambda ctx, g, h: g * ad.tensor([0.0, 0.0, 1.0]))
    top, place = f.apply(ad.tensor(X, requires_grad=True))
    assert top.requires_grad
    assert not place.requires_grad
    assert place.item() == 2


def test_a_straight_through_estimator() -> None:
    rounded = define(lambda ctx, x: np.round(x), lambda ctx, g: g)
    x = ad.tensor(X, requires_grad=True)
    (rounded.apply(x) * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 3.0))


def test_gradient_reversal() -> None:
    reversal = define(lambda ctx, x: x * 1, lambda ctx, g: -g)
    x = ad.tensor(X, requires_grad=True)
    reversal.apply(x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, -2.0))


class Recomputed(ad.Function):
    """The pattern of checkpointing: forget on the way forward, run again on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return np.tanh(np.sin(x) * x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        with ad.enable_grad():
            again = x.detach().requires_grad_()
            return ad.grad(np.tanh(np.sin(again) * again), again, g)[0]


def test_a_backward_may_run_a_sweep_of_its_own() -> None:
    check(Recomputed.apply, X)


def test_a_function_that_returns_its_own_argument() -> None:
    identity = define(lambda ctx, x: x, lambda ctx, g: g * 5)
    x = ad.tensor(X, requires_grad=True)
    y = identity.apply(x)
    assert not y.is_leaf
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 5.0))


def test_returning_a_saved_tensor_does_not_get_it_overwritten() -> None:
    f = define(lambda ctx, x: (ctx.save_for_backward(x), x * x / 2)[1], lambda ctx, g: ctx.saved_tensors[0])
    x = ad.tensor(X, requires_grad=True)
    (f.apply(x) + x * 1.0).sum().backward()
    np.testing.assert_array_equal(x.detach().numpy(), X)
    np.testing.assert_array_equal(x.grad.numpy(), X + 1)


def test_returning_one_constant_each_time_does_not_get_it_overwritten() -> None:
    constant = ad.ones(3, dtype=np.float64)
    f = define(lambda ctx, x: x * 1, lambda ctx, g: constant)
    x = ad.tensor(X, requires_grad=True)
    for _ in range(2):
        f.apply(x).sum().backward()
    np.testing.assert_array_equal(constant.numpy(), np.ones(3))
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 2.0))


def test_a_saved_tensor_written_in_place_is_noticed() -> None:
    x = ad.tensor(X, requires_grad=True)
    y = Cube.apply(x).sum()
    with ad.no_grad():
        x *= 2
    with pytest.raises(ad.AutodiffError, match="Cube saved operand 0.*changed in place"):
        y.backward()


def test_backward_twice_needs_retain_graph() -> None:
    x = ad.tensor(X, requires_grad=True)
    y = Cube.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(ad.AutodiffError, match=r"retain_graph=True"):
        y.backward()


def test_keyword_and_plain_arguments_pass_through() -> None:
    f = define(
        lambda ctx, x, *, power: (setattr(ctx, "power", power), ctx.save_for_backward(x), x**power)[2],
        lambda ctx, g: g * ctx.power * ctx.saved_tensors[0] ** (ctx.power - 1),
    )
    check(lambda x: f.apply(x, power=3), X, order=2)


@pytest.mark.parametrize(
    ("forward", "backward", "error", "message"),
    [
        (
            lambda ctx, x: x * 1,
            lambda ctx, g: (g, g),
            ad.AutodiffError,
            r"Custom\.backward returned 2 gradients; forward took 1",
        ),
        (
            lambda ctx, x: x * 1,
            lambda ctx, g: g.numpy(),
            TypeError,
            r"Custom\.backward: gradient 0 is a ndarray; expected a Tensor or None",
        ),
        (
            lambda ctx, x: x.numpy() * 1,
            lambda ctx, g: g,
            TypeError,
            r"Custom\.forward returned a ndarray; expected a Tensor",
        ),
        (
            lambda ctx, x: (ctx.save_for_backward(3.0), x)[1],
            lambda ctx, g: g,
            TypeError,
            r"save_for_backward takes Tensors; got float",
        ),
        (lambda ctx, x: x * 1, lambda ctx, g: g[:1], ad.AutodiffError, r"shape \(1,\).*operand of shape \(3,\)"),
    ],
)
def test_mistakes_are_named(forward: Any, backward: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        define(forward, backward).apply(ad.tensor(X, requires_grad=True)).sum().backward()


def test_a_function_without_methods_says_what_to_define() -> None:
    with pytest.raises(NotImplementedError, match=r"forward\(ctx, \*args\)"):
        type("Empty", (ad.Function,), {}).apply(ad.tensor(X))


def test_complex_gradients_follow_torchs_convention(torch: ModuleType) -> None:
    z = X + 1j * X[::-1]

    class TorchSquare(torch.autograd.Function):  # type: ignore[name-defined, misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0].conj()

    ours = define(
        lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], lambda ctx, g: g * 2 * ctx.saved_tensors[0].conj()
    )
    x, t = ad.tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
    v = np.array([1 + 1j, 2.0, -1j])
    ours.apply(x).backward(ad.tensor(v))
    TorchSquare.apply(t).backward(torch.tensor(v))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.resolve_conj().numpy())
