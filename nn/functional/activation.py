"""Elementwise nonlinearities, and softmax."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from autodiff import Tensor, kernels
from nn.functional.inplace import written


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0)."""
    return written(input, kernels.relu(input), inplace)


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    output: Tensor = input.tanh()
    return output


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x times the normal distribution function at x; with `approximate="tanh"` by its approximation."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh'; got {approximate!r}")
    output: Tensor = kernels.gelu(input) if approximate == "none" else kernels.gelu_tanh(input)
    return output


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x sigmoid(x)."""
    return written(input, kernels.silu(input), inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold."""
    output: Tensor = kernels.softplus(input, beta=beta, threshold=threshold)
    return output


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)), finite where sigmoid underflows."""
    output: Tensor = kernels.logsigmoid(input)
    return output


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else negative_slope x."""
    return written(input, kernels.leaky_relu(input, negative_slope=negative_slope), inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha (exp(x) - 1)."""
    return written(input, kernels.elu(input, alpha=alpha), inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x, but min_val below and max_val above."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return written(input, kernels.hardtanh(input, min_val=min_val, max_val=max_val), inplace)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`; the last axis unless given."""
    output: Tensor = ad.softmax(_cast(input, dtype), _axis(input, dim, "softmax"))
    return output


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of softmax along `dim`, finite where softmax underflows."""
    output: Tensor = ad.log_softmax(_cast(input, dtype), _axis(input, dim, "log_softmax"))
    return output


def _cast(input: Tensor, dtype: Any) -> Tensor:
    return input if dtype is None else input.astype(dtype)


def _axis(input: Tensor, dim: int | None, name: str) -> int:
    axis = -1 if dim is None else dim
    if not -max(input.ndim, 1) <= axis < max(input.ndim, 1):
        raise IndexError(f"{name}: dim {dim} is out of range for shape {input.shape}")
    return axis
