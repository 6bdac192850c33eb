"""Data sets made of random numbers, to learn and to test with: one seed gives the same data anywhere.

Each function returns a TensorDataset of float32 inputs and integer classes, the classes in turn, so that any beginning
has as many of each. Without `generator` the default one of `ad.random` is drawn from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import random
from autodiff.random import Generator
from nn.data.dataset import TensorDataset

Array = np.ndarray[Any, Any]
SHAPES = ("disc", "square", "triangle", "cross")


def blobs(
    n: int = 300, classes: int = 3, features: int = 2, spread: float = 0.5, generator: Generator | None = None
) -> TensorDataset:
    """Return points (n, features) around a centre for each class: on a circle of radius 2, random in 3-D and up.

    >>> x, y = blobs(6)[:]
    >>> x.shape, y.tolist()
    ((6, 2), [0, 1, 2, 0, 1, 2])
    """
    labels = _labels(n, classes)
    if features == 2:
        angles = 2 * math.pi * np.arange(classes) / classes
        centers = 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
    else:
        centers = _uniform(-3, 3, (classes, features), generator)
    return _dataset(centers[labels] + _normal(spread, (n, features), generator), labels)


def moons(n: int = 300, noise: float = 0.1, generator: Generator | None = None) -> TensorDataset:
    """Return points (n, 2) on two half circles that reach into each other."""
    labels = _labels(n, 2)
    angle = _uniform(0, math.pi, n, generator)
    sign = 1 - 2 * labels
    points = np.stack([np.cos(angle) * sign + labels, np.sin(angle) * sign + labels / 2], 1)
    return _dataset(points + _normal(noise, (n, 2), generator), labels)


def spirals(
    n: int = 300, classes: int = 3, turns: float = 0.75, noise: float = 0.03, generator: Generator | None = None
) -> TensorDataset:
    """Return points (n, 2) on an arm of a spiral for each class, within the unit circle but for the noise."""
    labels = _labels(n, classes)
    radius = _uniform(0.05, 1, n, generator)
    angle = 2 * math.pi * (labels / classes + turns * radius)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return _dataset(points + _normal(noise, (n, 2), generator), labels)


def shapes(n: int = 400, size: int = 16, noise: float = 0.1, generator: Generator | None = None) -> TensorDataset:
    """Return pictures (n, 1, size, size), each of a bright disc, square, triangle or cross (`SHAPES`) somewhere.

    >>> x, y = shapes(8)[:]
    >>> x.shape, y.max().item()
    ((8, 1, 16, 16), 3)
    """
    labels = _labels(n, len(SHAPES))
    radius = _uniform(0.2, 0.35, (n, 1, 1), generator)
    middle = radius + _uniform(0, 1, (2, n, 1, 1), generator) * (1 - 2 * radius)
    place = (np.arange(size) + 0.5) / size
    y, x = (place[:, None] - middle[0]) / radius, (place - middle[1]) / radius  # the shape spans -1 to 1
    across = np.maximum(np.abs(x), np.abs(y))
    inside = np.select(
        [(labels == i)[:, None, None] for i in range(len(SHAPES))],
        [
            x * x + y * y < 1,
            across < 0.9,
            (y < 0.9) & (2 * np.abs(x) < 1 + y),
            (across < 1) & (np.minimum(np.abs(x), np.abs(y)) < 0.3),
        ],
    )
    pictures = inside * _uniform(0.6, 1, (n, 1, 1), generator) + _normal(noise, (n, size, size), generator)
    return _dataset(pictures[:, None], labels)


def tones(
    n: int = 400, classes: int = 4, length: int = 256, noise: float = 0.3, generator: Generator | None = None
) -> TensorDataset:
    """Return sounds (n, 1, length): a tone in noise, with any phase and loudness; the class is its pitch.

    The pitches are musical fifths apart, from 8 cycles a sound on; the highest stays below a third of `length`.
    """
    labels = _labels(n, classes)
    pitch = 8 * 1.5 ** np.arange(classes)
    if classes and pitch[-1] > length / 3:
        raise ValueError(f"tones: {classes} classes need a length of at least {math.ceil(3 * pitch[-1])}, got {length}")
    time = np.arange(length) / length
    phase = _uniform(0, 2 * math.pi, (n, 1), generator)
    waves = np.sin(2 * math.pi * pitch[labels][:, None] * time + phase) * _uniform(0.5, 1, (n, 1), generator)
    return _dataset((waves + _normal(noise, (n, length), generator))[:, None], labels)


def sequences(
    n: int = 400, length: int = 8, tokens: int = 10, task: str = "reverse", generator: Generator | None = None
) -> TensorDataset:
    """Return integers (n, length) below `tokens`, and what a task makes of each sequence, (n, length) too.

    The tasks are 'copy', 'reverse', 'sort', and 'sum', the running sum modulo `tokens`.

    >>> x, y = sequences(1, length=3)[0]
    >>> x.tolist() == y.tolist()[::-1]
    True
    """
    inputs = random.randint(tokens, size=(n, length), generator=generator).numpy()
    tasks: dict[str, Callable[[Array], Array]] = {
        "copy": lambda x: x.copy(),
        "reverse": lambda x: x[:, ::-1].copy(),
        "sort": lambda x: np.sort(x, 1),
        "sum": lambda x: np.cumsum(x, 1) % tokens,
    }
    if task not in tasks:
        raise ValueError(f"sequences: no task {task!r}; expected one of {', '.join(tasks)}")
    return TensorDataset(inputs, tasks[task](inputs))


def _labels(n: int, classes: int) -> Array:
    if n < 0 or classes < 1:
        raise ValueError(f"a data set needs n >= 0 samples of at least one class, got n={n}, classes={classes}")
    return np.arange(n) % classes


def _dataset(inputs: Array, labels: Array) -> TensorDataset:
    return TensorDataset(inputs.astype(np.float32), labels)


def _uniform(low: float, high: float, size: Any, generator: Generator | None) -> Array:
    return random.uniform(low, high, size, dtype=np.float64, generator=generator).numpy()


def _normal(scale: float, size: Any, generator: Generator | None) -> Array:
    return random.normal(0, scale, size, dtype=np.float64, generator=generator).numpy()
