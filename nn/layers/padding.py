"""Padding layers: with zeros, a constant, or values of the input itself, along the last one to three axes."""

from __future__ import annotations

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn import functional
from nn.module import Module

Padding = int | tuple[int, ...]


class _Pad(Module):
    """Padding along the last n axes, by one number or by (before, after) of the last, then of the one before it."""

    n: int
    mode: str = "constant"
    value: float = 0.0

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        given = (padding,) * (2 * self.n) if isinstance(padding, int) else tuple(padding)
        if len(given) != 2 * self.n:
            raise ArgumentError(
                f"{type(self).__name__}: padding must be one number or {2 * self.n}, (before, after) of each axis from "
                f"the last, got {padding}"
            )
        self.padding = given

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: Padding, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad1d(_Pad):
    """Pad (..., length) with zeros."""

    n = 1


class ZeroPad2d(_Pad):
    """Pad (..., height, width) with zeros.

    >>> import autodiff as ad
    >>> ZeroPad2d((1, 1, 0, 2))(ad.ones(1, 3, 4, 4)).shape
    (1, 3, 6, 6)
    """

    n = 2


class ZeroPad3d(_Pad):
    """Pad (..., depth, height, width) with zeros."""

    n = 3


class ConstantPad1d(_ConstantPad):
    """Pad (..., length) with a value.

    >>> import autodiff as ad
    >>> ConstantPad1d((1, 2), 7.0)(ad.ones(1, 2)).tolist()
    [[7.0, 1.0, 1.0, 7.0, 7.0]]
    """

    n = 1


class ConstantPad2d(_ConstantPad):
    """Pad (..., height, width) with a value."""

    n = 2


class ConstantPad3d(_ConstantPad):
    """Pad (..., depth, height, width) with a value."""

    n = 3


class ReflectionPad1d(_Pad):
    """Pad (..., length) with its reflection at the outermost elements.

    >>> import autodiff as ad
    >>> ReflectionPad1d(2)(ad.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    n = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad (..., height, width) with its reflection at the outermost elements."""

    n = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pad (..., depth, height, width) with its reflection at the outermost elements."""

    n = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pad (..., length) with its outermost elements.

    >>> import autodiff as ad
    >>> ReplicationPad1d((0, 2))(ad.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 2.0, 3.0, 3.0, 3.0]]
    """

    n = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad (..., height, width) with its outermost elements."""

    n = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pad (..., depth, height, width) with its outermost elements."""

    n = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Pad (..., length) with what stands at its other end.

    >>> import autodiff as ad
    >>> CircularPad1d((0, 2))(ad.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 2.0, 3.0, 1.0, 2.0]]
    """

    n = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """Pad (..., height, width) with what stands at its other end."""

    n = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Pad (..., depth, height, width) with what stands at its other end."""

    n = 3
    mode = "circular"
