"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, softmax
from autodiff.kernels.attention import attention
from autodiff.random import Generator
from nn import _checks
from nn.functional.dropout import dropout


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Return softmax(query key^T scale + mask) value for query (..., L, E), key (..., S, E) and value (..., S, Ev).

    attn_mask: booleans, True where a pair takes part, or numbers to add; broadcasts to (..., L, S). is_causal: query i
    sees keys 0 to i. scale: 1 / sqrt(E) unless given. enable_gqa: each key and value head, axis -3, serves several
    query heads. A query that sees no key gets 0, as in PyTorch. Dropout falls on the probabilities.

    >>> import autodiff as ad
    >>> x = ad.ones(1, 2, 3)
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """
    _checks.attention(query, key, value, enable_gqa)
    _checks.probability("dropout probability", dropout_p)
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
    q: Any = query
    k, v = [np.repeat(x, q.shape[-3] // x.shape[-3], axis=-3) if enable_gqa else x for x in (key, value)]
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = [x if x.shape[:-2] == lead else np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (q, k, v)]
    mask: Any = None if attn_mask is None else as_tensor(attn_mask)
    scores = (*lead, q.shape[-2], k.shape[-2])
    if mask is not None:
        _checks.attention_mask(mask, scores)
    boolean = mask is not None and mask.dtype.kind == "b"
    if dropout_p == 0:
        bias = None if mask is None or boolean else mask.astype(q.dtype)
        output: Tensor = attention(q, k, v, mask if boolean else None, bias, causal=is_causal, scale=scale)[0]
        return output
    if is_causal:
        mask, boolean = as_tensor(np.tri(*scores[-2:], dtype=bool)), True
    s = np.matmul(q, np.swapaxes(k, -1, -2)) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if mask is not None and boolean:  # a row without any key: its finite scores are made even, and its weights 0
        seen = mask.any(-1, keepdims=True)
        s = np.where(mask | ~seen, s, -np.inf)
        weights: Any = np.where(seen, softmax(s, -1), 0.0)
    else:
        weights = softmax(s if mask is None else s + mask, -1)
    dropped: Tensor = np.matmul(dropout(weights, dropout_p, generator=generator), v)
    return dropped
