"""Layers that take images apart into blocks, and put them together again."""

from __future__ import annotations

from autodiff import Tensor
from nn import functional
from nn.functional.pooling import Size
from nn.module import Module


class Unfold(Module):
    """The blocks of images (N, C, H, W) as columns (N, C kh kw, number of blocks); see `functional.unfold`.

    >>> import autodiff as ad
    >>> Unfold((2, 3))(ad.ones(2, 5, 3, 4)).shape
    (2, 30, 4)
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """The sums of blocks (N, C kh kw, number of blocks) in images of a size; see `functional.fold`.

    >>> import autodiff as ad
    >>> Fold((4, 5), 2)(ad.ones(1, 12, 12)).shape
    (1, 3, 4, 5)
    """

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
