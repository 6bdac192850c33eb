"""Nonlinearities: closed forms, conventions, what is written in place, slopes and samples drawn, what is refused."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from autodiff.testing.strategies.modules_activations import LAYERS, SameMask
from nn import functional as F

IN_PLACE = sorted(name for name in LAYERS if "inplace" in inspect.signature(getattr(nn, name)).parameters)
NEEDED = {"Threshold": (0.5, 1.0), "Maxout": (2,), "Softmax": (1,), "LogSoftmax": (1,), "Softmin": (1,)}
SHAPES = {"Dropout1d": (2, 4, 8)}


def random_of(name: str) -> bool:
    """Say whether a layer draws numbers."""
    return "generator" in inspect.signature(getattr(nn, name)).parameters


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_gives_the_same_in_the_inputs_place(name: str) -> None:
    options = {"generator": SameMask()} if random_of(name) else {}
    plain = getattr(nn, name)(*NEEDED.get(name, ()), **options)
    written = getattr(nn, name)(*NEEDED.get(name, ()), inplace=True, **options)
    x, u = (
        ad.tensor(np.linspace(-4, 7, 64).reshape(SHAPES.get(name, (2, 4, 2, 4)))).requires_grad_() for _ in range(2)
    )
    h = u * 1
    y, z = plain(x), written(h)
    assert z is h
    assert "inplace=True" in repr(written) or name == "Hardswish"
    (y * y).sum().backward()
    (z * z).sum().backward()
    assert y.tolist() == z.tolist()
    assert x.grad.tolist() == u.grad.tolist()
    with pytest.raises(RuntimeError, match="leaf"):
        written(x)


@pytest.mark.parametrize(
    "name", ["relu_", "leaky_relu_", "elu_", "celu_", "selu_", "hardtanh_", "threshold_", "rrelu_"]
)  # fmt: skip
def test_functions_with_an_underscore_write_into_their_input(torch, name: str) -> None:
    given = (0.5, 2.0) if name == "threshold_" else ()
    x = ad.tensor(np.linspace(-2, 2, 9))
    expected = getattr(torch.nn.functional, name)(torch.linspace(-2, 2, 9, dtype=torch.float64), *given)
    assert getattr(F, name)(x, *given) is x
    np.testing.assert_allclose(x.numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - {"Maxout"}))
def test_layers_show_their_options_as_torch_does(torch, name: str) -> None:
    assert repr(getattr(nn, name)(*NEEDED.get(name, ()))) == repr(getattr(torch.nn, name)(*NEEDED.get(name, ())))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_dtype_stays_and_so_do_extremes(torch, name: str, dtype: type) -> None:
    layer = getattr(nn, name)(*NEEDED.get(name, ())).to(dtype).eval()
    x = ad.tensor(
        np.array([1e4, -1e4, 0, 100, -100, 3, -3, 1] * 8).reshape(SHAPES.get(name, (2, 4, 2, 4))).astype(dtype)
    )
    y = layer(x.requires_grad_())
    assert y.dtype == dtype
    assert np.isfinite(y.detach().numpy()).all()
    y.backward(ad.ones_like(y))
    assert x.grad.dtype == dtype
    assert np.isfinite(x.grad.numpy()).all()
    if hasattr(torch.nn, name):
        other = getattr(torch.nn, name)(*NEEDED.get(name, ())).to(getattr(torch, dtype.__name__)).eval()
        z = other(torch.tensor(x.detach().numpy())).detach().numpy()
        np.testing.assert_allclose(y.detach().numpy(), z, rtol=2e-3 if dtype == np.float16 else 1e-5, atol=1e-6)


def test_a_nan_goes_through(torch) -> None:
    x = ad.tensor([np.nan, 1.0])
    for name in ("threshold", "celu", "hardshrink", "softshrink", "mish", "hardswish", "softsign", "relu6"):
        given = (0.5, 2.0) if name == "threshold" else ()
        assert np.isnan(getattr(F, name)(x, *given).numpy()).tolist() == [True, False]


def test_hardswish_has_its_slopes_far_out() -> None:
    x = ad.tensor([np.inf, 1e30, 3.0, -3.0, -1e30, -np.inf], requires_grad=True)
    y = F.hardswish(x)
    y.backward(ad.ones_like(y))
    assert y.tolist()[:1] + y.tolist()[3:] == [np.inf, 0, 0, 0]
    assert x.grad.tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("f", [F.mish, F.softsign, F.tanhshrink, F.celu, F.glu, lambda x: F.softmin(x, 0)])
def test_second_derivatives(f) -> None:
    assert gradcheck(f, ad.tensor([0.3, -1.2, 2.0, -0.4], dtype=float), order=2)


# --- random slopes ---------------------------------------------------------------------------------------------------


def test_rrelu_draws_slopes_while_training_and_takes_their_mean_in_evaluation() -> None:
    x = ad.full((100, 100), -1.0).requires_grad_()
    layer = nn.RReLU(0.1, 0.3, generator=ad.random.Generator(0))
    y = layer(x)
    slopes = -y.detach().numpy()
    assert slopes.min() >= np.float32(0.1)
    assert slopes.max() <= np.float32(0.3)
    assert slopes.mean() == pytest.approx(0.2, abs=1e-3)
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), slopes)
    assert layer(-x).tolist() == (-x).tolist()
    np.testing.assert_allclose(layer.eval()(x).detach().numpy(), -0.2, rtol=1e-6)
    again = nn.RReLU(0.1, 0.3, generator=ad.random.Generator(0))
    assert np.array_equal(-again(x).detach().numpy(), slopes)


# --- softmax and its relatives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_softmax_without_an_axis_takes_torchs_and_warns(torch, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    for name in ("softmax", "log_softmax", "softmin"):
        with pytest.warns(UserWarning, match=f"{name} without dim"):
            y = getattr(F, name)(ad.tensor(x))
        with pytest.warns(UserWarning, match="Implicit dimension"):
            z = getattr(torch.nn.functional, name)(torch.tensor(x))
        np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-12)


def test_gumbel_samples_follow_the_probabilities_and_have_softmaxs_gradient() -> None:
    logits = ad.tensor(np.log([[0.5, 0.3, 0.2]])).requires_grad_()
    many = F.gumbel_softmax(logits * np.ones((4000, 1)), hard=True, generator=ad.random.Generator(0))
    assert set(np.unique(many.detach().numpy())) == {0.0, 1.0}
    np.testing.assert_allclose(many.detach().numpy().mean(0), [0.5, 0.3, 0.2], atol=0.03)
    grads = []
    for hard in (False, True):
        y = F.gumbel_softmax(logits, 0.7, hard, generator=ad.random.Generator(1))
        grads.append(ad.grad(y[0, 1], logits)[0].tolist())
    assert grads[0] == grads[1]
    columns = F.gumbel_softmax(ad.zeros(4, 3, dtype=np.float16), hard=True, dim=0)
    assert columns.dtype == np.float16
    assert columns.sum(0).tolist() == [1.0, 1.0, 1.0]


def test_maxout_takes_the_largest_of_neighbours() -> None:
    x = ad.tensor([[1.0, 3.0, 2.0, 5.0], [4.0, 0.0, -1.0, -2.0]]).requires_grad_()
    y = nn.Maxout(2)(x)
    assert y.tolist() == [[3.0, 5.0], [4.0, -1.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
    assert F.maxout(x, 2, dim=0).tolist() == [[4.0, 3.0, 2.0, 5.0]]
    assert repr(nn.Maxout(2)) == "Maxout(pieces=2, dim=1)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.celu(x, 0), RuntimeError, "alpha must not be 0"),
        (lambda x: F.softshrink(x, -1), RuntimeError, "lambd must be at least 0, got -1"),
        (lambda x: F.rrelu(x, 0.5, 0.1), RuntimeError, "lower 0.5 is above upper 0.1"),
        (lambda x: F.glu(x), RuntimeError, r"dim -1 of shape \(2, 3\) must be even"),
        (lambda x: F.glu(x[0, 0]), RuntimeError, "0-dimensional"),
        (lambda x: F.glu(x, 2), IndexError, r"glu: dim 2 is out of range for shape \(2, 3\); use -2 to 1"),
        (lambda x: F.prelu(x, ad.ones(2)), RuntimeError, r"has 3 channels \(axis 1\), the weight 2 parameters"),
        (lambda x: F.prelu(x, ad.ones(1, 1)), RuntimeError, r"one for each channel, got shape \(1, 1\)"),
        (lambda x: F.maxout(x, 2), ValueError, r"dim 1 of shape \(2, 3\) does not divide into groups of 2"),
        (lambda x: nn.Softmax2d()(x), ValueError, r"expected \(n, c, h, w\) or \(c, h, w\), got shape \(2, 3\)"),
        (lambda x: F.softmin(x.long(), 0), NotImplementedError, "softmin: expected floating-point numbers, got int64"),
        (lambda x: F.logsigmoid(x.long()), NotImplementedError, "logsigmoid: expected floating-point numbers"),
        (lambda x: F.softmax(x, 2), IndexError, "softmax: dim 2 is out of range"),
        (lambda x: F.gumbel_softmax(x, dim=5), IndexError, "gumbel_softmax: dim 5 is out of range"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(ad.ones(2, 3))


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_nothing_stay_so(name: str, dtype: type) -> None:
    x = ad.ones(2, 0, dtype=dtype, requires_grad=True)
    y = getattr(nn, name)(1)(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == (2, 0)
