"""Data of another dtype than a layer's weights: refused where torch refuses it, naming the cast."""

from __future__ import annotations

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
        kind = type(ours).__name__
        assert f"{kind}: input is {dtype} and the weights are float32" in str(error)
        assert f"convert the input with .to('float32'), or the model with .to('{dtype}')" in str(error)
        assert error.__notes__ == [f"in {kind}"]


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
