"""Convolution, its transpose and its weight gradient: three bilinear maps, each the adjoint of the others.

    conv            x, w -> y      y[i] = sum over k of x[stride * i + dilation * k - low] w[k]
    conv_transpose  y, w -> x      the adjoint by x
    conv_weight     x, y -> w      the adjoint by w

so that the derivatives of each, of any order, are among the three. Arrays have PyTorch's shapes, (batch, channels,
*size) and (features, channels / groups, *kernel) with one to three axes of space or more, and any memory layout;
results of images have their channels last in memory. `padding` is a number, one an axis, or a pair (low, high) an axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.convolution import paths
from autodiff.kernels.convolution.geometry import Geometry, Sizes, geometry
from autodiff.primitive import bilinear, linear, primitive


def _transposed(g: Any, w: Any, s: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    size = s.shape[2:]
    return conv_transpose(g, w, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _weight(x: Any, y: Any, s: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    size = s.shape[2:]
    return conv_weight(x, y, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)


@linear(lambda g, s: np.broadcast_to(np.reshape(g, (-1, *(1,) * (len(s.shape) - 2))), s.shape), shapes="(n,c,m)->(c)")
def channel_sum(x: Any) -> Any:
    """Return the sums over all axes but the second, the gradient of what was added to each channel.

    >>> channel_sum(np.ones((2, 3, 4)))
    array([8., 8., 8.])
    """
    return paths.channel_sum(x)


@bilinear(
    lambda g, w, s, stride, padding, dilation, groups: _transposed(g, w, s, stride, padding, dilation, groups),
    lambda g, x, s, stride, padding, dilation, groups: _weight(x, g, s, stride, padding, dilation, groups),
    shapes="(n,c,k),(f,c,m)->(n,f,o)",
)
def conv(x: Any, w: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """Return the convolution of images x (n, c, *size) with w (f, c / groups, *kernel): (n, f, *out).

    >>> conv(np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2)), stride=2)
    array([[[1., 5.]]])
    """
    return _conv(x, w, None, geometry(x.shape, w.shape, stride, padding, dilation, groups))


@primitive(
    lambda g, w, s, stride, padding, dilation, groups: _transposed(g, w, s, stride, padding, dilation, groups),
    lambda g, x, s, stride, padding, dilation, groups: _weight(x, g, s, stride, padding, dilation, groups),
    lambda g: channel_sum(g),
    shapes="(n,c,k),(f,c,m),(f)->(n,f,o)",
    analytic=True,
)
def biased_conv(
    x: Any, w: Any, bias: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Return conv(x, w) plus one number for each feature, added while a block of the result is in cache."""
    sizes = geometry(x.shape, w.shape, stride, padding, dilation, groups)
    if bias.shape != (sizes.features,):
        raise ValueError(f"the bias has shape {bias.shape}; expected ({sizes.features},), one for each feature.")
    return _conv(x, w, bias, sizes)


@bilinear(
    lambda g, w, stride, padding, dilation, groups: conv(
        g, w, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    lambda g, x, s, stride, padding, dilation, groups: _weight(g, x, s, stride, padding, dilation, groups),
)
def conv_transpose(
    x: Any, w: Any, *, size: Sizes, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Return the adjoint by images of a convolution with w (f, c / groups, *kernel): (n, f, *out) to (n, c, *size).

    >>> conv_transpose(np.array([[[1.0, 5.0]]]), np.ones((1, 1, 2)), size=(4,), stride=2)
    array([[[1., 1., 5., 5.]]])
    """
    sizes = geometry((x.shape[0], w.shape[1] * groups, *size), w.shape, stride, padding, dilation, groups)
    _demand("conv_transpose", x, sizes)
    dtype = _dtype(x, w)
    if dtype != np.float16:
        return paths.transpose(_in(x, dtype), _in(w, dtype), sizes)
    return paths.transpose(_in(x, np.float32), _in(w, np.float32), sizes).astype(dtype)


@bilinear(
    lambda g, z, s, stride, padding, dilation, groups: _transposed(z, g, s, stride, padding, dilation, groups),
    lambda g, x, stride, padding, dilation, groups: conv(
        x, g, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
def conv_weight(
    x: Any, z: Any, *, size: Sizes, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Return the adjoint by weights of a convolution of x (n, c, *in): (n, f, *out) to (f, c / groups, *size).

    >>> conv_weight(np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2)), size=(2,), stride=2)
    array([[[2., 4.]]])
    """
    sizes = geometry(x.shape, (z.shape[1], x.shape[1] // groups, *size), stride, padding, dilation, groups)
    _demand("conv_weight", z, sizes)
    dtype = _dtype(x, z)
    if dtype != np.float16:
        return paths.weight(_in(x, dtype), _in(z, dtype), sizes)
    return paths.weight(_in(x, np.float32), _in(z, np.float32), sizes).astype(dtype)


def _conv(x: Any, w: Any, bias: Any, sizes: Geometry) -> Any:
    dtype = _dtype(x, w) if bias is None else np.result_type(_dtype(x, w), bias)
    if dtype != np.float16:
        return paths.forward(_in(x, dtype), _in(w, dtype), None if bias is None else _in(bias, dtype), sizes)
    bias = None if bias is None else _in(bias, np.float32)
    return paths.forward(_in(x, np.float32), _in(w, np.float32), bias, sizes).astype(dtype)


def _dtype(x: Any, w: Any) -> Any:
    dtype = x.dtype if x.dtype is w.dtype else np.result_type(x, w)
    if dtype.kind not in "fc":
        raise TypeError(f"a convolution of {x.dtype} with {w.dtype}; expected floating arrays, x.astype(np.float32).")
    return dtype


def _in(x: Any, dtype: Any) -> Any:
    return x if x.dtype is dtype else x.astype(dtype)


def _demand(name: str, y: Any, sizes: Geometry) -> None:
    expected = (sizes.batch, sizes.features, *sizes.out)
    if y.shape != expected:
        raise ValueError(
            f"{name}: an output of shape {y.shape} is given; a convolution of images "
            f"{(sizes.batch, sizes.channels, *sizes.size)} with a kernel {sizes.kernel} has {expected}."
        )
