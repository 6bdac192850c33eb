"""The Kullback-Leibler divergence of all pairs that have a closed form.

Between continuous distributions of numbers it is a difference of means under p: -entropy(p) - E[log q(x)], and log q
takes a few expectations of p: its mean and variance, E[log x], E[log(1 - x)], E[abs(x - m)].
"""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from autodiff import Tensor, kernels
from nn.distributions.discrete import Bernoulli, Binomial, Categorical
from nn.distributions.distribution import LOG_2PI, Distribution, special
from nn.distributions.gamma import Beta, Gamma, StudentT
from nn.distributions.location import Exponential, Laplace, Logistic, Normal, Uniform
from nn.distributions.multivariate import MultivariateNormal, solve

np: Any = numpy
KL = Callable[[Any, Any], Any]
_direct: dict[tuple[type, type], KL] = {}


def register_kl(p: type, q: type) -> Callable[[KL], KL]:
    """Return a decorator that enters a function of two distributions as the divergence of such a pair."""

    def enter(function: KL) -> KL:
        _direct[p, q] = function
        return function

    return enter


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return KL(p || q) = E[log p(x) - log q(x)] under p, an element of the batch at a time.

    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0)).item()
    0.5
    """
    if (function := _direct.get((type(p), type(q)))) is not None:
        divergence: Tensor = function(p, q)
        return divergence
    bounds = BOUNDS.get(type(p)), BOUNDS.get(type(q))
    if None in bounds:
        raise _unknown(p, q)
    (low, high), (least, most) = (b(x) for b, x in zip(bounds, (p, q), strict=True) if b is not None)
    inside = (low >= least) & (high <= most)
    if not inside.any():
        shape = numpy.broadcast_shapes(p.batch_shape, q.batch_shape)
        return p._full(math.inf) if shape == p.batch_shape else p.expand(shape)._full(math.inf)
    cross = CROSS.get(type(q))
    found = cross(p, q) if cross is not None else None
    if found is None:
        raise _unknown(p, q)
    return np.where(inside, -p.entropy() - found, math.inf)


def _unknown(p: Any, q: Any) -> NotImplementedError:
    return NotImplementedError(
        f"KL({type(p).__name__} || {type(q).__name__}) has no closed form here; estimate it by the mean of "
        "p.log_prob(x) - q.log_prob(x) over x = p.rsample((n,)), or enter one with register_kl."
    )


# --- expectations under p ------------------------------------------------------------------------------------------


def _ends(low: float, high: float) -> Callable[[Any], tuple[Any, Any]]:
    return lambda _: (numpy.float64(low), numpy.float64(high))


# where the values of a distribution lie
BOUNDS: dict[type, Callable[[Any], tuple[Any, Any]]] = {
    Uniform: lambda p: (p.low.data, p.high.data),
    Beta: _ends(0.0, 1.0),
    **dict.fromkeys((Exponential, Gamma), _ends(0.0, math.inf)),
    **dict.fromkeys((Normal, Laplace, Logistic, StudentT), _ends(-math.inf, math.inf)),
}


def _x_log_x(x: Any) -> Any:
    return special().xlogy(x, x)


def _mean_log(p: Any) -> Any:
    """Return E[log x], None where it is not known."""
    match p:
        case Exponential():
            return -numpy.euler_gamma - np.log(p.rate)
        case Gamma():
            return special().digamma(p.concentration) - np.log(p.rate)
        case Beta():
            return special().digamma(p.concentration1) - special().digamma(p.concentration1 + p.concentration0)
        case Uniform():
            low = np.maximum(p.low, 0)  # below 0 the divergence is infinite in any case
            return (_x_log_x(p.high) - _x_log_x(low)) / (p.high - low) - 1
    return None


def _mean_log_rest(p: Any) -> Any:
    """Return E[log(1 - x)], None where it is not known."""
    match p:
        case Beta():
            return _mean_log(Beta(p.concentration0, p.concentration1, validate_args=False))
        case Uniform():
            return _mean_log(Uniform(1 - p.high, 1 - p.low, validate_args=False))
    return None


def _mean_distance(p: Any, m: Any) -> Any:
    """Return E[abs(x - m)], None where it is not known."""
    match p:
        case Normal():
            z = (p.loc - m) / p.scale
            peak = math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z)
            return p.scale * (peak + z * special().erf(z / math.sqrt(2)))
        case Laplace():
            away = np.abs(p.loc - m)
            return away + p.scale * np.exp(-away / p.scale)
    return None


# --- E[log q(x)] under p -------------------------------------------------------------------------------------------


def _normal(p: Any, q: Any) -> Any:
    off = p.mean - q.loc
    return -0.5 * LOG_2PI - np.log(q.scale) - 0.5 * (p.variance + off * off) / (q.scale * q.scale)


def _laplace(p: Any, q: Any) -> Any:
    distance = _mean_distance(p, q.loc)
    return None if distance is None else -np.log(2 * q.scale) - distance / q.scale


def _exponential(p: Any, q: Any) -> Any:
    return np.log(q.rate) - q.rate * p.mean


def _gamma(p: Any, q: Any) -> Any:
    log, a = _mean_log(p), q.concentration
    return None if log is None else a * np.log(q.rate) - special().gammaln(a) + (a - 1) * log - q.rate * p.mean


def _beta(p: Any, q: Any) -> Any:
    log, rest, a, b = _mean_log(p), _mean_log_rest(p), q.concentration1, q.concentration0
    return None if log is None or rest is None else (a - 1) * log + (b - 1) * rest - special().betaln(a, b)


CROSS: dict[type, KL] = {
    Normal: _normal,
    Laplace: _laplace,
    Exponential: _exponential,
    Gamma: _gamma,
    Beta: _beta,
    Uniform: lambda _, q: -np.log(q.high - q.low),
}


# --- discrete distributions, and vectors ---------------------------------------------------------------------------


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    def half(weight: Any, sign: int, impossible: Any) -> Any:
        term = weight * (kernels.softplus(-sign * q.logits) - kernels.softplus(-sign * p.logits))
        return np.where(weight.data == 0, 0, np.where(impossible, math.inf, term))

    return half(p.probs, 1, q.probs.data == 0) + half(1 - p.probs, -1, q.probs.data == 1)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count.data < q.total_count.data).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    fair = _bernoulli(Bernoulli(logits=p.logits), Bernoulli(logits=q.logits))
    return np.where(p.total_count.data > q.total_count.data, math.inf, p.total_count * fair)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    term = p.probs * (p.logits - q.logits)
    term = np.where(p.probs.data == 0, 0, np.where(q.probs.data == 0, math.inf, term))
    return term.sum(-1)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL between normals of different lengths: {p.event_shape[0]} and {q.event_shape[0]}")
    shape = numpy.broadcast_shapes(p._factor.shape, q._factor.shape)
    ratio = solve(np.broadcast_to(q._factor, shape), np.broadcast_to(p._factor, shape))
    spread = (ratio * ratio).sum((-2, -1)) + q._distance(np.broadcast_to(p.loc - q.loc, shape[:-1]))
    return q._half_log_det - p._half_log_det + 0.5 * (spread - p.event_shape[0])
