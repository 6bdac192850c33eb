"""Making tensors: `tensor`, `as_tensor`, and NumPy's creation functions with `dtype=` and `requires_grad=`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autodiff import devices
from autodiff.tensor import Tensor, numeric

_default: np.dtype[Any] = np.dtype(np.float32)


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats, and creation functions without a dtype, become (float32 at first)."""
    global _default
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype must be a floating dtype; got {dtype}.")
    _default = dtype


def get_default_dtype() -> np.dtype[Any]:
    """Return the dtype that Python floats become."""
    return _default


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return a new tensor from a copy of data; Python floats become float32, an ndarray keeps its dtype.

    >>> tensor([1, 2]).dtype, tensor([1.0, 2.0]).dtype
    (dtype('int64'), dtype('float32'))
    """
    if isinstance(data, Tensor) and data.requires_grad:
        warnings.warn(
            "tensor(t) copies the values of t without its history; write t.detach().clone() if that is meant, or "
            "t.clone() to stay in the graph.",
            UserWarning,
            stacklevel=2,
        )
    return _made(np.array(_array(data, dtype)), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return data as a tensor that shares an ndarray's memory; a Tensor of that dtype is returned as it is."""
    if isinstance(data, Tensor):
        moved: Tensor = data.to(dtype, device=device)
        return moved
    return _made(_array(data, dtype), False, device)


def _array(data: Any, dtype: Any) -> Any:
    if isinstance(data, Tensor):
        data = data._data
    given = hasattr(data, "dtype")
    array = np.asarray(data, dtype=dtype)
    if dtype is None and not given and array.dtype.kind in "fc":
        kind = _default if array.dtype.kind == "f" else np.result_type(_default, np.complex64)
        array = array.astype(kind)
    return numeric(array)


def _made(array: Any, requires_grad: bool, device: Any) -> Tensor:
    devices.device(device)
    return Tensor(array, requires_grad)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return zeros of a shape: `zeros(2, 3)` or `zeros((2, 3))`."""
    return _made(np.zeros(_size(size), dtype or _default), requires_grad, device)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return ones of a shape: `ones(2, 3)` or `ones((2, 3))`."""
    return _made(np.ones(_size(size), dtype or _default), requires_grad, device)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return uninitialised values of a shape."""
    return _made(np.empty(_size(size), dtype or _default), requires_grad, device)


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return a shape filled with one value."""
    return _made(np.full(size, _array(fill_value, dtype)), requires_grad, device)


def arange(*bounds: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return evenly spaced numbers: `arange(stop)`, `arange(start, stop[, step])`; integers stay integers."""
    return _made(
        _array(np.arange(*bounds), dtype or (_default if np.result_type(*bounds).kind == "f" else None)),
        requires_grad,
        device,
    )


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
    *,
    steps: int | None = None,
) -> Tensor:
    """Return `num` evenly spaced numbers from start to stop, both included; PyTorch's `steps` is taken for it."""
    values = np.linspace(start, stop, num if steps is None else steps, dtype=dtype or _default)
    return _made(values, requires_grad, device)


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return the identity matrix (n, m)."""
    return _made(np.eye(n, m, dtype=dtype or _default), requires_grad, device)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return zeros with the shape and dtype of x."""
    return _made(np.zeros_like(numeric(x), dtype), requires_grad, device)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return ones with the shape and dtype of x."""
    return _made(np.ones_like(numeric(x), dtype), requires_grad, device)


def empty_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return uninitialised values with the shape and dtype of x."""
    return _made(np.empty_like(numeric(x), dtype), requires_grad, device)


def full_like(x: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return one value in the shape and dtype of x."""
    return _made(np.full_like(numeric(x), fill_value, dtype), requires_grad, device)


def _size(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
