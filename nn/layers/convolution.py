"""Convolutions in one, two and three dimensions, and their transposes."""

from __future__ import annotations

import math
from typing import Any

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import _checks, functional, init
from nn.functional.convolution import Size, same_padding
from nn.module import Module, Parameter

_MODES = "zeros", "reflect", "replicate", "circular"


class _Layer(Module):
    """What all of them share: sizes, parameters and their initial values; `n` is the number of axes of space."""

    n: int
    weight: Parameter
    bias: Parameter | None

    def _set(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: str | Size,
        dilation: Size,
        groups: int,
        padding_mode: str,
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"in_channels={in_channels} and out_channels={out_channels} must be divisible by groups={groups}"
            )
        if padding_mode not in _MODES:
            raise ArgumentError(f"padding_mode must be one of {list(_MODES)}, but got padding_mode={padding_mode!r}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.groups, self.padding_mode = groups, padding_mode
        self.kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self.stride, self.dilation = self._sizes("stride", stride, 1), self._sizes("dilation", dilation, 1)
        self.padding: Any = padding
        if isinstance(padding, str):
            same_padding(padding, self.stride, self.dilation, self.kernel_size)
        else:
            self.padding = self._sizes("padding", padding, 0)

    def _sizes(self, what: str, value: Size, least: int) -> tuple[int, ...]:
        return _checks.sizes(f"{type(self).__name__}: {what}", value, self.n, least)

    def _make(self, first: int, second: int, bias: bool, device: Any, dtype: Any, generator: Generator | None) -> None:
        self.weight = Parameter(ad.empty(first, second // self.groups, *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(ad.empty(self.out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw the weight and the bias anew: uniform on ±1 / sqrt(fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
            init.uniform_(self.bias, -bound, bound, generator)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        plain = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, value in plain.items():
            given = getattr(self, name, (value,) * self.n)
            text += f", {name}={given}" if given != (value,) * self.n else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class ConvNd(_Layer):
    """A convolution over `n` axes of space."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._set(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode)
        self._make(out_channels, in_channels, bias, device, dtype, generator)

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            if isinstance(padding, str):
                padding = same_padding(padding, self.stride, self.dilation, self.kernel_size)
            input = self._surrounded(input, padding)
            padding = 0
        convolve = getattr(functional, f"conv{self.n}d")
        output: Tensor = convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return output

    def _surrounded(self, input: Tensor, padding: Any) -> Tensor:
        """Pad with values of the image itself."""
        pairs = [p if isinstance(p, tuple) else (p, p) for p in ((0,) * self.n if padding == 0 else padding)]
        return functional.pad(input, [n for pair in pairs[::-1] for n in pair], self.padding_mode)


class ConvTransposeNd(_Layer):
    """A transposed convolution over `n` axes of space."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ArgumentError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        if isinstance(padding, str):
            raise ArgumentError(f"{type(self).__name__} takes padding as numbers, got {padding!r}")
        self._set(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode)
        self.output_padding = self._sizes("output_padding", output_padding, 0)
        self._make(in_channels, out_channels, bias, device, dtype, generator)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Return the transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        extra = self.output_padding if output_size is None else self._extra(input, tuple(output_size))
        convolve = getattr(functional, f"conv_transpose{self.n}d")
        output: Tensor = convolve(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )
        return output

    def _extra(self, input: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output padding that gives a size."""
        wanted = wanted[-self.n :] if len(wanted) == input.ndim else wanted
        sizes = zip(
            input.shape[-self.n :], self.kernel_size, self.stride, self.padding, self.dilation, strict=True
        )  # fmt: skip
        least = [(length - 1) * s - 2 * p + d * (k - 1) + 1 for length, k, s, p, d in sizes]
        most = [size + s - 1 for size, s in zip(least, self.stride, strict=True)]
        if len(wanted) != self.n or not all(a <= b <= c for a, b, c in zip(least, wanted, most, strict=True)):
            raise ArgumentError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} "
                f"(for an input of {input.shape})"
            )
        return tuple([b - a for a, b in zip(least, wanted, strict=True)])


class Conv1d(ConvNd):
    """A convolution of (n, in_channels, length) or of one sequence; see `functional.conv1d`.

    >>> Conv1d(3, 8, 5, padding="same")(ad.ones(2, 3, 10)).shape
    (2, 8, 10)
    """

    n = 1


class Conv2d(ConvNd):
    """A convolution of (n, in_channels, height, width) or of one image; see `functional.conv2d`.

    >>> Conv2d(3, 8, 3, stride=2, padding=1)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> Conv2d(3, 8, 3, stride=2, padding=1)(ad.ones(2, 3, 32, 32)).shape
    (2, 8, 16, 16)
    """

    n = 2


class Conv3d(ConvNd):
    """A convolution of (n, in_channels, depth, height, width) or of one volume; see `functional.conv3d`.

    >>> Conv3d(1, 2, 3)(ad.ones(1, 1, 5, 6, 7)).shape
    (1, 2, 3, 4, 5)
    """

    n = 3


class ConvTranspose1d(ConvTransposeNd):
    """The adjoint of a convolution of (n, out_channels, length): what a Conv1d's backward pass does to its gradient.

    >>> ConvTranspose1d(2, 3, 4, stride=2, padding=1)(ad.ones(1, 2, 5)).shape
    (1, 3, 10)
    """

    n = 1


class ConvTranspose2d(ConvTransposeNd):
    """The adjoint of a convolution of (n, out_channels, height, width).

    >>> layer = ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    >>> layer(ad.ones(1, 2, 5, 5)).shape, layer(ad.ones(1, 2, 5, 5), output_size=(10, 9)).shape
    ((1, 3, 9, 9), (1, 3, 10, 9))
    """

    n = 2


class ConvTranspose3d(ConvTransposeNd):
    """The adjoint of a convolution of (n, out_channels, depth, height, width).

    >>> ConvTranspose3d(1, 2, 2, stride=2)(ad.ones(1, 1, 2, 3, 4)).shape
    (1, 2, 4, 6, 8)
    """

    n = 3
