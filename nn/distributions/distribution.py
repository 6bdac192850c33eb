"""What all distributions share: parameters that broadcast and are checked, shapes, sampling."""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy

from autodiff import Tensor, as_tensor, no_grad, random
from autodiff.random import Generator
from nn.distributions.constraints import Constraint

np: Any = numpy
Shape = tuple[int, ...]


def special() -> Any:
    """Return scipy.special, which is loaded when it is first needed."""
    from scipy import special as functions

    return functions


class Distribution:
    """Random values of shape `batch_shape + event_shape`, one distribution for each element of the batch.

    Parameters broadcast to the batch. `sample` draws; `rsample`, where `has_rsample`, draws so that the gradient
    reaches the parameters. `validate_args=False` skips the checks of parameters and values.
    """

    arg_constraints: ClassVar[Mapping[str, Constraint]] = {}
    has_rsample: ClassVar[bool] = False
    has_enumerate_support: ClassVar[bool] = False

    def __init__(self, params: Mapping[str, Any], event_shape: Shape = (), validate_args: bool | None = None) -> None:
        """Take parameters by name, broadcast them against one another, and check them."""
        self._validate = validate_args is not False
        given = {name: as_tensor(value) for name, value in params.items()}
        floats = [t.dtype for t in given.values() if t.dtype.kind == "f"]
        dtype = np.result_type(*floats) if floats else np.dtype(np.float32)
        dims = {name: self.arg_constraints[name].event_dims for name in given}
        batches = [t.shape[: t.ndim - dims[name]] for name, t in given.items()]
        try:
            self.batch_shape: Shape = np.broadcast_shapes(*batches)
        except ValueError:
            shapes = ", ".join(f"{name} {t.shape}" for name, t in given.items())
            raise ValueError(f"{type(self).__name__}: the parameters do not broadcast: {shapes}") from None
        self.event_shape = event_shape
        self._params: dict[str, Tensor] = {}
        for name, t in given.items():
            cast = t.astype(dtype) if t.dtype.kind in "biu" else t
            if self._validate:
                self._check(f"parameter {name}", cast, self.arg_constraints[name])
            shape = self.batch_shape + t.shape[t.ndim - dims[name] :]
            self._params[name] = cast if cast.shape == shape else np.broadcast_to(cast, shape)
            if not hasattr(type(self), name):  # else it is made of whichever parameter was given
                setattr(self, name, self._params[name])

    def _check(self, what: str, x: Tensor, constraint: Constraint) -> None:
        valid = np.asarray(constraint.check(x.data))
        if not valid.all():
            first = x.data[~np.broadcast_to(valid, x.shape[: x.ndim - constraint.event_dims])][:1]
            raise ValueError(
                f"{type(self).__name__}: {what} of shape {x.shape} must be {constraint}; got {first.squeeze()}. "
                "validate_args=False skips this check."
            )

    @property
    def support(self) -> Constraint:
        """Where its values lie."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self).__name__} has no mode in closed form")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return np.sqrt(self.variance)

    def expand(self, batch_shape: Any) -> Self:
        """Return the distribution with its parameters broadcast to a larger batch."""
        shape = tuple(batch_shape)
        dims = len(self.batch_shape)
        params = {n: np.broadcast_to(t, shape + t.shape[dims:]) for n, t in self._params.items()}
        return type(self)(**params, validate_args=False)

    def sample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        """Draw values of shape `sample_shape + batch_shape + event_shape`, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape, generator=generator)

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        """Draw values whose gradient reaches the parameters (the reparameterization trick)."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be reparameterized: its values are discrete. Use sample(), and log_prob "
            "for a score-function gradient."
        )

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density, or the probability, at a value."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of values up to this one."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf in closed form")

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile: the value whose cdf this is."""
        raise NotImplementedError(f"{type(self).__name__} has no icdf in closed form")

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """Return exp(entropy)."""
        return np.exp(self.entropy())

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values of a finite discrete distribution, along a first axis."""
        raise NotImplementedError(f"{type(self).__name__} has no finite support")

    def __repr__(self) -> str:
        shown = [f"{n}: {t.item():g}" if t.size == 1 else f"{n}: {t.shape}" for n, t in self._params.items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    # --- what subclasses use ---

    @property
    def _dtype(self) -> Any:
        return next(iter(self._params.values())).dtype

    def _shape(self, sample_shape: Any) -> Shape:
        """Return the shape of a draw."""
        given = (sample_shape,) if isinstance(sample_shape, (int, np.integer)) else tuple(sample_shape)
        return (*given, *self.batch_shape, *self.event_shape)

    def _value(self, value: Any) -> Any:
        """Return a value as a tensor in the parameters' dtype, checked against the support."""
        x = as_tensor(value)
        x = x if x.dtype == self._dtype else x.astype(self._dtype)
        if self._validate:
            self._check("the value", x, self.support)
        return x

    def _uniform(self, sample_shape: Any, generator: Generator | None) -> Tensor:
        """Draw float64 uniformly from (0, 1), the ends left out."""
        u = random.uniform(0.0, 1.0, self._shape(sample_shape), dtype=np.float64, generator=generator)
        return np.clip(u, np.finfo(np.float64).tiny, 1 - 2.0**-53)

    def _full(self, value: float) -> Tensor:
        """Return one number for each element of the batch."""
        return as_tensor(np.full(self.batch_shape, value, self._dtype))


LOG_2PI = math.log(2 * math.pi)
