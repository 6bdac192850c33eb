"""What a model holds: parameters, which are trained, buffers, which are not, and those whose shape is not known yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, get_default_dtype, tape, zeros


class Parameter(Tensor):
    """A tensor that a module trains: `requires_grad` is True, and its `name` is its place in the model.

    >>> Parameter(np.zeros(2)).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        super().__init__(zeros(0) if data is None else data, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that becomes a buffer of the module whose attribute it is made; `persistent` ones are saved with it.

    >>> import nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(np.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        super().__init__(zeros(0) if data is None else data)
        self.persistent = persistent

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _buffer, (self._data, self.persistent, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        memo[id(self)] = again = _buffer(self._data.copy(), self.persistent, self.name)
        return again


def _buffer(data: Any, persistent: bool, name: str | None) -> Buffer:
    buffer = Buffer(data, persistent=persistent)
    if name is not None:
        buffer.name = name
    return buffer


# --- before the shape is known ---------------------------------------------------------------------------------------

_RAW: Any = vars(Tensor)["_data"]  # the slot behind `Tensor._data`


class Uninitialized:
    """A tensor whose shape is not known: whoever asks for its values is refused until `materialize` is called."""

    __slots__ = ()

    _becomes: type[Tensor]
    _node: Any

    def __init__(self, requires_grad: bool = False, dtype: Any = None) -> None:
        self.data = np.empty(0, dtype or get_default_dtype())
        self.requires_grad = requires_grad

    def materialize(self, shape: tuple[int, ...], dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of zeros; the object stays the same."""
        values, trained = np.zeros(shape, dtype or self.dtype), self.requires_grad
        self.__class__ = self._becomes  # type: ignore[assignment]
        Tensor.__init__(self, values, trained)  # type: ignore[arg-type]

    @property
    def _data(self) -> Any:
        raise ValueError(
            f"Attempted to use an {self!r}: its shape is not known yet. Call the lazy module, or the model that it is "
            "in, with a batch first."
        )

    @_data.setter
    def _data(self, value: Any) -> None:
        _RAW.__set__(self, value)

    @property
    def data(self) -> Any:
        """An empty array of the dtype to come, for casts."""
        return _RAW.__get__(self)

    @data.setter
    def data(self, value: Any) -> None:
        _RAW.__set__(self, value)

    @property
    def dtype(self) -> Any:
        """The dtype to come."""
        return self.data.dtype

    @property
    def shape(self) -> Any:
        """Not known."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. Call `forward` to initialize the "
            "parameters before accessing their attributes."
        )

    @property
    def requires_grad(self) -> bool:
        """Whether it will be trained."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._node = tape.leaf(self, (0,), self.dtype) if value else None

    def detach(self) -> Any:
        """Return it, so that a state dict can hold it."""
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, self.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        memo[id(self)] = again = type(self)(self.requires_grad, self.dtype)
        return again


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter whose shape the first call of a lazy module will tell.

    >>> weight = UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape
    (2, 3)
    """

    __slots__ = ()
    _becomes = Parameter

    def __init__(self, requires_grad: bool = True, dtype: Any = None) -> None:
        super().__init__(requires_grad, dtype)


class UninitializedBuffer(Uninitialized, Tensor):
    """A buffer whose shape the first call of a lazy module will tell."""

    __slots__ = ()
    _becomes = Tensor
