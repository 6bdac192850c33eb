"""Distributions of whole numbers, given by probabilities or by logits."""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

import math
from typing import Any, Self

import numpy

from autodiff import Tensor, as_tensor, kernels, random
from autodiff.kernels.crossentropy import bce_with_logits
from autodiff.random import Generator
from nn.distributions import constraints
from nn.distributions.distribution import Distribution, Shape, special

np: Any = numpy


def _one_of(name: str, probs: Any, logits: Any) -> dict[str, Any]:
    """Return the parameter that was given, by its name."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: pass either probs or logits, and not both")
    return {"probs": probs} if logits is None else {"logits": logits}


def _inside(p: Any) -> Any:
    """Keep probabilities off 0 and 1, so that their logits are finite."""
    eps = float(numpy.finfo(p.dtype).eps)
    return np.clip(p, eps, 1 - eps)


class _Binary(Distribution):
    """What has a probability of success; `probs` and `logits` are made of one another where they were not given."""

    @property
    def _odds(self) -> tuple[Any, Any]:
        """Return the probability and the logit."""
        if "logits" in self._params:
            logits = self._params["logits"]
            return kernels.sigmoid(logits), logits
        probs = self._params["probs"]
        safe = _inside(probs)
        return probs, np.log(safe) - np.log1p(-safe)

    def __getattr__(self, name: str) -> Any:
        if name in ("probs", "logits") and "_params" in vars(self):
            return self._odds[name == "logits"]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def param_shape(self) -> Shape:
        """The shape of the parameter."""
        return self.batch_shape


class Bernoulli(_Binary):
    """1 with probability `probs`, else 0; or by `logits`, the log-odds.

    >>> Bernoulli(0.25).variance.item()
    0.1875
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(_one_of("Bernoulli", probs, logits), (), validate_args)

    @property
    def mean(self) -> Tensor:
        mean: Tensor = self.probs
        return mean

    @property
    def mode(self) -> Tensor:
        p = self.probs.data
        return as_tensor(np.where(p == 0.5, math.nan, p >= 0.5).astype(self._dtype))

    @property
    def variance(self) -> Tensor:
        p: Any = self.probs
        return p * (1 - p)

    def sample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        return random.bernoulli(self.probs.detach(), self._shape(sample_shape), dtype=self._dtype, generator=generator)

    def log_prob(self, value: Any) -> Tensor:
        x = np.broadcast_arrays(self._value(value), self.logits)
        density: Tensor = -bce_with_logits(x[1], x[0])
        return density

    def entropy(self) -> Tensor:
        probs, logits = self._odds
        entropy: Tensor = bce_with_logits(logits, probs)
        return entropy

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _enumerated(2, self, expand)


class Binomial(_Binary):
    """How many of `total_count` draws succeed, each with probability `probs`.

    >>> Binomial(10, 0.5).mean.item()
    5.0
    """

    arg_constraints = {  # noqa: RUF012
        "total_count": constraints.count,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    total_count: Tensor

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(_one_of("Binomial", probs, logits) | {"total_count": total_count}, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integers(0, self.total_count.data)

    @property
    def mean(self) -> Tensor:
        mean: Tensor = self.total_count * self.probs
        return mean

    @property
    def mode(self) -> Tensor:
        return np.minimum(np.floor((self.total_count + 1) * self.probs), self.total_count)

    @property
    def variance(self) -> Tensor:
        p: Any = self.probs
        return self.total_count * p * (1 - p)

    def sample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        rng = (generator or random.default_generator()).rng
        n = self.total_count.data.astype(numpy.int64)
        return as_tensor(np.asarray(rng.binomial(n, self.probs.data, self._shape(sample_shape)), self._dtype))

    def log_prob(self, value: Any) -> Tensor:
        gammaln = special().gammaln
        x, n, logits = self._value(value), self.total_count, self.logits
        ways = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
        density: Tensor = ways + x * logits - n * (np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits))))
        return density

    def entropy(self) -> Tensor:
        density: Any = self.log_prob(self.enumerate_support(False))
        return -(np.exp(density) * density).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        counts = self.total_count.data
        if counts.size and (counts != counts.flat[0]).any():
            raise NotImplementedError("Binomial: total_count differs from element to element, so supports do, too")
        return _enumerated(int(counts.flat[0]) + 1 if counts.size else 1, self, expand)


class Categorical(Distribution):
    """One of k classes, by probabilities along the last axis (divided by their sum) or by logits.

    >>> Categorical(np.array([1.0, 3.0])).log_prob(1).exp().item()
    0.75
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    has_enumerate_support = True
    probs: Tensor
    logits: Tensor

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given = _one_of("Categorical", probs, logits)
        ((name, value),) = given.items()
        value = as_tensor(value)
        if value.ndim < 1:
            raise ValueError(f"Categorical: {name} needs an axis of classes; got a scalar")
        normal: Any
        if name == "probs":
            if validate_args is not False and not (value.data >= 0).all():
                raise ValueError("Categorical: probs must not be negative")
            normal = value / value.sum(-1, keepdims=True)
        else:
            normal = kernels.log_softmax(value, axis=-1)
        super().__init__({name: normal}, (), validate_args)
        self._events = normal.shape[-1]
        if name == "probs":
            self.logits = np.log(_inside(self.probs))
        else:
            self.probs = np.exp(self.logits)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integers(0, self._events - 1)

    @property
    def param_shape(self) -> Shape:
        """The shape of the parameter, classes included."""
        return (*self.batch_shape, self._events)

    @property
    def mean(self) -> Tensor:
        return self._full(math.nan)

    @property
    def mode(self) -> Tensor:
        return np.argmax(self.probs.detach(), axis=-1)

    @property
    def variance(self) -> Tensor:
        return self._full(math.nan)

    def sample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        shape = self._shape(sample_shape)
        bounds = np.cumsum(self.probs.data.astype(numpy.float64), -1)
        u = random.uniform(size=shape, dtype=numpy.float64, generator=generator).data * bounds[..., -1]
        return as_tensor(np.minimum((u[..., None] >= bounds).sum(-1), self._events - 1))

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        shape = numpy.broadcast_shapes(x.shape, self.batch_shape)
        index = np.broadcast_to(x.data.astype(numpy.int64), shape)[..., None]
        logits = np.broadcast_to(self.logits, (*shape, self._events))
        return np.take_along_axis(logits, index, -1)[..., 0]

    def entropy(self) -> Tensor:
        least = float(numpy.finfo(self._dtype).min)
        return -(self.probs * np.maximum(self.logits, least)).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _enumerated(self._events, self, expand).astype(numpy.int64)

    def expand(self, batch_shape: Any) -> Self:
        ((name, value),) = self._params.items()
        return type(self)(**{name: np.broadcast_to(value, (*batch_shape, self._events))}, validate_args=False)


def _enumerated(count: int, given: Distribution, expand: bool) -> Tensor:
    values = np.arange(count, dtype=given._dtype).reshape(count, *[1] * len(given.batch_shape))
    return as_tensor(np.array(np.broadcast_to(values, (count, *given.batch_shape))) if expand else values)
