"""The normal distribution of vectors."""

# mypy: disable-error-code="no-any-return"
# (what NumPy's functions return of Tensors, their annotations do not say)

from __future__ import annotations

from typing import Any, Self

import numpy

from autodiff import Tensor, as_tensor, random
from autodiff.random import Generator
from nn.distributions import constraints
from nn.distributions.distribution import LOG_2PI, Distribution, Shape

np: Any = numpy


def solve(factor: Any, right: Any) -> Any:
    """Return inv(factor) @ right for a lower triangular factor; SciPy is loaded when it is first needed."""
    from autodiff import linalg

    return linalg.solve_triangular(factor, right, lower=True)


class MultivariateNormal(Distribution):
    """Vectors with mean `loc` and one of: a covariance, its inverse, or its Cholesky factor (the cheapest).

    >>> MultivariateNormal(np.zeros(2), np.eye(2)).event_shape
    (2,)
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril
        }  # fmt: skip
        given = {name: as_tensor(m) for name, m in matrices.items() if m is not None}
        if len(given) != 1:
            raise ValueError(
                f"MultivariateNormal: pass exactly one of {', '.join(matrices)}; got {', '.join(given) or 'none'}"
            )
        loc, ((name, matrix),) = as_tensor(loc), given.items()
        size = matrix.shape[-1] if matrix.ndim else 0
        if loc.ndim < 1 or matrix.ndim < 2 or matrix.shape[-2:] != (size, size) or loc.shape[-1] not in (1, size):
            raise ValueError(
                f"MultivariateNormal: loc needs shape (..., n) and {name} (..., n, n); got {loc.shape}, {matrix.shape}"
            )
        if loc.shape[-1] != size:
            loc = np.broadcast_to(loc, (*loc.shape[:-1], size))
        super().__init__({"loc": loc, name: matrix}, (size,), validate_args)
        self._factor = self._made(name, self._params[name])

    @staticmethod
    def _made(name: str, matrix: Any) -> Any:
        """Return the Cholesky factor of the covariance."""
        if name == "scale_tril":
            return matrix
        if name == "covariance_matrix":
            return np.linalg.cholesky(matrix)
        # of P = inv(L L'), flipped: chol(flip(P)) flipped is inv(L)'
        flipped = np.linalg.cholesky(np.flip(matrix, (-2, -1)))
        return solve(
            np.swapaxes(np.flip(flipped, (-2, -1)), -2, -1),
            np.broadcast_to(np.eye(matrix.shape[-1]), matrix.shape),
        )

    @property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._factor

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self._factor @ np.swapaxes(self._factor, -2, -1)

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return np.linalg.inv(self.covariance_matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return np.sum(self._factor * self._factor, -1)

    def rsample(self, sample_shape: Any = (), *, generator: Generator | None = None) -> Tensor:
        noise = random.normal(size=self._shape(sample_shape), dtype=self._dtype, generator=generator)
        return self.loc + (self._factor @ noise[..., None])[..., 0]

    def log_prob(self, value: Any) -> Tensor:
        size = self.event_shape[0]
        return -0.5 * (size * LOG_2PI + self._distance(self._value(value) - self.loc)) - self._half_log_det

    def _distance(self, difference: Any) -> Any:
        """Return the squared Mahalanobis length of vectors."""
        shape = (*difference.shape, difference.shape[-1])
        z = solve(np.broadcast_to(self._factor, shape), difference[..., None])[..., 0]
        return (z * z).sum(-1)

    @property
    def _half_log_det(self) -> Any:
        return np.log(np.diagonal(self._factor, axis1=-2, axis2=-1)).sum(-1)

    def entropy(self) -> Tensor:
        entropy: Tensor = 0.5 * self.event_shape[0] * (1 + LOG_2PI) + self._half_log_det
        return entropy

    def expand(self, batch_shape: Any) -> Self:
        shape: Shape = tuple(batch_shape)
        loc = np.broadcast_to(self.loc, shape + self.event_shape)
        factor = np.broadcast_to(self._factor, shape + self.event_shape * 2)
        return type(self)(loc, scale_tril=factor, validate_args=False)
