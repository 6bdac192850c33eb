"""Data of another dtype than a layer's weights: refused where torch refuses it, naming the cast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import utils

LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Linear": (lambda lib: lib.Linear(2, 1), (3, 2)),
    "Conv1d": (lambda lib: lib.Conv1d(2, 1, 1), (3, 2, 2)),
    "Conv2d": (lambda lib: lib.Conv2d(2, 1, 1, bias=False), (3, 2, 2, 2)),
    "ConvTranspose1d": (lambda lib: lib.ConvTranspose1d(2, 1, 1), (3, 2, 2)),
    "BatchNorm1d": (lambda lib: lib.BatchNorm1d(2), (3, 2)),
    "BatchNorm1d without weights": (lambda lib: lib.BatchNorm1d(2, affine=False).eval(), (3, 2)),
    "InstanceNorm1d": (lambda lib: lib.InstanceNorm1d(2, affine=True), (3, 2, 4)),
    "InstanceNorm1d without weights": (lambda lib: lib.InstanceNorm1d(2), (3, 2, 4)),
    "GroupNorm": (lambda lib: lib.GroupNorm(1, 2), (3, 2)),
    "LayerNorm": (lambda lib: lib.LayerNorm(2), (3, 2)),
    "LayerNorm without weights": (lambda lib: lib.LayerNorm(2, elementwise_affine=False), (3, 2)),
    "PReLU": (lambda lib: lib.PReLU(), (3, 2)),
    "LSTM": (lambda lib: lib.LSTM(2, 1), (3, 1, 2)),
    "GRUCell": (lambda lib: lib.GRUCell(2, 1), (1, 2)),
}


def refused(layer: Any, x: Any) -> Any:
    try:
        layer(x)
    except (RuntimeError, ValueError, NotImplementedError) as error:
        return error
    return None


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["float64", "float16", "float32"])
def test_a_dtype_is_refused_where_torch_refuses_it(torch: Any, name: str, dtype: str) -> None:
    make, shape = LAYERS[name]
    ours, theirs = make(nn), make(torch.nn)
    error = refused(ours, ad.ones(*shape, dtype=dtype))
    assert (error is None) == (refused(theirs, torch.ones(shape, dtype=getattr(torch, dtype))) is None)
    if error is not None:
        assert f": input is {dtype} and the weights are float32" in str(error)
        assert f"convert the input with .to('float32'), or the model with .to('{dtype}')" in str(error)
        assert error.__notes__ == [f"in {type(ours).__name__}"]


# each takes the functions of a library, and makers of tensors of the dtype in question and of float32
FUNCTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "linear": lambda F, x, w: F.linear(x(2, 3), w(4, 3)),
    "linear, the bias": lambda F, x, w: F.linear(w(2, 3), w(4, 3), x(4)),
    "bilinear": lambda F, x, w: F.bilinear(x(2, 3), w(2, 3), w(4, 3, 3)),
    "conv1d": lambda F, x, w: F.conv1d(x(1, 3, 5), w(4, 3, 2)),
    "conv2d, the bias": lambda F, x, w: F.conv2d(w(1, 3, 5, 5), w(4, 3, 2, 2), x(4)),
    "conv_transpose2d": lambda F, x, w: F.conv_transpose2d(x(1, 3, 5, 5), w(3, 4, 2, 2), w(4)),
    "batch_norm": lambda F, x, w: F.batch_norm(x(2, 4, 3), None, None, w(4), w(4), True),
    "batch_norm, tracked": lambda F, x, w: F.batch_norm(x(2, 4, 3), w(4), w(4)),
    "instance_norm": lambda F, x, w: F.instance_norm(x(2, 4, 3), None, None, w(4), w(4)),
    "group_norm": lambda F, x, w: F.group_norm(x(2, 4, 3), 2, w(4), w(4)),
    "layer_norm": lambda F, x, w: F.layer_norm(x(2, 3), (3,), w(3), w(3)),
    "layer_norm, the bias": lambda F, x, w: F.layer_norm(w(2, 3), (3,), w(3), x(3)),
    "prelu": lambda F, x, w: F.prelu(x(2, 4), w(4)),
    "scaled_dot_product_attention": lambda F, x, w: F.scaled_dot_product_attention(x(1, 2, 3), w(1, 2, 3), w(1, 2, 3)),
    "binary_cross_entropy": lambda F, x, w: F.binary_cross_entropy(w(2), x(2)),
    "mse_loss": lambda F, x, w: F.mse_loss(w(2), x(2)),
    **{
        name: lambda F, x, w, name=name: getattr(F, name)(x(2, 3))
        for name in ("gelu", "silu", "softplus", "leaky_relu", "elu", "celu", "selu", "mish", "relu", "dropout")
    },
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_refuse_mixed_dtypes_and_integers_as_torch_does(torch: Any, name: str) -> None:
    call = FUNCTIONS[name]
    for dtype in ("float64", "float16", "int64"):
        if name == "binary_cross_entropy" and dtype == "int64":
            continue  # 0 and 1 are what they are
        ours = refused(lambda F, dtype=dtype: call(F, lambda *s: ad.ones(*s, dtype=dtype), ad.ones), nn.functional)
        theirs = refused(
            lambda F, dtype=dtype: call(F, lambda *s: torch.ones(*s, dtype=getattr(torch, dtype)), torch.ones),
            torch.nn.functional,
        )
        assert (ours is None) == (theirs is None), (dtype, ours, theirs)
        if ours is not None:
            assert isinstance(ours, RuntimeError)
            assert name.partition(",")[0] in str(ours)
            assert ".to('float" in str(ours) or "cast with .to()" in str(ours)


def test_the_path_is_named_and_the_casts_help() -> None:
    model, x = nn.Sequential(nn.Linear(2, 2)), np.ones((1, 2))
    with pytest.raises(RuntimeError, match="input is float64") as caught:
        model(ad.tensor(x))
    assert caught.value.__notes__ == ["in model.0 (Linear)"]
    assert model(ad.tensor(x).to("float32")).dtype == np.float32
    assert model.to("float64")(ad.tensor(x)).dtype == np.float64
    with pytest.raises(RuntimeError, match=r"input is int64 .*'float64'\)(?!,)"):
        model(ad.tensor([[1, 2]]))


@pytest.mark.parametrize("layer", [nn.LSTM(2, 3, 2), nn.GRUCell(2, 3), nn.RNN(2, 3, bidirectional=True)])
def test_recurrent_layers_are_functions_of_their_weights(layer: Any) -> None:
    x = ad.ones(4, 2)
    weights = {name: p.detach().clone().requires_grad_() for name, p in layer.named_parameters()}
    y = utils.functional_call(layer, weights, x)
    y = y if isinstance(y, ad.Tensor) else y[0]
    assert all(g is not None for g in ad.grad(y.sum(), list(weights.values())))
