"""Batch normalization folded into the layer before it, for models that no longer train."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad
from nn.module import Module, Parameter


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """Return a convolution that does what a convolution followed by batch normalization does, both in `eval()`.

    >>> import autodiff as ad
    >>> from nn import BatchNorm2d, Conv2d
    >>> conv, bn, x = Conv2d(1, 2, 3).eval(), BatchNorm2d(2).eval(), ad.randn(1, 1, 5, 5)
    >>> np.allclose(fuse_conv_bn_eval(conv, bn)(x).detach(), bn(conv(x)).detach(), atol=1e-6)
    True
    """
    facts = _tracked(conv, bn, "fuse_conv_bn_eval")
    return _with(conv, fuse_conv_bn_weights(conv.weight, conv.bias, *facts, transpose=transpose))


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """Return a Linear that does what a Linear followed by batch normalization does, both in `eval()`."""
    facts = _tracked(linear, bn, "fuse_linear_bn_eval")
    if bn.num_features not in (1, linear.out_features):
        raise ValueError(
            f"to fuse, linear.out_features ({linear.out_features}) must equal bn.num_features ({bn.num_features}), or "
            "the latter must be 1"
        )
    return _with(linear, fuse_linear_bn_weights(linear.weight, linear.bias, *facts))


def _tracked(layer: Module, bn: Any, name: str) -> tuple[Any, Any, Any, Any, Any]:
    if layer.training or bn.training:
        raise RuntimeError(f"{name}: fusion is for eval() only; call .eval() on both layers first")
    if bn.running_mean is None:
        raise RuntimeError(f"{name}: the batch normalization keeps no running mean and variance to fold in")
    return bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias


def _with(layer: Any, weights: tuple[Parameter, Parameter]) -> Any:
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = weights
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return the weight and the bias of the fused convolution; `transpose` is for transposed convolutions."""
    with no_grad():
        scale: Any = (1.0 if bn_w is None else bn_w) / np.sqrt(bn_rv + bn_eps)
        axes = [1] * conv_w.ndim
        axes[1 if transpose else 0] = -1
        weight = conv_w * scale.reshape(axes)
        bias = ((0.0 if conv_b is None else conv_b) - bn_rm) * scale + (0.0 if bn_b is None else bn_b)
    return Parameter(weight.astype(conv_w.dtype), conv_w.requires_grad), Parameter(
        as_tensor(bias).astype(conv_w.dtype), True if conv_b is None else conv_b.requires_grad
    )


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Return the weight and the bias of the fused Linear."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
