"""Layers that drop values, or whole channels, at random while training; the identity in `eval()`."""

from __future__ import annotations

from autodiff import Tensor
from autodiff.random import Generator
from nn import _checks, functional
from nn.module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Generator | None = None) -> None:
        super().__init__()
        _checks.probability("dropout probability", p)
        self.p, self.inplace, self.generator = p, inplace, generator

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Zero each element with probability p and scale the rest by 1 / (1 - p); the identity in `eval()`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout1d(_Dropout):
    """Dropout of whole channels of (n, c, length), or of one sequence."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout1d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout2d(_Dropout):
    """Dropout of whole channels of (n, c, height, width).

    >>> import autodiff as ad
    >>> dropped = Dropout2d(0.5)(ad.ones(4, 8, 3, 3))
    >>> sorted(set((dropped.sum((2, 3)) / 9).numpy().ravel().tolist()) - {0.0})
    [2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout2d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout3d(_Dropout):
    """Dropout of whole channels of (n, c, depth, height, width), or of one volume."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout3d(input, self.p, self.training, self.inplace, generator=self.generator)


class AlphaDropout(_Dropout):
    """Dropout for SELU: dropped elements take its lowest value, and mean 0 and variance 1 stay."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.alpha_dropout(input, self.p, self.training, self.inplace, generator=self.generator)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (n, c, ...)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.feature_alpha_dropout(input, self.p, self.training, self.inplace, generator=self.generator)
