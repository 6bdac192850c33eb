"""Dropping values, or whole channels, at random."""

from __future__ import annotations

import math
import warnings

from autodiff import Tensor, random
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import _checks
from nn.functional.activation import SELU_ALPHA, SELU_SCALE
from nn.functional.inplace import written


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p); the identity unless `training`."""
    return _dropped(input, p, training, inplace, input.shape, generator)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Zero whole channels of (n, c, length), or of one sequence (c, length), with probability p."""
    _checks.probability("dropout probability", p)
    if input.ndim not in (2, 3):
        raise ArgumentError(f"dropout1d: expected (c, length) or (n, c, length), got shape {input.shape}")
    return _dropped(input, p, training, inplace, _channels(input, 3), generator)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Zero whole channels of (n, c, height, width) with probability p.

    Three axes are (n, c, length) and not one image, with a warning, as in PyTorch: use `dropout1d` for sequences, and
    give one image a batch axis.
    """
    _checks.probability("dropout probability", p)
    if input.ndim != 4:
        warnings.warn(f"dropout2d takes shape {input.shape} as (n, c, ...); expected (n, c, h, w)", stacklevel=2)
    return _dropped(input, p, training, inplace, _channels(input, 0), generator)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Zero whole channels of (n, c, depth, height, width), or of one volume, with probability p."""
    _checks.probability("dropout probability", p)
    if input.ndim not in (4, 5):
        warnings.warn(f"dropout3d takes shape {input.shape} as (c, ...); expected (n, c, d, h, w)", stacklevel=2)
    return _dropped(input, p, training, inplace, _channels(input, 5), generator)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set each element with probability p to the value that selu tends to at -inf, and keep mean 0 and variance 1.

    Klambauer et al., 2017, "Self-normalizing neural networks".
    """
    return _dropped(input, p, training, inplace, input.shape, generator, LOWEST)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """`alpha_dropout` of whole channels of (n, c, ...)."""
    return _dropped(input, p, training, inplace, _channels(input, 0), generator, LOWEST)


LOWEST = -SELU_ALPHA * SELU_SCALE


def _channels(input: Tensor, ndim: int) -> tuple[int, ...]:
    """Return the shape of a mask with one element a channel; `ndim` axes have a batch axis, 0: any number has."""
    batched = not ndim or input.ndim == ndim
    if input.ndim < 1 + batched:
        raise ArgumentError(f"dropout of channels needs the axes (n, c, ...), got shape {input.shape}")
    lead = input.shape[: 1 + batched]
    return lead + (1,) * (input.ndim - len(lead))


def _dropped(
    input: Tensor,
    p: float,
    training: bool,
    inplace: bool,
    shape: tuple[int, ...],
    generator: Generator | None,
    lowest: float = 0.0,
) -> Tensor:
    """Replace what a mask of a shape drops, and keep the mean and, of values of mean 0 and variance 1, the variance."""
    _checks.probability("dropout probability", p)
    if not training or p == 0:
        return input
    _checks.floating("dropout", input)
    mask = random.bernoulli(1 - p, shape, dtype=input.dtype, generator=generator)
    if p == 1:
        return written(input, input * (mask * 0.0), inplace)
    if not lowest:
        return written(input, input * (mask * (1 / (1 - p))), inplace)
    scale = 1 / math.sqrt((1 - p) * (1 + p * lowest * lowest))
    shift = scale * lowest * ((1 - mask) - p)  # of the dropped by lowest, and of all such that the mean stays 0
    return written(input, input * (mask * scale) + shift, inplace)
