"""The Hessian of regularised logistic regression times a vector: 1000 points in 100 dimensions, float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.engines import BEST, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed

POINTS, D, DECAY = 1000, 100, 1e-2


def data() -> tuple[np.ndarray, ...]:
    """Weights, a direction, points, labels of -1 and 1."""
    rng = np.random.default_rng(0)
    labels = np.sign(rng.standard_normal(POINTS))
    return rng.standard_normal(D) / 10, rng.standard_normal(D), rng.standard_normal((POINTS, D)), labels


def loss(m: Any, w: Any, x: Any, labels: Any) -> Any:
    """The mean of log(1 + exp(-y x w)), and the weights' squares."""
    margins = labels * m.matmul(x, w)
    return m.sum(m.log(1.0 + m.exp(-margins))) / POINTS + 0.5 * DECAY * m.sum(w * w)


def by_hand() -> Timed:
    """Xᵀ (s (1 - s) X v) / n + decay v, with the probabilities s of the margins."""
    w, v, x, labels = data()
    found: list[Any] = []

    def step() -> None:
        s = 1 / (1 + np.exp(-labels * (x @ w)))
        found[:] = [(s * (1 - s) * (x @ v)) @ x / POINTS + DECAY * v]

    return Timed(step, lambda: found)


W, V, *REST = data()
ROWS = (
    Row(
        "Hessian of logistic regression times a vector",
        "us",
        {
            **on((*VARIANTS, "torch", "autograd", "jax"), lambda m: m.hessian_product(loss, W, V, REST)),
            FLOOR: by_hand,
        },
        limits={BEST: 1.0, "autograd": 1.0, FLOOR: 1.15},
        rtol=1e-9,
        flops=2 * 2 * 4 * POINTS * D,
        moved=8 * POINTS * D,
        absent={
            "mygrad": "no second derivatives",
            "torch.compile": "its backward passes are not differentiable",
            "tinygrad": "its kernels of second derivatives were not tried",
        },
    ),
)
