"""Tables of learned rows, looked up one by one or in bags."""

from __future__ import annotations

from typing import Any, Self

import autodiff as ad
from autodiff import Tensor, no_grad
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import functional, init
from nn.functional.sparse import padding_row
from nn.module import Module, Parameter


class _Table(Module):
    """A table of rows and the options that its lookups have in common; `shown` are those its repr names."""

    weight: Parameter
    shown: tuple[tuple[str, Any], ...]  # with the value at which each is left out

    def _set(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, num_embeddings)

    def _make(self, given: Any, frozen: bool, device: Any, dtype: Any, generator: Generator | None) -> None:
        """Take the table given, or draw one."""
        shape = (self.num_embeddings, self.embedding_dim)
        if given is None:
            self.weight = Parameter(ad.empty(*shape, device=device, dtype=dtype), requires_grad=not frozen)
            self.reset_parameters(generator)
            return
        table = ad.as_tensor(given).detach()
        if table.shape != shape:
            raise ArgumentError(f"{type(self).__name__}: the table given has shape {table.shape}; expected {shape}")
        self.weight = Parameter(table, requires_grad=not frozen)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw the rows anew."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def extra_repr(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name, default in self.shown if getattr(self, name) != default]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *given])


class Embedding(_Table):
    """A table of rows, looked up by number; they start normal with mean 0 and variance 1, the padding row at 0.

    >>> Embedding(10, 3)([[1, 2], [4, 3]]).shape
    (2, 2, 3)
    """

    shown = (
        ("padding_idx", None),
        ("max_norm", None),
        ("norm_type", 2.0),
        ("scale_grad_by_freq", False),
        ("sparse", False),
    )

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._set(num_embeddings, embedding_dim, padding_idx)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self._make(_weight, _freeze, device, dtype, generator)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """Return a layer whose table is the one given, not trained unless `freeze` is False."""
        table = _matrix(embeddings)
        rows, features = table.shape
        return cls(
            rows, features, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=table, _freeze=freeze
        )

    def forward(self, input: Any) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )


class EmbeddingBag(_Table):
    """The sum, mean or largest of the rows of each bag of numbers; see `functional.embedding_bag`.

    >>> bag = EmbeddingBag(10, 3, mode="sum")
    >>> bag([[1, 2], [4, 3]]).shape, bag([1, 2, 4], offsets=[0, 1]).shape
    ((2, 3), (2, 3))
    """

    shown = (
        ("max_norm", None),
        ("norm_type", 2.0),
        ("scale_grad_by_freq", False),
        ("mode", None),
        ("padding_idx", None),
    )

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("sum", "mean", "max"):
            raise ArgumentError(f"EmbeddingBag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
        self._set(num_embeddings, embedding_dim, padding_idx)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.mode, self.sparse = scale_grad_by_freq, mode, sparse
        self.include_last_offset = include_last_offset
        self._make(_weight, False, device, dtype, generator)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """Return a layer whose table is the one given, not trained unless `freeze` is False."""
        table = _matrix(embeddings)
        rows, features = table.shape
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, table, include_last_offset, padding_idx)
        layer = cls(rows, features, *options)
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip


def _matrix(embeddings: Any) -> Tensor:
    table = ad.as_tensor(embeddings)
    if table.ndim != 2:
        raise ArgumentError(f"Embeddings parameter is expected to be 2-dimensional, got shape {table.shape}")
    return table
