"""Layers that normalize: over the batch, over groups of channels, over the last axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn import _checks, functional, init
from nn.functional.inplace import counted
from nn.module import Module, Parameter


class _Affine(Module):
    """A weight that starts as ones and a bias that starts as zeros, of one shape, or None."""

    weight: Parameter | None
    bias: Parameter | None

    def _register(self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        self.register_parameter("weight", Parameter(ad.ones(shape, device=device, dtype=dtype)) if weight else None)
        self.register_parameter("bias", Parameter(ad.zeros(shape, device=device, dtype=dtype)) if bias else None)

    def reset_parameters(self) -> None:
        """Set the weight to ones and the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _Tracking(_Affine):
    """Normalization of channels that can keep running averages of their means and variances."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _ranks: tuple[int, ...]  # how many axes the input may have
    _expected: str

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._register(num_features, affine, affine and bias, device, dtype)
        tracked = track_running_stats
        self.register_buffer("running_mean", ad.zeros(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ad.ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", ad.zeros((), dtype=np.int64) if tracked else None)

    def reset_running_stats(self) -> None:
        """Set the running means to 0, the variances to 1 and the count of batches to 0."""
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                init.constant_(buffer, value)

    def reset_parameters(self) -> None:
        """Set the weight to ones, the bias to zeros, and what is tracked to where it starts."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check(self, input: Tensor) -> None:
        _checks.array(type(self).__name__, input)
        if input.ndim not in self._ranks:
            hint = "; one image needs a batch axis, x[None]" if self._ranks == (input.ndim + 1,) else ""
            raise ArgumentError(
                f"{type(self).__name__}: expected {self._expected} input (got {input.ndim}D input of shape "
                f"{input.shape}){hint}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


# --- over the batch --------------------------------------------------------------------------------------------------


class BatchNormNd(_Tracking):
    """Normalization of each channel over the batch, for inputs of any number of axes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            counted(self.num_batches_tracked)
            if momentum is None:  # a plain average over all batches
                momentum = 1 / float(self.num_batches_tracked)
        return functional.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(BatchNormNd):
    """Normalize each feature of (N, C) or (N, C, L) over the batch; in `eval()` by the running mean and variance.

    `momentum` is the part of a new batch in the running averages; None makes them averages over all batches.

    >>> BatchNorm1d(3)(ad.ones(4, 3)).tolist()[0]
    [0.0, 0.0, 0.0]
    """

    _ranks, _expected = (2, 3), "2D or 3D"


class BatchNorm2d(BatchNormNd):
    """Normalize each channel of (N, C, H, W) over the batch; in `eval()` by the running mean and variance."""

    _ranks, _expected = (4,), "4D"


class BatchNorm3d(BatchNormNd):
    """Normalize each channel of (N, C, D, H, W) over the batch; in `eval()` by the running mean and variance."""

    _ranks, _expected = (5,), "5D"


# --- over each image -------------------------------------------------------------------------------------------------


class InstanceNormNd(_Tracking):
    """Normalization of each channel of each image, for images of any number of axes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        single = input.ndim == self._ranks[0]
        batch = input[None] if single else input
        if self.affine and batch.shape[1] != self.num_features:
            raise ArgumentError(
                f"expected input's size at dim={1 - single} to match num_features ({self.num_features}), but got: "
                f"{batch.shape[1]}."
            )
        output = functional.instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return output[0] if single else output


class InstanceNorm1d(InstanceNormNd):
    """Normalize each channel of each image (N, C, L), or of one (C, L)."""

    _ranks, _expected = (2, 3), "2D or 3D"


class InstanceNorm2d(InstanceNormNd):
    """Normalize each channel of each image (N, C, H, W), or of one (C, H, W)."""

    _ranks, _expected = (3, 4), "3D or 4D"


class InstanceNorm3d(InstanceNormNd):
    """Normalize each channel of each image (N, C, D, H, W), or of one (C, D, H, W)."""

    _ranks, _expected = (4, 5), "4D or 5D"


class GroupNorm(_Affine):
    """Normalize groups of the channels of each image (N, C, ...); the weight and the bias have one number a channel.

    >>> GroupNorm(2, 6)(ad.ones(4, 6, 5)).shape
    (4, 6, 5)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ArgumentError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._register(num_channels, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


# --- over the last axes ----------------------------------------------------------------------------------------------


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(_Affine):
    """Normalize over the last axes, those of `normalized_shape`; the weight and the bias have that shape.

    >>> LayerNorm(2)(ad.tensor([[1.0, 3.0]])).detach()
    tensor([[-0.999995,  0.999995]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self._register(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """Divide by the root of the mean square over the last axes (Zhang & Sennrich, 2019); eps is the dtype's if None."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self.register_parameter(
            "weight",
            Parameter(ad.ones(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None,
        )

    def reset_parameters(self) -> None:
        """Set the weight to ones."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Division of (n, c, ...) by (k + alpha times the mean square of `size` neighbouring channels) ** beta.

    >>> LocalResponseNorm(2)(ad.ones(1, 4, 3, 3)).shape
    (1, 4, 3, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """LocalResponseNorm of images (n, c, h, w), over as many channels behind as before.

    Of an even `size` that is one channel less. PyTorch's layer of this name keeps the first channel in every later sum,
    and its gradient is not that of its values; this one computes what both mean.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ArgumentError(f"CrossMapLRN2d: expected (n, c, h, w), got shape {input.shape}")
        odd = (self.size - 1) // 2 * 2 + 1
        return functional.local_response_norm(input, odd, self.alpha * odd / self.size, self.beta, self.k)
