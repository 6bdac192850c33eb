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
        (init.lecun_uniform_, 1 / math.sqrt(300)),
        (init.lecun_normal_, 1 / math.sqrt(300)),
        (lambda t: init.trunc_normal_(t, 0, 2, -100, 100), 2),
        (lambda t: init.trunc_normal_(t, 0, 1e3, -1, 1), 1 / math.sqrt(3)),
        (lambda t: init.sparse_(t, 0.25, 2), 2 * math.sqrt(0.75)),
        (lambda t: init.orthogonal_(t, 2), 2 / math.sqrt(400)),
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
        (init.lecun_uniform_, math.sqrt(3 / 300)),
        (init.trunc_normal_, 2),
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


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("uniform", lambda t: init.uniform_(t, -1, 2)),
        ("norm", lambda t: init.normal_(t, 0.5, 2)),
        ("truncnorm", lambda t: init.trunc_normal_(t, 0.5, 2, -1, 1.5)),
        ("tail", lambda t: init.trunc_normal_(t, 0, 1, 2, 3)),
    ],
)
def test_draws_are_distributed_as_said(name, draw) -> None:
    from scipy import stats

    ad.manual_seed(1)
    values = draw(ad.empty(20_000, dtype=np.float64)).numpy()
    expected = {
        "uniform": stats.uniform(-1, 3),
        "norm": stats.norm(0.5, 2),
        "truncnorm": stats.truncnorm((-1 - 0.5) / 2, (1.5 - 0.5) / 2, 0.5, 2),
        "tail": stats.truncnorm(2, 3),
    }[name]
    assert stats.kstest(values, expected.cdf).pvalue > 0.01


def test_a_far_tail_is_drawn_from_without_infinities() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        values = init.trunc_normal_(ad.empty(1000, dtype=np.float64), 0, 1, 20, 21).numpy()
    assert values.min() >= 20
    assert 20.03 < values.mean() < 20.07  # the mean of the tail is 20 + 1 / 20


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (4, 2, 3)])
def test_orthogonal_rows_or_columns(shape) -> None:
    matrix = init.orthogonal_(ad.empty(*shape, dtype=np.float64), 3.0).numpy().reshape(shape[0], -1) / 3
    product = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 2, 3), (2, 3, 4), (4, 2, 3, 3), (4, 4, 2, 3, 5)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_and_eye_are_torchs(torch, shape, groups) -> None:
    if not shape[0] % groups:
        theirs = torch.nn.init.dirac_(torch.empty(shape), groups).tolist()
        assert init.dirac_(ad.empty(*shape), groups).tolist() == theirs
    assert init.eye_(ad.empty(*shape[:2])).tolist() == torch.nn.init.eye_(torch.empty(shape[:2])).tolist()


def test_every_column_of_a_sparse_matrix_has_its_zeros() -> None:
    values = init.sparse_(ad.empty(10, 7), 0.35).numpy()
    assert (values == 0).sum(0).tolist() == [4] * 7


def test_nothing_to_fill_is_left_alone() -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        assert init.kaiming_uniform_(ad.empty(3, 0)).shape == (3, 0)
    for fill in (init.orthogonal_, init.trunc_normal_, init.lecun_normal_, init.eye_):
        assert fill(ad.empty(3, 0)).shape == (3, 0)


def test_every_function_of_torch_is_here_with_its_arguments(torch) -> None:
    import inspect

    theirs = {n: f for n, f in vars(torch.nn.init).items() if n.endswith("_") and not n.startswith("_")}
    for name, function in theirs.items():
        assert list(inspect.signature(getattr(init, name)).parameters) == list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    "fill",
    [
        init.uniform_,
        init.normal_,
        init.xavier_uniform_,
        init.kaiming_normal_,
        init.trunc_normal_,
        init.orthogonal_,
        init.lecun_normal_,
        lambda t, generator: init.sparse_(t, 0.3, generator=generator),
    ],
)
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
    with pytest.raises(ValueError, match=r"only tensors with 2 dimensions are supported, got shape \(3,\)"):
        init.eye_(ad.empty(3))
    with pytest.raises(ValueError, match="only tensors with 3, 4, or 5 dimensions"):
        init.dirac_(ad.empty(3, 3))
    with pytest.raises(ValueError, match="divisible by groups, got 3 and 2"):
        init.dirac_(ad.empty(3, 3, 1), 2)
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(ad.empty(3))
    with pytest.raises(ValueError, match="a <= b"):
        init.trunc_normal_(ad.empty(3), a=1, b=0)
