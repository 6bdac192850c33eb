"""What a Tensor says of itself without computing."""

from __future__ import annotations

from typing import Any

import numpy

from autodiff.devices import CPU
from autodiff.methods.entries import np


class Size(int):
    """The number of elements; called, PyTorch's `size()` and `size(dim)`."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]


class Attributes:
    """ndarray's attributes, and PyTorch's questions for them."""

    __slots__ = ()
    _data: Any
    _become: Any

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
    device = property(lambda self: CPU)
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
