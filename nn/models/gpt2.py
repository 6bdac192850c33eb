"""GPT-2 (Radford et al., 2019), its weights under the names of Hugging Face's transformers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import autodiff as ad
from autodiff import Tensor
from nn import functional as F
from nn import init
from nn.layers import GELU, Dropout, Embedding, LayerNorm, Linear, Sequential
from nn.module import Module, Parameter


class Conv1D(Module):
    """`x @ weight + bias`: an affine layer whose weight is (in, out), as GPT-2's weights are published."""

    def __init__(self, out_features: int, in_features: int) -> None:
        super().__init__()
        self.weight = Parameter(ad.empty(in_features, out_features))
        self.bias = Parameter(ad.zeros(out_features))
        init.normal_(self.weight, 0.0, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = F.linear(x, self.weight.T, self.bias)
        return output


class GPT2Attention(Module):
    """Causal attention of several heads."""

    def __init__(self, n_embd: int, n_head: int, attn_pdrop: float, resid_pdrop: float) -> None:
        super().__init__()
        if n_embd % n_head:
            raise ValueError(f"GPT2Attention: n_embd {n_embd} must be a multiple of n_head {n_head}")
        self.n_head, self.attn_pdrop = n_head, attn_pdrop
        self.c_attn = Conv1D(3 * n_embd, n_embd)
        self.c_proj = Conv1D(n_embd, n_embd)
        self.resid_dropout = Dropout(resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        n, length, size = x.shape
        qkv = self.c_attn(x).reshape(n, length, 3, self.n_head, size // self.n_head).permute(2, 0, 3, 1, 4)
        chance = self.attn_pdrop if self.training else 0.0
        heads = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], None, chance, is_causal=True)
        output: Tensor = self.resid_dropout(self.c_proj(heads.permute(0, 2, 1, 3).reshape(n, length, size)))
        return output


class GPT2MLP(Module):
    """Two affine layers with GELU's tanh form between them."""

    def __init__(self, n_embd: int, n_inner: int, resid_pdrop: float) -> None:
        super().__init__()
        self.c_fc = Conv1D(n_inner, n_embd)
        self.act = GELU(approximate="tanh")
        self.c_proj = Conv1D(n_embd, n_inner)
        self.dropout = Dropout(resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.dropout(self.c_proj(self.act(self.c_fc(x))))
        return output


class GPT2Block(Module):
    """Attention and the two affine layers, each normalized before and added to its input."""

    def __init__(self, n_embd: int, n_inner: int, attention: GPT2Attention, resid_pdrop: float, eps: float) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(n_embd, eps=eps)
        self.attn = attention
        self.ln_2 = LayerNorm(n_embd, eps=eps)
        self.mlp = GPT2MLP(n_embd, n_inner, resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        output: Tensor = x + self.mlp(self.ln_2(x))
        return output


class GPT2Model(Module):
    """Token ids (N, L) to hidden states (N, L, n_embd), L at most `n_positions`."""

    def __init__(
        self,
        vocab_size: int = 50257,
        n_positions: int = 1024,
        n_embd: int = 768,
        n_layer: int = 12,
        n_head: int = 12,
        n_inner: int | None = None,
        resid_pdrop: float = 0.1,
        embd_pdrop: float = 0.1,
        attn_pdrop: float = 0.1,
        layer_norm_epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        inner = 4 * n_embd if n_inner is None else n_inner
        self.n_positions = n_positions
        self.wte = Embedding(vocab_size, n_embd)
        self.wpe = Embedding(n_positions, n_embd)
        self.drop = Dropout(embd_pdrop)
        self.h = Sequential(
            *[
                GPT2Block(
                    n_embd,
                    inner,
                    GPT2Attention(n_embd, n_head, attn_pdrop, resid_pdrop),
                    resid_pdrop,
                    layer_norm_epsilon,
                )
                for _ in range(n_layer)
            ]
        )
        self.ln_f = LayerNorm(n_embd, eps=layer_norm_epsilon)
        for table in (self.wte, self.wpe):
            init.normal_(table.weight, 0.0, 0.02)
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):  # what is added to the residual stream, by 2 n_layer layers
                init.normal_(parameter, 0.0, 0.02 / math.sqrt(2 * n_layer))

    def forward(self, input_ids: Tensor) -> Tensor:
        input_ids = ad.as_tensor(input_ids)
        length = input_ids.shape[-1]
        if length > self.n_positions:
            raise ValueError(f"GPT2Model: {length} tokens, but n_positions is {self.n_positions}; give it fewer tokens")
        x = self.drop(self.wte(input_ids) + self.wpe(ad.arange(length)))
        hidden: Tensor = self.ln_f(self.h(x))
        return hidden


class GPT2LMHeadModel(Module):
    """GPT-2 as a language model: token ids (N, L) to the next token's logits (N, L, vocab_size).

    The last layer's weight is the table of tokens. Takes GPT2Model's arguments. `load_state_dict` also takes the
    published file, which is of a GPT2Model: its keys lack `transformer.` and the tied weight.

    >>> model = GPT2LMHeadModel(vocab_size=50, n_positions=8, n_embd=16, n_layer=2, n_head=2)
    >>> model([[1, 2, 3]]).shape
    (1, 3, 50)
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.transformer = GPT2Model(**options)
        vocab_size, n_embd = self.transformer.wte.weight.shape
        self.lm_head = Linear(n_embd, vocab_size, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, input_ids: Tensor) -> Tensor:
        logits: Tensor = self.lm_head(self.transformer(input_ids))
        return logits

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        state = dict(state_dict)
        if "wte.weight" in state:
            state = {f"transformer.{key}": value for key, value in state.items()}
        state = {key: x for key, x in state.items() if not key.endswith((".attn.bias", ".attn.masked_bias"))}
        if "transformer.wte.weight" in state:
            state.setdefault("lm_head.weight", state["transformer.wte.weight"])
        return super().load_state_dict(state, *args, **kwargs)


def gpt2(**options: Any) -> GPT2LMHeadModel:
    """GPT-2 small: 124,439,808 parameters, the tied ones counted once."""
    return GPT2LMHeadModel(**options)
