"""Gaussian-mixture log-likelihood with its gradient: K components in D dimensions, 1000 points, float64.

ADBench's objective: mixture weights, means, and the factors of the inverse covariances, whose diagonal is given by its
logarithm. One text of the formula serves every engine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log, pi
from typing import Any

import numpy as np

from benchmarks.engines import BEST, EAGER, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed

N = 1000
GAMMA, M = 1.0, 0  # Wishart's prior: scale, and degrees of freedom beyond D + 1
GRID = ((2, 5), (10, 5), (10, 25), (10, 100), (32, 25), (32, 50), (64, 25))
COMPILED = ("torch.compile", "jax")


def problem(d: int, k: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw the parameters (K,), (K, D), (K, D (D + 1) / 2) and the constants.

    These are the points (N, D), where in its row of parameters an element below the diagonal stands, which elements
    are below it, and the unit matrix.
    """
    rng = np.random.default_rng(31337)
    parameters = [rng.standard_normal(k), rng.random((k, d)), rng.standard_normal((k, d * (d + 1) // 2))]
    rows, columns = np.tril_indices(d, -1)
    places = np.zeros((d, d), int)
    places[rows, columns] = np.arange(d, d + rows.size)
    return parameters, [rng.standard_normal((N, d)), places, (places > 0).astype(float), np.eye(d)]


def prior(m: Any, log_diagonal: Any, diagonal: Any, below: Any) -> Any:
    """The logarithm of Wishart's prior but for a constant."""
    return 0.5 * GAMMA**2 * (m.sum(diagonal * diagonal) + m.sum(below * below)) - M * m.sum(log_diagonal)


def likelihood(m: Any, alphas: Any, means: Any, factors: Any, x: Any, places: Any, below: Any, eye: Any) -> Any:
    """The log-likelihood as it is defined: every point is centred on every component."""
    d = x.shape[1]
    log_diagonal = factors[:, :d]
    diagonal = m.exp(log_diagonal)
    centred = x[:, None, :] - means
    scaled = diagonal * centred + m.einsum("kij,nkj->nki", factors[:, places] * below, centred)
    distances = m.sum(scaled * scaled, 2)
    each = m.logsumexp(alphas + m.sum(log_diagonal, 1) - 0.5 * distances, 1)
    total = m.sum(each) - N * m.logsumexp(alphas, 0) - N * d * 0.5 * log(2 * pi)
    return total + prior(m, log_diagonal, diagonal, factors[:, d:])


def one_product(m: Any, alphas: Any, means: Any, factors: Any, x: Any, places: Any, below: Any, eye: Any) -> Any:
    """The same with Q (x - mean) written Q x - Q mean: one matrix product for all points and components."""
    k, d = means.shape
    log_diagonal = factors[:, :d]
    diagonal = m.exp(log_diagonal)
    q = factors[:, places] * below + diagonal[:, :, None] * eye
    offsets = m.einsum("kij,kj->ki", q, means).reshape(k * d)
    scaled = m.matmul(x, q.reshape((k * d, d)).T) - offsets
    distances = m.sum((scaled * scaled).reshape((N, k, d)), 2)
    each = m.logsumexp(alphas + m.sum(log_diagonal, 1) - 0.5 * distances, 1)
    total = m.sum(each) - N * m.logsumexp(alphas, 0) - N * d * 0.5 * log(2 * pi)
    return total + prior(m, log_diagonal, diagonal, factors[:, d:])


def by_hand(d: int, k: int) -> Timed:
    """Both passes written out, the components' products with their factors in one batched call each."""
    (alphas, means, factors), (x, places, below, _) = problem(d, k)
    on_diagonal = np.arange(d)
    under = np.nonzero(below)
    found: list[Any] = []

    def step() -> None:
        logs = factors[:, :d]
        diagonal = np.exp(logs)
        q = factors[:, places] * below
        q[:, on_diagonal, on_diagonal] = diagonal
        centred = x - means[:, None]
        scaled = centred @ q.swapaxes(1, 2)
        r = np.einsum("kni,kni->kn", scaled, scaled)
        r *= -0.5
        r += (alphas + logs.sum(1))[:, None]
        top = r.max(0)
        r -= top
        np.exp(r, out=r)
        total = r.sum(0)
        r /= total
        weights = np.exp(alphas - alphas.max())
        value = np.log(total).sum() + top.sum() - N * (np.log(weights.sum()) + alphas.max())
        value += 0.5 * GAMMA**2 * ((diagonal**2).sum() + (factors[:, d:] ** 2).sum()) - M * logs.sum()
        mass = r.sum(1)
        scaled *= -r[:, :, None]
        gq = scaled.swapaxes(1, 2) @ centred
        gf = np.empty_like(factors)
        gf[:, d:] = GAMMA**2 * factors[:, d:]
        gf[:, places[under]] += gq[:, under[0], under[1]]
        gf[:, :d] = (gq[:, on_diagonal, on_diagonal] + GAMMA**2 * diagonal) * diagonal + mass[:, None] - M
        gm = -(scaled.sum(1)[:, None] @ q)[:, 0]
        found[:] = [value - N * d * 0.5 * log(2 * pi), mass - N * weights / weights.sum(), gm, gf]

    return Timed(step, lambda: found)


def row(formula: Callable[..., Any], d: int, k: int, *, floor: bool = True) -> Row:
    """One formula at one size."""
    parameters, constants = problem(d, k)
    return Row(
        f"d={d}, K={k}" + (", one product" if formula is one_product else ""),
        "us",
        {
            **on((*VARIANTS, *EAGER, *COMPILED), lambda m: m.gradient(formula, parameters, constants)),
            **({FLOOR: partial(by_hand, d, k)} if floor else {}),
        },
        limits={BEST: 0.9, "autograd": 1.0, "mygrad": 1.0, **({FLOOR: 1.15} if floor else {})},
        rtol=1e-8,
        flops=2 * 3 * 2 * N * k * d * d / 2,  # float64: each counts twice; half of a factor is zero
        moved=8 * N * k * d * 4,
        product=(N, d, k * d),
        axis=("mixture, K d d", k * d * d) if formula is likelihood else None,
        rounds=9,
        absent={"tinygrad": "its float64 kernels were not tried"},
    )


ROWS = (*(row(likelihood, d, k) for d, k in GRID), row(one_product, 10, 25))
