"""How attention of nn is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import creation
from autodiff.random import Generator
from autodiff.testing.strategies.arrays import GRID, drawn


def attention(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw queries, keys and values, a mask of either kind, and every option but dropout."""
    lead, n, m, e = d.choice((), (2,), (2, 4)), d.integer(1, 3), d.integer(1, 5), d.integer(1, 2)
    heads = (*lead[:-1], 2) if len(lead) == 2 and d.choice(False, True) else lead
    options: dict[str, Any] = d.choice({}, {"is_causal": True}, {"scale": 0.5})
    if heads != lead:
        options["enable_gqa"] = True
    if "is_causal" not in options:
        mask = drawn(d.draw, (n, m), np.array([True, False]))
        number = creation.as_tensor(drawn(d.draw, (n, m), GRID))
        options |= d.choice({}, {"attn_mask": creation.as_tensor(mask)}, {"attn_mask": number})
    return options, [d.tensor((*lead, n, e)), d.tensor((*heads, m, e)), d.tensor((*heads, m, d.integer(1, 2)))]


def heads(d: Any, nn: Any) -> Any:
    """Draw a layer that attends to its own input or to another."""
    sizes, first = d.choice((2, 1), (4, 2), (2, 2)), d.choice(False, True)
    chance, bias = d.choice(0.0, 0.5), d.choice(True, False)
    layer = nn.MultiheadAttention(*sizes, chance, bias, first, np.float64, generator=Generator(0))
    batch = d.choice((), (2,))
    q, k = (d.tensor((*batch, n, sizes[0]) if first else (n, *batch, sizes[0])) for n in (d.integer(1, 3), 2))
    return layer.eval(), (q, k, k) if d.choice(True, False) else (q, q, q)


LAYERS: dict[str, Callable[[Any, Any], Any]] = {"MultiheadAttention": heads}
FUNCTIONS = {"scaled_dot_product_attention": attention}
