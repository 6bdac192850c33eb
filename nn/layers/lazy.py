"""Layers that learn from their first input how many features or channels it has, and then are the ordinary ones."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError
from nn.layers import convolution, linear, normalization
from nn.module import Module
from nn.parameter import Uninitialized, UninitializedBuffer, UninitializedParameter


class _Lazy(Module):
    """The layer `cls_to_become` without its first argument, whose attribute `_counts` the first input fills in."""

    cls_to_become: Any
    _counts: str
    _defaults: dict[str, Any] = {}  # where they differ from those of the layer  # noqa: RUF012

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "cls_to_become"):
            _, *rest = inspect.signature(cls.cls_to_become).parameters.values()
            listed = [p.replace(default=cls._defaults.get(p.name, p.default)) for p in rest]
            cls.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(type(self)).bind(*args, **kwargs)
        given.apply_defaults()
        super().__init__(0, **given.arguments)  # type: ignore[call-arg]
        self._options = given.arguments
        for name, parameter in self._own_parameters():
            setattr(self, name, UninitializedParameter(dtype=parameter.dtype))
        for name, tensor in self._own_buffers():
            if tensor.ndim:
                setattr(self, name, UninitializedBuffer(dtype=tensor.dtype))

    def has_uninitialized_params(self) -> bool:
        """Say whether the layer still waits for an input, or for a state dict."""
        return any(isinstance(t, Uninitialized) for _, t in (*self._own_parameters(), *self._own_buffers()))

    def reset_parameters(self, *args: Any) -> None:
        """Draw the parameters anew, if they are there."""
        if getattr(self, self._counts) and not self.has_uninitialized_params():
            super().reset_parameters(*args)  # type: ignore[misc]

    def _count(self, input: Tensor) -> int:
        raise NotImplementedError

    def initialize_parameters(self, input: Tensor) -> None:
        """Give the parameters the shapes that an input asks for, and their initial values."""
        features = self._count(input)
        if self.has_uninitialized_params():
            ready: Any = self.cls_to_become(features, **self._options)
            for name, tensor in (*self._own_parameters(), *self._own_buffers()):
                if isinstance(tensor, Uninitialized):
                    tensor.materialize(getattr(ready, name).shape)
                    np.copyto(tensor.data, getattr(ready, name).data)
        setattr(self, self._counts, features)

    def forward(self, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(input)
        del self._options
        vars(self)["_label"] = self._label.removesuffix(type(self).__name__) + self.cls_to_become.__name__
        self.__class__ = self.cls_to_become
        return self.forward(input, *args, **kwargs)


class LazyLinear(_Lazy, linear.Linear):
    """A Linear whose `in_features` is the last axis of its first input.

    >>> import autodiff as ad
    >>> layer = LazyLinear(3)
    >>> layer(ad.ones(2, 5)).shape, layer
    ((2, 3), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = linear.Linear
    _counts = "in_features"

    def _count(self, input: Tensor) -> int:
        return input.shape[-1]


# --- convolutions ----------------------------------------------------------------------------------------------------


class _LazyConv(_Lazy):
    n: int
    _counts = "in_channels"

    def _count(self, input: Tensor) -> int:
        if input.ndim not in (self.n + 1, self.n + 2):
            raise ArgumentError(
                f"Expected {self.n + 1}D (unbatched) or {self.n + 2}D (batched) input to {type(self).__name__}, but "
                f"got input of size: {input.shape}"
            )
        return input.shape[input.ndim - self.n - 1]


class LazyConv1d(_LazyConv, convolution.Conv1d):
    """A Conv1d whose `in_channels` is that of its first input."""

    cls_to_become = convolution.Conv1d


class LazyConv2d(_LazyConv, convolution.Conv2d):
    """A Conv2d whose `in_channels` is that of its first input.

    >>> import autodiff as ad
    >>> layer = LazyConv2d(4, 3, padding=1)
    >>> layer(ad.ones(1, 2, 5, 5)).shape, layer.weight.shape
    ((1, 4, 5, 5), (4, 2, 3, 3))
    """

    cls_to_become = convolution.Conv2d


class LazyConv3d(_LazyConv, convolution.Conv3d):
    """A Conv3d whose `in_channels` is that of its first input."""

    cls_to_become = convolution.Conv3d


class LazyConvTranspose1d(_LazyConv, convolution.ConvTranspose1d):
    """A ConvTranspose1d whose `in_channels` is that of its first input."""

    cls_to_become = convolution.ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, convolution.ConvTranspose2d):
    """A ConvTranspose2d whose `in_channels` is that of its first input."""

    cls_to_become = convolution.ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, convolution.ConvTranspose3d):
    """A ConvTranspose3d whose `in_channels` is that of its first input."""

    cls_to_become = convolution.ConvTranspose3d


# --- normalization ---------------------------------------------------------------------------------------------------


class _LazyNorm(_Lazy):
    _counts = "num_features"
    _defaults = {"affine": True, "track_running_stats": True}  # noqa: RUF012

    def _count(self, input: Tensor) -> int:
        layer: Any = self
        layer._check(input)
        alone = isinstance(self, normalization.InstanceNormNd) and input.ndim == layer._ranks[0]
        return input.shape[0 if alone else 1]


class LazyBatchNorm1d(_LazyNorm, normalization.BatchNorm1d):
    """A BatchNorm1d whose `num_features` is that of its first input.

    >>> import autodiff as ad
    >>> layer = LazyBatchNorm1d()
    >>> layer(ad.ones(4, 3)).shape, layer.running_mean.shape
    ((4, 3), (3,))
    """

    cls_to_become = normalization.BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, normalization.BatchNorm2d):
    """A BatchNorm2d whose `num_features` is that of its first input."""

    cls_to_become = normalization.BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, normalization.BatchNorm3d):
    """A BatchNorm3d whose `num_features` is that of its first input."""

    cls_to_become = normalization.BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, normalization.InstanceNorm1d):
    """An InstanceNorm1d whose `num_features` is that of its first input."""

    cls_to_become = normalization.InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, normalization.InstanceNorm2d):
    """An InstanceNorm2d whose `num_features` is that of its first input."""

    cls_to_become = normalization.InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, normalization.InstanceNorm3d):
    """An InstanceNorm3d whose `num_features` is that of its first input."""

    cls_to_become = normalization.InstanceNorm3d
