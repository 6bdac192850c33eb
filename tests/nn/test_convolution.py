"""Convolutions and their transposes: torch's values, gradients, initial distribution and texts; errors that say why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from nn import functional as F

LAYERS = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
MODES = ["zeros", "reflect", "replicate", "circular"]


@st.composite
def configurations(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Options of a layer, and the shape of images it takes: some images or one."""
    n, transposed = int(name[-2]), "Transpose" in name
    groups = draw(st.sampled_from([1, 2, 3]))
    sizes = st.tuples(*[st.integers(1, 3)] * n)
    kernel, stride, dilation = draw(sizes), draw(sizes), draw(sizes)
    options: dict[str, Any] = {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "stride": stride,
        "dilation": dilation,
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    options["padding"] = draw(st.sampled_from([0, 1, (0, 2, 1)[:n]]))
    if transposed:
        options["output_padding"] = tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        )
    else:
        options["padding_mode"] = draw(st.sampled_from(MODES))
        if set(stride) == {1}:
            options["padding"] = draw(st.sampled_from(["same", "valid", 1]))
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(max(k, 5) + draw(st.integers(0, 4)) for k in least)
    return options, (*draw(st.sampled_from([(), (1,), (3,), (0,)])), options["in_channels"], *size)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's
@pytest.mark.parametrize("name", LAYERS)
@settings(deadline=None, max_examples=40)
@given(data=st.data(), channels_last=st.booleans())
def test_values_and_gradients_are_torchs(torch: Any, name: str, data: Any, channels_last: bool) -> None:
    options, shape = data.draw(configurations(name))
    ours = getattr(nn, name)(**options, dtype=np.float64)
    theirs = getattr(torch.nn, name)(**options, dtype=torch.float64)
    assert ours.extra_repr() == theirs.extra_repr()
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    array = np.random.default_rng(0).normal(size=shape)
    if channels_last:
        n = len(options["kernel_size"])
        array = np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -n - 1, -1)), -1, -n - 1)
    x, u = ad.tensor(array, requires_grad=True), torch.tensor(array.copy(), requires_grad=True)
    y, v = ours(x), theirs(u)
    assert y.shape == tuple(v.shape)
    np.testing.assert_allclose(y.detach().numpy(), v.detach().numpy(), atol=1e-11)
    weigh = np.random.default_rng(1).normal(size=y.shape)
    (y * weigh).sum().backward()
    (v * torch.tensor(weigh)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), atol=1e-11)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), atol=1e-11)


@pytest.mark.parametrize("name", LAYERS)
def test_initial_values_are_uniform_within_one_over_root_fan_in(torch: Any, name: str) -> None:
    options = (32, 48, 3)
    layer, theirs = getattr(nn, name)(*options, generator=ad.random.Generator(0)), getattr(torch.nn, name)(*options)
    assert {k: v.shape for k, v in layer.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    bound = 1 / np.sqrt(np.prod(layer.weight.shape[1:]))
    values = layer.weight.detach().numpy()
    assert bound * 0.99 < np.abs(values).max() <= bound
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert np.abs(layer.bias.detach().numpy()).max() <= bound
    again = getattr(nn, name)(*options, generator=ad.random.Generator(0))
    assert again.weight.tolist() == layer.weight.tolist()
    assert layer.weight.dtype == np.float32
    assert getattr(nn, name)(1, 1, 1, dtype=np.float64).weight.dtype == np.float64


def test_results_have_their_channels_last_in_memory_and_keep_it_through_elementwise_operations() -> None:
    y = nn.Conv2d(3, 4, 3, padding=1)(ad.ones(2, 3, 8, 8))
    for t in (y, np.tanh(y), y * 2 + y):
        assert t.detach().numpy().transpose(0, 2, 3, 1).flags.c_contiguous


def test_functions_take_what_the_layers_take() -> None:
    x, w, b = ad.randn(2, 4, 9), ad.randn(6, 2, 3), ad.randn(6)
    layer = nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2)
    layer.load_state_dict({"weight": w, "bias": b})
    np.testing.assert_array_equal(layer(x).detach().numpy(), F.conv1d(x, w, b, [2], [1], [1], 2).numpy())


def test_a_transposed_convolution_of_a_stated_size(torch: Any) -> None:
    ours = nn.ConvTranspose2d(2, 3, 3, stride=3, padding=1)
    theirs = torch.nn.ConvTranspose2d(2, 3, 3, stride=3, padding=1)
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    x = np.ones((1, 2, 4, 4), np.float32)
    for size in ((10, 12), (1, 3, 12, 10)):
        expected = theirs(torch.tensor(x), output_size=list(size)).detach().numpy()
        np.testing.assert_allclose(ours(ad.tensor(x), output_size=size).detach().numpy(), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"output size of \(9, 12\), but valid sizes range from \[10, 10\]"):
        ours(ad.tensor(x), output_size=(9, 12))


def test_second_derivatives_reach_the_weights() -> None:
    layer = nn.Sequential(
        nn.Conv2d(1, 2, 3, dtype=np.float64), nn.Tanh(), nn.ConvTranspose2d(2, 1, 3, dtype=np.float64)
    )
    x = ad.tensor(np.random.default_rng(0).normal(size=(1, 1, 4, 4)), requires_grad=True)
    (g,) = ad.grad((layer(x) ** 2).sum(), x, create_graph=True)
    (g**2).sum().backward()
    assert all(np.abs(p.grad.numpy()).sum() > 0 for p in layer.parameters() if p.ndim > 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "divisible by groups=2"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), "divisible by groups=0"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), "Conv2d: kernel_size must be an integer or a tuple of 2 integers"),
        (lambda: nn.Conv2d(3, 4, 3, padding="both"), "Invalid padding string 'both'"),
        (lambda: nn.Conv2d(3, 4, 3, padding="same", stride=2), "not supported for strided"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="edge"), "padding_mode must be one of"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="circular"), 'Only "zeros" padding mode'),
        (lambda: nn.ConvTranspose1d(3, 4, 3, padding="same"), "takes padding as numbers"),
        (lambda: nn.Conv2d(3, 4, 3)(ad.ones(3, 3)), r"conv2d: the input has shape \(3, 3\).*expected 4 axes"),
        (lambda: nn.Conv2d(3, 4, 3)(ad.ones(2, 1, 8, 8)), "has 1 channels .axis 1.*expects 3 channels"),
        (lambda: nn.Conv2d(3, 4, 9)(ad.ones(2, 3, 8, 8)), "does not fit into the input"),
        (lambda: nn.Conv2d(3, 4, 3, stride=0)(ad.ones(2, 3, 8, 8)), "must be at least 1"),
        (lambda: nn.ConvTranspose1d(3, 4, 3)(ad.ones(2, 2, 8)), r"has 2 channels; a weight of shape \(3, 4, 3\)"),
        (lambda: nn.ConvTranspose1d(3, 4, 1, padding=4)(ad.ones(2, 3, 8)), r"gives a size of \[0\]"),
        (
            lambda: nn.ConvTranspose1d(3, 4, 3, output_padding=1)(ad.ones(2, 3, 8)),
            "smaller than stride",
        ),
        (lambda: F.conv1d(ad.ones(1, 1, 3), ad.ones(1, 1, 2), ad.ones(2)), r"bias has shape \(2,\); expected \(1,\)"),
        (lambda: F.conv_transpose1d(ad.ones(1, 1, 3), ad.ones(1, 1, 2), ad.ones(2)), r"expected \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="expected floating arrays"):
        F.conv1d(ad.tensor([[[1, 2, 3]]]), ad.tensor([[[1, 2]]]))


X, W = ad.ones(1, 1, 4, 4), ad.ones(1, 1, 3, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(1, 1, 3, padding=5, padding_mode="reflect")(X), "pad"),
        (lambda: nn.Conv2d(1, 1, 3, padding=5, padding_mode="circular")(X), "pad"),
        (lambda: nn.Conv2d(1, 1, 3, padding="same", padding_mode="reflect")(X[..., :1]), "pad"),
        (lambda: F.conv2d(X, W, padding=(0, -1)), "conv2d: padding must be at least 0, got"),
        (lambda: F.conv_transpose2d(X, W, padding=-1), "conv_transpose2d: padding must be at least 0, got -1"),
        (lambda: F.conv2d(X.double(), W), "conv2d: input is float64 and the weights are float32; convert"),
        (lambda: F.conv_transpose2d(X, W.half()), "input is float32 and the weights are float16; convert"),
        (lambda: F.conv_tbc(X[0], W[0], ad.ones(2)), "conv_tbc: expected an input"),
        (lambda: F.conv_tbc(ad.ones(2, 1, 3), ad.ones(3, 3, 1), ad.ones(1)), "is longer than an input"),
    ],
)
def test_what_torch_refuses_at_run_time_is_refused(make: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        make()


def test_sizes_are_integers_and_one_stands_for_all() -> None:
    with pytest.raises(TypeError, match="padding must be an integer or a tuple of 2 integers, got 1.5"):
        F.conv2d(X, W, padding=1.5)
    assert F.conv2d(X, W, padding=(1,)).shape == (1, 1, 4, 4)
