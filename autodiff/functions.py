"""PyTorch's names for functions that NumPy spells otherwise."""

from __future__ import annotations

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
