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
from autodiff.kernels.ordering import extreme, ordered
from autodiff.kernels.ordering import kthvalue as kthvalue
from autodiff.kernels.ordering import topk as topk
from autodiff.kernels.scan import cummax as cummax
from autodiff.kernels.scan import cummin as cummin
from autodiff.kernels.scan import logcumsumexp as logcumsumexp
from autodiff.primitive import registry
from autodiff.tensor import Tensor

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def cat(tensors: Any, dim: int = 0) -> Any:
    """Join tensors along an existing axis."""
    return np.concatenate(tensors, dim)


concat = concatenate = cat


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


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the largest element; with `dim` the largest along an axis and their places; or the larger of two tensors.

    >>> from autodiff import tensor
    >>> values, indices = max(tensor([[1.0, 3.0], [5.0, 2.0]]), 1)
    >>> values, indices
    (tensor([3., 5.]), tensor([1, 0]))
    """
    return _extreme(np.max, np.argmax, np.maximum, input, dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the smallest element; with `dim` the smallest along an axis and their places; or the smaller of two."""
    return _extreme(np.min, np.argmin, np.minimum, input, dim, keepdim)


def _extreme(whole: Any, place: Any, pair: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    if dim is None:
        return whole(input)
    return pair(input, dim) if isinstance(dim, (Tensor, numpy.ndarray)) else extreme(place, input, dim, keepdim)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return the elements in order along an axis, and their places; equal ones keep their order, stable or not."""
    return ordered(input, dim, descending)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Exchange two axes."""
    return np.swapaxes(input, dim0, dim1)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """Return the coordinates of a grid; the first tensor's run along the first axis, unless indexing="xy"."""
    return tuple(np.meshgrid(*tensors, indexing=indexing))


def is_tensor(x: Any) -> bool:
    """Say whether something is a Tensor."""
    return isinstance(x, Tensor)


# functions of one or two tensors that NumPy and PyTorch name alike and that mean the same: `ad.exp` is `np.exp`
ALIKE = (
    "abs absolute allclose ceil clip conj cos cosh deg2rad dot exp exp2 expm1 finfo floor fmax fmin fmod "
    "heaviside hstack hypot iinfo isclose isfinite isinf isnan kron log log10 log1p log2 logaddexp logaddexp2 "
    "logical_and logical_not logical_or logical_xor maximum minimum multiply negative outer positive rad2deg real "
    "reciprocal remainder round sign sin sinc sinh sqrt square subtract tan tanh tile true_divide trunc "
    "vdot vstack"
)
# functions of a tensor that mean the same as a method of Tensor, `dim=` included
METHODS = (
    "add all any argmax argmin argsort bmm chunk clamp clone cumprod cumsum diagonal div eq flip gather ge gt "
    "index_select le lt masked_fill masked_select mean mm mul mv narrow ne neg norm numel permute pow prod "
    "repeat_interleave reshape roll rsqrt scatter scatter_add select split squeeze sub sum swapaxes t tril triu "
    "unbind unflatten unsqueeze"
)
# where NumPy and PyTorch mean two things, and neither is meant for sure
TORN = {
    "std": "np.std divides by n, PyTorch's by n - 1; write np.std(x, ddof=...)",
    "var": "np.var divides by n, PyTorch's by n - 1; write np.var(x, ddof=...)",
    "equal": "np.array_equal gives one answer, as PyTorch's does, np.equal one an element",
    "nonzero": "np.nonzero gives one array an axis, np.argwhere the matrix that PyTorch's does",
    "median": "np.median gives the mean of the middle two, np.quantile(x, 0.5, method='lower') what PyTorch's does",
}


def registered(name: str) -> bool:
    """Say whether NumPy has a function of this name that takes tensors."""
    function = getattr(numpy, name, None)
    return callable(function) and function in registry


@functools.cache
def shared(name: str) -> Any:
    """Return a function that NumPy, or a method of Tensor, and PyTorch name alike; None if there is none.

    >>> shared("exp") is np.exp
    True
    """
    if name in ALIKE.split():
        return getattr(np, name)
    if name not in METHODS.split():
        return None

    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(input if isinstance(input, Tensor) else Tensor(input), name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return `input.{name}(...)`."
    return function
