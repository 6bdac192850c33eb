"""Distances, similarities and unit vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn import _checks
from nn.functional.activation import place


def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """Divide by the p-norm along an axis, or by eps where the norm is less.

    >>> import autodiff as ad
    >>> normalize(ad.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    _floating("normalize", input)
    for number in dim if isinstance(dim, tuple) else (dim,):
        place(input, number, "normalize")
    axis: Any = dim if input.ndim else None
    output: Tensor = input / np.maximum(np.linalg.vector_norm(input, axis=axis, keepdims=True, ord=p), eps)
    if out is not None:
        out[...] = output
        return out
    return output


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between x1 and x2 along an axis; a norm less than eps counts as eps.

    >>> import autodiff as ad
    >>> cosine_similarity(ad.tensor([[1.0, 0.0], [1.0, 1.0]]), ad.tensor([[0.0, 2.0]])).tolist()
    [0.0, 0.7071067690849304]
    """
    _floating("cosine_similarity", x1, x2)
    shape = _checks.broadcast("cosine_similarity", x1, x2)
    x1, x2 = (x if x.shape == shape else _wide(x, shape) for x in (x1, x2))
    if not shape:
        x1, x2 = x1.reshape(1), x2.reshape(1)
    output: Tensor = (normalize(x1, 2.0, dim, eps) * normalize(x2, 2.0, dim, eps)).sum(dim)
    return output


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the p-norm of x1 - x2 + eps over the last axis.

    >>> import autodiff as ad
    >>> pairwise_distance(ad.tensor([[3.0, 4.0]]), ad.zeros(1, 2), eps=0.0).tolist()
    [5.0]
    """
    if not _checks.broadcast("pairwise_distance", x1, x2):
        x1 = x1.reshape(1)
    output: Any = np.linalg.vector_norm(x1 - x2 + eps, axis=-1, keepdims=keepdim, ord=p)
    return output  # type: ignore[no-any-return]


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the p-norms between all pairs of the rows of (n, m): (n (n - 1) / 2,), row by row of the upper triangle.

    >>> import autodiff as ad
    >>> pdist(ad.tensor([[0.0], [1.0], [3.0]])).tolist()
    [1.0, 3.0, 2.0]
    """
    _floating("pdist", input)
    if input.ndim != 2:
        raise ArgumentError(f"pdist: expected (rows, features), got shape {input.shape}")
    if p < 0:
        raise ArgumentError(f"pdist: p must be at least 0, got {p}")
    rows, others = np.triu_indices(len(input), 1)
    output: Any = np.linalg.vector_norm(input[rows] - input[others], axis=-1, ord=p)
    return output  # type: ignore[no-any-return]


def _floating(name: str, *inputs: Tensor) -> None:
    for x in inputs:
        if x.dtype.kind not in "fc":
            raise ArgumentError(f"{name}: expected floating-point numbers, got {x.dtype}; cast with .astype(float)")


def _wide(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    output: Any = np.broadcast_to(x, shape)
    return output  # type: ignore[no-any-return]
