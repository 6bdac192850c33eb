"""checkpoint: the same values and gradients with less memory, whatever the function holds."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import AutodiffError, tape


def leaf(*shape: int) -> ad.Tensor:
    return ad.random.randn(*shape, dtype=np.float64, requires_grad=True)


class Counted:
    """A function that counts its calls."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.f(*args, **kwargs)


def equal(ours: Any, theirs: Any) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def block(x: Any) -> Any:
    return np.tanh(np.exp(np.sin(x)) * x)


def test_gradients_are_those_without_it_and_the_function_runs_twice() -> None:
    x, f = leaf(4), Counted(block)
    y = ad.checkpoint(f, x)
    assert f.calls == 1
    (g,) = ad.grad(y.sum(), x)
    assert f.calls == 2
    equal([y, g], [block(x), ad.grad(block(x).sum(), x)[0]])


def test_nothing_is_kept_but_the_arguments() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        inner = np.exp(x)
        kept.append(weakref.ref(inner.detach().numpy()))
        return (inner * inner).sum()

    y = ad.checkpoint(f, leaf(4))
    assert kept[0]() is None
    y.backward()
    assert kept[1]() is None


def test_memory_falls() -> None:
    n, layers = 50_000, 12

    def f(x: Any) -> Any:
        for _ in range(layers):
            x = np.exp(x * 0.1)
        return x

    def peak(run: Callable[..., Any]) -> int:
        x = leaf(n)
        tracemalloc.start()
        y = x
        for _ in range(6):
            y = run(f, y)
        y.sum().backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(ad.checkpoint) < 0.5 * peak(lambda f, x: f(x))


def test_parameters_that_the_function_uses_get_their_gradients() -> None:
    model, x = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)), ad.random.randn(4, 3)
    model(x).sum().backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    ad.checkpoint(model, x).sum().backward()  # x itself needs no gradient
    equal([p.grad for p in model.parameters()], expected)


def test_a_layer_made_with_it_trains_as_without() -> None:
    def losses(wrap: Callable[[Any], Any]) -> list[float]:
        ad.manual_seed(0)
        first, second = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Tanh()), nn.Linear(8, 1)
        optimizer = nn.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
        run, found = wrap(first), []
        for _ in range(5):
            optimizer.zero_grad()
            loss = (second(run(ad.random.randn(6, 3))) ** 2).mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses(ad.checkpoint) == losses(lambda f: f)


@pytest.mark.parametrize("generator", [None, ad.random.Generator(7)])
def test_random_draws_are_the_same_again_and_the_stream_goes_on(generator: Any) -> None:
    layer, x, seen = nn.Dropout(0.5, generator=generator), leaf(200), []

    def f(x: Any) -> Any:
        y = layer(x)
        seen.append(y.detach().numpy().copy())
        return y * y

    y = ad.checkpoint(f, x)
    between = layer(x).tolist()
    (g,) = ad.grad(y.sum(), x)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_allclose(g.numpy(), 2 * seen[0] * (seen[0] / x.detach().numpy()))
    assert layer(x).tolist() != between  # the stream stands where it stood


def test_without_preserving_the_state_the_draws_differ() -> None:
    ad.manual_seed(0)
    x, seen = leaf(200), []

    def f(x: Any) -> Any:
        mask = ad.random.rand(200, dtype=np.float64)
        seen.append(mask.numpy())
        return (x * mask).sum()

    ad.checkpoint(f, x, preserve_rng_state=False).backward()
    assert seen[0].tolist() != seen[1].tolist()


def test_containers_numbers_and_keywords_pass_through() -> None:
    a, b = leaf(3), leaf(3)

    def f(pair: Any, power: int, *, extra: Any) -> Any:
        return {"sum": (pair[0] * pair[1], [extra["b"] ** power]), "n": power, "none": None}

    def gradients(run: Callable[..., Any]) -> Any:
        answer = run(f, (a, b), 3, extra={"b": b})
        assert answer["n"] == 3
        assert answer["none"] is None
        return ad.grad([answer["sum"][0].sum(), answer["sum"][1][0].sum()], [a, b])

    equal(gradients(ad.checkpoint), gradients(lambda f, *args, **words: f(*args, **words)))


def test_higher_orders() -> None:
    x = leaf(3)

    def third(run: Callable[..., Any]) -> Any:
        y = run(block, x).sum()
        (g,) = ad.grad(y, x, create_graph=True)
        (h,) = ad.grad((g * g).sum(), x, create_graph=True)
        return ad.grad(h.sum(), x)[0]

    np.testing.assert_allclose(third(ad.checkpoint).numpy(), third(lambda f, x: f(x)).numpy(), rtol=1e-12)
    hessian = ad.functional.hessian(lambda x: ad.checkpoint(block, x).sum())(x)
    np.testing.assert_allclose(hessian.numpy(), ad.functional.hessian(lambda x: block(x).sum())(x).numpy(), atol=1e-14)
    jvp = ad.functional.jvp(lambda x: ad.checkpoint(block, x), (x,), (x,))[1]
    equal([jvp], [ad.functional.jvp(block, (x,), (x,))[1]])


def test_checkpoints_within_a_checkpoint() -> None:
    counts = [Counted(block) for _ in range(3)]

    def outer(x: Any) -> Any:
        for f in counts:
            x = ad.checkpoint(f, x)
        return x * 2

    x = leaf(5)
    (g,) = ad.grad(ad.checkpoint(outer, x).sum(), x)
    equal([g], ad.grad((block(block(block(x))) * 2).sum(), x))
    assert [f.calls for f in counts] == [3, 3, 3]
    assert not tape.dropped


def test_what_is_checkpointed_within_is_dropped_again() -> None:
    n = 50_000

    def inner(x: Any) -> Any:
        for _ in range(8):
            x = np.exp(x * 0.1)
        return x

    def outer(x: Any, run: Callable[..., Any]) -> Any:
        for _ in range(6):
            x = run(inner, x)
        return x

    def peak(run: Callable[..., Any]) -> int:
        y = ad.checkpoint(outer, leaf(n), run).sum()
        tracemalloc.start()
        y.backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(ad.checkpoint) < 0.5 * peak(lambda f, x: f(x))


def test_functions_written_as_classes() -> None:
    class Cube(ad.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    x = leaf(3)
    (g,) = ad.grad(ad.checkpoint(lambda x: Cube.apply(np.exp(x)), x).sum(), x)
    equal([g], ad.grad(Cube.apply(np.exp(x)).sum(), x))


def test_several_outputs_sequences_and_a_recurrent_network() -> None:
    lstm = nn.LSTM(2, 3, num_layers=2, dtype=np.float64)
    x = leaf(4, 2, 2)

    def f(x: Any) -> Any:
        y, (h, c) = lstm(x)
        a, b = np.split(y, 2)
        return np.concatenate([a, b]).sum() + h.sum(), c

    def gradients(run: Callable[..., Any]) -> Any:
        s, c = run(f, x)
        return ad.grad([s, c.sum()], [x, *lstm.parameters()])

    equal(gradients(ad.checkpoint), gradients(lambda f, x: f(x)))


def test_a_graph_swept_twice() -> None:
    x, f = leaf(3), Counted(block)
    y = ad.checkpoint(f, x).sum()
    first = ad.grad(y, x, retain_graph=True)
    equal(first, ad.grad(y, x))
    assert f.calls == 2
    with pytest.raises(AutodiffError, match="the graph was swept before"):
        y.backward()


def test_without_gradients_and_under_a_trace_it_is_just_called() -> None:
    x, f = leaf(3), Counted(block)
    with ad.no_grad():
        assert ad.checkpoint(f, x).is_leaf
    graph = ad.trace(lambda x: ad.grad(ad.checkpoint(f, x).sum(), x))(x)
    assert f.calls == 2
    assert "tanh" in str(graph)
    assert ad.checkpoint(f, x.detach()).is_leaf


def test_no_grad_inside() -> None:
    x = leaf(3)

    def f(x: Any) -> Any:
        with ad.no_grad():
            scale = np.exp(x)
        return x * scale

    equal(ad.grad(ad.checkpoint(f, x).sum(), x), [np.exp(x)])


def test_it_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        x = leaf(3)
        y = ad.checkpoint(block, x * 1.0)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
        y = ad.checkpoint(block, x * 1.0)
        y.sum().backward()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
        assert not tape.dropped
    finally:
        gc.enable()


def test_a_decorator_keeps_the_name_and_works_on_layers() -> None:
    @ad.checkpoint
    def squares(x: Any) -> Any:
        """Square."""
        return x * x

    assert (squares.__name__, squares.__doc__) == ("squares", "Square.")
    x = leaf(2)
    equal(ad.grad(squares(x).sum(), x), [2 * x])
    layer = ad.checkpoint(nn.Tanh())
    equal([layer(x)], [np.tanh(x)])


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_function_that_does_something_else_the_second_time_is_refused() -> None:
    calls: list[int] = []

    def more(x: Any) -> Any:
        calls.append(0)
        for _ in calls:
            x = np.exp(x)
        return x.sum()

    with pytest.raises(AutodiffError, match="more recorded 2 operations, and now 3"):
        ad.checkpoint(more, leaf(2)).backward()

    def other(x: Any) -> Any:
        calls.append(0)
        return (np.exp(x) if len(calls) % 2 else np.sin(x)).sum()

    with pytest.raises(AutodiffError, match=r"other recorded (exp|sin) f64\[2\], and now (sin|exp)"):
        ad.checkpoint(other, leaf(2)).backward()


@pytest.mark.parametrize("which", ["argument", "parameter"])
def test_what_was_written_in_place_since_is_refused(which: str) -> None:
    x, w = leaf(2), nn.Parameter(np.ones(2))
    w.name = "weight"
    y = ad.checkpoint(lambda x: np.exp(x + w).sum(), x)
    with ad.no_grad():
        if which == "argument":
            x += 1
        else:
            w += 1
    with pytest.raises(AutodiffError, match="was changed in place since" if which == "argument" else "'weight'"):
        y.backward()


def test_an_error_in_the_function_is_passed_on() -> None:
    def fails(x: Any) -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ad.checkpoint(fails, leaf(2))
    assert tape.mode.get() is None
    with pytest.raises(TypeError, match="expected a function and its arguments; got Tensor"):
        ad.checkpoint(leaf(2), block)
    with pytest.raises(ValueError, match="use_reentrant=True is not supported"):
        ad.checkpoint(block, leaf(2), use_reentrant=True)
