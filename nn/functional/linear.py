"""Products of the input and a weight."""

from __future__ import annotations

import numpy as np

from autodiff import Tensor, kernels
from autodiff.errors import ArgumentError
from nn import _checks


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x W^T + bias over the last axis of (..., in), with weight (out, in): (..., out).

    >>> import autodiff as ad
    >>> linear(ad.ones(5, 2), ad.ones(3, 2), ad.ones(3)).tolist()[0]
    [3.0, 3.0, 3.0]
    """
    _checks.same_dtype("linear", input, weight, bias)
    if weight.ndim == 2 and input.shape[-1:] != weight.shape[1:]:
        raise ArgumentError(
            f"linear: the last axis of an input of shape {input.shape} must have length {weight.shape[1]}, the layer's "
            f"in_features (the weight has shape {weight.shape}, out and in)"
        )
    output: Tensor = kernels.linear(input, weight, bias)
    return output


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x1 W x2 + bias over the last axes of (..., n) and (..., m), with weight (out, n, m): (..., out).

    >>> import autodiff as ad
    >>> bilinear(ad.ones(5, 2), ad.ones(5, 3), ad.ones(4, 2, 3)).shape
    (5, 4)
    """
    given = f"bilinear: inputs {input1.shape} and {input2.shape}, weight {weight.shape}"
    if weight.ndim != 3 or not input1.ndim or input1.shape[-1:] + input2.shape[-1:] != weight.shape[1:]:
        raise ArgumentError(f"{given}: expected (..., n), (..., m) and (out, n, m)")
    if input1.shape[:-1] != input2.shape[:-1]:
        raise ArgumentError(f"{given}: the two inputs must agree in all axes but the last")
    _checks.same_dtype("bilinear", input1, weight, bias)
    _checks.same_dtype("bilinear", input2, weight)
    out, n, m = weight.shape
    rows = np.matmul(input1, np.reshape(np.swapaxes(weight, 0, 1), (n, out * m)))  # (..., out m)
    output: Tensor = np.matmul(rows.reshape(*input1.shape[:-1], out, m), input2[..., None])[..., 0]
    if bias is None:
        return output
    if bias.shape != (out,):
        raise ArgumentError(f"{given}, bias {bias.shape}: the bias must have shape ({out},)")
    shifted: Tensor = output + bias
    return shifted
