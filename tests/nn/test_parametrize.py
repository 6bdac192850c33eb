"""Computed parameters: weight norm, spectral norm, orthogonal matrices and those of one's own, beside torch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from nn import utils
from nn.utils import parametrizations, parametrize


def pair(torch: Any, layer: str, *args: Any) -> tuple[Any, Any]:
    ours, theirs = getattr(nn, layer)(*args), getattr(torch.nn, layer)(*args)
    return ours.double(), theirs.double()


def load(torch: Any, ours: Any, theirs: Any) -> None:
    """Give our layer the state of torch's."""
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())
    ours.load_state_dict({key: value.numpy().copy() for key, value in theirs.state_dict().items()})


def same_steps(torch: Any, ours: Any, theirs: Any, shape: tuple[int, ...], steps: int = 3) -> None:
    """Demand equal outputs, gradients and states over some steps of gradient descent."""
    x = np.cos(np.arange(np.prod(shape))).reshape(shape)
    for _ in range(steps):
        y, z = ours(ad.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach(), z.detach(), rtol=1e-9, atol=1e-10)
        (y * y).sum().backward()
        (z * z).sum().backward()
        named = dict(theirs.named_parameters())
        for name, p in ours.named_parameters():
            np.testing.assert_allclose(p.grad, named[name].grad, rtol=1e-9, atol=1e-10, err_msg=name)
            with ad.no_grad(), torch.no_grad():
                p -= 0.01 * p.grad
                named[name] -= 0.01 * named[name].grad
            p.grad = named[name].grad = None
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value, rtol=1e-8, atol=1e-10, err_msg=key)


LAYERS = [
    ("Linear", (3, 4), (2, 3)),
    ("Conv2d", (2, 4, 3), (1, 2, 5, 5)),
    ("ConvTranspose1d", (2, 3, 2), (2, 2, 4)),
]


@pytest.mark.parametrize(("layer", "args", "shape"), LAYERS)
@pytest.mark.parametrize("dim", [0, 1, -1, None])
@pytest.mark.parametrize("old", [False, True])
def test_weight_norm_is_torchs(torch: Any, layer: str, args: Any, shape: Any, dim: Any, old: bool) -> None:
    ours, theirs = pair(torch, layer, *args)
    ours.load_state_dict({key: value.numpy().copy() for key, value in theirs.state_dict().items()})
    before = theirs.weight.detach().numpy().copy()
    if old:
        utils.weight_norm(ours, dim=dim)
        with pytest.warns(FutureWarning, match="weight_norm"):
            torch.nn.utils.weight_norm(theirs, dim=dim)
    else:
        parametrizations.weight_norm(ours, dim=dim)
        torch.nn.utils.parametrizations.weight_norm(theirs, dim=dim)
    np.testing.assert_allclose(ours.weight.detach(), before)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value, err_msg=key)
    same_steps(torch, ours, theirs, shape)


@pytest.mark.parametrize(("layer", "args", "shape"), LAYERS)
@pytest.mark.parametrize("options", [{}, {"n_power_iterations": 3, "dim": 1}])
@pytest.mark.parametrize("old", [False, True])
def test_spectral_norm_is_torchs(torch: Any, layer: str, args: Any, shape: Any, options: Any, old: bool) -> None:
    ours, theirs = pair(torch, layer, *args)
    (utils if old else parametrizations).spectral_norm(ours, **options)
    (torch.nn.utils if old else torch.nn.utils.parametrizations).spectral_norm(theirs, **options)
    load(torch, ours, theirs)
    same_steps(torch, ours, theirs, shape)
    same_steps(torch, ours.eval(), theirs.eval(), shape, steps=1)


def test_a_vector_is_divided_by_its_norm(torch: Any) -> None:
    ours, theirs = pair(torch, "Linear", 3, 2)
    parametrizations.spectral_norm(ours, "bias")
    torch.nn.utils.parametrizations.spectral_norm(theirs, "bias")
    load(torch, ours, theirs)
    same_steps(torch, ours, theirs, (2, 3))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("free", [True, False])
def test_orthogonal_is_torchs(torch: Any, shape: Any, kind: Any, free: bool) -> None:
    ours, theirs = pair(torch, "Linear", *shape)
    torch.nn.init.orthogonal_(theirs.weight)
    ours.load_state_dict({key: value.numpy().copy() for key, value in theirs.state_dict().items()})
    name = kind or ("matrix_exp" if shape[0] == shape[1] else "householder")
    if not free and name != "householder":
        with pytest.raises(NotImplementedError, match="use_trivialization"):
            parametrizations.orthogonal(ours, orthogonal_map=kind, use_trivialization=False)
        return
    parametrizations.orthogonal(ours, orthogonal_map=kind, use_trivialization=free)
    torch.nn.utils.parametrizations.orthogonal(theirs, orthogonal_map=kind, use_trivialization=free)
    np.testing.assert_allclose(ours.weight.detach(), theirs.weight.detach(), atol=1e-12)
    load(torch, ours, theirs)
    same_steps(torch, ours, theirs, (2, shape[0]))
    w = ours.weight.detach().numpy()
    np.testing.assert_allclose(w @ w.T if shape[0] > shape[1] else w.T @ w, np.eye(min(shape)), atol=1e-10)


def test_orthogonal_makes_any_matrix_orthogonal() -> None:
    layer = parametrizations.orthogonal(nn.Linear(5, 3).double())
    np.testing.assert_allclose(layer.weight.detach() @ layer.weight.detach().mT, np.eye(3), atol=1e-12)
    layer.weight = nn.init.orthogonal_(ad.empty(3, 5, dtype=float))
    np.testing.assert_allclose(layer.weight.detach() @ layer.weight.detach().mT, np.eye(3), atol=1e-12)


class Scaled(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Any) -> Any:
        return x * self.by

    def right_inverse(self, x: Any) -> Any:
        return x / self.by


class Squared(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * x


class Sum(nn.Module):
    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def right_inverse(self, x: Any) -> Any:
        return x / 4, x * 3 / 4


def test_parametrizations_are_chained_and_inverted() -> None:
    layer = nn.Linear(2, 2).double()
    before = layer.weight.detach().clone()
    kept = layer.weight
    parametrize.register_parametrization(layer, "weight", Scaled(2.0))
    parametrize.register_parametrization(layer, "weight", Scaled(5.0))
    np.testing.assert_allclose(layer.weight.detach(), before)
    assert layer.parametrizations.weight.original is kept
    np.testing.assert_allclose(kept.detach(), before / 10)
    layer.weight = ad.ones(2, 2, dtype=float)
    np.testing.assert_allclose(kept.detach(), np.full((2, 2), 0.1))
    with pytest.raises(ValueError, match="right_inverse gave float64"):
        layer.weight = ad.ones(3, 2, dtype=float)


def test_a_parametrized_layer_reads_as_torchs(torch: Any) -> None:
    def text(lib: Any, parametrized: Any) -> list[str]:
        class Double(lib.Module):  # type: ignore[name-defined, misc]
            def forward(self, x: Any) -> Any:
                return 2 * x

        layer = lib.Linear(2, 3)
        parametrized.register_parametrization(layer, "weight", Double())
        parametrized.register_parametrization(layer, "bias", Double())
        return [repr(layer), type(layer).__name__, *layer.state_dict(), *(n for n, _ in layer.named_parameters())]

    assert text(nn, parametrize) == text(torch.nn, torch.nn.utils.parametrize)


def test_what_is_computed_becomes_a_parameter_again() -> None:
    model = nn.Sequential(nn.Linear(2, 2).double())
    layer = model[0]
    original = layer.weight
    parametrize.register_parametrization(layer, "weight", Squared())
    parametrize.register_parametrization(layer, "bias", Squared())
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "bias")
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    value = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    np.testing.assert_array_equal(layer.weight.detach(), value)
    assert layer.weight is original
    assert parametrize.is_parametrized(layer)
    bias = layer.parametrizations.bias.original
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert layer.bias is bias
    assert type(layer) is nn.Linear
    assert not parametrize.is_parametrized(layer)
    assert sorted(model.state_dict()) == ["0.bias", "0.weight"]


def test_of_two_tensors_only_the_computed_value_can_stay() -> None:
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Sum())
    assert [name for name, _ in layer.named_parameters()] == [
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    ]
    with pytest.raises(ValueError, match="original0, original1"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    value = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    np.testing.assert_array_equal(layer.weight.detach(), value)
    assert layer.weight.requires_grad


def test_a_buffer_can_be_computed() -> None:
    layer = nn.BatchNorm1d(2)
    parametrize.register_parametrization(layer, "running_var", Squared())
    assert "parametrizations.running_var.original" in dict(layer.named_buffers())
    parametrize.remove_parametrizations(layer, "running_var")
    assert "running_var" in dict(layer.named_buffers())


def test_cached_values_are_computed_once() -> None:
    calls = []

    class Counted(nn.Module):
        def forward(self, x: Any) -> Any:
            calls.append(1)
            return 2 * x

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counted())
    calls.clear()
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert len(calls) == 1
    assert layer.weight is not layer.weight


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_computed_from_its_own(twin: Any) -> None:
    layer = nn.Linear(3, 3)
    other = twin(parametrizations.weight_norm(layer))
    for p in other.parameters():
        p.data[...] = 1
    other(ad.ones(1, 3))
    np.testing.assert_allclose(other.weight.detach(), np.full((3, 3), 3**-0.5), rtol=1e-6)
    assert not np.allclose(layer.weight.detach(), other.weight.detach())
    parametrize.remove_parametrizations(other, "weight")
    assert "weight" not in dict(layer.named_parameters())


def test_the_old_names_can_be_removed() -> None:
    x = ad.ones(1, 3)
    for add, remove in [
        (utils.weight_norm, utils.remove_weight_norm),
        (utils.spectral_norm, utils.remove_spectral_norm),
    ]:
        layer = add(nn.Linear(3, 2))
        with pytest.raises(RuntimeError, match="Cannot register two"):
            add(layer)
        layer.eval()
        y = layer(x).detach()
        assert remove(layer) is layer
        np.testing.assert_allclose(layer(x).detach(), y, rtol=1e-6)
        assert list(layer.state_dict()) == ["bias", "weight"]
        with pytest.raises(ValueError, match="not found in Linear"):
            remove(layer)


def test_parametrizations_are_transferred() -> None:
    source = parametrizations.weight_norm(nn.Linear(3, 2))
    target = parametrize.transfer_parametrizations_and_params(source, nn.Linear(3, 2))
    np.testing.assert_array_equal(target.weight.detach(), source.weight.detach())
    assert list(target.state_dict()) == list(source.state_dict())


def test_computed_weights_have_second_derivatives() -> None:
    layer = parametrizations.weight_norm(nn.Linear(2, 2).double())
    names = [name for name, _ in layer.named_parameters()]
    state = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    x = ad.tensor([[0.5, -1.0]], dtype=float)
    assert gradcheck(
        lambda *ps: np.tanh(utils.functional_call(layer, dict(zip(names, ps, strict=True)), x)), *state, order=2
    )


def test_wrong_parametrizations_are_refused() -> None:
    class Longer(nn.Module):
        def forward(self, x: Any) -> Any:
            return np.concatenate([x, x])

    layer = nn.Linear(2, 2)
    for added in (None, Scaled(2.0)):
        if added is not None:
            parametrize.register_parametrization(layer, "weight", added)
        with pytest.raises(ValueError, match="must keep .*dtype and shape"):
            parametrize.register_parametrization(layer, "weight", Longer())
    with pytest.raises(ValueError, match="with name 'nope'"):
        parametrize.register_parametrization(layer, "nope", Squared())
    with pytest.raises(ValueError, match="is None"):
        parametrize.register_parametrization(nn.Linear(2, 2, bias=False), "bias", Squared())
    with pytest.raises(TypeError, match="is a Module, got int"):
        parametrize.register_parametrization(layer, "weight", 3)
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        parametrize.remove_parametrizations(layer, "bias")
    with pytest.raises(ValueError, match="no parameter or buffer with name 'nope'"):
        parametrizations.spectral_norm(layer, "nope")
    with pytest.raises(ValueError, match="to be positive"):
        parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
    with pytest.raises(ValueError, match="1 dimensions"):
        parametrizations.orthogonal(nn.Linear(2, 2), "bias")
    with pytest.raises(ValueError, match="one of .*cayley"):
        parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="nope")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(3, 2), (4, 3)),
        (nn.Conv2d(2, 2, 3), (1, 2, 5, 5)),
        (nn.ConvTranspose1d(2, 2, 3), (1, 2, 5)),
        (nn.PReLU(), (3,)),
        (nn.GroupNorm(1, 2), (3, 2)),
        (nn.LayerNorm(3), (2, 3)),
        (nn.RMSNorm(3), (2, 3)),
        (nn.BatchNorm1d(3), (4, 3)),
        (nn.BatchNorm1d(3, track_running_stats=False), (4, 3)),
        (nn.MultiheadAttention(4, 2), (3, 2, 4)),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_layer_asks_for_its_weight_once(layer: Any, shape: tuple[int, ...]) -> None:
    """Spectral norm moves its vectors each time."""
    asked = []

    class Counted(nn.Module):
        def forward(self, weight: Any) -> Any:
            asked.append(weight)
            return weight

    owner = layer.out_proj if isinstance(layer, nn.MultiheadAttention) else layer
    parametrize.register_parametrization(owner, "weight", Counted())
    asked.clear()
    layer(*[ad.ones(*shape)] * (3 if owner is not layer else 1))
    assert len(asked) == 1
