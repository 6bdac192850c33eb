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
