"""Gamma, Beta and Student's t: draws are quantiles of uniform numbers, differentiated implicitly."""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

import math
from typing import Any

import numpy

from autodiff import Tensor, as_tensor, random
from autodiff.random import Generator
from nn.distributions import constraints
from nn.distributions.distribution import Distribution, special
from nn.distributions.quantiles import BetaQuantile, GammaQuantile

np: Any = numpy


class Gamma(Distribution):
    """The density rate^a x^(a-1) exp(-rate x) / Gamma(a), a being the `concentration`.

    >>> Gamma(3.0, 2.0).mean.item(), Gamma(3.0, 2.0).mode.item()
    (1.5, 1.0)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.non_negative
    has_rsample = True
    concentration: Tensor
    rate: Tensor

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        super().__init__({"concentration": concentration, "rate": rate}, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return np.clip(self.concentration - 1, 0, None) / self.rate

    @property
    def variance(self) -> Tensor:
        return self.concentration / (self.rate * self.rate)

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        u = self._uniform(sample_shape, generator)
        a = np.broadcast_to(self.concentration, u.shape).astype(numpy.float64)
        x = GammaQuantile.apply(a, u).astype(self._dtype)
        return np.maximum(x, numpy.finfo(self._dtype).tiny) / self.rate

    def log_prob(self, value: Any) -> Tensor:
        sp, x = special(), self._value(value)
        a, rate = self.concentration, self.rate
        density: Tensor = sp.xlogy(a, rate) + sp.xlogy(a - 1, x) - rate * x - sp.gammaln(a)
        return density

    def cdf(self, value: Any) -> Tensor:
        cdf: Tensor = special().gammainc(self.concentration, self.rate * self._value(value))
        return cdf

    def entropy(self) -> Tensor:
        sp, a = special(), self.concentration
        entropy: Tensor = a - np.log(self.rate) + sp.gammaln(a) + (1 - a) * sp.digamma(a)
        return entropy


class Beta(Distribution):
    """The density proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1) on [0, 1].

    >>> round(Beta(3.0, 1.0).mean.item(), 4)
    0.75
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}  # noqa: RUF012
    support = constraints.unit_interval
    has_rsample = True
    concentration1: Tensor
    concentration0: Tensor

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        super().__init__({"concentration1": concentration1, "concentration0": concentration0}, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        a, b = np.clip(self.concentration1 - 1, 0, None), np.clip(self.concentration0 - 1, 0, None)
        both = (self.concentration1.data < 1) & (self.concentration0.data < 1)  # modes at 0 and at 1
        with numpy.errstate(invalid="ignore"):
            return np.where(both, 1.0, a / (a + b))

    @property
    def variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        total: Any = a + b
        return a * b / (total * total * (total + 1))

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        u = self._uniform(sample_shape, generator)
        a, b = (np.broadcast_to(p, u.shape).astype(numpy.float64) for p in (self.concentration1, self.concentration0))
        facts = numpy.finfo(self._dtype)
        return np.clip(BetaQuantile.apply(a, b, u).astype(self._dtype), facts.tiny, 1 - facts.epsneg)

    def log_prob(self, value: Any) -> Tensor:
        sp, x = special(), self._value(value)
        a, b = self.concentration1, self.concentration0
        density: Tensor = sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b)
        return density

    def cdf(self, value: Any) -> Tensor:
        cdf: Tensor = special().betainc(self.concentration1, self.concentration0, self._value(value))
        return cdf

    def entropy(self) -> Tensor:
        sp, a, b = special(), self.concentration1, self.concentration0
        psi = sp.digamma
        entropy: Tensor = sp.betaln(a, b) - (a - 1) * psi(a) - (b - 1) * psi(b) + (a + b - 2) * psi(a + b)
        return entropy


class StudentT(Distribution):
    """Student's t distribution with `df` degrees of freedom, moved by `loc` and scaled.

    >>> StudentT(4.0).variance.item()
    2.0
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real
    has_rsample = True
    df: Tensor
    loc: Tensor
    scale: Tensor

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        super().__init__({"df": df, "loc": loc, "scale": scale}, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return np.where(self.df.data > 1, self.loc, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        many = self.df.data > 2
        finite = self.scale * self.scale * (self.df / np.where(many, self.df - 2, 1))
        return np.where(many, finite, np.where(self.df.data > 1, math.inf, math.nan))

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        """Draw t with t² / (df + t²) = y, which is Beta(1/2, df/2): implicit in the cdf of t as in that of y."""
        u = self._uniform(sample_shape, generator)
        sign = 2 * random.bernoulli(0.5, u.shape, dtype=numpy.float64, generator=generator) - 1
        df = np.broadcast_to(self.df, u.shape).astype(numpy.float64)
        y = BetaQuantile.apply(as_tensor(numpy.full(u.shape, 0.5)), df / 2, u)
        y = np.clip(y, numpy.finfo(numpy.float64).tiny, 1 - 2.0**-53)
        t = sign * np.sqrt(df * y / (1 - y))
        return self.loc + self.scale * t.astype(self._dtype)

    def log_prob(self, value: Any) -> Tensor:
        sp = special()
        y = (self._value(value) - self.loc) / self.scale
        half = 0.5 * (self.df + 1)
        total = np.log(self.scale) + 0.5 * np.log(math.pi * self.df) + sp.gammaln(0.5 * self.df)
        density: Tensor = sp.gammaln(half) - total - half * np.log1p(y * y / self.df)
        return density

    def entropy(self) -> Tensor:
        sp, half = special(), 0.5 * self.df
        slope = sp.digamma(half + 0.5) - sp.digamma(half)
        entropy: Tensor = (
            np.log(self.scale) + (half + 0.5) * slope + 0.5 * np.log(self.df) + sp.betaln(half, np.full_like(half, 0.5))
        )
        return entropy
