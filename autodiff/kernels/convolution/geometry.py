"""The sizes of a convolution: read once per set of shapes, and checked there."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


class Geometry(NamedTuple):
    """A convolution of images (batch, channels, *size) with weights (features, channels / groups, *kernel).

    `padding` is a pair (low, high) an axis. The high one is what the windows reach: less than was asked for, even
    negative, where the stride leaves the last elements out.
    """

    batch: int
    channels: int
    features: int
    size: Sizes
    kernel: Sizes
    out: Sizes
    stride: Sizes
    padding: Pads
    dilation: Sizes
    groups: int

    @property
    def taps(self) -> int:
        """How many elements a kernel has."""
        return math.prod(self.kernel)

    @property
    def padded(self) -> Sizes:
        """The sizes that the windows cover."""
        return tuple([low + n + high for n, (low, high) in zip(self.size, self.padding, strict=True)])

    @property
    def depthwise(self) -> bool:
        """Whether each feature is made of one channel."""
        return self.groups == self.channels and self.groups > 1

    @property
    def pointwise(self) -> bool:
        """Whether every window is one element, in place."""
        return self.taps == 1 and set(self.stride) == {1} and self.out == self.size


def each(value: Any, n: int, name: str) -> Sizes:
    """Return one number for each axis of space, given one or all."""
    numbers = (value,) * n if isinstance(value, int) else tuple(value)
    if len(numbers) != n:
        raise ValueError(f"{name}={value} has {len(numbers)} numbers; expected one, or one for each of {n} axes.")
    return numbers


def pads(padding: Any, n: int) -> Pads:
    """Return (low, high) for each axis, given one number, one an axis, or the pairs themselves."""
    pairs = [p if isinstance(p, tuple) else (p, p) for p in each(padding, n, "padding")]
    return tuple([(int(low), int(high)) for low, high in pairs])


@functools.lru_cache(1024)
def geometry(x: Sizes, w: Sizes, stride: Any, padding: Any, dilation: Any, groups: int) -> Geometry:
    """Return the sizes of a convolution of two shapes, or say what does not fit."""
    n = len(w) - 2
    if n < 1 or len(x) != n + 2:
        raise ValueError(
            f"the input has shape {x} and the weight {w}; expected (batch, channels, *size) and "
            "(features, channels / groups, *kernel), with as many axes of space in both."
        )
    stride, dilation = each(stride, n, "stride"), each(dilation, n, "dilation")
    padding = pads(padding, n)
    if min(stride) < 1 or min(dilation) < 1 or groups < 1:
        raise ValueError(f"stride={stride}, dilation={dilation} and groups={groups} must be at least 1.")
    if w[1] * groups != x[1] or w[0] % groups:
        raise ValueError(
            f"the input has {x[1]} channels and the weight {w[0]} features of {w[1]} channels each; expected "
            f"{w[1] * groups} channels and a multiple of {groups} features for groups={groups}."
        )
    out, exact = [], []
    for size, k, s, (low, high), d in zip(x[2:], w[2:], stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if k < 1 or size + low + high < reach:
            raise ValueError(
                f"the kernel {w[2:]} with dilation={dilation} does not fit into the input {x[2:]} with "
                f"padding={padding}: a window has {reach} elements, of {size + low + high}."
            )
        count = (size + low + high - reach) // s + 1
        out.append(count)
        exact.append((low, (count - 1) * s + reach - size - low))
    return Geometry(
        x[0], x[1], w[0], tuple(x[2:]), tuple(w[2:]), tuple(out), stride, tuple(exact), dilation, groups
    )  # fmt: skip
