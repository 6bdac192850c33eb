"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.attention import attention, attention_backward
from tests.ops.row import op

MASK = np.array([[True, False, True, True], [False, True, False, True], [True, True, True, False]])


def dense(q: Any, k: Any, v: Any, bias: Any = 0.0, seen: Any = True, scale: float | None = None) -> Any:
    s = q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale) + bias
    p = np.where(seen, np.exp(s), 0)
    return p / np.sum(p, -1, keepdims=True) @ v


def torchs(mask: Any = None, **keywords: Any) -> Any:
    def function(torch: Any) -> Any:
        given = None if mask is None else torch.tensor(mask)
        fun = torch.nn.functional.scaled_dot_product_attention
        return lambda q, k, v, bias=given: fun(q, k, v, bias, **keywords)

    return function


def seen(n: int, m: int) -> Any:
    return np.tri(n, m, dtype=bool)


ATTENTION = [
    op(attention, lambda q, k, v: attention(q, k, v)[0], "n32, n52, n54",
       label="kept", torch=torchs(), reference=dense),
    op(attention, lambda q, k, v: attention(q, k, v)[0], "231, 291, 292", label="computed again", torch=torchs(),
       reference=dense),
    op(attention, lambda q, k, v: attention(q, k, v, causal=True, scale=0.5)[0], "233, 233, 233", label="causal",
       torch=torchs(is_causal=True, scale=0.5), reference=lambda q, k, v: dense(q, k, v, 0, seen(3, 3), 0.5)),
    op(attention, lambda q, k, v: attention(q, k, v, causal=True)[0], "71, 91, 92", label="causal, computed again",
       torch=torchs(is_causal=True), reference=lambda q, k, v: dense(q, k, v, 0, seen(7, 9))),
    op(attention, lambda q, k, v: attention(q, k, v, MASK)[0], "232, 242, 242", label="mask", torch=torchs(MASK),
       reference=lambda q, k, v: dense(q, k, v, 0, MASK)),
    op(attention, lambda q, k, v: attention(q, k, v, MASK)[0], "31, 41, 41", label="mask, computed again",
       torch=torchs(MASK), reference=lambda q, k, v: dense(q, k, v, 0, MASK)),
    op(attention, lambda q, k, v, b: attention(q, k, v, None, b)[0], "232, 242, 242, 34", label="bias",
       torch=torchs(), reference=dense, twice=False),
    op(attention, lambda q, k, v, b: attention(q, k, v, None, b)[0], "31, 41, 41, 34", label="bias, computed again",
       torch=torchs(), reference=dense, twice=False),
    op(attention_backward, attention_backward, "232, 232, 242, 242, 234", label="kept"),
    op(attention_backward, attention_backward, "31, 31, 41, 41, 31", label="computed again"),
]  # fmt: skip
