"""Tensor: an ndarray with a history. Operators, NumPy's protocols, and what autograd adds.

ndarray's and PyTorch's methods are in `methods.py`; the reverse sweep is in `sweep.py`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from autodiff import apply as engine
from autodiff import errors, protocols, sweep, tape
from autodiff.errors import AutodiffError
from autodiff.kernels.indexing import getitem, parse, put
from autodiff.methods import Methods
from autodiff.primitive import registry, values
from autodiff.rules import arithmetic as _loaded  # noqa: F401 (the operators below are entries of the registry)
from autodiff.tape import Node

# how many references CPython itself holds to a tensor in `x[i][j] = v` that has no name; from 3.14 on it may hold fewer
TEMPORARY = 3 if sys.implementation.name == "cpython" and sys.version_info < (3, 14) else 0


def _operator(fun: np.ufunc) -> Callable[[Any, Any], Any]:
    """Return a ufunc's entry, unrolled for two operands where it has rules, as a method."""
    call: Callable[[Any, Any], Any] = registry[fun].call
    if registry[fun].differentiable:
        return call
    known = (*engine.OPERANDS, Methods)
    return lambda self, other: call(self, other) if isinstance(other, known) else NotImplemented


class Tensor(Methods):
    """An array that remembers how it was computed.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_data", "_grad_", "_name_", "_node")

    _data: ndarray[Any, Any]
    _node: Node | None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        """Wrap an array (shared, not copied) or anything `np.asarray` takes."""
        if isinstance(data, Tensor) and not data.is_leaf:
            raise AutodiffError(
                f"{type(self).__name__}(t) of a computed tensor would lose its history; write "
                f"{type(self).__name__}(t.detach()) if the value is meant."
            )
        self._data = numeric(data)
        self._node = None
        if requires_grad:
            self.requires_grad = True

    # --- autograd ---

    @property
    def data(self) -> ndarray[Any, Any]:
        """The values as an ndarray, without history; assigning replaces them (`w.data -= lr * w.grad.data`)."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        array = numeric(value)
        if array is self._data:
            tape.touch(array)
        elif self.is_leaf and self._node is not None and (array.shape, array.dtype) != (self.shape, self.dtype):
            self._data, self._node = array, tape.leaf(self, array.shape, array.dtype)
        else:
            self._data = array

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not value:
            if not self.is_leaf:
                raise AutodiffError("requires_grad can be switched off only on a leaf; use t.detach() for a value.")
            self._node = None
        elif type(self._node) is tape.Dual:  # a value in forward mode becomes a leaf that keeps its tangents
            known = [(level, level.tangent(self)) for level in engine.levels()]
            self._node = tape.leaf(self, self._data.shape, self._data.dtype)
            for level, tangent in known:
                if tangent is not None:
                    level.give(self, tangent)
        elif self._node is None:
            if self._data.dtype.kind not in "fc":
                raise AutodiffError(
                    f"a tensor of dtype {self._data.dtype} cannot carry a gradient; expected a floating or complex "
                    "dtype: cast it first, e.g. t.float() or t.astype(np.float64)."
                )
            self._node = tape.leaf(self, self._data.shape, self._data.dtype)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the user made this tensor, rather than a recorded operation."""
        return self._node is None or self._node.plan is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor (its name, parents, saved shapes); None for a leaf."""
        return None if self.is_leaf else self._node

    @property
    def grad(self) -> Tensor | None:
        """What `backward` has added up for this leaf (or for a tensor that retains its gradient)."""
        return self._grad  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and (not isinstance(value, Tensor) or value.shape != self.shape):
            given = errors.describe(getattr(value, "_data", value))
            raise AutodiffError(f"grad must be None or a Tensor of shape {self.shape}; got {given}.")
        self._grad = value

    @property
    def _grad(self) -> Any:  # the slots of grad and name stay empty until needed: making a Tensor is the hot path
        try:
            return self._grad_
        except AttributeError:
            return None

    @_grad.setter
    def _grad(self, value: Any) -> None:
        self._grad_ = value

    @property
    def name(self) -> str | None:
        """A name for pictures and error messages."""
        try:
            return self._name_
        except AttributeError:
            return None

    @name.setter
    def name(self, value: str | None) -> None:
        self._name_ = value
        if self._node is not None:  # whose pictures outlive the tensor
            tape.meta(self._node).name = value

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradient of this tensor to the `.grad` of every leaf it was computed from.

        `gradient` (this tensor's shape) may be left out for a scalar. The graph is freed unless `retain_graph`;
        `create_graph` records the backward pass itself, for higher derivatives.
        """
        sweep.backward(self, gradient, retain_graph, create_graph)

    def detach(self) -> Tensor:
        """Return a tensor with the same memory and no history."""
        result: Tensor = engine.wrap(self._data, None)
        return result

    def detach_(self) -> Tensor:
        """Forget this tensor's history."""
        self._node = None
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this inner tensor in `.grad` during backward."""
        if self._node is None:
            raise AutodiffError("retain_grad: this tensor has no history; nothing will flow back to it.")
        if not self.is_leaf:
            facts = tape.meta(self._node)
            facts.retains, facts.owner = True, tape.weakly(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> tape.Removable:
        """Call `hook(gradient)` when this tensor's gradient is complete; what it returns replaces the gradient."""
        if self._node is None:
            raise AutodiffError("register_hook: this tensor requires no gradient, so the hook would never be called.")
        return tape.Removable(tape.meta(self._node).hooks, hook)

    def numpy(self) -> ndarray[Any, Any]:
        """Return the values as an ndarray that shares memory."""
        return self._data

    # --- operators ---

    __add__ = __radd__ = _operator(np.add)
    __sub__, __mul__, __truediv__ = _operator(np.subtract), _operator(np.multiply), _operator(np.divide)
    __rmul__ = __mul__
    __matmul__, __mod__, __floordiv__ = _operator(np.matmul), _operator(np.remainder), _operator(np.floor_divide)
    __and__ = __rand__ = _operator(np.bitwise_and)
    __or__ = __ror__ = _operator(np.bitwise_or)
    __xor__ = __rxor__ = _operator(np.bitwise_xor)
    __lshift__, __rshift__ = _operator(np.left_shift), _operator(np.right_shift)
    __lt__, __le__, __gt__, __ge__ = map(_operator, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)

    def __rsub__(self, other: Any) -> Any:
        return np.subtract(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return np.divide(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __rmod__(self, other: Any) -> Any:
        return np.remainder(other, self)

    def __rfloordiv__(self, other: Any) -> Any:
        return np.floor_divide(other, self)

    def __divmod__(self, other: Any) -> Any:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return np.divmod(other, self)

    def __rlshift__(self, other: Any) -> Any:
        return np.left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return np.right_shift(other, self)

    def __pow__(self, exponent: Any) -> Any:
        return np.square(self) if type(exponent) in (int, float) and exponent == 2 else np.power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return np.power(base, self)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __pos__(self) -> Any:
        return np.positive(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __getitem__(self, index: Any) -> Any:
        template, arrays = parse(index)
        return getitem(self, *arrays, index=template)

    # --- in place ---

    def __setitem__(self, index: Any, value: Any) -> None:
        template, arrays = parse(index)
        rebinds = self._rebinds(value)
        if rebinds and sys.getrefcount(self) <= TEMPORARY and not (self.requires_grad and self.is_leaf):
            raise AutodiffError(
                "x[i][j] = v: with a history x[i] is a tensor of its own, so that nothing would be left of the change; "
                "write x[i, j] = v."
            )
        if rebinds or engine.tracing() or engine.levels():
            self._become(
                put(self, value if hasattr(value, "dtype") else np.asarray(value, self.dtype), *arrays, index=template)
            )
        else:
            self._data[values(index)] = values(value)
            tape.touch(self._data)

    def _become(self, y: Any) -> Tensor:
        """Take another tensor's value: with its history while that is recorded, else written into the memory."""
        y = y if isinstance(y, Tensor) else Tensor(y)
        if y.shape != self.shape or not np.can_cast(y.dtype, self.dtype, "same_kind"):
            raise ValueError(
                f"in place: a result {errors.describe(y._data)} does not fit into {errors.describe(self._data)}; "
                "make a new tensor instead (x = x + y)."
            )
        if y.dtype != self.dtype:
            y = y.astype(self.dtype)
        if not self._rebinds(y):
            engine.write(self, y)
            for level in engine.levels():
                level.moved(self, y)
        elif self._node is not None and self.is_leaf:
            raise AutodiffError(
                f"a leaf that requires a gradient{f' ({self.name})' if self.name else ''} was changed in place while "
                "recording. Wrap the update in `with ad.no_grad():`, or make a new tensor (x = x + y)."
            )
        else:
            self._data, self._node = y._data, y._node
        return self

    def _rebinds(self, y: Any) -> bool:
        """Say whether the value y makes this a new array with a history; else the memory is written, as in NumPy."""
        history = self._node is not None or (isinstance(y, Tensor) and y._node is not None)
        return tape.is_grad_enabled() and (history or not self._data.flags.writeable)

    def __iadd__(self, other: Any) -> Any:
        return self._become(self + other)

    def __isub__(self, other: Any) -> Any:
        return self._become(self - other)

    def __imul__(self, other: Any) -> Any:
        return self._become(self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._become(self / other)

    def __ipow__(self, other: Any) -> Any:
        return self._become(self**other)

    def __imatmul__(self, other: Any) -> Any:
        return self._become(self @ other)

    def __imod__(self, other: Any) -> Any:
        return self._become(self % other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._become(self // other)

    def __iand__(self, other: Any) -> Any:
        return self._become(self & other)

    def __ior__(self, other: Any) -> Any:
        return self._become(self | other)

    def __ixor__(self, other: Any) -> Any:
        return self._become(self ^ other)

    # --- NumPy's protocols ---

    __array_priority__ = 1000
    __array_ufunc__ = protocols.array_ufunc
    __array_function__ = protocols.array_function

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray[Any, Any]:
        if (self._node is not None or engine.tracing()) and not protocols.called_by_numpy_testing():
            state = "requires a gradient" if self._node is not None else "is being traced"
            if instead := protocols.called_by_scipy():
                raise TypeError(f"{instead}, or write t.detach() to lose the history of a Tensor that {state}.")
            raise TypeError(
                f"a Tensor that {state} was about to become a plain ndarray, losing its history. If that is meant, "
                "write t.detach() (or t.numpy()); for a sequence of tensors use np.stack([...])."
            )
        return np.array(self._data, dtype=dtype, copy=copy)

    # --- Python's protocols ---

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-d Tensor; expected at least one axis.")
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self._data == values(value)))

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ValueError(
                f"the truth of a Tensor of shape {self.shape} is ambiguous; use t.any(), t.all() or np.array_equal."
            )
        return bool(self._data.item())

    def _scalar(self, kind: type) -> Any:
        if self._data.size != 1:
            raise TypeError(
                f"only a Tensor of one element converts to {kind.__name__}; this one has shape {self.shape}."
            )
        if self._node is not None:
            warnings.warn(
                f"{kind.__name__}() of a Tensor that requires a gradient loses its history; "
                "write t.item() if a plain number is meant.",
                UserWarning,
                stacklevel=3,
            )
        return kind(self._data.item())

    def __float__(self) -> float:
        return float(self._scalar(float))

    def __int__(self) -> int:
        return int(self._scalar(int))

    def __complex__(self) -> complex:
        return complex(self._scalar(complex))

    def __index__(self) -> int:
        if self._data.size != 1 or self._data.dtype.kind not in "iu":
            raise TypeError(f"only an integer Tensor of one element is an index; got {errors.describe(self._data)}.")
        return int(self._data.item())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", prefix="tensor(", suffix=")")
        facts = [] if self.dtype in (np.float32, np.int64, np.bool_) else [f"dtype={self.dtype}"]
        if not self._data.size and self._data.ndim > 1:
            facts.append(f"shape={self.shape}")
        if self._node is not None:
            facts.append("requires_grad=True" if self.is_leaf else f"grad_fn={self._node!r}")
        return f"tensor({', '.join([text, *facts])})"

    def _repr_html_(self) -> str:
        from autodiff.html import tensor_table

        return str(tensor_table(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __format__(self, spec: str) -> str:
        return format(self._data.item(), spec) if self._data.size == 1 and spec else format(repr(self), spec)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise TypeError(
                "copy.copy, deepcopy and pickle take leaves only: this tensor's history cannot be copied with it. "
                "Use t.clone() to stay in the graph, or t.detach() for the value."
            )
        return _rebuild, (type(self), self._data, self.requires_grad, self.name, self._grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        rebuild, (kind, data, requires_grad, name, grad) = self.__reduce_ex__(4)
        again: Tensor = rebuild(kind, data.copy(), requires_grad, name, None if grad is None else grad.detach().clone())
        memo[id(self)] = again
        return again


def _rebuild(kind: type[Tensor], data: Any, requires_grad: bool, name: str | None, grad: Any) -> Tensor:
    t = kind.__new__(kind)
    Tensor.__init__(t, data, requires_grad)
    if name is not None:
        t.name = name
    if grad is not None:
        t.grad = grad
    return t


def numeric(data: Any) -> ndarray[Any, Any]:
    """Return data as an ndarray of numbers."""
    array = data._data if isinstance(data, Tensor) else np.asarray(data)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"a Tensor of dtype {array.dtype} is not supported; expected booleans, integers, floats or complex numbers."
        )
    return array if type(array) is ndarray else np.asarray(array)


engine.install(Tensor)
