"""Nonlinearities: elementwise, and along an axis."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import functional, init
from nn.module import Module, Parameter


class _Activation(Module):
    """A function of one tensor; `shown` are the options that its repr names."""

    shown: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        options = [f"{name}={getattr(self, name)!r}" for name in self.shown]
        return ", ".join([*options, "inplace=True"] if getattr(self, "inplace", False) else options)


class _InPlace(_Activation):
    """One whose only option is to write into its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU(_InPlace):
    """max(x, 0); its derivative at 0 is 0.

    >>> ReLU()(ad.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu(input, self.inplace)


class SiLU(_InPlace):
    """x sigmoid(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.silu(input, self.inplace)


class Mish(_InPlace):
    """x tanh(softplus(x)) (Misra, 2019)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.mish(input, self.inplace)


class SELU(_InPlace):
    """1.0507 elu(x, 1.6733): of normal values the mean stays 0 and the variance 1 (Klambauer et al., 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.selu(input, self.inplace)


class Hardsigmoid(_InPlace):
    """(x + 3) / 6, but 0 below -3 and 1 above 3.

    >>> Hardsigmoid()(ad.tensor([-4.0, 0.0, 3.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardsigmoid(input, self.inplace)


class Hardswish(_InPlace):
    """x hardsigmoid(x) (Howard et al., 2019)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""  # PyTorch shows no option of this one


class Tanh(_Activation):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanh(input)


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = functional.sigmoid(input)
        return output


class LogSigmoid(_Activation):
    """log(sigmoid(x)), finite where sigmoid underflows."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.logsigmoid(input)


class Softsign(_Activation):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softsign(input)


class Tanhshrink(_Activation):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanhshrink(input)


class GELU(_Activation):
    """x times the normal distribution function at x, or its approximation by tanh."""

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ArgumentError(f"GELU: approximate must be 'none' or 'tanh'; got {approximate!r}")
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return functional.gelu(input, self.approximate)


class Softplus(_Activation):
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold."""

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return functional.softplus(input, self.beta, self.threshold)


class LeakyReLU(_Activation):
    """x where it is positive, else negative_slope x."""

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.leaky_relu(input, self.negative_slope, self.inplace)


class RReLU(_Activation):
    """x where it is positive, else x times a slope, drawn from [lower, upper) or, in `eval()`, their mean."""

    shown = ("lower", "upper")

    def __init__(
        self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False, *, generator: Generator | None = None
    ) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace, self.generator = lower, upper, inplace, generator

    def forward(self, input: Tensor) -> Tensor:
        return functional.rrelu(
            input, self.lower, self.upper, self.training, self.inplace, generator=self.generator
        )  # fmt: skip


class PReLU(_Activation):
    """x where it is positive, else x times a learned slope: one, or one for each channel (axis 1).

    >>> PReLU()(ad.tensor([-4.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    shown = ("num_parameters",)
    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(ad.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope to its first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return functional.prelu(input, self.weight)


class ELU(_Activation):
    """x where it is positive, else alpha (exp(x) - 1)."""

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.elu(input, self.alpha, self.inplace)


class CELU(_Activation):
    """x where it is positive, else alpha (exp(x / alpha) - 1)."""

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.celu(input, self.alpha, self.inplace)


class Hardtanh(_Activation):
    """x, but min_val below and max_val above."""

    shown: tuple[str, ...] = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if min_val > max_val:
            raise ArgumentError(f"Hardtanh: min_val {min_val} is above max_val {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """x, but 0 below 0 and 6 above 6."""

    shown = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Threshold(_Activation):
    """x where it is above the threshold, else a value.

    >>> Threshold(0.5, -1.0)(ad.tensor([0.5, 0.75])).tolist()
    [-1.0, 0.75]
    """

    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.threshold(input, self.threshold, self.value, self.inplace)


class _Shrink(_Activation):
    """What takes a range around 0 to 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x, but 0 from -lambd to lambd."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x nearer to 0 by lambd, and 0 from -lambd to lambd."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softshrink(input, self.lambd)


# --- along an axis ---------------------------------------------------------------------------------------------------


class GLU(_Activation):
    """a sigmoid(b), a and b the halves of x along an axis (Dauphin et al., 2017).

    >>> GLU()(ad.ones(2, 6)).shape
    (2, 3)
    """

    shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.glu(input, self.dim)


class Maxout(_Activation):
    """The largest of each group of `pieces` neighbours along an axis (Goodfellow et al., 2013).

    >>> Maxout(3)(ad.ones(2, 6)).shape
    (2, 2)
    """

    shown = ("pieces", "dim")

    def __init__(self, pieces: int, dim: int = 1) -> None:
        super().__init__()
        self.pieces, self.dim = pieces, dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.maxout(input, self.pieces, self.dim)


class _Along(_Activation):
    """Softmax, or a relative, along an axis."""

    shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_Along):
    """exp(x) / sum(exp(x)) along an axis.

    >>> Softmax(dim=-1)(ad.zeros(1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_Along):
    """The logarithm of softmax along an axis."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.log_softmax(input, self.dim, _stacklevel=5)


class Softmin(_Along):
    """The softmax of -x along an axis."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmin(input, self.dim, _stacklevel=5)


class Softmax2d(_Activation):
    """Softmax over the channels of (n, c, height, width), or of one image."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ArgumentError(f"Softmax2d: expected (n, c, h, w) or (c, h, w), got shape {input.shape}")
        return functional.softmax(input, -3)
