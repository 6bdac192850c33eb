"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor, as_tensor, kernels
from autodiff.random import Generator
from nn import _checks, functional, init
from nn.layers.linear import Linear
from nn.module import Module, Parameter


class MultiheadAttention(Module):
    """Attention of several heads, each on its part of the embedding (Vaswani et al., 2017).

    query (L, N, E), key (S, N, E), value (S, N, E), or (N, L, E) ... with `batch_first`, or without N. Returns the
    attended values, shaped as the query, and the weights (N, L, S), the mean over the heads unless
    `average_attn_weights=False`; None with `need_weights=False`, which is faster and takes memory linear in length.

    Masks say where *not* to look: `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N heads, L, S), True where a
    key is left out, or numbers to add. With weights, a query that sees no key gets NaN, without them 0, as in PyTorch.

    >>> layer = MultiheadAttention(4, 2, batch_first=True)
    >>> x = ad.ones(1, 3, 4)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    ((1, 3, 4), (1, 3, 3))
    """

    in_proj_weight: Parameter
    in_proj_bias: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} must be a positive multiple of num_heads {num_heads}")
        _checks.probability("dropout probability", dropout)
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.generator = generator
        self.in_proj_weight = Parameter(ad.empty(3 * embed_dim, embed_dim, dtype=dtype))
        self.register_parameter("in_proj_bias", Parameter(ad.empty(3 * embed_dim, dtype=dtype)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype, generator=generator)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw the projection of query, key and value anew, and set the biases to 0."""
        init.xavier_uniform_(self.in_proj_weight, generator=generator)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal=True is a hint about attn_mask; give that mask as well")
        self._check(query, key, value)
        single = query.ndim == 2
        q, k, v = self._projected(query, key, value)
        bias = self._bias(key_padding_mask, attn_mask, q, k)
        chance = self.dropout if self.training else 0.0
        weights: Any = None
        if need_weights:
            scores = np.matmul(q, np.swapaxes(k, -1, -2)) * q.shape[-1] ** -0.5
            weights = ad.softmax(scores if bias is None else scores + bias, -1)
            weights = functional.dropout(weights, chance, generator=self.generator)
            heads: Any = np.matmul(weights, v)
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            heads = functional.scaled_dot_product_attention(q, k, v, bias, chance, generator=self.generator)
        n, _, length, _ = heads.shape
        y: Any = self.out_proj(np.transpose(heads, (0, 2, 1, 3)).reshape(n, length, self.embed_dim))
        if single:
            return y[0], None if weights is None else weights[0]
        return (y if self.batch_first else np.swapaxes(y, 0, 1)), weights

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
        if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
            raise ValueError(f"MultiheadAttention: {shapes}; expected three axes in each, or two without a batch")
        if any(x.shape[-1] != self.embed_dim for x in (query, key, value)):
            raise ValueError(f"MultiheadAttention: {shapes}; the last axis of each must be embed_dim {self.embed_dim}")
        batch = 0 if self.batch_first else 1
        if key.shape[:-1] != value.shape[:-1] or (query.ndim == 3 and key.shape[batch] != query.shape[batch]):
            raise ValueError(f"MultiheadAttention: {shapes}; key and value need one length, and all the same batch")

    def _projected(self, *inputs: Any) -> list[Any]:
        """Return query, key and value projected and split into heads, (N, heads, length, size): views."""
        given, size = list(inputs), self.embed_dim // self.num_heads
        if given[0].ndim == 2:
            given = [x[None] for x in given]
        elif not self.batch_first:
            turned = {id(x): np.swapaxes(x, 0, 1) for x in given}
            given = [turned[id(x)] for x in given]
        if given[0] is given[1] is given[2] or inputs[0] is inputs[1] is inputs[2]:
            parts = np.split(kernels.linear(given[0], self.in_proj_weight, self.in_proj_bias), 3, -1)
        else:
            weights = np.split(self.in_proj_weight, 3)
            biases: Any = [None] * 3 if self.in_proj_bias is None else np.split(self.in_proj_bias, 3)
            parts = [kernels.linear(x, w, b) for x, w, b in zip(given, weights, biases, strict=True)]
        return [np.transpose(x.reshape(*x.shape[:2], self.num_heads, size), (0, 2, 1, 3)) for x in parts]

    def _bias(self, key_padding_mask: Any, attn_mask: Any, q: Any, k: Any) -> Any:
        """Return the masks as numbers to add to the scores (N, heads, L, S)."""
        n, heads, length, _ = q.shape
        keys, total = k.shape[2], None
        if key_padding_mask is not None:
            mask: Any = as_tensor(key_padding_mask)
            if mask.shape not in ((n, keys), (keys,) if n == 1 else None):
                raise ValueError(f"key_padding_mask has shape {mask.shape}; expected {(n, keys)}")
            total = _added(mask, q.dtype).reshape(n, 1, 1, keys)
        if attn_mask is not None:
            mask = as_tensor(attn_mask)
            if mask.shape not in ((length, keys), (n * heads, length, keys)):
                expected = f"{(length, keys)} or {(n * heads, length, keys)}"
                raise ValueError(f"attn_mask has shape {mask.shape}; expected {expected}")
            mask = _added(mask, q.dtype)
            mask = mask if mask.ndim == 2 else mask.reshape(n, heads, length, keys)
            total = mask if total is None else total + mask
        return total

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"


def _added(mask: Any, dtype: Any) -> Any:
    """Return a mask as numbers to add: -inf where it is True."""
    if mask.dtype.kind == "b":
        return np.where(mask, -np.inf, np.zeros_like(mask, dtype=dtype))
    if mask.dtype.kind != "f":
        raise TypeError(
            f"a mask holds {mask.dtype}; expected booleans, True where a key is left out, or numbers to add"
        )
    return mask.astype(dtype)
