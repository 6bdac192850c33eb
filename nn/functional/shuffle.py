"""Moving values between the channels and the pixels of an image, and among the channels."""

from __future__ import annotations

from autodiff import Tensor
from autodiff.errors import ArgumentError


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Move channels into space: (..., C r², H, W) becomes (..., C, H r, W r). From Shi et al., arXiv:1609.05158.

    >>> import autodiff as ad
    >>> pixel_shuffle(ad.arange(4.0).reshape(4, 1, 1), 2).tolist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise ArgumentError(
            f"pixel_shuffle: the {c} channels of an input of shape {input.shape} must be divisible by upscale_factor² "
            f"= {r * r}"
        )
    parts: Tensor = input.reshape(*lead, c // (r * r), r, r, h, w)
    moved: Tensor = parts.transpose(*range(len(lead) + 1), *(len(lead) + i for i in (3, 1, 4, 2)))
    return moved.reshape(*lead, c // (r * r), h * r, w * r)  # type: ignore[no-any-return]


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Move pixels into channels: (..., C, H r, W r) becomes (..., C r², H, W); the inverse of `pixel_shuffle`.

    >>> import autodiff as ad
    >>> pixel_unshuffle(ad.arange(4.0).reshape(1, 2, 2), 2).tolist()
    [[[0.0]], [[1.0]], [[2.0]], [[3.0]]]
    """
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *lead, c, h, w = input.shape
    if h % r or w % r:
        raise ArgumentError(
            f"pixel_unshuffle: height and width of an input of shape {input.shape} must be divisible by "
            f"downscale_factor={r}"
        )
    parts: Tensor = input.reshape(*lead, c, h // r, r, w // r, r)
    moved: Tensor = parts.transpose(*range(len(lead) + 1), *(len(lead) + i for i in (2, 4, 1, 3)))
    return moved.reshape(*lead, c * r * r, h // r, w // r)  # type: ignore[no-any-return]


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal the channels of (N, C, ...) out anew, the first of each group first. From Zhang et al., arXiv:1707.01083.

    >>> import autodiff as ad
    >>> channel_shuffle(ad.arange(6).reshape(1, 6, 1), 2).flatten().tolist()
    [0, 3, 1, 4, 2, 5]
    """
    groups = _factor("channel_shuffle", "groups", input, groups)
    n, c, *pixels = input.shape
    if c % groups:
        raise ArgumentError(
            f"channel_shuffle: the {c} channels of an input of shape {input.shape} must be divisible by groups={groups}"
        )
    dealt: Tensor = input.reshape(n, groups, c // groups, *pixels).swapaxes(1, 2).reshape(input.shape)
    return dealt


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal the channels out anew: `channel_shuffle` under another name."""
    return channel_shuffle(input, groups)


def _factor(name: str, word: str, input: Tensor, value: int) -> int:
    """Demand an image, and a positive integer; return this."""
    if not isinstance(value, int):
        raise TypeError(f"{name}: {word} must be an integer, got {value!r}")
    if value < 1:
        raise ArgumentError(f"{name}: {word} must be positive, got {value}")
    if input.ndim < 3:
        raise ArgumentError(f"{name}: the input needs at least 3 axes, got shape {input.shape}")
    return value
