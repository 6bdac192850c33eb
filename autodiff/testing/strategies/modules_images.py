"""Pooling, normalization and embedding layers, with any of their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.random import Generator
from autodiff.tape import no_grad
from autodiff.testing.strategies.arrays import GRID, distinct, drawn

Layer = Callable[[Any, Any], Any]


def _pixels(d: Any, n: int, least: int) -> tuple[int, ...]:
    """Draw the lengths of n axes."""
    return tuple(d.integer(least, least + 2 - (n == 3)) for _ in range(n))


def _batch(d: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Draw a batch in front of a shape, or none."""
    return d.choice((d.integer(1, 2), *shape), shape)  # type: ignore[no-any-return]


def max_pool(n: int) -> Layer:
    """Return what draws max pooling over n axes; `smooth` images have no ties."""

    def layer(d: Any, nn: Any) -> Any:
        kernel, stride, dilation = d.integer(1, 2), d.choice(None, 1, 2), d.integer(1, 2)
        padding, ceil_mode = d.integer(0, kernel // 2), d.choice(False, True)
        made = getattr(nn, f"MaxPool{n}d")(kernel, stride, padding, dilation, d.choice(False, True), ceil_mode)
        shape = _batch(d, (d.integer(1, 2), *_pixels(d, n, 3)))
        x = distinct(d.draw, [shape])[0] if d.smooth else d.values(shape, GRID[:3])
        return made, as_tensor(x)

    return layer


def avg_pool(n: int) -> Layer:
    """Return what draws average pooling over n axes."""

    def layer(d: Any, nn: Any) -> Any:
        kernel = d.integer(1, 3)
        options = [kernel, d.choice(None, 1, 2), d.integer(0, kernel // 2), d.choice(False, True)]
        options.append(d.choice(True, False))
        if n > 1:
            options.append(d.choice(None, 3))
        return getattr(nn, f"AvgPool{n}d")(*options), d.tensor(_batch(d, (d.integer(1, 2), *_pixels(d, n, 3))))

    return layer


def adaptive_pool(name: str, n: int) -> Layer:
    """Return what draws pooling into a number of parts that divides the input, or does not, or is larger."""

    def layer(d: Any, nn: Any) -> Any:
        size = d.choice(1, 2, 3, tuple(d.choice(1, 2, None, 4) for _ in range(n)))
        options = (d.choice(False, True),) if "Max" in name else ()
        shape = _batch(d, (d.integer(1, 2), *_pixels(d, n, 2)))
        x = distinct(d.draw, [shape])[0] if d.smooth else d.values(shape, GRID[:3])
        return getattr(nn, name)(size, *options), as_tensor(x)

    return layer


def _spread(d: Any, shape: tuple[int, ...]) -> Any:
    """Draw values that differ enough to be normalized."""
    return as_tensor(d.values(shape, GRID) / 4 + np.arange(np.prod(shape, dtype=int)).reshape(shape) % 3)


def batch_norm(name: str, n: int, single: bool = False) -> Layer:
    """Return what draws normalization of channels over the batch or each image, while training or not."""

    def layer(d: Any, nn: Any) -> Any:
        c, affine = d.integer(1, 3), d.choice(True, False)
        options = (d.choice(0.5, 0.25), d.choice(0.1, 0.5), affine, d.choice(True, False), None, np.float64)
        made = d.filled(getattr(nn, name)(c, *options, bias=d.choice(True, False)))
        shape = (c, *_pixels(d, n, 2))
        shape = _batch(d, shape) if single else (d.integer(2, 3), *shape)
        return made.train(d.choice(True, False)), _spread(d, shape)

    return layer


def group_norm(d: Any, nn: Any) -> Any:
    """Draw groups of channels."""
    groups = d.integer(1, 2)
    c, options = groups * d.integer(1, 2), (d.choice(0.5, 0.25), d.choice(True, False), None, np.float64)
    layer = d.filled(nn.GroupNorm(groups, c, *options, bias=d.choice(True, False)))
    return layer, _spread(d, (d.integer(1, 2), c, *_pixels(d, d.integer(1, 2), 2)))


def layer_norm(d: Any, nn: Any) -> Any:
    """Draw one or two last axes."""
    shape = d.shape(dims=2, sides=1)
    last = shape[-d.integer(1, 2) :]
    given = last[0] if len(last) == 1 and d.chance() else last
    layer = nn.LayerNorm(given, d.choice(0.5, 0.25), d.choice(True, False), d.choice(True, False), dtype=np.float64)
    return d.filled(layer), _spread(d, shape)


def rms_norm(d: Any, nn: Any) -> Any:
    """Draw one or two last axes, of which some element is not 0."""
    shape = d.shape(dims=2, sides=1)
    layer = d.filled(
        nn.RMSNorm(shape[-d.integer(1, 2) :], d.choice(0.5, 0.25), d.choice(True, False), dtype=np.float64)
    )
    return layer, _spread(d, shape)


def embedding(d: Any, nn: Any) -> Any:
    """Draw a table and numbers of rows; where an option changes the gradient alone, such that it does not."""
    rows = d.integer(2, 4)
    padding, by_frequency = d.choice(None, rows - 1), d.choice(False, True)
    options = (padding, d.choice(None, 100.0), d.choice(2.0, 1.0), by_frequency, d.choice(False, True))
    layer = d.filled(nn.Embedding(rows, d.integer(1, 3), *options, dtype=np.float64, generator=Generator(0)))
    ids = drawn(d.draw, d.shape(max_dims=2), np.arange(rows - 1))
    return layer, as_tensor(np.unique(ids) if by_frequency else ids)


def embedding_bag(d: Any, nn: Any) -> Any:
    """Draw a table and bags, of one length or by where they begin; options as those of `embedding`."""
    rows, mode, last = d.integer(3, 5), d.choice("mean", "sum", "max"), d.choice(False, True)
    by_frequency = mode != "max" and d.choice(False, True)
    options = {"max_norm": d.choice(None, 100.0), "norm_type": d.choice(2.0, 1.0), "scale_grad_by_freq": by_frequency}
    options |= {"mode": mode, "sparse": mode != "max" and d.choice(False, True), "include_last_offset": last}
    options["padding_idx"] = padding = d.choice(None, rows - 1)
    layer = nn.EmbeddingBag(rows, d.integer(1, 3), **options, dtype=np.float64, generator=Generator(0))
    d.filled(layer)
    if mode == "max" and d.smooth:
        with no_grad():
            layer.weight[...] = distinct(d.draw, [layer.weight.shape])[0]
    choices = np.arange(rows - (by_frequency and padding is not None))
    if not last and not by_frequency and d.chance():
        return layer, as_tensor(drawn(d.draw, (d.integer(0, 3), d.integer(1, 3)), choices))
    ids = drawn(d.draw, (d.integer(1, 6),), choices)
    ids = np.unique(ids) if by_frequency else ids
    starts = np.minimum(np.cumsum([0, *(d.integer(0, 3) for _ in range(d.integer(0, 3)))]), len(ids))
    inputs = as_tensor(ids), as_tensor(np.append(starts, len(ids)) if last else starts)
    return layer, (*inputs, d.tensor(ids.shape)) if mode == "sum" and d.chance() else inputs


LAYERS: dict[str, Layer] = {
    "Embedding": embedding,
    "EmbeddingBag": embedding_bag,
    **{f"MaxPool{n}d": max_pool(n) for n in (1, 2, 3)},
    **{f"AvgPool{n}d": avg_pool(n) for n in (1, 2, 3)},
    **{
        f"Adaptive{kind}Pool{n}d": adaptive_pool(f"Adaptive{kind}Pool{n}d", n)
        for kind in ("Avg", "Max")
        for n in (1, 2, 3)
    },
    **{f"BatchNorm{n}d": batch_norm(f"BatchNorm{n}d", n) for n in (1, 2, 3)},
    **{f"InstanceNorm{n}d": batch_norm(f"InstanceNorm{n}d", n, single=True) for n in (1, 2, 3)},
    "GroupNorm": group_norm,
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
}
