"""How attention of nn is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import creation, tape
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


def hidden(d: Any, shape: Any) -> Any:
    """Draw a mask that hides some keys, but never the first, or that adds numbers."""
    mask = drawn(d.draw, shape, np.array([False, True]))
    mask[..., 0] = False
    return creation.as_tensor(d.choice(mask, drawn(d.draw, shape, GRID)))


def heads(d: Any, nn: Any) -> Any:
    """Draw a layer that attends to its own input or to another, and masks of either kind."""
    (size, count), first = d.choice((2, 1), (4, 2), (2, 2)), d.choice(False, True)
    options = {"bias": d.choice(True, False), "batch_first": first}
    options |= {"add_bias_kv": d.choice(False, True), "add_zero_attn": d.choice(False, True)}
    own, batch, length = d.choice(True, False), d.choice((), (2,)), d.integer(1, 3)
    keys, kdim, vdim = length, size, size
    if not own:
        keys, kdim, vdim = d.integer(1, 3), d.choice(size, 3), d.choice(size, 1)
        options |= {"kdim": kdim, "vdim": vdim}
    layer = nn.MultiheadAttention(size, count, d.choice(0.0, 0.5), dtype=np.float64, generator=Generator(0), **options)
    masks = (
        hidden(d, (*batch, keys)) if d.chance() else None,
        d.choice(True, False),
        hidden(d, d.choice((length, keys), (2 ** len(batch) * count, length, keys))) if d.chance() else None,
        d.choice(True, False),
    )
    q, k, v = (d.tensor((*batch, n, e) if first else (n, *batch, e))
               for n, e in ((length, size), (keys, kdim), (keys, vdim)))  # fmt: skip
    return d.filled(layer).eval(), ((q, q, q) if own else (q, k, v)) + masks


def causal(d: Any, length: int) -> Any:
    """Draw the mask that hides what comes later, any other mask, or none."""
    return d.choice(None, creation.as_tensor(~np.tri(length, dtype=bool)), hidden(d, (length, length)))


def _options(d: Any, nn: Any) -> dict[str, Any]:
    functions = ("relu", "gelu", nn.functional.relu, nn.functional.silu)
    return {
        "dim_feedforward": d.integer(1, 3),
        "dropout": d.choice(0.0, 0.5),
        "activation": d.choice("gelu", nn.functional.silu) if d.smooth else d.choice(*functions),
        "layer_norm_eps": d.choice(0.5, 1e-5) if not d.smooth else 0.5,
        "batch_first": d.choice(False, True),
        "norm_first": d.choice(False, True),
        "bias": d.choice(True, False),
        "dtype": np.float64,
        "generator": Generator(0),
    }


def _sequences(d: Any, options: dict[str, Any], size: int) -> tuple[Any, Any, list[int], tuple[int, ...]]:
    """Draw a source and a target, with their lengths and the batch's shape."""
    batch, lengths = d.choice((), (2,)), [d.integer(1, 3), d.integer(1, 3)]
    shapes = [(*batch, n, size) if options["batch_first"] else (n, *batch, size) for n in lengths]
    source, target = (d.tensor(shape) for shape in shapes)
    return source, target, lengths, batch


def _filled(d: Any, module: Any) -> Any:
    """Fill the many parameters of a module from one drawn seed, and switch dropout off."""
    rng = np.random.default_rng(d.integer(0, 99))
    with tape.no_grad():
        for parameter in module.parameters():
            parameter[...] = rng.choice(GRID / 2, parameter.shape)
    return module.eval()


def encoder(stacked: bool) -> Callable[[Any, Any], Any]:
    """Return what draws an encoder layer, or a stack of them, with masks."""

    def layer(d: Any, nn: Any) -> Any:
        (size, count), options = d.choice((2, 1), (4, 2)), _options(d, nn)
        made = nn.TransformerEncoderLayer(size, count, **options)
        if stacked:
            norm = nn.LayerNorm(size, 0.5, dtype=np.float64) if d.chance() else None
            made = nn.TransformerEncoder(made, d.integer(1, 2), norm, False, d.choice(True, False))
        x, _, (length, _), batch = _sequences(d, options, size)
        return _filled(d, made), (x, causal(d, length), hidden(d, (*batch, length)) if d.chance() else None)

    return layer


def decoder(stacked: bool) -> Callable[[Any, Any], Any]:
    """Return what draws a decoder layer, or a stack of them, with masks."""

    def layer(d: Any, nn: Any) -> Any:
        (size, count), options = d.choice((2, 1), (4, 2)), _options(d, nn)
        made = nn.TransformerDecoderLayer(size, count, **options)
        if stacked:
            norm = nn.LayerNorm(size, 0.5, dtype=np.float64) if d.chance() else None
            made = nn.TransformerDecoder(made, d.integer(1, 2), norm)
        memory, x, (source, target), batch = _sequences(d, options, size)
        masks = (
            causal(d, target),
            hidden(d, (target, source)) if d.chance() else None,
            hidden(d, (*batch, target)) if d.chance() else None,
            hidden(d, (*batch, source)) if d.chance() else None,
        )
        return _filled(d, made), (x, memory, *masks)

    return layer


def transformer(d: Any, nn: Any) -> Any:
    """Draw an encoder and a decoder, and the masks of both."""
    (size, count), options = d.choice((2, 1), (4, 2)), _options(d, nn)
    made = nn.Transformer(size, count, *d.choice((1, 1), (2, 1), (1, 2)), **options)
    x, y, (source, target), batch = _sequences(d, options, size)
    masks = (
        causal(d, source),
        causal(d, target),
        hidden(d, (target, source)) if d.chance() else None,
        *(hidden(d, (*batch, length)) if d.chance() else None for length in (source, target, source)),
    )
    return _filled(d, made), (x, y, *masks)


LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    "MultiheadAttention": heads,
    "Transformer": transformer,
    "TransformerDecoder": decoder(True),
    "TransformerDecoderLayer": decoder(False),
    "TransformerEncoder": encoder(True),
    "TransformerEncoderLayer": encoder(False),
}
FUNCTIONS = {"scaled_dot_product_attention": attention}
