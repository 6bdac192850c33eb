"""Arguments of convolutions of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.kernels import convolution
from autodiff.kernels.convolution.geometry import geometry
from autodiff.testing.strategies.drawing import Arguments, Draw


def _drawn(d: Draw) -> tuple[list[tuple[int, ...]], dict[str, Any]]:
    """Draw shapes of images, weights and outputs that belong together, and keywords, of one to three axes of space."""
    n = d.choice(1, 2, 3)
    groups = d.choice(1, 2)
    channels, features = d.integer(1, 2), groups * d.integer(1, 2)
    kernel = tuple(d.integer(1, 3 - (n == 3)) for _ in range(n))
    keywords: dict[str, Any] = {"groups": groups} if groups > 1 else {}
    stride, dilation = ((d.integer(1, 2),) * n for _ in range(2))
    keywords |= d.choice({}, {"stride": stride, "dilation": dilation})
    keywords |= d.choice({}, {"padding": 1}, {"padding": ((1, 0),) * n})
    reach = [dilation[0] * (k - 1) + 1 for k in kernel]
    size = tuple(k + d.integer(0, 2) for k in reach)
    x, w = (d.integer(0, 2), channels * groups, *size), (features, channels, *kernel)
    given = (keywords.get("stride", 1), keywords.get("padding", 0), keywords.get("dilation", 1), groups)
    return [x, w, (x[0], features, *geometry(x, w, *given).out)], keywords


def conv(d: Draw) -> Arguments:
    """Draw images and weights."""
    (x, w, _), keywords = _drawn(d)
    return [d.array(x), d.array(w, 1)], keywords


def biased_conv(d: Draw) -> Arguments:
    """Draw images, weights and a bias."""
    (x, w, _), keywords = _drawn(d)
    return [d.array(x), d.array(w, 1), d.array(w[:1], 2)], keywords


def conv_transpose(d: Draw) -> Arguments:
    """Draw outputs and weights."""
    (x, w, y), keywords = _drawn(d)
    return [d.array(y), d.array(w, 1)], keywords | {"size": x[2:]}


def conv_weight(d: Draw) -> Arguments:
    """Draw images and outputs."""
    (x, w, y), keywords = _drawn(d)
    return [d.array(x), d.array(y, 1)], keywords | {"size": w[2:]}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    convolution.biased_conv: biased_conv,
    convolution.channel_sum: lambda d: ([d.array(d.shape(dims=2, max_dims=4))], {}),
    convolution.conv: conv,
    convolution.conv_transpose: conv_transpose,
    convolution.conv_weight: conv_weight,
}
