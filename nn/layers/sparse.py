"""Tables of learned rows."""

from __future__ import annotations

from typing import Any, Self

import autodiff as ad
from autodiff import Tensor, no_grad
from autodiff.random import Generator
from nn import functional, init
from nn.functional.sparse import padding_row
from nn.module import Module, Parameter


class Embedding(Module):
    """A table of rows, looked up by number; they start normal with mean 0 and variance 1, the padding row at 0.

    >>> Embedding(10, 3)([[1, 2], [4, 3]]).shape
    (2, 2, 3)
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = Parameter(ad.empty(num_embeddings, embedding_dim, dtype=dtype))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw the rows anew."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

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
        table = ad.as_tensor(embeddings)
        if table.ndim != 2:
            raise ValueError(f"Embeddings parameter is expected to be 2-dimensional, got shape {tuple(table.shape)}")
        rows, features = table.shape
        layer = cls(rows, features, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, table.dtype)
        layer.weight = Parameter(table.detach(), requires_grad=not freeze)
        return layer

    def forward(self, input: Any) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        options = (
            ("padding_idx", None),
            ("max_norm", None),
            ("norm_type", 2.0),
            ("scale_grad_by_freq", False),
            ("sparse", False),
        )
        given = [f"{name}={getattr(self, name)}" for name, default in options if getattr(self, name) != default]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *given])
