"""Complex gradients: PyTorch's convention, at first and second order."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check

RNG = np.random.default_rng(2)
Z = RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))
COMPLEX = {
    "abs": (lambda x: abs(x), lambda x: x.abs()),
    "square of abs": (lambda x: abs(x) ** 2, lambda x: x.abs() ** 2),
    "real": (lambda x: x.real, lambda x: x.real),
    "imag": (lambda x: x.imag * 2, lambda x: x.imag * 2),
    "conj": (lambda x: (x.conj() * x).real, lambda x: (x.conj() * x).real),
    "exp": (np.exp, lambda x: x.exp()),
    "power": (lambda x: x**3, lambda x: x**3),
    "quotient": (lambda x: 1 / x, lambda x: 1 / x),
    "angle": (np.angle, lambda x: x.angle()),
    "product": (lambda x: x @ x.T, lambda x: x @ x.T),
    "hermitian": (lambda x: x @ x.H, lambda x: x @ x.mH),
    "log": (np.log, lambda x: x.log()),
    "sum of real and imag": (lambda x: np.sin(x.real) * x.imag, lambda x: x.real.sin() * x.imag),
    "mixed with real": (lambda x: x * np.abs(x), lambda x: x * x.abs()),
    "mean": (np.mean, lambda x: x.mean()),
    "tanh": (np.tanh, lambda x: x.tanh()),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients_of_first_and_second_order_equal_torchs(name: str, torch: ModuleType) -> None:
    ours, theirs = COMPLEX[name]
    x, u = ad.tensor(Z, requires_grad=True), torch.tensor(Z, requires_grad=True)
    y, w = ours(x), theirs(u)
    v = RNG.normal(size=y.shape) + (1j * RNG.normal(size=y.shape) if y.dtype.kind == "c" else 0)
    (g,) = ad.grad(y, x, v, create_graph=True)
    (h,) = torch.autograd.grad(w, u, torch.tensor(v), create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), h.detach().resolve_conj().numpy(), rtol=1e-10, atol=1e-12)
    if h.requires_grad and g.requires_grad:
        (g2,), (h2,) = ad.grad(abs(g).sum(), x), torch.autograd.grad(h.abs().sum(), u)
        np.testing.assert_allclose(g2.numpy(), h2.resolve_conj().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_derivatives_against_differences(name: str) -> None:
    check(COMPLEX[name][0], Z, order=2)
