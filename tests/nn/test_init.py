"""nn.init: bounds and moments of every distribution, gains, reproducibility."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import init

SHAPE = (400, 300)  # fan_out, fan_in


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda t: init.uniform_(t, -1, 1), 1 / math.sqrt(3)),
        (lambda t: init.normal_(t, 0, 2), 2),
        (lambda t: init.xavier_uniform_(t, gain=3), 3 * math.sqrt(2 / 700)),
        (init.xavier_normal_, math.sqrt(2 / 700)),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), math.sqrt(2 / 300)),
        (lambda t: init.kaiming_uniform_(t, a=math.sqrt(5)), math.sqrt(1 / 3 / 300)),
        (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 400)),
        (lambda t: init.kaiming_normal_(t, nonlinearity="tanh"), 5 / 3 / math.sqrt(300)),
    ],
)
def test_moments_are_those_of_the_distribution(fill, std) -> None:
    ad.manual_seed(0)
    tensor = nn.Parameter(ad.empty(*SHAPE))
    assert fill(tensor) is tensor
    values = tensor.detach().numpy()
    assert values.dtype == np.float32
    assert values.std() == pytest.approx(std, rel=0.02)
    assert values.mean() == pytest.approx(0, abs=std / 50)


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (init.xavier_uniform_, math.sqrt(6 / 700)),
        (init.kaiming_uniform_, math.sqrt(6 / 300)),
    ],
)
def test_uniform_draws_fill_their_interval_and_stay_inside(fill, bound) -> None:
    ad.manual_seed(0)
    values = np.abs(fill(ad.empty(*SHAPE)).numpy())
    assert 0.99 * bound < values.max() <= bound * (1 + 1e-6)


def test_a_convolution_counts_its_window_in_the_fans() -> None:
    ad.manual_seed(0)
    values = init.kaiming_normal_(ad.empty(64, 32, 5, 5), nonlinearity="relu").numpy()
    assert values.std() == pytest.approx(math.sqrt(2 / (32 * 25)), rel=0.03)


def test_double_precision_draws_use_all_their_bits() -> None:
    values = init.uniform_(ad.empty(1000, dtype=np.float64)).numpy()
    assert (values != values.astype(np.float32)).any()


def test_constants() -> None:
    t = ad.empty(2)
    assert init.constant_(t, 3.0).tolist() == [3.0, 3.0]
    assert init.ones_(t).tolist() == [1.0, 1.0]
    assert init.zeros_(t).tolist() == [0.0, 0.0]


def test_filling_leaves_a_trainable_leaf_and_no_history() -> None:
    parameter = nn.Parameter(np.zeros((2, 2)))
    init.xavier_uniform_(parameter)
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert parameter.grad is None


@pytest.mark.parametrize("fill", [init.uniform_, init.normal_, init.xavier_uniform_, init.kaiming_normal_])
def test_a_generator_decides_the_draw(fill) -> None:
    first, second = (fill(ad.empty(3, 3), generator=ad.random.Generator(1)).tolist() for _ in range(2))
    assert first == second
    assert fill(ad.empty(3, 3), generator=ad.random.Generator(2)).tolist() != first


@pytest.mark.parametrize(
    ("name", "param"),
    [(n, None) for n in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu")] + [("leaky_relu", 0.3)],
)
def test_gains_are_torchs(torch, name, param) -> None:
    assert init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param))


def test_errors_say_what_is_possible() -> None:
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish; expected one of linear"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="negative_slope 'x' not a valid number"):
        init.calculate_gain("leaky_relu", "x")
    with pytest.raises(ValueError, match=r"fewer than 2 dimensions, got shape \(3,\)"):
        init.xavier_uniform_(ad.empty(3))
    with pytest.raises(ValueError, match="Mode both not supported"):
        init.kaiming_normal_(ad.empty(3, 3), mode="both")
