"""Softmax and its relatives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor, random
from autodiff.random import Generator
from nn import _checks
from nn.functional.activation import place

TINY = np.finfo(np.float64).tiny


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`.

    Without `dim` it is axis 0 of one or three axes, else axis 1, and a warning, as in PyTorch: give it.
    """
    output: Tensor = ad.softmax(_cast(input, dtype, "softmax"), _axis(input, dim, "softmax", _stacklevel))
    return output


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of softmax along `dim`, finite where softmax underflows."""
    output: Tensor = ad.log_softmax(_cast(input, dtype, "log_softmax"), _axis(input, dim, "log_softmax", _stacklevel))
    return output


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the softmax of -x along `dim`."""
    output: Tensor = ad.softmax(-_cast(input, dtype, "softmin"), _axis(input, dim, "softmin", _stacklevel))
    return output


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Draw from a categorical distribution such that the logits have a gradient (Jang et al.; Maddison et al., 2017).

    The softmax along `dim` of (logits + Gumbel noise) / tau; with `hard` the value is one-hot, the gradient that of the
    softmax. `eps` does nothing, as in PyTorch.

    >>> sample = gumbel_softmax(ad.zeros(2, 3), hard=True)
    >>> sample.sum(1).tolist()
    [1.0, 1.0]
    """
    axis = place(logits, dim, "gumbel_softmax")
    uniform = random.uniform(size=logits.shape, dtype=np.float64, generator=generator)
    noise = -np.log(-np.log(np.maximum(uniform, TINY)))
    soft: Tensor = ad.softmax((logits + noise.astype(logits.dtype)) / tau, axis)
    if not hard:
        return soft
    numbers = np.arange(soft.shape[axis]).reshape(-1, *[1] * (soft.ndim - 1 - axis)) if soft.ndim else np.array(0)
    one = (np.argmax(soft.detach(), axis, keepdims=True) == numbers).astype(soft.dtype)
    output: Tensor = one - soft.detach() + soft
    return output


def _cast(input: Tensor, dtype: Any, name: str) -> Tensor:
    if dtype is None:
        _checks.floating(name, input)
        return input
    cast: Tensor = input.astype(dtype)
    return cast


def _axis(input: Tensor, dim: int | None, name: str, stacklevel: int) -> int:
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(f"{name} without dim takes axis {dim}; say dim={dim}, or another", stacklevel=stacklevel)
    return place(input, dim, name)
