"""The scalar graph of micrograd's moons demo: MLP 2-16-16-1, 100 points, max-margin loss, float64, a node a number."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from benchmarks.engines import BEST, EAGER, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed

SIZES, POINTS, DECAY = (2, 16, 16, 1), 100, 1e-4
COUNT = sum((a + 1) * b for a, b in itertools.pairwise(SIZES))


def data() -> tuple[list[np.ndarray], list[list[float]], list[float]]:
    """The parameters as 0-d arrays, neuron by neuron with the bias last; two half circles; their labels."""
    rng = np.random.default_rng(1337)
    angle = np.linspace(0, np.pi, POINTS // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.concatenate([upper, [1, 0.5] - upper]) + rng.normal(0, 0.1, (POINTS, 2))
    return list(map(np.asarray, rng.uniform(-1, 1, COUNT))), points.tolist(), [1.0] * 50 + [-1.0] * 50


def loss(m: Any, *parameters: Any) -> Any:
    """The mean of max(0, 1 - y score), and the squares of the parameters."""
    _, points, labels = data()
    total: Any = 0.0
    for point, label in zip(points, labels, strict=True):
        at = iter(parameters)
        h: list[Any] = point
        for layer, width in enumerate(SIZES[1:]):
            outputs = []
            for _ in range(width):
                z = next(at) * h[0]
                for x in h[1:]:
                    z = z + next(at) * x
                z = z + next(at)
                outputs.append(m.relu(z) if layer < len(SIZES) - 2 else z)
            h = outputs
        total = total + m.relu(1.0 - label * h[0])
    squares: Any = 0.0
    for p in parameters:
        squares = squares + p * p
    return total * (1 / POINTS) + DECAY * squares


def by_hand() -> Timed:
    """Both passes written out on the same 0-d numbers."""
    values, points, labels = data()
    numbers = [v[()] for v in values]  # NumPy's scalars, faster than 0-d arrays
    found: list[Any] = []

    def step() -> None:
        grads = [2 * DECAY * p for p in numbers]
        total = DECAY * sum(p * p for p in numbers)
        for point, label in zip(points, labels, strict=True):
            layers, at = [point], 0
            for layer, width in enumerate(SIZES[1:]):
                outputs, h = [], layers[-1]
                for _ in range(width):
                    z = numbers[at + len(h)]
                    for x in h:
                        z = z + numbers[at] * x
                        at += 1
                    at += 1
                    outputs.append(max(z, 0.0) if layer < len(SIZES) - 2 else z)
                layers.append(outputs)
            margin = 1.0 - label * layers[-1][0]
            if margin <= 0:
                continue
            total = total + margin / POINTS
            back = [-label / POINTS]
            for layer in range(len(SIZES) - 1, 0, -1):
                h, y, width = layers[layer - 1], layers[layer], SIZES[layer]
                at -= width * (len(h) + 1)
                below = [0.0] * len(h)
                for i, g in enumerate(back):
                    if layer == len(SIZES) - 1 or y[i] > 0:
                        start = at + i * (len(h) + 1)
                        for j, x in enumerate(h):
                            grads[start + j] += g * x
                            below[j] += g * numbers[start + j]
                        grads[start + len(h)] += g
                back = below
        found[:] = [total, *grads]

    return Timed(step, lambda: found)


ROWS = (
    Row(
        "moons, scalar by scalar",
        "us",
        {**on((*VARIANTS, *EAGER), lambda m: m.gradient(loss, data()[0])), FLOOR: by_hand},
        limits={BEST: 1.0, "autograd": 0.25, "mygrad": 0.4, FLOOR: 1.15},
        rounds=7,
        absent=dict.fromkeys(
            ("torch.compile", "jax", "tinygrad"), "64,000 scalar operations take many minutes to compile"
        ),
    ),
)
