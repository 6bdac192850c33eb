"""The Transformer (Vaswani et al., 2017): layers of attention and feed-forward networks, and stacks of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor, as_tensor
from autodiff.errors import ArgumentError
from autodiff.random import Generator
from nn import functional, init
from nn.layers.attention import MultiheadAttention
from nn.layers.container import ModuleList
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.layers.normalization import LayerNorm
from nn.module import Module

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """What layers of encoder and decoder share: residual blocks, each with a norm after the sum or before its block."""

    blocks = 2
    norm_first: bool

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if isinstance(activation, str) and activation not in ("relu", "gelu"):
            raise ArgumentError(f"activation should be relu/gelu, or a function, not {activation}")
        for name in ("self_attn", "multihead_attn")[: self.blocks - 1]:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, device=device, dtype=dtype, generator=generator
            )
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, device, dtype, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device, dtype, generator=generator)
        self.norm_first = norm_first
        for k in range(self.blocks):
            self.add_module(f"norm{k + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype))
        for k in range(self.blocks):
            self.add_module(f"dropout{k + 1}", Dropout(dropout, generator=generator))
        self.activation = getattr(functional, activation) if isinstance(activation, str) else activation

    def _residual(self, x: Tensor, *blocks: Callable[[Tensor], Tensor]) -> Tensor:
        """Add what each block makes of x; the feed-forward network is the last block."""
        for k, block in enumerate((*blocks, self._feed_forward), 1):
            norm, dropout = getattr(self, f"norm{k}"), getattr(self, f"dropout{k}")
            x = x + dropout(block(norm(x))) if self.norm_first else norm(x + dropout(block(x)))
        return x

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network, each with a residual connection, dropout and a LayerNorm.

    src: (L, N, d_model), or (N, L, d_model) with `batch_first`, or without N. `src_mask` and `src_key_padding_mask`
    are the attn_mask and the key_padding_mask of MultiheadAttention: they say where not to look.

    >>> layer = TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(ad.ones(3, 5, 8)).shape
    (3, 5, 8)
    """

    self_attn: MultiheadAttention

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        return self._residual(src, lambda x: _attended(self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output, and a feed-forward network; otherwise an encoder's layer.

    >>> layer = TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(ad.ones(3, 5, 8), ad.ones(3, 7, 8)).shape
    (3, 5, 8)
    """

    blocks = 3
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        padding, seen = tgt_key_padding_mask, memory_key_padding_mask
        return self._residual(
            tgt,
            lambda x: _attended(self.self_attn, x, x, tgt_mask, padding, tgt_is_causal),
            lambda x: _attended(self.multihead_attn, x, memory, memory_mask, seen, memory_is_causal),
        )


def _attended(layer: MultiheadAttention, x: Any, memory: Any, mask: Any, padding: Any, causal: bool) -> Any:
    return layer(x, memory, memory, padding, need_weights=False, attn_mask=mask, is_causal=causal)[0]


class _Stack(Module):
    """Copies of one layer, one after the other, and a norm at the end."""

    layers: ModuleList
    norm: Module | None

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        shared = [getattr(module, "generator", None) for module in layer.modules()]
        memo = {id(generator): generator for generator in shared if generator is not None}  # one stream for all copies
        self.layers = ModuleList([copy.deepcopy(layer, dict(memo)) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def _through(self, x: Any, *given: Any, **masks: Any) -> Any:
        for layer in self.layers:
            x = layer(x, *given, **masks)
        return x if self.norm is None else self.norm(x)

    def _is_causal(self, mask: Any, hint: bool | None, x: Tensor) -> bool:
        """Say whether a mask is the causal one of a sequence, unless the caller has said so."""
        if hint is not None or mask is None:
            return bool(hint)
        attention = getattr(self.layers[0], "self_attn", None)
        length = x.shape[1 if x.ndim == 3 and getattr(attention, "batch_first", False) else 0]
        values = np.asarray(as_tensor(mask).data)
        hidden = values if values.dtype.kind == "b" else values == -np.inf
        zero = values.dtype.kind == "b" or not values[~hidden].any()
        return values.shape == (length, length) and zero and bool((hidden == ~np.tri(length, dtype=bool)).all())


class TransformerEncoder(_Stack):
    """Copies of an encoder layer, one after the other; `norm` comes last.

    `is_causal` says that the mask is the causal one; with None the mask is looked at. `enable_nested_tensor` and
    `mask_check` are there for PyTorch's sake: padded places are computed like others.

    >>> encoder = TransformerEncoder(TransformerEncoderLayer(8, 2, 16), num_layers=2)
    >>> encoder(ad.ones(5, 3, 8), mask=Transformer.generate_square_subsequent_mask(5)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self, src: Tensor, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Tensor:
        causal = self._is_causal(mask, is_causal, src)
        output: Tensor = self._through(src, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return output


class TransformerDecoder(_Stack):
    """Copies of a decoder layer, one after the other; `norm` comes last. As TransformerEncoder for the masks."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        output: Tensor = self._through(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=self._is_causal(tgt_mask, tgt_is_causal, tgt),
            memory_is_causal=memory_is_causal,
        )
        return output


class Transformer(Module):
    """An encoder and a decoder: `transformer(src, tgt)` has the shape of tgt.

    src: (S, N, d_model) and tgt: (T, N, d_model), or (N, S, d_model) and (N, T, d_model) with `batch_first`, or
    without N. Weights start as Glorot's uniform ones. `custom_encoder` and `custom_decoder` take the places of the two.

    >>> model = Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> model(ad.ones(5, 3, 8), ad.ones(4, 3, 8), tgt_mask=model.generate_square_subsequent_mask(4)).shape
    (4, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            first = TransformerEncoderLayer(*options, device, dtype, generator=generator)
            custom_encoder = TransformerEncoder(first, num_encoder_layers, norm())
        if custom_decoder is None:
            second = TransformerDecoderLayer(*options, device, dtype, generator=generator)
            custom_decoder = TransformerDecoder(second, num_decoder_layers, norm())
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters(generator)

    def _reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw every matrix anew, by Glorot's uniform distribution."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter, generator=generator)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        shapes = f"Transformer: src {src.shape}, tgt {tgt.shape}"
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 == tgt.ndim and src.shape[batch] != tgt.shape[batch]:
            raise ArgumentError(f"{shapes}; the batch number of src and tgt must be equal, axis {batch}")
        if src.shape[-1:] != (self.d_model,) or tgt.shape[-1:] != (self.d_model,):
            raise ArgumentError(f"{shapes}; the feature number of src and tgt must be equal to d_model {self.d_model}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        output: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return output

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the causal mask (sz, sz): -inf above the diagonal, where a query must not look, and 0 elsewhere.

        >>> Transformer.generate_square_subsequent_mask(2).tolist()
        [[0.0, -inf], [0.0, 0.0]]
        """
        mask = ad.zeros(sz, sz, device=device, dtype=dtype)
        return as_tensor(np.where(np.tri(sz, dtype=bool), mask.data, -np.inf).astype(mask.dtype))
