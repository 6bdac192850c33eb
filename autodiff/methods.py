"""ndarray's methods with ndarray's meaning, and PyTorch's where ndarray has none or as an alias.

Where the two disagree ndarray is followed; docs/coming-from.md has a row for each.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy
from numpy.lib.array_utils import normalize_axis_index

from autodiff.kernels import activation, logits, ordering, scan
from autodiff.kernels.indexing import getitem, parse, put, scatter_add
from autodiff.primitive import registry
from autodiff.rules.indexing import along


class _Functions:
    """NumPy's functions as the registry's entries: what `np.sum(t)` reaches, without NumPy's dispatch in between."""

    def __getattr__(self, name: str) -> Any:
        fun = getattr(numpy, name)
        entry = registry.get(fun) if callable(fun) else None
        setattr(self, name, fun if entry is None else entry.call)
        return getattr(self, name)


np: Any = _Functions()


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape given as one tuple or as several integers."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(operator.index(n) for n in sizes)


def _method(name: str) -> Callable[[Any], Any]:
    """Return a NumPy function of one array as a method."""
    call = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(self, *args, **kwargs)

    method.__name__, method.__doc__ = name, f"Return np.{name} of the tensor."
    return method


def _in_place(name: str) -> Callable[..., Any]:
    """Return PyTorch's `name_`, recorded as `x += y` is."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._become(getattr(self, name)(*args, **kwargs))

    method.__name__, method.__doc__ = f"{name}_", f"Give the tensor the value of {name}, in place."
    return method


def _reduce(
    call: Any, x: Any, axis: Any, keepdims: bool, dtype: Any = None, dim: Any = None, keepdim: bool = False, **more: Any
) -> Any:
    """Call a reduction with NumPy's keywords, or PyTorch's `dim` and `keepdim` for them."""
    if isinstance(dtype, bool):
        raise TypeError(f"the second position of a reduction is NumPy's dtype; write keepdims={dtype}.")
    x = x if dtype is None else x.astype(dtype)
    axis = axis if dim is None else tuple(dim) if isinstance(dim, list) else dim
    return call(x, axis=axis, keepdims=keepdims or keepdim, **more)


class Size(int):
    """The number of elements; called, PyTorch's `size()` and `size(dim)`."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]


class Methods:
    """What a Tensor can do beside operators and autograd."""

    __slots__ = ()
    _data: Any
    _become: Any

    # --- attributes ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> Size:
        size = Size(self._data.size)
        size.shape = self._data.shape
        return size

    itemsize = property(lambda self: self._data.itemsize)
    nbytes = property(lambda self: self._data.nbytes)
    strides = property(lambda self: self._data.strides)
    device = property(lambda self: "cpu")
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.matrix_transpose(self))
    H = property(lambda self: np.conjugate(np.matrix_transpose(self)))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return int(self._data.size)

    def item(self, *index: Any) -> Any:
        """Return one element as a Python number, without history."""
        return self._data.item(*index)

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers, without history."""
        return self._data.tolist()

    def tobytes(self) -> bytes:
        """Return the values' bytes."""
        return self._data.tobytes()  # type: ignore[no-any-return]

    # --- elementwise ---

    exp, expm1, log, log1p, log2, log10 = map(_method, ("exp", "expm1", "log", "log1p", "log2", "log10"))
    sqrt, square, sign, reciprocal = map(_method, ("sqrt", "square", "sign", "reciprocal"))
    abs, conj, neg = map(_method, ("absolute", "conjugate", "negative"))
    sin, cos, tan, arcsin, arccos, arctan = map(_method, ("sin", "cos", "tan", "arcsin", "arccos", "arctan"))
    sinh, cosh, tanh = map(_method, ("sinh", "cosh", "tanh"))
    floor, ceil, trunc = map(_method, ("floor", "ceil", "trunc"))
    isfinite, isnan, isinf = map(_method, ("isfinite", "isnan", "isinf"))
    conjugate, negative, asin, acos, atan = conj, neg, arcsin, arccos, arctan

    def relu(self) -> Any:
        return activation.relu(self)

    def sigmoid(self) -> Any:
        return activation.sigmoid(self)

    def add(self, other: Any, *, alpha: float = 1) -> Any:
        return np.add(self, other if alpha == 1 else other * alpha)

    def sub(self, other: Any, *, alpha: float = 1) -> Any:
        return np.subtract(self, other if alpha == 1 else other * alpha)

    def mul(self, other: Any) -> Any:
        return np.multiply(self, other)

    def div(self, other: Any) -> Any:
        return np.divide(self, other)

    def pow(self, exponent: Any) -> Any:
        return np.power(self, exponent)

    def maximum(self, other: Any) -> Any:
        return np.maximum(self, other)

    def minimum(self, other: Any) -> Any:
        return np.minimum(self, other)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Limit the values to [min, max]; at a bound the gradient passes."""
        return np.clip(self, min, max)

    clamp = clip

    def round(self, decimals: int = 0) -> Any:
        return np.round(self, decimals)

    # --- reductions and scans ---

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the sum over `axis` (a number, a tuple, or None: all); `dim` and `keepdim` are taken as well."""
        return _reduce(np.sum, self, axis, keepdims, dtype, **torch)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the mean over `axis`."""
        return _reduce(np.mean, self, axis, keepdims, dtype, **torch)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the product over `axis`; its gradient is exact where elements are 0."""
        return _reduce(np.prod, self, axis, keepdims, dtype, **torch)

    def var(self, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, **torch: Any) -> Any:
        """Return the variance with NumPy's ddof=0; PyTorch's `correction` is taken for it."""
        return _reduce(np.var, self, axis, keepdims, dtype, ddof=torch.pop("correction", ddof), **torch)

    def std(self, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, **torch: Any) -> Any:
        """Return the standard deviation with NumPy's ddof=0; PyTorch's `correction` is taken for it."""
        return _reduce(np.std, self, axis, keepdims, dtype, ddof=torch.pop("correction", ddof), **torch)

    def max(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the maximum, as ndarray does: no indices (for those, argmax); ties share the gradient."""
        return _reduce(np.max, self, axis, keepdims, **torch)

    def min(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the minimum, as ndarray does: no indices (for those, argmin); ties share the gradient."""
        return _reduce(np.min, self, axis, keepdims, **torch)

    amax, amin = max, min

    def argmax(self, axis: Any = None, *, keepdims: bool = False, **torch: Any) -> Any:
        return _reduce(np.argmax, self, axis, keepdims, **torch)

    def argmin(self, axis: Any = None, *, keepdims: bool = False, **torch: Any) -> Any:
        return _reduce(np.argmin, self, axis, keepdims, **torch)

    def all(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        return _reduce(np.all, self, axis, keepdims, **torch)

    def any(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        return _reduce(np.any, self, axis, keepdims, **torch)

    def logsumexp(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        return _reduce(logits.logsumexp, self, axis, keepdims, **torch)

    def cumsum(self, axis: Any = None, *, dim: Any = None) -> Any:
        return np.cumsum(self, axis if dim is None else dim)

    def cumprod(self, axis: Any = None, *, dim: Any = None) -> Any:
        return np.cumprod(self, axis if dim is None else dim)

    def cummax(self, axis: int = -1, *, dim: int | None = None) -> Any:
        """Return the largest values so far and their indices, the latest at ties."""
        return scan.cummax(self, axis if dim is None else dim)

    def cummin(self, axis: int = -1, *, dim: int | None = None) -> Any:
        """Return the smallest values so far and their indices, the latest at ties."""
        return scan.cummin(self, axis if dim is None else dim)

    def logcumsumexp(self, axis: int = -1, *, dim: int | None = None) -> Any:
        return scan.logcumsumexp(self, axis if dim is None else dim)

    def softmax(self, dim: int = -1) -> Any:
        return logits.softmax(self, dim)

    def log_softmax(self, dim: int = -1) -> Any:
        return logits.log_softmax(self, dim)

    def argsort(self, axis: int = -1, *, dim: int | None = None, stable: bool = True) -> Any:
        return np.argsort(self, axis if dim is None else dim, stable=stable)

    def sort(self, axis: int = -1, kind: Any = None, *, stable: bool | None = None) -> None:
        """Sort in place, as ndarray does; np.sort(t) returns a new tensor."""
        self._become(np.sort(self, axis=axis, kind=kind, stable=stable))

    def partition(self, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
        """Partition in place, as ndarray does; np.partition(t, kth) returns a new tensor."""
        self._become(np.partition(self, kth, axis=axis, kind=kind))

    argpartition, searchsorted, choose = map(_method, ("argpartition", "searchsorted", "choose"))

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
        """Return the k largest or smallest elements along an axis, and their places."""
        return ordering.topk(self, k, dim, largest, sorted)

    def kthvalue(self, k: int, dim: int = -1, keepdim: bool = False) -> Any:
        """Return the k-th smallest element along an axis, and its place."""
        return ordering.kthvalue(self, k, dim, keepdim)

    def nonzero(self) -> tuple[Any, ...]:
        """Return one index tensor an axis, as ndarray does."""
        return tuple(np.nonzero(self))

    # --- shapes ---

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        return np.reshape(self, _shape(shape), order)

    def view(self, *shape: Any) -> Any:
        """Return the tensor in another shape (PyTorch's view; reinterpreting the bytes is t.numpy().view(dtype))."""
        return np.reshape(self, _shape(shape))

    def view_as(self, other: Any) -> Any:
        return np.reshape(self, other.shape)

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes, as ndarray does: `x.transpose(1, 0, 2)`. To exchange two, `x.swapaxes(i, j)`."""
        if len(axes) == 2 and self.ndim > 2 and all(isinstance(n, int) for n in axes):
            raise ValueError(
                f"transpose{axes} of a Tensor with {self.ndim} axes: as in NumPy all axes are listed; "
                f"to exchange two write swapaxes{axes}."
            )
        return np.transpose(self, None if not axes or axes == (None,) else _shape(axes))

    def permute(self, *dims: Any) -> Any:
        return np.transpose(self, _shape(dims))

    def t(self) -> Any:
        """Transpose a matrix (a vector stays as it is)."""
        if self.ndim > 2:
            raise ValueError(f"t() takes at most two axes; this Tensor has shape {self.shape}. Use .mT or permute().")
        return np.transpose(self)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return np.swapaxes(self, axis1, axis2)

    swapdims = swapaxes

    def squeeze(self, axis: Any = None, *, dim: Any = None) -> Any:
        """Drop axes of length 1; PyTorch's rule holds for a given `dim`: one of another length stays."""
        if dim is not None:
            dims = dim if isinstance(dim, tuple) else (dim,)
            axis = tuple(d for d in dims if self.shape[d] == 1)
        return np.squeeze(self, axis)

    def unsqueeze(self, dim: int) -> Any:
        return np.expand_dims(self, dim)

    def ravel(self, order: str = "C") -> Any:
        return np.ravel(self, order)

    def flatten(self, start_dim: Any = 0, end_dim: int = -1) -> Any:
        """Join axes start_dim to end_dim into one."""
        if isinstance(start_dim, str):
            return np.ravel(self, start_dim)
        if not self.ndim:
            return np.reshape(self, (1,))
        start, end = normalize_axis_index(start_dim, self.ndim), normalize_axis_index(end_dim, self.ndim) + 1
        if start >= end:
            raise ValueError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}.")
        joined = math.prod(self.shape[start:end])
        return np.reshape(self, (*self.shape[:start], joined, *self.shape[end:]))

    def expand(self, *sizes: Any) -> Any:
        """Broadcast to a shape; -1 keeps an axis."""
        sizes = _shape(sizes)
        lead = len(sizes) - self.ndim
        if -1 in sizes[: max(lead, 0)]:
            raise ValueError(f"expand: {sizes} has -1 at an axis that shape {self.shape} does not have.")
        return np.broadcast_to(self, tuple(self.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)))

    def expand_as(self, other: Any) -> Any:
        return np.broadcast_to(self, other.shape)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Repeat elements, as ndarray does (PyTorch's repeat is `tile`)."""
        return np.repeat(self, repeats, axis)

    def tile(self, *reps: Any) -> Any:
        return np.tile(self, _shape(reps))

    def split(self, size: Any, dim: int = 0) -> Any:
        """Split into pieces of a size (PyTorch's meaning; np.split counts the pieces)."""
        if not isinstance(size, int) and sum(size) != self.shape[dim]:
            raise ValueError(f"split: sizes {size} sum to {sum(size)}; axis {dim} has length {self.shape[dim]}.")
        stops = range(size, self.shape[dim], size) if isinstance(size, int) else numpy.cumsum(size)[:-1]
        return tuple(np.split(self, list(stops), dim))

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        size = -(-self.shape[dim] // chunks)
        return self.split(size or 1, dim)

    def unbind(self, dim: int = 0) -> Any:
        return tuple(np.unstack(self, axis=dim))

    def contiguous(self) -> Any:
        """Return the tensor itself: every operation takes any memory layout."""
        return self

    # --- indexing ---

    def take(self, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
        return np.take(self, indices, axis, mode=mode)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Write values at places of the flattened tensor, in place, as ndarray does."""
        np.put(self, indices, values, mode)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the slices along an axis (or the elements) where a condition holds."""
        return np.compress(condition, self, axis)

    def index_select(self, dim: int, index: Any) -> Any:
        return np.take(self, index, dim)

    def gather(self, dim: int, index: Any) -> Any:
        """Pick elements along one axis: `out[i][j] = x[index[i][j]][j]` for dim 0."""
        template, arrays = parse(self._along("gather", dim, index))
        return getitem(self, *arrays, index=template)

    def scatter(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with elements of src written along one axis; the adjoint pattern of gather."""
        template, arrays = parse(self._along("scatter", dim, index))
        cut = tuple(slice(n) for n in index.shape)
        return put(self, src[cut] if np.ndim(src) else float(src), *arrays, index=template)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """Return the tensor plus elements of src added along one axis."""
        template, arrays = parse(self._along("scatter_add", dim, index))
        cut = tuple(slice(n) for n in index.shape)
        return np.add(self, scatter_add(src[cut], *arrays, index=template, shape=self.shape))

    def _along(self, name: str, dim: int, index: Any) -> tuple[Any, ...]:
        if index.ndim != self.ndim:
            raise ValueError(f"{name}: an index of shape {index.shape} for shape {self.shape}; expected as many axes.")
        return along(index.shape, index, dim)

    def masked_fill(self, mask: Any, value: Any) -> Any:
        return np.where(mask, value, self)

    def masked_select(self, mask: Any) -> Any:
        return self[mask]  # type: ignore[index]

    def where(self, condition: Any, other: Any) -> Any:
        """Return self where the condition holds, other elsewhere."""
        return np.where(condition, self, other)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return np.trace(self, offset, axis1, axis2)

    def tril(self, diagonal: int = 0) -> Any:
        return np.tril(self, diagonal)

    def triu(self, diagonal: int = 0) -> Any:
        return np.triu(self, diagonal)

    # --- products ---

    def dot(self, b: Any) -> Any:
        return np.dot(self, b)

    def matmul(self, other: Any) -> Any:
        return np.matmul(self, other)

    mm = bmm = mv = matmul

    # --- copies and casts ---

    def copy(self, order: str = "C") -> Any:
        return np.copy(self)

    def clone(self) -> Any:
        """Return a copy that stays in the graph."""
        return np.copy(self)

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        return self if not copy and np.dtype(dtype) == self.dtype else np.astype(self, np.dtype(dtype))

    def to(self, dtype: Any = None, *, device: Any = None, copy: bool = False) -> Any:
        """Cast to a dtype; the only device is "cpu"."""
        if isinstance(dtype, str) and (dtype == "cpu" or dtype.startswith(("cuda", "mps"))):
            dtype, device = None, dtype
        if device not in (None, "cpu"):
            raise ValueError(f"to({device!r}): tensors live in the CPU's memory; the only device is 'cpu'.")
        target = getattr(dtype, "dtype", dtype) if not isinstance(dtype, type) else dtype
        return (self.clone() if copy else self) if dtype is None else self.astype(target, copy=copy)

    type = to

    def cpu(self) -> Any:
        return self

    def type_as(self, other: Any) -> Any:
        return self.to(other.dtype)

    def float(self) -> Any:
        return self.to(np.float32)

    def double(self) -> Any:
        return self.to(np.float64)

    def half(self) -> Any:
        return self.to(np.float16)

    def long(self) -> Any:
        return self.to(np.int64)

    def int(self) -> Any:
        return self.to(np.int32)

    def bool(self) -> Any:
        return self.to(np.bool_)

    # --- what has no rule is refused by name, with what to do instead ---

    resize = _method("resize")

    # --- in place (while recording: a new value and history; under no_grad: the same memory) ---

    add_, sub_, mul_, div_, pow_ = map(_in_place, ("add", "sub", "mul", "div", "pow"))
    neg_, exp_, sqrt_, abs_, relu_ = map(_in_place, ("neg", "exp", "sqrt", "abs", "relu"))
    clip_, clamp_, masked_fill_ = map(_in_place, ("clip", "clamp", "masked_fill"))
    scatter_, scatter_add_ = map(_in_place, ("scatter", "scatter_add"))

    def zero_(self) -> Any:
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        return self._become(np.full_like(self, value))

    def fill(self, value: Any) -> None:
        self.fill_(value)

    def copy_(self, src: Any) -> Any:
        """Take the values of another tensor or array, broadcast and cast to this one's shape and dtype."""
        return self._become(np.broadcast_to(np.astype(src, self.dtype), self.shape))
