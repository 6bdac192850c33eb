"""Fourier transforms: adjoint pairs, orders above the second, and what is refused."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.kernels.fourier import doubled, resized
from tests.numeric import check

RNG = np.random.default_rng(4)
REAL = RNG.normal(size=(2, 3))
COMPLEX = REAL + 1j * RNG.normal(size=(2, 3))


@pytest.mark.parametrize(("name", "n"), [("fft", 4), ("rfft", 2), ("irfft", 5), ("hfft", 2)])
def test_transforms_have_third_derivatives(name: str, n: int) -> None:
    fun = getattr(np.fft, name)
    check(lambda x: np.real(fun(x, n)) ** 2, (REAL if name == "rfft" else COMPLEX)[:1], order=3)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "fft2", "irfft2", "rfftn", "hfft"])
def test_second_gradients_equal_torchs(name: str, torch: ModuleType) -> None:
    value = REAL if name in ("rfft", "rfftn") else COMPLEX
    x, u = ad.tensor(value, requires_grad=True), torch.tensor(value, requires_grad=True)
    y, z = abs(getattr(np.fft, name)(x)) ** 4, getattr(torch.fft, name)(u).abs() ** 4
    (g,), (h,) = ad.grad(y.sum(), x, create_graph=True), torch.autograd.grad(z.sum(), u, create_graph=True)
    (g2,), (h2,) = ad.grad((abs(g) ** 2).sum(), x), torch.autograd.grad((h.abs() ** 2).sum(), u)
    for ours, theirs in ((g, h), (g2, h2)):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), rtol=1e-9)


def test_single_precision_is_kept() -> None:
    x = ad.tensor(REAL.astype(np.float32), requires_grad=True)
    for y in (np.fft.fft(x), np.fft.rfft2(x), np.fft.fftn(x, norm="ortho"), np.fft.ihfft(x)):
        assert y.dtype == np.complex64
        assert ad.grad(abs(y).sum(), x)[0].dtype == np.float32
    z = ad.tensor(COMPLEX.astype(np.complex64), requires_grad=True)
    for y in (np.fft.irfft(z), np.fft.irfftn(z), np.fft.hfft(z)):
        assert y.dtype == np.float32
        assert ad.grad(y.sum(), z)[0].dtype == np.complex64


def test_lengths_are_cropped_and_padded_and_pairs_count_twice() -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(resized(x, n=4, axis=1), np.pad(x, ((0, 0), (0, 1))))
    np.testing.assert_array_equal(resized(x, n=1, axis=0), x[:1])
    np.testing.assert_array_equal(resized(x, n=3, axis=-1), x)
    np.testing.assert_array_equal(doubled(np.ones((2, 1)), n=1, axis=1), np.ones((2, 1)))
    np.testing.assert_array_equal(doubled(np.ones((2, 3)), n=4, axis=1), [[1, 2, 1]] * 2)
    check(lambda x: resized(x, n=5, axis=1) ** 2, x, order=2)
    check(lambda x: resized(x, n=2, axis=-1) ** 2, x, order=2)
    check(lambda x: doubled(x, n=5, axis=1) ** 2, x, order=2)


def test_transforms_write_where_out_asks() -> None:
    x = ad.tensor(REAL, requires_grad=True)
    for fun in (np.fft.fft, np.fft.fft2):
        out = ad.as_tensor(np.zeros((2, 3), complex))
        assert fun(x, out=out) is out
        np.testing.assert_allclose(ad.grad(out.real.sum(), x)[0].numpy(), ad.grad(fun(x).real.sum(), x)[0].numpy())
        array = np.zeros((2, 3), complex)
        assert fun(x.detach(), out=array) is array
        np.testing.assert_allclose(array, fun(REAL))
        with pytest.raises(TypeError, match="gradient history"):
            fun(x, out=array)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: np.fft.fftn(t, axes=(0, 0)), ValueError, r"fftn: axes=\(0, 0\) names an axis twice"),
        (lambda t: np.fft.irfftn(t, axes=(1, -1)), ValueError, "irfftn: .* names an axis twice"),
        (lambda t: np.fft.rfftn(t, axes=()), ValueError, "rfftn: .* expected an axis at least"),
        (lambda t: np.fft.fftn(t, s=(2,), axes=(0, 1)), ValueError, "expected a length for each axis"),
        (lambda t: np.fft.fft2(t[0]), ValueError, "out of bounds"),
        (lambda t: np.fft.fft(t, n=0), ValueError, "Invalid number of FFT data points"),
        (lambda t: np.fft.fft(t[:, :0]), ValueError, "Invalid number of FFT data points"),
        (lambda t: np.fft.fft(t, norm="half"), ValueError, "half"),
        (lambda t: np.fft.fft(t, axis=2), IndexError, "fft"),
        (lambda t: np.fft.rfft(t * 1j), TypeError, "rfft"),
        (lambda t: np.fft.fft(t, axes=0), TypeError, "axes"),
    ],
)
def test_bad_transforms_are_refused_by_name(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(ad.tensor(REAL, requires_grad=True))


def test_scipys_transforms_are_refused() -> None:
    import scipy.fft

    with pytest.raises(TypeError, match=r"np\.fft\.fft"):
        scipy.fft.fft(ad.tensor(REAL, requires_grad=True))
