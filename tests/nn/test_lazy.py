"""Lazy layers: what they are before, at and after their first call, beside torch's."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn

KINDS = [f"{kind}{n}d" for kind in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm") for n in (1, 2, 3)]
LAYERS = {
    "Linear": ((3,), (2, 5), "in_features"),
    **{name: ((4, 2), (2, 3, *[5] * int(name[-2])), "in_channels") for name in KINDS[:6]},
    **{name: ((), (2, 3, *[5] * int(name[-2])), "num_features") for name in KINDS[6:]},
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_lazy_layer_becomes_the_ordinary_one(torch: Any, name: str) -> None:
    args, shape, counts = LAYERS[name]
    ours, theirs = getattr(nn, f"Lazy{name}")(*args), getattr(torch.nn, f"Lazy{name}")(*args)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    parameters = list(ours.parameters())
    assert all(isinstance(p, nn.UninitializedParameter) for p in parameters)
    model = nn.Sequential(ours)
    assert ours._label == f"0: Lazy{name}"
    drawn = "generator" in inspect.signature(type(ours)).parameters
    y, z = model(ad.ones(*shape)), theirs(torch.ones(shape))
    assert y.shape == tuple(z.shape)
    assert type(ours) is getattr(nn, name)
    assert ours._label == f"0: {name}"
    assert repr(ours) == repr(theirs)
    assert getattr(ours, counts) == shape[1]
    assert all(a is b and type(a) is nn.Parameter for a, b in zip(parameters, ours.parameters(), strict=True))
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    if drawn:
        lazy = getattr(nn, f"Lazy{name}")(*args, generator=ad.random.Generator(0))
        lazy(ad.ones(*shape))
        eager = getattr(nn, name)(shape[1], *args, generator=ad.random.Generator(0))
        np.testing.assert_array_equal(lazy.weight.detach(), eager.weight.detach())


@pytest.mark.parametrize("name", LAYERS)
def test_the_arguments_are_torchs(torch: Any, name: str) -> None:
    theirs = inspect.signature(getattr(torch.nn, f"Lazy{name}")).parameters
    ours = inspect.signature(getattr(nn, f"Lazy{name}")).parameters
    assert [n for n in ours if n != "generator"] == list(theirs)
    assert all(ours[n].default == theirs[n].default for n in ours if n != "generator")


def test_nothing_can_be_asked_of_what_is_not_there_yet() -> None:
    weight = nn.LazyLinear(3).weight
    assert repr(weight) == "<UninitializedParameter>"
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        _ = weight.shape
    for use in (
        lambda: weight.sum(),
        lambda: weight * 2,
        lambda: np.exp(weight),
        lambda: weight.size,
        lambda: weight[0],
    ):
        with pytest.raises(ValueError, match="Attempted to use an <UninitializedParameter>"):
            use()


def test_dtypes_flags_and_copies_before_the_first_call() -> None:
    model = nn.Sequential(nn.LazyConv1d(2, 3), nn.LazyBatchNorm1d()).double().requires_grad_(False)
    twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model]
    for twin in twins:
        assert twin(ad.ones(2, 4, 5, dtype=float)).shape == (2, 2, 3)
        assert all(p.dtype == float and not p.requires_grad for p in twin.parameters())
        assert twin[1].running_mean.dtype == float
    model.requires_grad_()
    model(ad.ones(2, 4, 5, dtype=float)).sum().backward()
    assert model[0].weight.grad is not None


def test_a_state_dict_gives_the_shapes_as_well() -> None:
    source = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    target = copy.deepcopy(source)
    assert target.load_state_dict(source.state_dict()) == ([], [])
    source(ad.ones(2, 5))
    target.load_state_dict(source.state_dict())
    assert not target[0].has_uninitialized_params()
    x = ad.randn(2, 5)
    np.testing.assert_array_equal(target.eval()(x).detach(), source.eval()(x).detach())
    assert repr(target) == repr(source)
    with pytest.raises(RuntimeError, match="uninitialized"):
        source.load_state_dict(nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d()).state_dict())


def test_images_without_a_batch_and_wrong_ones() -> None:
    layer = nn.LazyConv2d(2, 3)
    assert layer(ad.ones(4, 5, 5)).shape == (2, 3, 3)
    norm = nn.LazyInstanceNorm1d()
    assert norm(ad.ones(4, 5)).shape == (4, 5)
    assert norm.num_features == 4
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(2, 3)(ad.ones(5))
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.LazyBatchNorm2d()(ad.ones(5))


def test_drawing_anew_waits_for_the_first_call() -> None:
    layer = nn.LazyConv1d(2, 1)
    layer.reset_parameters()
    layer(ad.ones(1, 3, 4))
    before = layer.weight.detach().clone()
    layer.reset_parameters()
    assert (layer.weight != before).any()


# --- buffers -------------------------------------------------------------------------------------------------------


def test_a_buffer_is_registered_where_it_is_set() -> None:
    model = nn.Module()
    model.mean = nn.Buffer(ad.ones(2))
    model.cache = nn.Buffer(ad.ones(3), persistent=False)
    assert list(model.state_dict()) == ["mean"]
    assert [name for name, _ in model.named_buffers()] == ["mean", "cache"]
    assert not list(model.parameters())
    twin = copy.deepcopy(model)
    twin.cache = pickle.loads(pickle.dumps(model.cache))
    assert list(twin.state_dict()) == ["mean"]
    assert nn.Buffer().shape == (0,)


def test_an_uninitialized_buffer_becomes_a_tensor() -> None:
    buffer = nn.UninitializedBuffer(dtype=float)
    buffer.materialize((2, 3))
    assert type(buffer) is ad.Tensor
    assert buffer.dtype == float
    assert not buffer.requires_grad
