"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodiff import Tensor, no_grad


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of all parameters as one vector, with their history.

    >>> from nn import Linear
    >>> parameters_to_vector(Linear(2, 3).parameters()).shape
    (9,)
    """
    joined: Tensor = np.concatenate([p.reshape(-1) for p in parameters])  # type: ignore[assignment]
    return joined


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector into the parameters, one after the other."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, but got: {type(vec).__name__}")
    listed = list(parameters)
    total = sum(p.size for p in listed)
    if vec.shape != (total,):
        raise ValueError(f"vector_to_parameters: the parameters have {total} elements, the vector of shape {vec.shape}")
    start = 0
    with no_grad():
        for p in listed:
            p[...] = vec[start : start + p.size].reshape(p.shape)
            start += p.size
