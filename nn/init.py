"""Initial values of weights, written in place: the distributions of torch.nn.init under their names.

`generator` makes the draw reproducible; without one the default generator of `ad.random` is used.
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any, TypeVar

import numpy as np

from autodiff import Tensor, no_grad, random
from autodiff.random import Generator

T = TypeVar("T", bound=Tensor)

_GAINS = {
    "linear": 1.0,
    **dict.fromkeys(["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"], 1.0),
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def _fill(tensor: T, values: Any) -> T:
    with no_grad():
        tensor[...] = values
    return tensor


def constant_(tensor: T, val: float) -> T:
    """Fill with one value."""
    return _fill(tensor, val)


def zeros_(tensor: T) -> T:
    """Fill with 0."""
    return _fill(tensor, 0.0)


def ones_(tensor: T) -> T:
    """Fill with 1."""
    return _fill(tensor, 1.0)


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Draw from the uniform distribution on [a, b)."""
    return _fill(tensor, random.uniform(a, b, tensor.shape, dtype=tensor.dtype, generator=generator))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> T:
    """Draw from the normal distribution."""
    return _fill(tensor, random.normal(mean, std, tensor.shape, dtype=tensor.dtype, generator=generator))


def trunc_normal_(
    tensor: T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> T:
    """Draw from the normal distribution cut off outside [a, b], which are values and not multiples of std."""
    from scipy.special import ndtr, ndtri

    if not a <= b:
        raise ValueError(f"trunc_normal_ draws from [a, b] with a <= b, got a={a}, b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"trunc_normal_: the mean {mean} is more than 2 std from [a, b] = [{a}, {b}]; few normal draws fall there",
            stacklevel=2,
        )
    low, high = (a - mean) / std, (b - mean) / std
    side = -1.0 if low > 0 else 1.0  # the lower tail has the precision that the upper one lacks
    first, last = sorted((ndtr(side * low), ndtr(side * high)))
    draws = random.uniform(first, last, tensor.shape, dtype=np.float64, generator=generator).data
    return _fill(tensor, np.clip(mean + std * side * ndtri(draws), a, b))


def _demand_axes(tensor: Tensor, name: str, least: int, most: float, said: str) -> None:
    if not least <= tensor.ndim <= most:
        raise ValueError(f"{name}: only tensors with {said} dimensions are supported, got shape {tensor.shape}")


def eye_(tensor: T) -> T:
    """Fill a matrix with the identity: a Linear that keeps as many of its inputs as it has outputs."""
    _demand_axes(tensor, "eye_", 2, 2, "2")
    rows, columns = tensor.shape
    return _fill(tensor, np.eye(rows, columns))


def dirac_(tensor: T, groups: int = 1) -> T:
    """Fill with windows whose middle is 1: a convolution that keeps as many of its channels as fit, in each group."""
    _demand_axes(tensor, "dirac_", 3, 5, "3, 4, or 5")
    outputs, inputs, *window = tensor.shape
    if outputs % groups:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {outputs} and {groups}")
    values = np.zeros(tensor.shape)
    middle = tuple(n // 2 for n in window)
    for group, channel in itertools.product(range(groups), range(min(outputs // groups, inputs))):
        values[(group * (outputs // groups) + channel, channel, *middle)] = 1
    return _fill(tensor, values)


def orthogonal_(tensor: T, gain: float = 1, generator: Generator | None = None) -> T:
    """Draw a matrix of orthonormal rows or columns, times a gain (Saxe et al., 2013); further axes are joined."""
    _demand_axes(tensor, "orthogonal_", 2, math.inf, "2 or more")
    if not tensor.size:
        return tensor
    rows, columns = tensor.shape[0], tensor.size // tensor.shape[0]
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(random.normal(size=tall, dtype=np.float64, generator=generator).data)
    q *= np.sign(np.diag(r))  # of all orthogonal matrices none is then likelier than another
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Draw a matrix from the normal distribution; a part of each column, `sparsity`, is 0 (Martens, 2010)."""
    _demand_axes(tensor, "sparse_", 2, 2, "2")
    rows, columns = tensor.shape
    values = random.normal(0.0, std, tensor.shape, dtype=np.float64, generator=generator).data
    for column in range(columns):
        values[random.permutation(rows, generator=generator).data[: math.ceil(sparsity * rows)], column] = 0
    return _fill(tensor, values)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps the variance through a nonlinearity; `param` is leaky_relu's slope, 0.01 if None."""
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope!r} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join([*_GAINS, "leaky_relu"])
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; expected one of {known}")
    return _GAINS[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs an output of the layer has, and how many outputs an input has."""
    if tensor.ndim < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {tensor.shape}"
        )
    outputs, inputs, *window = tensor.shape
    return inputs * math.prod(window), outputs * math.prod(window)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2 / sum(_fans(tensor)))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ("fan_in", "fan_out")
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[modes.index(mode)])


def _uniform_with_std(tensor: T, std: float, generator: Generator | None) -> T:
    bound = math.sqrt(3) * std
    return uniform_(tensor, -bound, bound, generator)


def _empty(tensor: Tensor) -> bool:
    """Say whether there is nothing to fill, and warn if so."""
    if tensor.size:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Draw uniformly with variance 2 gain² / (fan_in + fan_out) (Glorot & Bengio, 2010)."""
    return _uniform_with_std(tensor, _xavier_std(tensor, gain), generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Draw normally with variance 2 gain² / (fan_in + fan_out) (Glorot & Bengio, 2010)."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Draw uniformly with variance gain² / fan (He et al., 2015); `a` is the slope of leaky_relu."""
    return (
        tensor if _empty(tensor) else _uniform_with_std(tensor, _kaiming_std(tensor, a, mode, nonlinearity), generator)
    )


def kaiming_normal_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Draw normally with variance gain² / fan (He et al., 2015); `a` is the slope of leaky_relu."""
    return tensor if _empty(tensor) else normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def lecun_uniform_(tensor: T, generator: Generator | None = None) -> T:
    """Draw uniformly with variance 1 / fan_in (LeCun et al., 1998)."""
    return _uniform_with_std(tensor, _lecun_std(tensor), generator)


def lecun_normal_(tensor: T, generator: Generator | None = None) -> T:
    """Draw normally with variance 1 / fan_in (LeCun et al., 1998), as networks of SELU want it."""
    return normal_(tensor, 0.0, _lecun_std(tensor), generator)


def _lecun_std(tensor: Tensor) -> float:
    return 1 / math.sqrt(max(_fans(tensor)[0], 1))
