"""ndarray's methods with ndarray's meaning, and PyTorch's where ndarray has none or as an alias.

Where the two disagree ndarray is followed; docs/coming-from.md has a row for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff import devices
from autodiff.kernels import activation, logits, ordering, scan
from autodiff.methods.entries import np
from autodiff.methods.shapes import Shapes, _shape


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


class Methods(Shapes):
    """What a Tensor can do beside operators and autograd."""

    __slots__ = ()

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

    def rsqrt(self) -> Any:
        return 1 / np.sqrt(self)

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

    def eq(self, other: Any) -> Any:
        return np.equal(self, other)

    def ne(self, other: Any) -> Any:
        return np.not_equal(self, other)

    def lt(self, other: Any) -> Any:
        return np.less(self, other)

    def le(self, other: Any) -> Any:
        return np.less_equal(self, other)

    def gt(self, other: Any) -> Any:
        return np.greater(self, other)

    def ge(self, other: Any) -> Any:
        return np.greater_equal(self, other)

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

    def max(self, axis: Any = None, keepdims: bool = False, *, dim: int | None = None, keepdim: bool = False) -> Any:
        """Return the maximum, as ndarray does, ties sharing the gradient; with `dim=`, as in PyTorch, its place too."""
        if dim is None:
            return self.amax(axis, keepdims or keepdim)
        return ordering.extreme(np.argmax, self, dim, keepdim)

    def min(self, axis: Any = None, keepdims: bool = False, *, dim: int | None = None, keepdim: bool = False) -> Any:
        """Return the minimum, as ndarray does, ties sharing the gradient; with `dim=`, as in PyTorch, its place too."""
        if dim is None:
            return self.amin(axis, keepdims or keepdim)
        return ordering.extreme(np.argmin, self, dim, keepdim)

    def amax(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the maximum; ties share the gradient."""
        return _reduce(np.max, self, axis, keepdims, **torch)

    def amin(self, axis: Any = None, keepdims: bool = False, **torch: Any) -> Any:
        """Return the minimum; ties share the gradient."""
        return _reduce(np.min, self, axis, keepdims, **torch)

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

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the p-norm of all elements, or of those along one axis."""
        if dim is None:
            y = np.linalg.norm(np.reshape(self, -1), 2 if p == "fro" else p)
            return np.reshape(y, (1,) * self.ndim) if keepdim else y
        if isinstance(dim, (tuple, list)):
            raise TypeError(
                f"norm takes one axis or None for all elements, got dim={dim}; use np.linalg.norm(x, p, axis)."
            )
        return np.linalg.norm(self, 2 if p == "fro" else p, dim, keepdim)

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

    def sort(
        self,
        axis: int = -1,
        kind: Any = None,
        *,
        stable: bool | None = None,
        dim: int | None = None,
        descending: bool | None = None,
    ) -> Any:
        """Sort in place, as ndarray does (np.sort(t) is a new tensor); with `dim=` or `descending=`, as `ad.sort`."""
        if dim is not None or descending is not None:
            return ordering.ordered(self, axis if dim is None else dim, bool(descending))
        self._become(np.sort(self, axis=axis, kind=kind, stable=stable))
        return None

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
        dtype = devices.dtype_of(dtype, device)
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

    # --- others of its kind ---

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None) -> Any:
        return self.new_full(_shape(size), 0, dtype, device)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None) -> Any:
        return self.new_full(_shape(size), 1, dtype, device)

    def new_full(self, size: Any, fill_value: Any, dtype: Any = None, device: Any = None) -> Any:
        devices.device(device)
        return np.full_like(self, fill_value, dtype, shape=_shape((size,)))

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

    def normal_(self, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Any:
        """Take draws from the normal distribution."""
        return self._become(self._random.normal(mean, std, self.shape, dtype=self.dtype, generator=generator))

    def uniform_(self, low: Any = 0.0, high: Any = 1.0, *, generator: Any = None) -> Any:
        """Take draws from [low, high)."""
        return self._become(self._random.uniform(low, high, self.shape, dtype=self.dtype, generator=generator))

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Any:
        """Take draws that are 1 with probability p, else 0."""
        return self._become(self._random.bernoulli(p, self.shape, dtype=self.dtype, generator=generator))

    @property
    def _random(self) -> Any:
        from autodiff import random  # which makes tensors

        return random
