"""Arguments of normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import normalization
from autodiff.testing.strategies.arrays import GRID, Shape, drawn
from autodiff.testing.strategies.drawing import Arguments, Draw


def _spread(d: Draw, shape: Shape) -> Any:
    """Draw values that differ: those that are normalized together are not all equal."""
    return d.finished(drawn(d.draw, shape, GRID) / 4 + np.arange(np.prod(shape, dtype=int)).reshape(shape) % 3)


def _optional(d: Draw, shape: Shape) -> list[Any]:
    """Draw a weight and a bias, or fewer."""
    given = d.choice(2, 1, 0)
    return [d.array(shape) for _ in range(given)]


def _images(d: Draw) -> tuple[Shape, Shape, Shape, dict[str, Any]]:
    """Draw the shapes of images, of what is kept of them and of a weight, and keywords."""
    groups = d.choice(None, 1, 2)
    n, c = d.integer(1, 2), 2 * d.integer(1, 2)
    shape = (n, c, *d.shape(sides=1, max_dims=2))
    return shape, (c,) if groups is None else (n, groups), (c,), {"groups": groups, "eps": d.choice(0.5, 0.25)}


def _rows(d: Draw) -> tuple[Shape, Shape, Shape, dict[str, Any]]:
    """Draw the shapes of rows, of what is kept of them and of a weight, and keywords."""
    shape = d.shape(dims=1, sides=1)
    dims = d.integer(1, len(shape))
    keywords = {"dims": dims, "eps": d.choice(0.5, 0.25)} | d.choice({}, {"center": False})
    return shape, shape[: len(shape) - dims], shape[len(shape) - dims :], keywords


def forward(shapes: Callable[[Draw], tuple[Shape, Shape, Shape, dict[str, Any]]]) -> Callable[[Draw], Arguments]:
    """Return what draws the arguments of a normalization."""

    def arguments(d: Draw) -> Arguments:
        shape, _, weight, keywords = shapes(d)
        return [_spread(d, shape), *_optional(d, weight)], keywords

    return arguments


def backward(shapes: Callable[[Draw], tuple[Shape, Shape, Shape, dict[str, Any]]]) -> Callable[[Draw], Arguments]:
    """Return what draws the arguments of its backward pass: any means, and any variances."""

    def arguments(d: Draw) -> Arguments:
        shape, kept, weight, keywords = shapes(d)
        var = d.finished(0.5 + np.abs(drawn(d.draw, kept, GRID)))
        return [d.array(shape), d.array(shape), d.array(kept), var, *_optional(d, weight)[:1]], keywords

    return arguments


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    normalization.channel_norm: forward(_images),
    normalization.channel_norm_backward: backward(_images),
    normalization.layer_norm: forward(_rows),
    normalization.layer_norm_backward: backward(_rows),
}
