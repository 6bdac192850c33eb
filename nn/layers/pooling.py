"""Pooling layers."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import functional
from nn.functional.pooling import Size
from nn.module import Module


class _MaxPool(Module):
    _dims: int

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        function = getattr(functional, f"max_pool{self._dims}d")
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest elements of windows over (N, C, L) or (C, L); of equal ones the first gets the gradient."""

    _dims = 1


class MaxPool2d(_MaxPool):
    """The largest elements of windows over (N, C, H, W) or (C, H, W); of equal ones the first gets the gradient.

    >>> import autodiff as ad
    >>> MaxPool2d(2)(ad.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """

    _dims = 2


class MaxPool3d(_MaxPool):
    """The largest elements of windows over (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3


class AvgPool1d(Module):
    """The means of windows over (N, C, L) or (C, L)."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = map(
            _single, (kernel_size, kernel_size if stride is None else stride, padding)
        )
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _single(n: Size) -> tuple[int, ...]:
    return (n,) if isinstance(n, int) else tuple(n)


class _AvgPool(Module):
    _dims: int

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Any:
        options = self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override
        return getattr(functional, f"avg_pool{self._dims}d")(input, self.kernel_size, self.stride, *options)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The means of windows over (N, C, H, W) or (C, H, W)."""

    _dims = 2


class AvgPool3d(_AvgPool):
    """The means of windows over (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3


# --- into a given number of parts ------------------------------------------------------------------------------------


class _AdaptiveAvgPool(Module):
    _dims: int

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Any:
        return getattr(functional, f"adaptive_avg_pool{self._dims}d")(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of as many parts of (N, C, L) or (C, L) as are asked for."""

    _dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of as many parts of (N, C, H, W) or (C, H, W) as are asked for; None keeps an axis as it is."""

    _dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of as many parts of (N, C, D, H, W) or (C, D, H, W) as are asked for."""

    _dims = 3


class _AdaptiveMaxPool(Module):
    _dims: int

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return getattr(functional, f"adaptive_max_pool{self._dims}d")(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of as many parts of (N, C, L) or (C, L) as are asked for."""

    _dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of as many parts of (N, C, H, W) or (C, H, W) as are asked for; None keeps an axis."""

    _dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of as many parts of (N, C, D, H, W) or (C, D, H, W) as are asked for."""

    _dims = 3
