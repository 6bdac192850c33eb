"""Gaussian-mixture log-likelihood with its gradient: 25 components in 10 dimensions, 1000 points, float64.

ADBench's objective: mixture weights, means, and the factors of the inverse covariances, whose diagonal is given by its
logarithm. One text of the formula serves every engine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log, pi
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.row import OURS, Row, Timed

D, K, N = 10, 25, 1000
GAMMA, M = 1.0, 0  # Wishart's prior: scale, and degrees of freedom beyond D + 1
ROWS_BELOW, COLUMNS_BELOW = np.tril_indices(D, -1)
PLACES = np.zeros((D, D), int)  # where in its row of parameters an element below the diagonal stands
PLACES[ROWS_BELOW, COLUMNS_BELOW] = np.arange(D, D + ROWS_BELOW.size)
BELOW = (PLACES > 0).astype(float)


def problem() -> tuple[list[np.ndarray], np.ndarray]:
    """Draw the parameters (K,), (K, D), (K, D (D + 1) / 2) and the points (N, D)."""
    rng = np.random.default_rng(31337)
    parameters = [rng.standard_normal(K), rng.random((K, D)), rng.standard_normal((K, D * (D + 1) // 2))]
    return parameters, rng.standard_normal((N, D))


def prior(xp: Any, log_diagonal: Any, diagonal: Any, below: Any) -> Any:
    """The logarithm of Wishart's prior but for a constant."""
    return 0.5 * GAMMA**2 * (xp.sum(diagonal * diagonal) + xp.sum(below * below)) - M * xp.sum(log_diagonal)


def likelihood(xp: Any, alphas: Any, means: Any, factors: Any, x: Any, places: Any, below: Any, eye: Any) -> Any:
    """The log-likelihood as it is defined: every point is centred on every component."""
    log_diagonal = factors[:, :D]
    diagonal = xp.exp(log_diagonal)
    centred = x[:, None, :] - means
    scaled = diagonal * centred + xp.einsum("kij,nkj->nki", factors[:, places] * below, centred)
    distances = xp.sum(scaled * scaled, 2)
    each = xp.logsumexp(alphas + xp.sum(log_diagonal, 1) - 0.5 * distances, 1)
    total = xp.sum(each) - N * xp.logsumexp(alphas, 0) - N * D * 0.5 * log(2 * pi)
    return total + prior(xp, log_diagonal, diagonal, factors[:, D:])


def one_product(xp: Any, alphas: Any, means: Any, factors: Any, x: Any, places: Any, below: Any, eye: Any) -> Any:
    """The same with Q (x - mean) written Q x - Q mean: one matrix product for all points and components."""
    log_diagonal = factors[:, :D]
    diagonal = xp.exp(log_diagonal)
    q = factors[:, places] * below + diagonal[:, :, None] * eye
    offsets = xp.einsum("kij,kj->ki", q, means).reshape(K * D)
    scaled = xp.matmul(x, q.reshape((K * D, D)).T) - offsets
    distances = xp.sum((scaled * scaled).reshape((N, K, D)), 2)
    each = xp.logsumexp(alphas + xp.sum(log_diagonal, 1) - 0.5 * distances, 1)
    total = xp.sum(each) - N * xp.logsumexp(alphas, 0) - N * D * 0.5 * log(2 * pi)
    return total + prior(xp, log_diagonal, diagonal, factors[:, D:])


Formula = Callable[..., Any]


def ndtape(formula: Formula) -> Timed:
    """Our engine."""
    import autodiff as ad

    xp = SimpleNamespace(exp=np.exp, einsum=np.einsum, sum=np.sum, matmul=np.matmul, logsumexp=ad.logsumexp)
    parameters, x = problem()
    leaves = [ad.tensor(p, requires_grad=True) for p in parameters]
    constants = [x, PLACES, BELOW, np.eye(D)]
    found: list[Any] = []

    def step() -> None:
        value = formula(xp, *leaves, *constants)
        found[:] = [value.detach(), *ad.grad(value, leaves)]

    return Timed(step, lambda: found)


def torch(formula: Formula) -> Timed:
    """PyTorch, eager."""
    import torch

    parameters, x = problem()
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    constants = [torch.tensor(c) for c in (x, PLACES, BELOW, np.eye(D))]
    found: list[Any] = []

    def step() -> None:
        value = formula(torch, *leaves, *constants)
        found[:] = [value.detach(), *torch.autograd.grad(value, leaves)]

    return Timed(step, lambda: found)


def autograd(formula: Formula) -> Timed:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    xp = SimpleNamespace(exp=anp.exp, einsum=anp.einsum, sum=anp.sum, matmul=anp.matmul, logsumexp=logsumexp)
    parameters, x = problem()
    function = value_and_grad(lambda p: formula(xp, *p, x, PLACES, BELOW, np.eye(D)))
    found: list[Any] = []

    def step() -> None:
        value, gradients = function(parameters)
        found[:] = [value, *gradients]

    return Timed(step, lambda: found)


def engines(formula: Formula) -> dict[str, Callable[[], Timed]]:
    """The same formula in every engine."""
    return {OURS: partial(ndtape, formula), "torch": partial(torch, formula), "autograd": partial(autograd, formula)}


ROWS = (
    Row("value + gradient", "us", engines(likelihood), limits={"torch": 1.0, "autograd": 0.3}, rtol=1e-9),
    Row("value + gradient, in one matrix product", "us", engines(one_product), rtol=1e-9),
)
