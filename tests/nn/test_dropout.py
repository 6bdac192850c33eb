"""Layers that drop values: what share, what stays, the gradient, evaluation, seeds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import functional as F

ALL = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]
SHAPES = {"Dropout1d": (60, 50, 4), "Dropout3d": (60, 50, 2, 1, 2)}
SHAPE = (60, 50, 2, 2)
LOWEST = -1.7580993408473766  # of selu


def images(name: str, dtype: type = np.float64) -> ad.Tensor:
    """Return normal values in the shape that a layer takes."""
    return ad.random.normal(size=SHAPES.get(name, SHAPE), dtype=dtype, generator=ad.random.Generator(1))


@pytest.mark.parametrize("p", [0.25, 0.5])
@pytest.mark.parametrize("name", ALL)
def test_a_share_p_is_dropped_and_the_mean_kept(name: str, p: float) -> None:
    x = images(name)
    y = getattr(nn, name)(p, generator=ad.random.Generator(0))(x)
    scale, shift, low = 1 / (1 - p), 0.0, 0.0
    if "Alpha" in name:
        scale = ((1 - p) * (1 + p * LOWEST**2)) ** -0.5
        shift = -scale * LOWEST * p
        low = scale * LOWEST + shift
    kept = np.isclose(y.numpy(), x.numpy() * scale + shift)
    assert np.isclose(y.numpy()[~kept], low).all()
    assert kept.mean() == pytest.approx(1 - p, abs=0.025)
    whole = kept.reshape(60, 50, -1)
    assert (whole == whole[:, :, :1]).all() == (name not in ("Dropout", "AlphaDropout"))
    assert y.numpy().mean() == pytest.approx(0, abs=0.05)
    if "Alpha" in name:
        assert y.numpy().std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_passes_where_the_value_passed(name: str) -> None:
    x = images(name).requires_grad_()
    layer = getattr(nn, name)(0.5, generator=ad.random.Generator(0))
    y = layer(x)
    y.sum().backward()
    slope = ((0.5 + 0.5 * LOWEST**2 * 0.5) ** -0.5) if "Alpha" in name else 2.0
    shift = -slope * LOWEST * 0.5 if "Alpha" in name else 0.0
    kept = np.isclose(y.detach().numpy(), x.detach().numpy() * slope + shift)
    np.testing.assert_allclose(x.grad.numpy(), kept * slope)


@pytest.mark.parametrize("name", ALL)
def test_the_identity_in_evaluation_and_at_p_0_and_zeros_at_p_1(name: str) -> None:
    x = images(name).requires_grad_()
    assert getattr(nn, name)(0.9).eval()(x) is x
    assert getattr(nn, name)(0.0)(x) is x
    y = getattr(nn, name)(1.0)(x)
    y.sum().backward()
    assert not y.detach().numpy().any()
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("name", ALL)
def test_a_seed_replays_and_the_dtype_stays(name: str) -> None:
    x = images(name, np.float16)
    first, second = (getattr(nn, name)(0.5, generator=ad.random.Generator(3))(x) for _ in range(2))
    assert first.dtype == np.float16
    assert first.tolist() == second.tolist()
    ad.manual_seed(3)
    assert getattr(nn, name)(0.5)(x).tolist() == first.tolist()
    assert getattr(nn, name)(0.5)(x).tolist() != first.tolist()
    empty = x[:0]
    assert getattr(nn, name)()(empty).shape == empty.shape


def test_one_sequence_and_one_volume_have_no_batch_axis() -> None:
    for layer, shape in ((nn.Dropout1d(), (400, 3)), (nn.Dropout3d(), (400, 1, 3, 1))):
        y = layer(ad.ones(*shape)).numpy().reshape(400, 3)
        assert (y == y[:, :1]).all()
        assert 0.3 < (y[:, 0] > 0).mean() < 0.7


def test_fewer_axes_are_taken_as_torch_takes_them_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"dropout2d takes shape \(400, 2, 3\) as \(n, c, ...\)"):
        y = F.dropout2d(ad.ones(400, 2, 3)).numpy()
    assert (y == y[:, :, :1]).all()
    assert (y[:, 0] != y[:, 1]).any()
    with pytest.warns(UserWarning, match=r"dropout3d takes shape \(4, 2, 3\)"):
        F.dropout3d(ad.ones(4, 2, 3))


def test_functions_have_torchs_defaults() -> None:
    x = ad.ones(20, 20)
    assert F.alpha_dropout(x) is x
    assert F.feature_alpha_dropout(x) is x
    assert (F.dropout(x).numpy() == 0).any()


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
@pytest.mark.parametrize("name", ALL)
def test_what_is_no_probability_is_refused(name: str, p: float) -> None:
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        getattr(nn, name)(p)


def test_shapes_without_channels_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"dropout1d: expected \(c, length\) or \(n, c, length\), got shape \(3,\)"):
        F.dropout1d(ad.ones(3))
    with pytest.raises(RuntimeError, match=r"needs the axes \(n, c, ...\), got shape \(3,\)"):
        F.feature_alpha_dropout(ad.ones(3), training=True)
