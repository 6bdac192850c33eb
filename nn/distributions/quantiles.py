"""Quantiles of the gamma and beta distributions as functions of their parameters, by implicit differentiation.

Of F(x(a), a) = u with u fixed, dx/da = -(dF/da) / f, where f is the density (Figurnov, Mohamed & Mnih, 2018). The
series of F is differentiated term by term and divided by f, so that no factor overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Function, Tensor, is_grad_enabled

ENOUGH = 1e-17  # a term beside the sum of those before it


def _once(name: str, *operands: Any) -> None:
    if is_grad_enabled() and any(x.requires_grad for x in operands):
        raise NotImplementedError(
            f"a draw from {name} is differentiated once by its parameters; drop create_graph=True"
        )


class GammaQuantile(Function):
    """x with P(x) = u, for shape a and rate 1; u is a constant."""

    @staticmethod
    def forward(ctx: Any, a: Any, u: Any) -> Any:
        from scipy import special

        x = special.gammaincinv(a.detach(), u)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, x = ctx.saved_tensors
        _once("Gamma", a, g)
        return g * Tensor(gamma_slope(a.data, x.data)), None


class BetaQuantile(Function):
    """x with I_x(a, b) = u; u is a constant."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, u: Any) -> Any:
        from scipy import special

        x = special.betaincinv(a.detach(), b.detach(), u)
        ctx.save_for_backward(a, b, x)
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, b, x = ctx.saved_tensors
        _once("Beta", a, b, g)
        by_a, by_b = beta_slopes(a.data, b.data, x.data)
        return g * Tensor(by_a), g * Tensor(by_b), None


def gamma_slope(a: Any, x: Any) -> Any:
    """Return dx/da of a gamma quantile x of shape a: -x sum_n r_n (log x - psi(a + n + 1)), r_n = x^n / (a)_(n+1)."""
    from scipy import special

    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    x = np.maximum(x, np.finfo(np.float64).tiny)
    ratio = 1 / a
    psi, log = special.digamma(a + 1), np.log(x)
    total, size, n = ratio * (log - psi), ratio.copy(), 0
    while np.any(ratio > ENOUGH * size):
        n += 1
        ratio = ratio * (x / (a + n))
        psi = psi + 1 / (a + n)
        total = total + ratio * (log - psi)
        size = size + ratio
    return -x * total


def beta_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """Return dx/da and dx/db of a beta quantile; right of 1/2 those of 1 - x, whose parameters stand the other way."""
    a, b, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, b, x)))
    x = np.clip(x, np.finfo(np.float64).tiny, 1 - 2.0**-53)
    right = x > 0.5
    first, second = _beta_slopes(np.where(right, b, a), np.where(right, a, b), np.where(right, 1 - x, x))
    return np.where(right, -second, first), np.where(right, -first, second)


def _beta_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    from scipy import special

    ratio = x * (1 - x) / a
    up, down = special.digamma(a + b), special.digamma(a + 1)
    log, other = np.log(x), np.log1p(-x) - special.digamma(b)
    by_a, by_b, size, n = ratio * (log + up - down), ratio * (other + up), ratio.copy(), 0
    while np.any(ratio > ENOUGH * size):
        ratio = ratio * (x * (a + b + n) / (a + n + 1))
        up, down = up + 1 / (a + b + n), down + 1 / (a + n + 1)
        n += 1
        by_a, by_b = by_a + ratio * (log + up - down), by_b + ratio * (other + up)
        size = size + ratio
    return -by_a, -by_b
