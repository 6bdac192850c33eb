"""Linear: x @ W.T + b, torch's initial distribution, any number of leading axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn


def test_linear_is_an_affine_map() -> None:
    layer = nn.Linear(2, 2)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0], [3.0, 4.0]]), "bias": np.array([10.0, 20.0])})
    assert layer(ad.tensor([[1.0, 1.0]])).tolist() == [[13.0, 27.0]]


@settings(deadline=None)
@given(
    batch=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    bias=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_linear_and_its_gradients_are_torchs(torch, batch, sizes, bias, dtype) -> None:
    ours = nn.Linear(*sizes, bias=bias, dtype=dtype)
    theirs = torch.nn.Linear(*sizes, bias=bias, dtype=torch.float32 if dtype == np.float32 else torch.float64)
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    array = np.random.default_rng(0).normal(size=(*batch, sizes[0])).astype(dtype)
    x, y = ad.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    ours(x).sum().backward()
    theirs(y).sum().backward()
    np.testing.assert_allclose(ours(x).detach().numpy(), theirs(y).detach().numpy(), atol=1e-5)
    assert ours(x).dtype == dtype
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), atol=1e-5)
    for (_, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), atol=1e-5)


def test_weights_start_uniform_within_one_over_root_fan_in() -> None:
    layer = nn.Linear(100, 400, generator=ad.random.Generator(0))
    for parameter in (layer.weight, layer.bias):
        values = parameter.detach().numpy()
        assert np.abs(values).max() <= 0.1
        assert np.abs(values).max() > 0.095
        assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)


def test_one_generator_seed_gives_one_layer() -> None:
    first, second = (nn.Linear(3, 2, generator=ad.random.Generator(5)) for _ in range(2))
    assert first.weight.tolist() == second.weight.tolist()
    ad.manual_seed(1)
    third = nn.Linear(3, 2)
    ad.manual_seed(1)
    assert nn.Linear(3, 2).weight.tolist() == third.weight.tolist()


def test_dtype_and_bias_are_chosen() -> None:
    layer = nn.Linear(3, 2, bias=False, dtype=np.float64)
    assert layer.bias is None
    assert layer.weight.dtype == np.float64
    assert nn.Linear(3, 2).weight.dtype == np.float32
    assert list(layer.state_dict()) == ["weight"]


def test_a_wrong_width_names_the_shapes() -> None:
    with pytest.raises(ValueError, match=r"input of shape \(4, 5\) must have length 3, .*in_features"):
        nn.Linear(3, 2)(ad.ones(4, 5))
