"""Clipping of gradients: torch's values, in place, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import optim, utils

GRADS = [np.arange(-3.0, 3.0).reshape(2, 3), np.array([4.0, -5.0]), np.array(6.0)]


def parameters(library: Any, tensor: Any, grads: Any = GRADS) -> list[Any]:
    params = [library.Parameter(tensor(np.ones(g.shape))) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = tensor(g.copy())
    return [*params, library.Parameter(tensor(np.ones(2)))]  # the last has none


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, np.inf])
@pytest.mark.parametrize("max_norm", [0.0, 1.0, 2, 100.0])
def test_clip_by_norm_is_torchs(torch: Any, max_norm: float, norm_type: float) -> None:
    ours, theirs = parameters(nn, ad.tensor), parameters(torch.nn, torch.tensor)
    arrays = [p.grad.data for p in ours[:-1]]
    got = utils.clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-12)
    for p, q, array in zip(ours[:-1], theirs[:-1], arrays, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)
        assert p.grad.data is array


@pytest.mark.parametrize("clip", [0.0, 2.5, 100])
def test_clip_by_value_is_torchs(torch: Any, clip: float) -> None:
    ours, theirs = parameters(nn, ad.tensor), parameters(torch.nn, torch.tensor)
    arrays = [p.grad.data for p in ours[:-1]]
    utils.clip_grad_value_(ours, clip)
    torch.nn.utils.clip_grad_value_(theirs, clip)
    for p, q, array in zip(ours[:-1], theirs[:-1], arrays, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
        assert p.grad.data is array


def test_one_parameter_and_none() -> None:
    (p, *_) = parameters(nn, ad.tensor)
    assert utils.clip_grad_norm_(p, 1.0).item() == pytest.approx(np.linalg.norm(GRADS[0]))
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_gradient_keeps_its_dtype(dtype: Any) -> None:
    params = parameters(nn, ad.tensor, [g.astype(dtype) for g in GRADS])
    utils.clip_grad_norm_(params, 1.0)
    assert all(p.grad.dtype == dtype for p in params[:-1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_norm_that_is_not_finite(torch: Any, value: float) -> None:
    bad = [np.array([1.0, value, 0.0])]
    ours, theirs = parameters(nn, ad.tensor, bad), parameters(torch.nn, torch.tensor, bad)
    with pytest.raises(RuntimeError, match="cannot be clipped"):
        utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    with np.errstate(all="ignore"):
        utils.clip_grad_norm_(ours, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    np.testing.assert_array_equal(ours[0].grad.numpy(), theirs[0].grad.numpy())


def test_a_trace_shows_the_clipping_before_the_update() -> None:
    params = parameters(nn, ad.tensor)[:-1]
    optimizer = optim.SGD(params, 0.1)

    def step() -> None:
        utils.clip_grad_norm_(params, 1.0)
        optimizer.step()

    graph = ad.trace(step)()
    assert "p_norm" in {op.name for op in graph.ops}
    for value, array in graph.replay().items():
        np.testing.assert_array_equal(array, value.array)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="clip_value is a number >= 0; got -1"):
        utils.clip_grad_value_([], -1)
    with pytest.raises(TypeError, match="number 0 is a int"):
        utils.clip_grad_norm_([3], 1.0)  # type: ignore[list-item]


# --- norms and vectors ---------------------------------------------------------------------------------------------


def test_the_norm_alone_and_the_scaling_alone(torch: Any) -> None:
    ours, theirs = parameters(nn, ad.tensor), parameters(torch.nn, torch.tensor)
    total = utils.get_total_norm([p.grad for p in ours[:-1]], 3.0)
    expected = torch.nn.utils.get_total_norm([p.grad for p in theirs[:-1]], 3.0)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
    utils.clip_grads_with_norm_(ours, 1.5, total)
    torch.nn.utils.clip_grads_with_norm_(theirs, 1.5, expected)
    for p, q in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-12)
    assert utils.get_total_norm([]).item() == 0


def test_parameters_go_into_a_vector_and_back() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    vector = utils.parameters_to_vector(model.parameters())
    assert vector.shape == (13,)
    (g,) = ad.grad((vector * vector).sum(), model[1].bias)
    np.testing.assert_allclose(g, 2 * model[1].bias.detach())
    utils.vector_to_parameters(ad.arange(13).float(), model.parameters())
    assert model[0].weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model[1].bias.tolist() == [12]
    assert model[1].bias.requires_grad
    with pytest.raises(ValueError, match=r"have 13 elements, the vector of shape \(12,\)"):
        utils.vector_to_parameters(ad.zeros(12), model.parameters())
    with pytest.raises(TypeError, match="expected a Tensor, but got: list"):
        utils.vector_to_parameters([1.0], model.parameters())


# --- a model as a function -----------------------------------------------------------------------------------------


def test_a_model_is_a_function_of_its_parameters(torch: Any) -> None:
    def net(lib: Any) -> Any:
        return lib.Sequential(lib.Linear(3, 4), lib.Tanh(), lib.BatchNorm1d(4), lib.Linear(4, 2)).double()

    ours, theirs = net(nn), net(torch.nn)
    x = np.cos(np.arange(6.0)).reshape(2, 3)
    given = {key: np.sin(np.arange(v.numel())).reshape(v.shape) for key, v in theirs.named_parameters()}
    buffers = {key: v.numpy().copy() for key, v in theirs.named_buffers()}
    before = {key: v.numpy().copy() for key, v in ours.state_dict().items()}
    mine = {key: ad.tensor(v, requires_grad=True) for key, v in given.items()}
    other = {key: torch.tensor(v, requires_grad=True) for key, v in given.items()}
    y = utils.functional_call(ours, (mine, {key: ad.tensor(v) for key, v in buffers.items()}), ad.tensor(x))
    z = torch.func.functional_call(
        theirs, (other, {key: torch.tensor(v) for key, v in buffers.items()}), torch.tensor(x)
    )
    np.testing.assert_allclose(y.detach(), z.detach(), rtol=1e-10)
    gradients = ad.grad((y * y).sum(), list(mine.values()))
    expected = torch.autograd.grad((z * z).sum(), list(other.values()))
    for a, b in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)
    for key, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
    assert all(isinstance(p, nn.Parameter) for p in (ours[0].weight, ours[3].bias))


def test_a_shared_parameter_is_replaced_under_all_its_names() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    x, twice = ad.ones(1, 2), 2 * ad.eye(2)
    assert utils.functional_call(model, {"1.weight": twice}, (x,)).tolist() == [[4, 4]]
    halves = {"0.weight": twice, "1.weight": ad.eye(2)}
    with pytest.raises(ValueError, match=r"\['0.weight', '1.weight'\], which are tied"):
        utils.functional_call(model, halves, x)
    assert utils.functional_call(model, halves, x, tie_weights=False).tolist() == [[2, 2]]
    assert model[0].weight is model[1].weight


def test_keys_are_demanded_if_strict_and_the_model_is_restored_after_an_error() -> None:
    layer = nn.Linear(2, 2)
    kept = layer.weight
    with pytest.raises(RuntimeError, match=r"(?s)Unexpected key\(s\): 'nope'.*Missing key\(s\): 'weight', 'bias'"):
        utils.functional_call(layer, {"nope": ad.ones(1)}, ad.ones(1, 2), strict=True)
    with pytest.raises(ValueError, match="linear"):
        utils.functional_call(layer, {"weight": ad.ones(2, 3)}, ad.ones(1, 2))
    assert layer.weight is kept
    with pytest.raises(ValueError, match="multiple dictionaries"):
        utils.functional_call(layer, [{"weight": kept}, {"weight": kept}], ad.ones(1, 2))
    with pytest.raises(ValueError, match="got int"):
        utils.functional_call(layer, [3], ad.ones(1, 2))


def test_keywords_are_passed_on() -> None:
    class Power(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.p = nn.Parameter(np.array(2.0))

        def forward(self, x: Any, *, times: int = 1) -> Any:
            return times * x**self.p

    assert utils.functional_call(Power(), {"p": ad.tensor(3.0)}, (ad.tensor(2.0),), {"times": 5}).item() == 40


# --- folding and empty layers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("make", "norm", "shape", "fuse"),
    [
        (lambda b: nn.Conv2d(2, 3, 2, bias=b), nn.BatchNorm2d, (2, 2, 4, 4), utils.fuse_conv_bn_eval),
        (
            lambda b: nn.ConvTranspose1d(2, 3, 2, bias=b),
            nn.BatchNorm1d,
            (2, 2, 4),
            lambda c, n: utils.fuse_conv_bn_eval(c, n, transpose=True),
        ),
        (lambda b: nn.Linear(2, 3, bias=b), nn.BatchNorm1d, (4, 2), utils.fuse_linear_bn_eval),
    ],
)
def test_batch_normalization_is_folded_in(
    make: Any, norm: Any, shape: Any, fuse: Any, bias: bool, affine: bool
) -> None:
    layer, bn = make(bias).double(), norm(3, affine=affine).double()
    for tensor in (*bn.parameters(), bn.running_mean, bn.running_var):
        tensor.data[...] = np.linspace(0.5, 2, 3)
    x = ad.tensor(np.cos(np.arange(np.prod(shape))).reshape(shape))
    with pytest.raises(RuntimeError, match=r"eval\(\) only"):
        fuse(layer, bn)
    layer.eval()
    bn.eval()
    fused = fuse(layer, bn)
    np.testing.assert_allclose(fused(x).detach(), bn(layer(x)).detach(), rtol=1e-10, atol=1e-12)
    assert type(fused) is type(layer)
    assert fused is not layer


def test_fusing_needs_running_averages_and_equal_sizes() -> None:
    with pytest.raises(RuntimeError, match="no running mean"):
        utils.fuse_conv_bn_eval(nn.Conv1d(1, 2, 1).eval(), nn.BatchNorm1d(2, track_running_stats=False).eval())
    with pytest.raises(ValueError, match=r"out_features \(3\) must equal bn.num_features \(2\)"):
        utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval())


def test_nothing_is_drawn_for_a_layer_whose_values_come_later() -> None:
    ad.manual_seed(0)
    expected = ad.rand(3).tolist()
    ad.manual_seed(0)
    layer = utils.skip_init(nn.Conv1d, 2, 3, kernel_size=2)
    assert ad.rand(3).tolist() == expected
    assert type(layer) is nn.Conv1d
    assert repr(layer) == repr(nn.Conv1d(2, 3, 2))
    with pytest.raises(RuntimeError, match="expects a Module class"):
        utils.skip_init(3)
