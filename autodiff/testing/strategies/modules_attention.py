"""How activations with options, softmax and attention of nn are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import creation
from autodiff.random import Generator
from autodiff.testing.strategies.arrays import GRID, drawn, levels


def activation(name: str, kinks: Callable[..., Any], *options: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """Return what draws a layer's options, and values clear of its kinks or with many there."""

    def layer(d: Any, nn: Any) -> Any:
        given = d.choice(*options)
        points = tuple(kinks(**given))
        module = getattr(nn, name)(**given)
        return module, d.tensor(d.shape(), levels(away_from=points) if d.smooth else levels(at=points))

    return layer


def along(name: str) -> Callable[[Any, Any], Any]:
    """Return what draws the axis of a softmax."""

    def layer(d: Any, nn: Any) -> Any:
        shape = d.shape(dims=1, sides=1)
        return getattr(nn, name)(d.choice(-1, d.integer(-len(shape), len(shape) - 1))), d.tensor(shape)

    return layer


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


LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    "ELU": activation("ELU", lambda **_: (0.0,), {}, {"alpha": 0.5}),
    "GELU": activation("GELU", lambda **_: (), {}, {"approximate": "tanh"}),
    "Hardtanh": activation("Hardtanh", lambda min_val=-1.0, max_val=1.0: (min_val, max_val), {},
                           {"min_val": -0.5, "max_val": 2.0}),
    "LeakyReLU": activation("LeakyReLU", lambda **_: (0.0,), {}, {"negative_slope": 0.5}),
    "LogSigmoid": activation("LogSigmoid", lambda: (), {}),
    "LogSoftmax": along("LogSoftmax"),
    "MultiheadAttention": heads,
    "SiLU": activation("SiLU", lambda: (), {}),
    "Softmax": along("Softmax"),
    "Softplus": activation("Softplus", lambda beta=1.0, threshold=20.0: (threshold / beta,), {},
                           {"beta": 2.0, "threshold": 1.0}),
}  # fmt: skip
FUNCTIONS = {"scaled_dot_product_attention": attention}
