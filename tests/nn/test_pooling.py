"""Pooling layers are torch's: values, places, gradients; in either memory layout, with and without compiled loops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.kernels import compiled
from nn import functional


def last(x: Any) -> Any:
    """Lay images (N, C, ...) out with their channels last."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def agree(torch: Any, ours: Any, theirs: Any, array: Any, fast: bool) -> None:
    """Hold a layer of ours to torch's: what it gives, and the gradient of that."""
    x, u = ad.as_tensor(array).requires_grad_(), torch.tensor(array.copy(), requires_grad=True)
    found = ours(x) if fast else _without(ours, x)
    wanted = theirs(u)
    ys, zs = (given if isinstance(given, tuple) else (given,) for given in (found, wanted))
    for y, z in zip(ys, zs, strict=True):
        assert y.shape == tuple(z.shape)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-6, atol=1e-6)
    if not ys[0].size:
        return
    g = np.random.default_rng(1).normal(size=ys[0].shape).astype(array.dtype)
    if fast:
        ys[0].backward(ad.as_tensor(g))
    else:
        _without(ys[0].backward, ad.as_tensor(g))
    zs[0].backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), rtol=1e-5, atol=1e-6)


def _without(function: Any, *args: Any) -> Any:
    with compiled.without():
        return function(*args)


@st.composite
def pooling(draw: Any) -> tuple[Any, ...]:
    """Draw a kind of pooling, its options, images, their layout, and whether loops are compiled."""
    axes, kind = draw(st.integers(1, 3)), draw(st.sampled_from(["Max", "Avg", "AdaptiveAvg", "AdaptiveMax"]))
    lengths = tuple(draw(st.integers(3, 7)) for _ in range(axes))
    options: dict[str, Any] = {}
    if kind.startswith("Adaptive"):
        size = st.integers(1, 8) | (st.none() if axes > 1 else st.nothing())
        options["output_size"] = draw(st.integers(1, 8) | st.tuples(*[size] * axes))
    else:
        few = st.integers(1, 3)
        options["kernel_size"] = draw(few | st.tuples(*[few] * axes))
        options |= {"stride": draw(st.none() | few), "ceil_mode": draw(st.booleans())}
        kernel = options["kernel_size"]
        options["padding"] = draw(st.integers(0, (min(kernel) if isinstance(kernel, tuple) else kernel) // 2))
    if kind == "Max":
        options["dilation"] = draw(st.integers(1, 1 if max(np.atleast_1d(options["kernel_size"])) > 2 else 2))
    if kind == "Avg":
        options["count_include_pad"] = draw(st.booleans())
        if axes > 1:
            options["divisor_override"] = draw(st.sampled_from([None, 3]))
    if "Max" in kind:
        options["return_indices"] = draw(st.booleans())
    shape = (draw(st.integers(0 if kind != "AdaptiveMax" else 1, 2)), draw(st.sampled_from([1, 3, 9])), *lengths)
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, size=shape)  # with many ties
    array = values.astype(draw(st.sampled_from([np.float32, np.float64])))
    layout = draw(st.sampled_from([np.ascontiguousarray, last, lambda x: x[..., ::-1]]))
    single = shape[0] > 0 and draw(st.booleans())
    return f"{kind}Pool{axes}d", options, layout(array)[0] if single else layout(array), draw(st.booleans())


@settings(deadline=None, max_examples=150)
@given(case=pooling())
def test_layers_are_torchs(torch, case) -> None:
    name, options, array, fast = case
    theirs = getattr(torch.nn, name)(**options)
    ours = getattr(nn, name)(**options)
    assert repr(ours) == repr(theirs)
    agree(torch, ours, theirs, array, fast)


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, last], ids=["first", "last"])
@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("options", [(2,), (3, 2, 1), (2, 2, 0, 1, True)], ids=str)
def test_nan_and_infinities_are_chosen_as_torch_chooses(torch, options, channels, layout, fast) -> None:
    x = np.random.default_rng(0).normal(size=(2, channels, 7, 6)).astype("f")
    x[0, 0, 0, :2] = x[0, 1, 2, 3] = np.nan
    x[1], x[0, 2] = -np.inf, np.inf
    options = dict(zip(("kernel_size", "stride", "padding", "dilation", "ceil_mode"), options, strict=False))
    options["return_indices"] = True
    agree(torch, nn.MaxPool2d(**options), torch.nn.MaxPool2d(**options), layout(x), fast)


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, last], ids=["first", "last"])
@pytest.mark.parametrize("function", [functional.max_pool2d, functional.avg_pool2d])
def test_a_layout_is_kept_both_ways(function, layout, fast) -> None:
    x = ad.as_tensor(layout(np.arange(2 * 8 * 16.0).reshape(2, 8, 4, 4))).requires_grad_()
    g = ad.as_tensor(layout(np.ones((2, 8, 2, 2))))
    with compiled.without() if not fast else np.errstate():
        y = function(x, 2)
        (h,) = ad.grad(y, x, g)
    assert y.detach().numpy().strides == g.numpy().strides
    assert h.numpy().strides == x.detach().numpy().strides


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("channels", [3, 16])
def test_an_infinite_gradient_goes_to_the_chosen_element_alone(channels, fast) -> None:
    x = ad.as_tensor(last(np.random.default_rng(0).normal(size=(1, channels, 4, 4)).astype("f"))).requires_grad_()
    with compiled.without() if not fast else np.errstate():
        functional.max_pool2d(x, 2).backward(ad.as_tensor(np.full((1, channels, 2, 2), np.inf, "f")))
    assert sorted(set(x.grad.numpy().ravel().tolist())) == [0.0, np.inf]


def test_integers_are_pooled_too() -> None:
    assert functional.max_pool1d(ad.tensor([[3, 1, -2]]), 2, 1).tolist() == [[3, 1]]


def test_a_window_of_many_elements_is_numbered_in_full() -> None:
    x = np.zeros((1, 1, 17, 17), "f")
    x[0, 0, 16, 16] = 1
    _, places = functional.max_pool2d(ad.as_tensor(x), 17, return_indices=True)
    assert places.item() == 288


WRONG = [
    (lambda x: functional.max_pool2d(x, 5), r"an input of size \(4, 4\) would have size \(0, 0\), which is too small"),
    (lambda x: functional.max_pool2d(x, 2, padding=2), "pad should be at most half of effective kernel size, but got"),
    (lambda x: functional.max_pool2d(x[0, 0], 2), r"expected an input of shape \(N, C, L, L\) or \(C, L, L\) that is"),
    (lambda x: functional.max_pool2d(x[:, :0], 2), r"that is not empty, got \(2, 0, 4, 4\)"),
    (lambda x: functional.max_pool2d(x, 0), "max_pool2d: kernel_size must be at least 1, got 0"),
    (lambda x: functional.max_pool2d(x, 2, 0), "max_pool2d: stride must be at least 1, got 0"),
    (lambda x: functional.max_pool2d(x, 2, dilation=0), "max_pool2d: dilation must be at least 1, got 0"),
    (lambda x: functional.max_pool2d(x, (2, 2, 2)), "kernel_size must be an integer or a tuple of 2 integers, got"),
    (lambda x: functional.avg_pool2d(x, 2.0), "kernel_size must be an integer or a tuple of 2 integers, got 2.0"),
    (lambda x: functional.avg_pool2d(x, 2, padding=-1), "padding must be at least 0, got -1"),
    (lambda x: functional.avg_pool2d(x, 2, divisor_override=0), "divisor_override must not be 0"),
    (lambda x: functional.adaptive_avg_pool2d(x, -1), "output_size must be at least 0"),
    (lambda x: functional.adaptive_max_pool2d(x, (2, 2, 2)), "output_size must be an integer or a tuple of 2"),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[m for _, m in WRONG])
def test_what_does_not_fit_is_refused(call, message) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call(ad.ones(2, 3, 4, 4))


@pytest.mark.parametrize(("name", "axes"), list(itertools.product(["Avg", "Max"], [1, 2])))
def test_parts_of_no_size_give_nothing(torch, name, axes) -> None:
    if name == "Max" and axes == 1:
        pytest.skip("torch refuses it")
    size = (0,) if axes == 1 else (0, 2)
    y = getattr(nn, f"Adaptive{name}Pool{axes}d")(size)(ad.ones(2, 3, *[4] * axes))
    assert y.shape == (2, 3, *size)
