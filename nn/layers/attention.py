"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import _checks, functional, init
from nn.layers.linear import Linear
from nn.module import Module, Parameter

PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight")


class MultiheadAttention(Module):
    """Attention of several heads, each on its part of the embedding (Vaswani et al., 2017).

    query (L, N, E), key (S, N, E), value (S, N, E), or (N, L, E) ... with `batch_first`, or without N. Returns the
    attended values, shaped as the query, and the weights (N, L, S), the mean over the heads unless
    `average_attn_weights=False`; None with `need_weights=False`, which is faster and takes memory linear in length.

    Masks say where *not* to look: `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N heads, L, S), True where a
    key is left out, or numbers to add; `is_causal` says of attn_mask that it is the causal one, which saves time.
    With weights, a query that sees no key gets NaN, without them 0, as in PyTorch.

    `kdim` and `vdim` are the sizes of keys and values where they are not E. `add_bias_kv` learns one more key and
    value, `add_zero_attn` adds a key and a value of zeros; every query sees them.

    >>> layer = MultiheadAttention(4, 2, batch_first=True)
    >>> x = ad.ones(1, 3, 4)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    ((1, 3, 4), (1, 3, 3))
    """

    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ArgumentError(f"embed_dim {embed_dim} must be a positive multiple of num_heads {num_heads}")
        _checks.probability("dropout probability", dropout)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self.generator = generator
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        shapes = {"in_proj_weight": (3 * embed_dim, embed_dim)}
        if not self._qkv_same_embed_dim:
            sizes = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
            shapes = {f"{name}_proj_weight": (embed_dim, size) for name, size in sizes.items()}
        for name in PROJECTIONS:
            given = name in shapes
            self.register_parameter(
                name, Parameter(ad.empty(*shapes[name], device=device, dtype=dtype)) if given else None
            )
        self.register_parameter(
            "in_proj_bias", Parameter(ad.empty(3 * embed_dim, device=device, dtype=dtype)) if bias else None
        )
        for name in ("bias_k", "bias_v"):
            self.register_parameter(
                name, Parameter(ad.empty(1, 1, embed_dim, device=device, dtype=dtype)) if add_bias_kv else None
            )
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype, generator=generator)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw the projections of query, key and value and the additional key and value anew; set the biases to 0."""
        for name in PROJECTIONS:
            if (weight := getattr(self, name)) is not None:
                init.xavier_uniform_(weight, generator=generator)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias, generator=generator)

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
        for name, x, size in (("key", key, self.kdim), ("value", value, self.vdim)):
            if x.shape[-1:] != (size,):
                raise ArgumentError(f"MultiheadAttention: {name} {x.shape}; its last axis must be {name[0]}dim {size}")
        return functional.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            key_padding_mask,
            need_weights,
            attn_mask,
            not self._qkv_same_embed_dim,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
            generator=self.generator,
        )

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"
