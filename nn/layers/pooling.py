"""Pooling layers."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.random import Generator
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


# --- norms, unpooling, windows at random places ----------------------------------------------------------------------


class _LPPool(Module):
    _dims: int

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        function = getattr(functional, f"lp_pool{self._dims}d")
        output: Tensor = function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
        return output

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norms of windows over (N, C, L) or (C, L); see `functional.lp_pool1d`."""

    _dims = 1


class LPPool2d(_LPPool):
    """The p-norms of windows over (N, C, H, W) or (C, H, W); see `functional.lp_pool1d`.

    >>> import autodiff as ad
    >>> LPPool2d(2, 2)(ad.ones(1, 2, 2)).tolist()
    [[[2.0]]]
    """

    _dims = 2


class LPPool3d(_LPPool):
    """The p-norms of windows over (N, C, D, H, W) or (C, D, H, W); see `functional.lp_pool1d`."""

    _dims = 3


class _MaxUnpool(Module):
    _dims: int

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = (
            n if isinstance(n, tuple) else (n,) * self._dims
            for n in (kernel_size, kernel_size if stride is None else stride, padding)
        )

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        function = getattr(functional, f"max_unpool{self._dims}d")
        output: Tensor = function(input, indices, self.kernel_size, self.stride, self.padding, output_size)
        return output

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Zeros, with what a MaxPool1d that returns indices chose at its places."""

    _dims = 1


class MaxUnpool2d(_MaxUnpool):
    """Zeros, with what a MaxPool2d that returns indices chose at its places.

    >>> import autodiff as ad
    >>> largest, places = MaxPool2d(2, return_indices=True)(ad.arange(16.0).reshape(1, 4, 4))
    >>> MaxUnpool2d(2)(largest, places).tolist()[0][1]
    [0.0, 5.0, 0.0, 7.0]
    """

    _dims = 2


class MaxUnpool3d(_MaxUnpool):
    """Zeros, with what a MaxPool3d that returns indices chose at its places."""

    _dims = 3


class _FractionalMaxPool(Module):
    _dims: int
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Size,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            which = "either" if output_size is None else "only one of"
            raise ArgumentError(f"{name}: {which} output_size or output_ratio should be given")
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,)
        if output_ratio is not None and not all(0 < ratio < 1 for ratio in ratios):
            raise ArgumentError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")
        self.kernel_size, self.output_size, self.return_indices = kernel_size, output_size, return_indices
        self.output_ratio = output_ratio if output_ratio is None or len(ratios) > 1 else tuple(ratios) * self._dims
        self.generator = generator
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        function = getattr(functional, f"fractional_max_pool{self._dims}d")
        options = self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        return function(input, *options, generator=self.generator)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest elements of windows at random places of (N, C, H, W) or (C, H, W), also in `eval()`."""

    _dims = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest elements of windows at random places of (N, C, D, H, W) or (C, D, H, W), also in `eval()`."""

    _dims = 3
