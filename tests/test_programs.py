"""Random programs: many operations, values used again, updates in place, several outputs, any order; torch agrees."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check

SIZE = 3


def program(seed: int, xs: list[Any], lib: Any) -> Any:
    """Run the program of a seed on Tensors of ours or of torch; every step draws its operation and operands."""
    rng = np.random.default_rng(seed)
    pool = [x * 1.0 for x in xs]

    def pick() -> Any:
        return pool[rng.integers(len(pool))]

    def update(x: Any, y: Any) -> Any:
        x = x * 1.0
        x += y
        x[0] = y[1] * y[0]
        return x

    steps = [
        lambda: pick() + pick(),
        lambda: pick() * pick() * 0.5,
        lambda: pick() - 0.3 * pick(),
        lambda: pick() / (pick() ** 2 + 1),
        lambda: lib.tanh(pick()),
        lambda: lib.exp(-(pick() ** 2)),
        lambda: lib.sin(pick()) * lib.cos(pick()),
        lambda: lib.matmul(pick(), pick()) / SIZE,
        lambda: pick() @ pick()[0] + pick(),
        lambda: pick().T * 1.0,
        lambda: lib.where(pick() > 0.2, pick(), lib.tanh(pick())),
        lambda: lib.log(pick() ** 2 + 1.5),
        lambda: lib.sqrt(pick() ** 2 + 0.5),
        lambda: pick().sum(0) + pick(),
        lambda: pick() - pick().mean(),
        lambda: lib.stack([pick()[0], pick()[1], pick()[:, 2]]),
        lambda: pick()[[2, 0, 0]] + pick()[:, [1, 1, 2]],
        lambda: pick().reshape(-1)[2:5] * pick(),
        lambda: lib.einsum("ij,kj->ik", pick(), pick()) / SIZE,
        lambda: pick().cumsum(0) / SIZE,
        lambda: update(pick(), pick()),
        lambda: lib.maximum(pick(), pick()),
        lambda: abs(pick()),
        lambda: lib.split(pick(), 1)[1] * pick() if lib is not np else np.split(pick(), SIZE)[1] * pick(),
    ]
    for k in rng.integers(len(steps), size=25):
        pool += [steps[k]()]
    return sum(p.sum() for p in pool[-4:]) + pool[len(xs)].sum()


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program_has_torchs_derivatives_of_both_orders(seed: int, torch: ModuleType) -> None:
    arrays = [np.random.default_rng(seed + 1000 * i).normal(size=(SIZE, SIZE)) for i in range(3)]
    xs, us = [ad.tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = program(seed, xs, np), program(seed, us, torch)
    np.testing.assert_allclose(y.item(), z.item(), rtol=1e-9)
    gs = ad.grad(y, xs, create_graph=True, allow_unused=True)
    hs = torch.autograd.grad(z, us, create_graph=True, allow_unused=True)
    for g, h in zip(gs, hs, strict=True):
        assert (g is None) == (h is None)
        if g is not None:
            np.testing.assert_allclose(g.detach().numpy(), h.detach().numpy(), rtol=1e-8, atol=1e-9)
    plain = ad.grad(program(seed, xs, np), xs, allow_unused=True)
    for g, p in zip(gs, plain, strict=True):
        if g is not None:
            np.testing.assert_allclose(p.numpy(), g.detach().numpy(), rtol=1e-9, atol=1e-10)
    total = sum((g * g).sum() for g in gs if g is not None)
    theirs = sum((h * h).sum() for h in hs if h is not None)
    if theirs.requires_grad:
        for g, h in zip(
            ad.grad(total, xs, allow_unused=True), torch.autograd.grad(theirs, us, allow_unused=True), strict=True
        ):
            expected = np.zeros((SIZE, SIZE)) if h is None else h.numpy()
            np.testing.assert_allclose(
                np.zeros((SIZE, SIZE)) if g is None else g.numpy(), expected, rtol=1e-7, atol=1e-7
            )


def test_a_smooth_program_against_differences() -> None:
    def f(x: Any, y: Any) -> Any:
        z = np.tanh(x @ y)
        for _ in range(3):
            z = z * np.cos(z) + x.T / (1 + z * z)
        z[0] = z[1] * y[2]
        return np.sum(z, axis=0) * np.exp(-z[:, 0])

    rng = np.random.default_rng(1)
    check(f, rng.normal(size=(SIZE, SIZE)), rng.normal(size=(SIZE, SIZE)), order=3)
