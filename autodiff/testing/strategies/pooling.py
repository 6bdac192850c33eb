"""Arguments of pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import pooling
from autodiff.testing.strategies.arrays import Shape
from autodiff.testing.strategies.drawing import Arguments, Draw


def windows(d: Draw) -> tuple[Shape, pooling.Windows]:
    """Draw the shape of images of one to three axes, and windows over them: of any stride, padding and dilation."""
    axes = d.choice(2, 1, 3)
    lengths = tuple(d.integer(2, 4 if axes < 3 else 3) for _ in range(axes))
    kernel = tuple(d.integer(1, 3 if n > 2 else 2) for n in lengths)
    stride = tuple(d.integer(1, 3) for _ in lengths)
    padding = tuple(d.integer(0, k // 2) for k in kernel)
    dilation = tuple(d.integer(1, 2) if 2 * (k - 1) < n else 1 for k, n in zip(kernel, lengths, strict=True))
    found = pooling.windows(lengths, kernel, stride, padding, dilation, d.chance())
    return (d.integer(0, 2), d.integer(1, 2), *lengths), found


def pooled(shape: Shape, found: pooling.Windows) -> Shape:
    """Return the shape of what is pooled."""
    return (*shape[:2], *(w[0] for w in found))


def max_pool(d: Draw) -> Arguments:
    """Draw images without ties, or with many."""
    shape, found = windows(d)
    return d.arrays([shape]), {"windows": found}


def sum_pool(d: Draw) -> Arguments:
    """Draw images, and a factor."""
    shape, found = windows(d)
    return [d.array(shape)], {"windows": found} | d.choice({}, {"scale": 0.25})


def spread_pool(d: Draw) -> Arguments:
    """Draw what was pooled, and a factor."""
    shape, found = windows(d)
    return [d.array(pooled(shape, found))], {"windows": found, "lengths": shape[2:]} | d.choice({}, {"scale": 0.25})


def _chosen(d: Draw, shape: Shape, found: pooling.Windows) -> Any:
    """Draw which element of each window is chosen."""
    x = np.random.default_rng(d.integer(0, 9)).normal(size=shape)
    return pooling.max_pool(x, windows=found)[1]


def unpool(d: Draw) -> Arguments:
    """Draw what was pooled, and which elements were chosen."""
    shape, found = windows(d)
    return [d.array(pooled(shape, found)), _chosen(d, shape, found)], {"windows": found, "lengths": shape[2:]}


def pick(d: Draw) -> Arguments:
    """Draw images, and which elements of their windows are chosen."""
    shape, found = windows(d)
    return [d.array(shape), _chosen(d, shape, found)], {"windows": found}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    pooling.max_pool: max_pool,
    pooling.sum_pool: sum_pool,
    pooling.spread_pool: spread_pool,
    pooling.unpool: unpool,
    pooling.pick: pick,
}
