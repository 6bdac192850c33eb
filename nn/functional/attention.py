"""Scaled dot-product attention, and attention of several heads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, softmax
from autodiff.errors import ArgumentError
from autodiff.kernels import linear
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
        raise ArgumentError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
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
    s = np.matmul(q, np.swapaxes(k, -1, -2)) * (1 / math.sqrt(q.shape[-1] or 1) if scale is None else scale)
    if mask is None:
        weights: Any = softmax(s, -1)
    else:  # a row without any key: its finite scores are left as they are, and its weights are 0
        seen = (mask if boolean else mask != -np.inf).any(-1, keepdims=True)
        s = np.where(mask | ~seen, s, -np.inf) if boolean else s + np.where(seen, mask, 0.0).astype(s.dtype)
        weights = np.where(seen, softmax(s, -1), 0.0)
    dropped: Tensor = np.matmul(dropout(weights, dropout_p, generator=generator), v)
    return dropped


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    batch_first: bool = False,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Return what `nn.MultiheadAttention` computes, of weights given one by one: the attended values and the weights.

    query (L, N, E), key and value (S, N, E); or (N, L, E) ... with `batch_first`, or without N. in_proj_weight (3E, E)
    projects all three, unless `use_separate_proj_weight` asks for one each. bias_k and bias_v (1, 1, E) are one more
    key and value, and so are the zeros of `add_zero_attn`. static_k and static_v (N heads, S, E / heads) stand in for
    the projected keys and values. The masks and the results are as the layer's documentation has them.

    >>> import autodiff as ad
    >>> x, w = ad.ones(3, 1, 4), ad.ones(12, 4)
    >>> y, weights = multi_head_attention_forward(x, x, x, 4, 2, w, None, None, None, False, 0.0, ad.ones(4, 4), None)
    >>> y.shape, weights.shape
    ((3, 1, 4), (1, 3, 3))
    """
    _checks.heads(query, key, value, embed_dim_to_check, num_heads, batch_first)
    for x in (query, key, value):
        _checks.same_dtype("MultiheadAttention", x, out_proj_weight)
    if is_causal and attn_mask is None:
        raise ArgumentError("is_causal=True is a hint about attn_mask: give that mask as well")
    if (bias_k is None) != (bias_v is None) or (bias_k is not None and (static_k is not None or static_v is not None)):
        raise ArgumentError("bias_k and bias_v go together, and not with static_k or static_v")
    weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (in_proj_weight,)
    if any(w is None for w in weights):
        names = "q_proj_weight, k_proj_weight and v_proj_weight" if use_separate_proj_weight else "in_proj_weight"
        raise ArgumentError(f"use_separate_proj_weight={use_separate_proj_weight} needs {names}")
    single = query.ndim == 2
    parts = _projected((query, key, value), weights, in_proj_bias, batch_first)
    if bias_k is not None:
        n, _, width = parts[1].shape
        more: Any
        for i, more in ((1, bias_k), (2, bias_v)):
            parts[i] = np.concatenate([parts[i], np.broadcast_to(more, (n, 1, width))], axis=1)
    q, k, v = _split(parts, num_heads, embed_dim_to_check // num_heads)
    if static_k is not None:
        k = static_k.reshape(len(q), num_heads, *static_k.shape[1:])
    if static_v is not None:
        v = static_v.reshape(len(q), num_heads, *static_v.shape[1:])
    if add_zero_attn:
        zeros = np.zeros_like(k, shape=(*k.shape[:2], 1, k.shape[3]))
        k, v = (np.concatenate([x, zeros], axis=2) for x in (k, v))
    causal = is_causal and key_padding_mask is None and not need_weights  # the hint spares the mask
    bias = _bias(key_padding_mask, None if causal else attn_mask, q, k, (bias_k is not None) + add_zero_attn)
    chance = dropout_p if training else 0.0
    kept: Any = None
    if need_weights:
        scores = np.matmul(q, np.swapaxes(k, -1, -2)) * (q.shape[-1] or 1) ** -0.5
        kept = dropout(softmax(scores if bias is None else scores + bias, -1), chance, generator=generator)
        heads: Any = np.matmul(kept, v)
        kept = kept.mean(1) if average_attn_weights else kept
    else:
        heads = scaled_dot_product_attention(q, k, v, bias, chance, causal, generator=generator)
    n, _, length, _ = heads.shape
    joined = np.transpose(heads, (0, 2, 1, 3)).reshape(n, length, embed_dim_to_check)
    y: Any = linear(joined, out_proj_weight, out_proj_bias)
    if single:
        return y[0], None if kept is None else kept[0]
    return (y if batch_first else np.swapaxes(y, 0, 1)), kept


def _projected(inputs: Any, weights: Any, bias: Any, batch_first: bool) -> list[Any]:
    """Return query, key and value projected, (N, length, E)."""
    given = list(inputs)
    if given[0].ndim == 2:
        given = [x[None] for x in given]
    elif not batch_first:
        turned = {id(x): np.swapaxes(x, 0, 1) for x in given}
        given = [turned[id(x)] for x in given]
    if len(weights) == 1:
        if inputs[0] is inputs[1] is inputs[2]:  # one product for the three
            return list(np.split(linear(given[0], weights[0], bias), 3, -1))
        weights = np.split(weights[0], 3)
    biases = [None] * 3 if bias is None else np.split(bias, 3)
    return [linear(x, w, b) for x, w, b in zip(given, weights, biases, strict=True)]


def _split(parts: list[Any], heads: int, size: int) -> list[Any]:
    """Return the heads of each part as views, (N, heads, length, size)."""
    return [np.transpose(x.reshape(*x.shape[:2], heads, size), (0, 2, 1, 3)) for x in parts]


def _bias(key_padding_mask: Any, attn_mask: Any, q: Any, k: Any, extra: int) -> Any:
    """Return the masks as numbers to add to the scores (N, heads, L, S); the last keys, `extra` of them, are seen."""
    n, heads, length, _ = q.shape
    keys, total = k.shape[2] - extra, None
    if key_padding_mask is not None:
        mask: Any = as_tensor(key_padding_mask)
        if mask.shape not in ((n, keys), (keys,) if n == 1 else None):
            raise ArgumentError(f"key_padding_mask has shape {mask.shape}; expected {(n, keys)}")
        total = _added(mask, q.dtype).reshape(n, 1, 1, keys)
    if attn_mask is not None:
        mask = as_tensor(attn_mask)
        if mask.shape not in ((length, keys), (n * heads, length, keys)):
            expected = f"{(length, keys)} or {(n * heads, length, keys)}"
            raise ArgumentError(f"attn_mask has shape {mask.shape}; expected {expected}")
        mask = _added(mask, q.dtype)
        mask = mask if mask.ndim == 2 else mask.reshape(n, heads, length, keys)
        total = mask if total is None else total + mask
    if total is None or not extra:
        return total
    return np.concatenate([total, np.zeros_like(total, shape=(*total.shape[:-1], extra))], axis=-1)


def _added(mask: Any, dtype: Any) -> Any:
    """Return a mask as numbers to add: -inf where it is True."""
    if mask.dtype.kind == "b":
        return np.where(mask, -np.inf, np.zeros_like(mask, dtype=dtype))
    if mask.dtype.kind != "f":
        raise TypeError(
            f"a mask holds {mask.dtype}; expected booleans, True where a key is left out, or numbers to add"
        )
    return mask.astype(dtype)
