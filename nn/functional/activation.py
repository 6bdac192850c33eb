"""Elementwise nonlinearities, and those that join two halves or groups of an axis."""

from __future__ import annotations

import numpy as np

from autodiff import Tensor, kernels, random, where
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import _checks
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
    _checks.floating("gelu", input)
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh'; got {approximate!r}")
    output: Tensor = kernels.gelu(input) if approximate == "none" else kernels.gelu_tanh(input)
    return output


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x sigmoid(x)."""
    _checks.floating("silu", input)
    return written(input, kernels.silu(input), inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold."""
    _checks.floating("softplus", input)
    output: Tensor = kernels.softplus(input, beta=beta, threshold=threshold)
    return output


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)), finite where sigmoid underflows."""
    _checks.floating("logsigmoid", input)
    output: Tensor = kernels.logsigmoid(input)
    return output


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else negative_slope x."""
    _checks.floating("leaky_relu", input)
    return written(input, kernels.leaky_relu(input, negative_slope=negative_slope), inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha (exp(x) - 1)."""
    _checks.floating("elu", input)
    return written(input, kernels.elu(input, alpha=alpha), inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x, but min_val below and max_val above."""
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return written(input, kernels.hardtanh(input, min_val=min_val, max_val=max_val), inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x, but 0 below 0 and 6 above 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where it is above the threshold, else a value."""
    return written(input, where(input <= threshold, value, input), inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha (exp(x / alpha) - 1): its derivative has no step (Barron, 2017)."""
    _checks.floating("celu", input)
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be 0")
    positive = input > 0
    negative = alpha * np.expm1(where(positive, 0, input) / alpha)
    return written(input, where(positive, input, negative), inplace)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return 1.0507 elu(x, 1.6733): of normal values the mean stays 0, the variance 1 (Klambauer et al., 2017)."""
    _checks.floating("selu", input)
    return written(input, SELU_SCALE * kernels.elu(input, alpha=SELU_ALPHA), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(softplus(x))."""
    _checks.floating("mish", input)
    return written(input, input * np.tanh(kernels.softplus(input)), inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return (x + 3) / 6, but 0 below -3 and 1 above 3."""
    _checks.floating("hardsigmoid", input)
    return written(input, kernels.hardtanh(input + 3, min_val=0.0, max_val=6.0) / 6, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x hardsigmoid(x) (Howard et al., 2019)."""
    _checks.floating("hardswish", input)
    x = kernels.hardtanh(input, min_val=-3.0, max_val=3.0)
    return written(input, where(input >= 3, input, x * (x + 3) / 6), inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x, but 0 from -lambd to lambd."""
    _checks.floating("hardshrink", input)
    output: Tensor = where((input >= -lambd) & (input <= lambd), 0, input)
    return output


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x nearer to 0 by lambd, and 0 from -lambd to lambd."""
    _checks.floating("softshrink", input)
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd must be at least 0, got {lambd}")
    output: Tensor = input - np.clip(input, -lambd, lambd)
    return output


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    output: Tensor = input / (1 + np.abs(input))
    return output


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    output: Tensor = input - np.tanh(input)
    return output


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where it is positive, else weight x: one weight, or one for each channel (axis 1)."""
    if weight.ndim > 1:
        raise ArgumentError(f"prelu: the weight must be one number or one for each channel, got shape {weight.shape}")
    if weight.size != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.size != channels:
            raise ArgumentError(
                f"prelu: an input of shape {input.shape} has {channels} channels (axis 1), the weight "
                f"{weight.size} parameters; make them equal, or use one parameter"
            )
    _checks.same_dtype("prelu", input, weight)
    slopes = weight.reshape(() if weight.size == 1 else (-1, *[1] * (input.ndim - 2)))
    output: Tensor = where(input > 0, input, slopes * input)
    return output


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Return x where it is positive, else x times a slope: drawn from [lower, upper), or their mean if not `training`.

    Xu et al., 2015, "Empirical evaluation of rectified activations in convolutional network".
    """
    if lower > upper:
        raise ArgumentError(f"rrelu: lower {lower} is above upper {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = random.uniform(lower, upper, input.shape, dtype=input.dtype, generator=generator)
    return written(input, where(input <= 0, slopes * input, input), inplace)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a sigmoid(b), a and b the halves of x along an axis (Dauphin et al., 2017).

    >>> import autodiff as ad
    >>> glu(ad.tensor([3.0, 4.0, 0.0, 0.0])).tolist()
    [1.5, 2.0]
    """
    if input.ndim == 0:
        raise ArgumentError("glu does not support 0-dimensional tensors; give it an axis to halve")
    if input.shape[place(input, dim, "glu")] % 2:
        raise ArgumentError(f"glu: dim {dim} of shape {input.shape} must be even, to be halved")
    a, b = np.split(input, 2, dim)
    output: Tensor = a * kernels.sigmoid(b)
    return output


def maxout(input: Tensor, pieces: int, dim: int = 1) -> Tensor:
    """Return the largest of each group of `pieces` neighbours along an axis (Goodfellow et al., 2013).

    >>> import autodiff as ad
    >>> maxout(ad.tensor([[1.0, 4.0, 3.0, 2.0]]), 2).tolist()
    [[4.0, 3.0]]
    """
    axis = place(input, dim, "maxout")
    if pieces < 1 or input.shape[axis] % pieces:
        raise ArgumentError(f"maxout: dim {dim} of shape {input.shape} does not divide into groups of {pieces}")
    groups = (input.shape[axis] // pieces, pieces)
    output: Tensor = np.reshape(input, input.shape[:axis] + groups + input.shape[axis + 1 :]).max(axis + 1)
    return output


def place(input: Tensor, dim: int, name: str) -> int:
    """Return an axis counted from the front; a number without axes has one."""
    ndim = max(input.ndim, 1)
    if not -ndim <= dim < ndim:
        raise IndexError(f"{name}: dim {dim} is out of range for shape {input.shape}; use {-ndim} to {ndim - 1}")
    return dim % ndim


# --- the same, written into the input --------------------------------------------------------------------------------


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return relu(input, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    return selu(input, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    output = where(input <= threshold, value, input)
    return written(input, output, True)


def rrelu_(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, inplace=True, generator=generator)
