"""Distributions of a location and a scale, and the exponential one: draws are smooth functions of their parameters."""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

import math
from typing import Any

import numpy

from autodiff import Tensor, random
from autodiff.kernels import softplus
from autodiff.random import Generator
from nn.distributions import constraints
from nn.distributions.distribution import LOG_2PI, Distribution, special

np: Any = numpy


class _LocationScale(Distribution):
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real
    has_rsample = True
    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__({"loc": loc, "scale": scale}, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    def _standard(self, value: Any) -> Any:
        return (self._value(value) - self.loc) / self.scale

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        return self.icdf(self._uniform(sample_shape, generator).astype(self._dtype))


class Normal(_LocationScale):
    """The normal distribution with mean `loc` and standard deviation `scale`.

    >>> round(Normal(0.0, 1.0).log_prob(0.0).item(), 4)  # -log(sqrt(2 pi))
    -0.9189
    """

    @property
    def variance(self) -> Tensor:
        return self.scale * self.scale

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        noise = random.normal(size=self._shape(sample_shape), dtype=self._dtype, generator=generator)
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Tensor:
        z: Any = self._standard(value)
        return -0.5 * z * z - np.log(self.scale) - 0.5 * LOG_2PI

    def cdf(self, value: Any) -> Tensor:
        cdf: Tensor = special().ndtr(self._standard(value))
        return cdf

    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * special().ndtri(value)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * LOG_2PI + np.log(self.scale)


class Laplace(_LocationScale):
    """The density exp(-abs(x - loc) / scale) / (2 scale).

    >>> Laplace(0.0, 2.0).variance.item()
    8.0
    """

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale * self.scale

    def log_prob(self, value: Any) -> Tensor:
        return -np.log(2 * self.scale) - np.abs(self._standard(value))

    def cdf(self, value: Any) -> Tensor:
        z = self._standard(value)
        return 0.5 - 0.5 * np.sign(z) * np.expm1(-np.abs(z))

    def icdf(self, value: Any) -> Tensor:
        term = value - 0.5
        return self.loc - self.scale * np.sign(term) * np.log1p(-2 * np.abs(term))

    def entropy(self) -> Tensor:
        return 1 + np.log(2 * self.scale)


class Logistic(_LocationScale):
    """The distribution whose cdf is sigmoid((x - loc) / scale).

    >>> Logistic(1.0, 2.0).cdf(1.0).item()
    0.5
    """

    @property
    def variance(self) -> Tensor:
        return self.scale * self.scale * (math.pi**2 / 3)

    def log_prob(self, value: Any) -> Tensor:
        z = np.abs(self._standard(value))  # the density is even: nothing overflows
        return -z - 2 * softplus(-z) - np.log(self.scale)

    def cdf(self, value: Any) -> Tensor:
        cdf: Tensor = special().expit(self._standard(value))
        return cdf

    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * special().logit(value)

    def entropy(self) -> Tensor:
        return 2 + np.log(self.scale)


class Uniform(Distribution):
    """The uniform distribution on [low, high).

    >>> Uniform(1.0, 3.0).mean.item(), Uniform(1.0, 3.0).cdf(1.5).item()
    (2.0, 0.25)
    """

    arg_constraints = {"low": constraints.real, "high": constraints.real}  # noqa: RUF012
    has_rsample = True
    low: Tensor
    high: Tensor

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        super().__init__({"low": low, "high": high}, (), validate_args)
        if self._validate and not (self.low.data < self.high.data).all():
            raise ValueError("Uniform is not defined when low >= high")

    @property
    def support(self) -> constraints.Constraint:
        return constraints.between(self.low.data, self.high.data)

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        return self._full(math.nan)

    @property
    def stddev(self) -> Tensor:
        return (self.high - self.low) / math.sqrt(12)

    @property
    def variance(self) -> Tensor:
        width: Any = self.high - self.low
        return width * width / 12

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        u = random.uniform(size=self._shape(sample_shape), dtype=self._dtype, generator=generator)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        inside = (x.data >= self.low.data) & (x.data < self.high.data)
        return np.where(inside, -np.log(self.high - self.low), -math.inf)

    def cdf(self, value: Any) -> Tensor:
        return np.clip((self._value(value) - self.low) / (self.high - self.low), 0, 1)

    def icdf(self, value: Any) -> Tensor:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        return np.log(self.high - self.low)


class Exponential(Distribution):
    """The density rate exp(-rate x) on x >= 0.

    >>> Exponential(0.5).mean.item()
    2.0
    """

    arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
    support = constraints.non_negative
    has_rsample = True
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        super().__init__({"rate": rate}, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        return self._full(0.0)

    @property
    def stddev(self) -> Tensor:
        return 1 / self.rate

    @property
    def variance(self) -> Tensor:
        return 1 / (self.rate * self.rate)

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        return -np.log1p(-self._uniform(sample_shape, generator)).astype(self._dtype) / self.rate

    def log_prob(self, value: Any) -> Tensor:
        return np.log(self.rate) - self.rate * self._value(value)

    def cdf(self, value: Any) -> Tensor:
        return -np.expm1(-self.rate * self._value(value))

    def icdf(self, value: Any) -> Tensor:
        return -np.log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        return 1 - np.log(self.rate)
