"""The Transformer of "Attention Is All You Need" (Vaswani et al., 2017): sequences of tokens to sequences of tokens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor
from nn import init
from nn.layers import Dropout, Embedding, Linear, Transformer
from nn.module import Module


def sinusoids(length: int, size: int) -> Any:
    """Return the paper's encoding of positions (length, size): sines and cosines of falling frequency in turn."""
    angles = np.arange(length)[:, None] * np.exp(np.arange(0, size, 2) * (-math.log(10000.0) / size))
    return np.stack([np.sin(angles), np.cos(angles)], 2).reshape(length, -1)[:, :size].astype(np.float32)


class Seq2SeqTransformer(Module):
    """Source ids (N, S) and target ids (N, T) to logits (N, T, vocab_size), each of the token after.

    Both languages share one vocabulary, and one table embeds it and predicts it. Position t of the target sees the
    source and the target up to t; tokens `padding_idx` are seen by none. `max_length` bounds S and T.

    >>> model = Seq2SeqTransformer(50, d_model=8, nhead=2, num_layers=1, dim_feedforward=16, max_length=10)
    >>> model(ad.tensor([[4, 5, 6]]), ad.tensor([[1, 7]])).shape
    (1, 2, 50)
    """

    positions: Tensor

    def __init__(
        self,
        vocab_size: int,
        d_model: int = 512,
        nhead: int = 8,
        num_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        max_length: int = 1024,
        padding_idx: int | None = 0,
    ) -> None:
        super().__init__()
        self.d_model, self.padding_idx = d_model, padding_idx
        self.embedding = Embedding(vocab_size, d_model, padding_idx)
        self.register_buffer("positions", ad.tensor(sinusoids(max_length, d_model)), persistent=False)
        self.dropout = Dropout(dropout)
        self.transformer = Transformer(
            d_model, nhead, num_layers, num_layers, dim_feedforward, dropout, batch_first=True
        )
        self.generator = Linear(d_model, vocab_size, bias=False)
        self.generator.weight = self.embedding.weight
        init.normal_(self.embedding.weight, 0.0, d_model**-0.5)

    def embed(self, ids: Tensor) -> Tensor:
        """Return the embedded tokens (N, L, d_model), their positions added."""
        length, most = ids.shape[-1], self.positions.shape[0]
        if length > most:
            raise ValueError(f"Seq2SeqTransformer: {length} tokens, but max_length is {most}; give it fewer tokens")
        x: Tensor = self.dropout(self.embedding(ids) * math.sqrt(self.d_model) + self.positions[:length])
        return x

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        place = ad.arange(tgt.shape[-1])
        src_padding = None if self.padding_idx is None else src == self.padding_idx
        hidden = self.transformer(
            self.embed(src),
            self.embed(tgt),
            tgt_mask=place[:, None] < place[None, :],
            src_key_padding_mask=src_padding,
            tgt_key_padding_mask=None if self.padding_idx is None else tgt == self.padding_idx,
            memory_key_padding_mask=src_padding,
        )
        logits: Tensor = self.generator(hidden)
        return logits


def transformer(vocab_size: int = 37000, **options: Any) -> Seq2SeqTransformer:
    """Return the base model of the paper, for 37,000 tokens: 63,084,544 parameters, the tied ones counted once."""
    return Seq2SeqTransformer(vocab_size, **options)
