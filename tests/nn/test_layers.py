"""Sequential, activations and Flatten."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import functional


def test_sequential_runs_in_order_and_behaves_like_a_list() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = ad.ones(4, 2)
    assert model(x).tolist() == model[2](functional.relu(model[0](x))).tolist()
    assert len(model) == 3
    assert isinstance(model[-1], nn.Linear)
    assert model[1:][1] is model[2]
    assert [type(m) for m in model] == [nn.Linear, nn.ReLU, nn.Linear]
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh)
    assert len(model.append(nn.Sigmoid())) == 4
    with pytest.raises(IndexError, match="index 9 is out of range"):
        model[9]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        nn.Sequential(3)


def test_sequential_takes_names() -> None:
    model = nn.Sequential(OrderedDict([("fc", nn.Linear(2, 2)), ("act", nn.Tanh())]))
    assert model.fc is model[0]
    assert list(model.state_dict()) == ["fc.weight", "fc.bias"]


def test_slicing_leaves_names_of_parameters_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    assert model[1:].state_dict().keys() == {"2.weight", "2.bias"}
    assert model[2].weight.name == "2.weight"


def test_activations_have_their_closed_forms() -> None:
    x = ad.tensor([-2.0, 0.0, 2.0], requires_grad=True)
    assert nn.ReLU()(x).tolist() == [0.0, 0.0, 2.0]
    np.testing.assert_allclose(nn.Tanh()(x).tolist(), np.tanh([-2, 0, 2]), rtol=1e-6)
    np.testing.assert_allclose(nn.Sigmoid()(x).tolist(), 1 / (1 + np.exp([2, 0, -2])), rtol=1e-6)
    nn.ReLU()(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


def test_sigmoid_does_not_overflow() -> None:
    assert nn.Sigmoid()(ad.tensor([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_an_inplace_activation_gives_the_input_the_new_value() -> None:
    w = ad.tensor([-1.0, 2.0], requires_grad=True)
    h = w * 3
    assert nn.ReLU(inplace=True)(h) is h
    h.sum().backward()
    assert h.tolist() == [0.0, 6.0]
    assert w.grad.tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("shape", "start", "end"),
    [((2, 3, 4), 1, -1), ((2, 3, 4), 0, -1), ((2, 3, 4), 0, 1), ((2, 3, 4), -2, -1), ((0, 3, 4), 1, -1), ((5,), 0, 0)],
)
def test_flatten_joins_axes_as_torch_does(torch, shape, start, end) -> None:
    expected = torch.nn.Flatten(start, end)(torch.zeros(shape)).shape
    assert nn.Flatten(start, end)(ad.zeros(*shape)).shape == tuple(expected)


def test_flatten_says_what_is_wrong() -> None:
    with pytest.raises(IndexError, match=r"dim 2 is out of range for shape \(2, 3\)"):
        nn.Flatten(2)(ad.zeros(2, 3))
    with pytest.raises(ValueError, match="start_dim 1 comes after end_dim 0"):
        nn.Flatten(1, 0)(ad.zeros(2, 3))
