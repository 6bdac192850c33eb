"""PyTorch's names for functions that NumPy spells otherwise, and the names that both spell alike."""

from __future__ import annotations

import functools
from typing import Any

import numpy

from autodiff.kernels.activation import relu as relu
from autodiff.kernels.activation import sigmoid as sigmoid
from autodiff.kernels.crossentropy import cross_entropy as cross_entropy
from autodiff.kernels.logits import log_softmax as log_softmax
from autodiff.kernels.logits import logsumexp as logsumexp
from autodiff.kernels.logits import softmax as softmax
from autodiff.kernels.ordering import kthvalue as kthvalue
from autodiff.kernels.ordering import topk as topk
from autodiff.kernels.scan import cummax as cummax
from autodiff.kernels.scan import cummin as cummin
from autodiff.kernels.scan import logcumsumexp as logcumsumexp

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def cat(tensors: Any, dim: int = 0) -> Any:
    """Join tensors along an existing axis."""
    return np.concatenate(tensors, dim)


def stack(tensors: Any, dim: int = 0) -> Any:
    """Join tensors along a new axis."""
    return np.stack(tensors, dim)


def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x where the condition holds, y elsewhere."""
    return np.where(condition, x, y)


def matmul(a: Any, b: Any) -> Any:
    """Return the matrix product."""
    return np.matmul(a, b)


def einsum(subscripts: str, *operands: Any) -> Any:
    """Contract operands as the subscripts say, e.g. `einsum("ij,jk->ik", a, b)`."""
    return np.einsum(subscripts, *operands)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Join the axes from one to another into one."""
    return input.flatten(start_dim, end_dim)


# functions of one or two tensors that NumPy and PyTorch name alike and that mean the same: `ad.exp` is `np.exp`
ELEMENTWISE = (
    "abs absolute ceil clip conj cos cosh deg2rad exp exp2 expm1 floor fmax fmin heaviside hypot isfinite isinf isnan "
    "log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor maximum minimum multiply "
    "negative outer positive rad2deg real reciprocal round sign sin sinc sinh sqrt square subtract tan tanh tril triu "
    "trunc true_divide"
)
# reductions and others that take `dim=` and mean the same as a method of Tensor
METHODS = "all any argmax argmin argsort cumprod cumsum mean prod sum squeeze unsqueeze reshape"


@functools.cache
def shared(name: str) -> Any:
    """Return a function that NumPy, or a method of Tensor, and PyTorch name alike; None if there is none.

    >>> shared("exp") is np.exp
    True
    """
    if name in ELEMENTWISE.split():
        return getattr(np, name)
    if name not in METHODS.split():
        return None

    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(input, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return `input.{name}(...)`."
    return function
