"""Distances, normalization to unit vectors and by neighbouring channels, and Bilinear, with any of their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.random import Generator
from autodiff.testing.strategies.arrays import distinct

Layer = Callable[[Any, Any], Any]


def _apart(d: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    """Draw tensors no two elements of which are equal, and none of which is 0."""
    return [as_tensor(np.where(np.abs(x) < 0.01, 0.01, x)) for x in distinct(d.draw, shapes)]


def cosine(d: Any, nn: Any) -> Any:
    """Draw an axis, and two inputs of one shape or that broadcast; a row may be 0 unless `smooth`."""
    shape = d.shape(dims=2, sides=1)
    other = d.choice(shape, (1, *shape[1:]), shape[1:])
    options = d.choice({}, {"dim": -1}, {"dim": 1, "eps": 1e-3})
    inputs = _apart(d, [shape, other]) if d.smooth else [d.tensor(shape), d.tensor(other)]
    return nn.CosineSimilarity(**options), tuple(inputs)


def distance(d: Any, nn: Any) -> Any:
    """Draw a norm and two inputs, of any number of axes."""
    p = d.choice(2.0, 1.0, 3.0, np.inf)
    shape = d.shape(dims=1, sides=1)
    other = d.choice(shape, shape[-1:])
    layer = nn.PairwiseDistance(p, d.choice(1e-6, 0.01), d.choice(False, True))
    return layer, tuple(_apart(d, [shape, other]))


def pdist(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a norm and rows."""
    shape = (d.integer(2, 4), d.integer(1, 3))
    return {"p": d.choice(2.0, 1.0, 3.0, np.inf)}, _apart(d, [shape])


def normalize(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a norm and one axis or two."""
    shape = d.shape(dims=2, sides=1)
    options = {"p": d.choice(2.0, 1.0, 3.0, np.inf), "dim": d.choice(1, 0, -1, (0, 1))}
    return options | d.choice({}, {"eps": 0.001}), _apart(d, [shape])


def response(name: str, axes: tuple[int, int]) -> Layer:
    """Return what draws normalization by neighbouring channels."""

    def layer(d: Any, nn: Any) -> Any:
        options = (d.integer(1, 4), d.choice(0.5, 1.0), d.choice(0.75, 1.0), d.choice(1.0, 2.0))
        lengths = tuple(d.integer(1, 2) for _ in range(d.integer(*axes)))
        return getattr(nn, name)(*options), d.tensor((d.integer(0, 2), d.integer(1, 4), *lengths))

    return layer


def bilinear(d: Any, nn: Any) -> Any:
    """Draw the three sizes and a bias or none, and inputs of any number of axes."""
    n, m, out = d.integer(1, 3), d.integer(1, 3), d.integer(1, 3)
    layer = nn.Bilinear(n, m, out, d.choice(True, False), dtype=np.float64, generator=Generator(0))
    lead = d.shape()[:2]
    return d.filled(layer), (d.tensor((*lead, n)), d.tensor((*lead, m)))


LAYERS: dict[str, Layer] = {
    "Bilinear": bilinear,
    "CosineSimilarity": cosine,
    "CrossMapLRN2d": response("CrossMapLRN2d", (2, 2)),
    "LocalResponseNorm": response("LocalResponseNorm", (1, 3)),
    "PairwiseDistance": distance,
}
FUNCTIONS = {"normalize": normalize, "pdist": pdist}
