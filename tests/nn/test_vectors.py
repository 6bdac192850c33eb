"""Distances, unit vectors, one-hot rows, local response normalization and Bilinear."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from nn import functional as F


def numbers(*shape: int) -> ad.Tensor:
    """Return normal values, each time the same."""
    return ad.tensor(np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("CosineSimilarity", ()),
        ("PairwiseDistance", ()),
        ("LocalResponseNorm", (2,)),
        ("CrossMapLRN2d", (2,)),
        ("Bilinear", (1, 2, 3)),
    ],
)
def test_layers_show_their_options_as_torch_does(torch, name: str, given: tuple[int, ...]) -> None:
    assert repr(getattr(nn, name)(*given)) == repr(getattr(torch.nn, name)(*given))


def test_a_vector_of_zeros_has_no_direction_and_no_nan(torch) -> None:
    x = ad.zeros(2, 3, dtype=float).requires_grad_()
    u = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    y = numbers(2, 3)
    F.cosine_similarity(x, y).sum().backward()
    torch.nn.functional.cosine_similarity(u, torch.tensor(y.numpy())).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), rtol=1e-12)
    x.grad = None
    F.normalize(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    x.grad = None
    F.pdist(x).sum().backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.5, np.inf])
def test_norms_beyond_the_drawn_ones(torch, p: float) -> None:
    x, y = numbers(4, 5), numbers(4, 5)[::-1]
    u, v = torch.tensor(x.numpy()), torch.tensor(y.numpy().copy())
    T = torch.nn.functional
    np.testing.assert_allclose(F.pairwise_distance(x, y, p).numpy(), T.pairwise_distance(u, v, p).numpy(), rtol=1e-12)
    np.testing.assert_allclose(F.pdist(x, p).numpy(), T.pdist(u, p).numpy(), rtol=1e-12)
    np.testing.assert_allclose(F.normalize(x, p).numpy(), T.normalize(u, p).numpy(), rtol=1e-12)


def test_shapes_that_torch_takes(torch) -> None:
    for a, b in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((0, 3), (0, 3)), ((3, 0), (3, 0))):
        x, y, u, v = ad.ones(a), ad.ones(b), torch.ones(a), torch.ones(b)
        assert F.pairwise_distance(x, y).shape == tuple(torch.nn.functional.pairwise_distance(u, v).shape)
        cosine = F.cosine_similarity(x, y, -1)
        assert cosine.shape == tuple(torch.nn.functional.cosine_similarity(u, v, -1).shape)
    assert [F.pdist(ad.ones(n, 2)).shape for n in (0, 1, 4)] == [(0,), (0,), (6,)]
    assert F.normalize(ad.tensor(2.0), dim=0).tolist() == 1.0
    out = ad.zeros(2, 2)
    assert F.normalize(ad.ones(2, 2), out=out) is out
    assert out.tolist() == F.normalize(ad.ones(2, 2)).tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_dtype_stays_and_large_values_do_not_overflow(dtype: type) -> None:
    x = ad.full((2, 4), 100.0, dtype=dtype)
    for y in (F.normalize(x), F.cosine_similarity(x, x), F.pairwise_distance(x, -x), F.pdist(x)):
        assert y.dtype == dtype
        assert np.isfinite(y.numpy()).all()
    np.testing.assert_allclose(F.cosine_similarity(x * 100, x * 100).numpy(), 1, rtol=1e-3)
    assert nn.LocalResponseNorm(2)(x[..., None]).dtype == dtype
    layer = nn.Bilinear(4, 4, 3, dtype=dtype)
    assert layer(x, x).dtype == dtype


def test_one_hot_is_torchs(torch) -> None:
    for ids, classes in (([0, 2], -1), ([[1], [3]], 5), (2, -1), (np.zeros((0, 2), int), 3)):
        expected = torch.nn.functional.one_hot(torch.tensor(ids), classes)
        y = F.one_hot(ad.tensor(ids), classes)
        assert y.dtype == np.int64
        assert y.shape == tuple(expected.shape)
        assert y.tolist() == expected.tolist()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_cross_map_normalization_is_torchs_where_that_has_every_channel_in_its_sums(torch, size: int) -> None:
    x = numbers(2, (size - 1) // 2 + 1, 2, 3)
    expected = torch.nn.CrossMapLRN2d(size, 0.5, 0.75, 2.0)(torch.tensor(x.numpy()))
    np.testing.assert_allclose(nn.CrossMapLRN2d(size, 0.5, 0.75, 2.0)(x).numpy(), expected.numpy(), rtol=1e-12)


def test_cross_map_normalization_of_an_odd_size_is_local_response_normalization() -> None:
    x = numbers(2, 7, 2, 3)
    for size in (1, 3, 5):
        np.testing.assert_allclose(nn.CrossMapLRN2d(size)(x).numpy(), nn.LocalResponseNorm(size)(x).numpy())


def test_bilinear_starts_uniform_from_its_generator() -> None:
    layer, again = (nn.Bilinear(16, 20, 30, generator=ad.random.Generator(0)) for _ in range(2))
    weight = layer.weight.detach().numpy()
    assert np.abs(weight).max() <= 0.25
    assert weight.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.03)
    assert np.array_equal(weight, again.weight.detach().numpy())
    assert nn.Bilinear(2, 3, 4, bias=False).bias is None


def test_second_derivatives() -> None:
    x, y = numbers(2, 3), numbers(2, 3) + 1
    assert gradcheck(F.cosine_similarity, x, y, order=2)
    assert gradcheck(F.pairwise_distance, x, y, order=2)
    assert gradcheck(F.bilinear, x, y, numbers(2, 3, 3), order=2)
    assert gradcheck(lambda x: F.local_response_norm(x[..., None], 2, 1.0), x, order=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.cosine_similarity(x, x[:, :2]), RuntimeError, r"shapes \(2, 3\) and \(2, 2\) do not broadcast"),
        (lambda x: F.pairwise_distance(x, x[:, :2]), RuntimeError, r"shapes \(2, 3\) and \(2, 2\) do not broadcast"),
        (lambda x: F.cosine_similarity(x.long(), x), RuntimeError, "floating-point numbers, got int64"),
        (lambda x: F.normalize(x.long()), RuntimeError, "normalize: expected floating-point numbers"),
        (lambda x: F.normalize(x[0]), IndexError, r"normalize: dim 1 is out of range for shape"),
        (lambda x: F.cosine_similarity(x, x, 3), IndexError, "out of"),
        (lambda x: F.pdist(x[0]), RuntimeError, r"expected \(rows, features\), got shape \(3,\)"),
        (lambda x: F.pdist(x, -1), RuntimeError, "p must be at least 0, got -1"),
        (lambda x: F.one_hot(x), RuntimeError, "expected integers, got float32"),
        (lambda x: F.one_hot([0, 2], 2), RuntimeError, "numbers 0 to 2 must lie within 0 to num_classes - 1 = 1"),
        (lambda x: F.one_hot([0, -1]), RuntimeError, "numbers -1 to 0"),
        (lambda x: F.one_hot(np.zeros(0, int)), RuntimeError, "give num_classes"),
        (lambda x: F.local_response_norm(x, 2), ValueError, r"expected \(n, c, ...\), 3 axes or more, got \(2, 3\)"),
        (lambda x: F.local_response_norm(x[..., None], 0), ValueError, "size must be at least 1, got 0"),
        (lambda x: nn.CrossMapLRN2d(3)(x), ValueError, r"expected \(n, c, h, w\), got shape \(2, 3\)"),
        (lambda x: nn.Bilinear(0, 1, 1), ValueError, "in1_features must be > 0, got 0"),
        (lambda x: nn.Bilinear(3, 4, 1)(x, x), RuntimeError, r"inputs \(2, 3\) and \(2, 3\), weight \(1, 3, 4\)"),
        (lambda x: nn.Bilinear(3, 3, 1)(x, x[:1]), RuntimeError, "must agree in all axes but the last"),
        (lambda x: nn.Bilinear(3, 3, 1)(x, x.double()), RuntimeError, "input is float64 and the weights are float32"),
        (lambda x: F.bilinear(x, x, ad.ones(2, 3, 3), ad.ones(3)), RuntimeError, r"must have shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(ad.ones(2, 3))
