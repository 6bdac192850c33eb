"""Convolution forward and backward over a grid of channels, sizes and kernels, batch 8, float32, channels-last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines import BEST, FLOOR, VARIANTS, on
from benchmarks.row import Row, Timed

BATCH = 8
GRID = (  # channels in, channels out, size, kernel, stride, groups
    (1, 16, 28, 5, 1, 1),
    (3, 16, 32, 3, 1, 1),
    (3, 32, 112, 7, 2, 1),
    (16, 16, 112, 3, 1, 1),
    (16, 16, 56, 1, 1, 1),
    (16, 32, 28, 5, 1, 1),
    (16, 32, 56, 3, 2, 1),
    (32, 32, 56, 3, 1, 1),
    (64, 64, 56, 1, 1, 1),
    (64, 64, 28, 3, 1, 1),
    (64, 64, 28, 7, 1, 1),
    (64, 128, 28, 1, 2, 1),
    (64, 64, 14, 5, 1, 1),
    (128, 128, 14, 3, 1, 1),
    (256, 256, 14, 1, 1, 1),
    (256, 256, 14, 3, 1, 1),
    (256, 256, 7, 3, 1, 1),
    (256, 256, 7, 1, 1, 1),
    (16, 16, 112, 3, 1, 16),
    (64, 64, 56, 3, 1, 64),
    (128, 128, 28, 5, 1, 128),
    (256, 256, 7, 3, 1, 256),
)
Shape = tuple[int, int, int, int, int, int]


def problem(a: int, b: int, size: int, k: int, stride: int, groups: int) -> list[np.ndarray]:
    """The image, the weights, the gradient of the result."""
    rng = np.random.default_rng(0)
    shapes = (BATCH, a, size, size), (b, a // groups, k, k), (BATCH, b, *[(size - 1) // stride + 1] * 2)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def by_hand(shape: Shape) -> Timed:
    """Patches and one product; depthwise tap by tap."""
    x, w, g = problem(*shape)
    x, g = (np.ascontiguousarray(t.transpose(0, 2, 3, 1)) for t in (x, g))
    passes: Callable[..., Any] = (depthwise if shape[5] > 1 else dense)(shape, w)
    found: list[Any] = []

    def step() -> None:
        found[:] = passes(x, g)

    return Timed(step, lambda: [found[0].transpose(0, 3, 1, 2), found[1].transpose(0, 3, 1, 2), found[2]])


def dense(shape: Shape, w: np.ndarray) -> Callable[..., Any]:
    """Result and both gradients."""

    def passes(x: Any, g: Any) -> Any:
        conv = byhand.Conv(shape[4], shape[3] // 2)
        gw = np.empty_like(w)
        return conv.forward(x, w), conv.backward(g, gw), gw

    return passes


def depthwise(shape: Shape, w: np.ndarray) -> Callable[..., Any]:
    """Each tap one multiplication and one addition of the whole image."""
    k, c = shape[3], shape[0]

    def passes(x: Any, g: Any) -> Any:
        p = k // 2
        n, h, width, _ = x.shape
        padded = np.zeros((n, h + 2 * p, width + 2 * p, c), x.dtype)
        padded[:, p : p + h, p : p + width] = x
        y, gx, scratch = np.zeros_like(x), np.zeros_like(padded), np.empty_like(x)
        gw = np.empty_like(w)
        for i in range(k):
            for j in range(k):
                tap = padded[:, i : i + h, j : j + width]
                y += np.multiply(tap, w[:, 0, i, j], out=scratch)
                gx[:, i : i + h, j : j + width] += np.multiply(g, w[:, 0, i, j], out=scratch)
                np.multiply(tap, g, out=scratch)
                byhand.sum_rows(scratch.reshape(-1, c), gw_tap := np.empty(c, x.dtype))
                gw[:, 0, i, j] = gw_tap
        return y, gx[:, p : p + h, p : p + width], gw

    return passes


def formula(stride: int, k: int, groups: int, m: Any, x: Any, w: Any) -> Any:
    """The one operation."""
    return m.conv2d(x, w, stride=stride, padding=k // 2, groups=groups)


def row(shape: Shape) -> Row:
    """One shape."""
    a, b, size, k, stride, groups = shape
    positions = BATCH * ((size - 1) // stride + 1) ** 2
    kind = " depthwise" if groups > 1 else ""
    text = partial(formula, stride, k, groups)
    return Row(
        f"{a} to {b}, {size} x {size}, kernel {k}{kind}" + (f", stride {stride}" if stride > 1 else ""),
        "us",
        {
            **on(
                (*VARIANTS, "torch", "torch.compile", "jax"),
                lambda m: m.gradient(text, (x := problem(*shape))[:2], (), x[2]),
            ),
            FLOOR: partial(by_hand, shape),
        },
        limits={BEST: 1.0, FLOOR: 1.15},
        rtol=1e-3,
        flops=6 * positions * b * k * k * a / groups,
        moved=4 * (3 * BATCH * a * size * size + 3 * positions * b),
        product=(positions, k * k * a, b) if groups == 1 else None,
        rounds=7,
        absent=dict.fromkeys(
            ("autograd", "mygrad", "tinygrad"), "10 to 100 times slower: see the steps of LeNet-5 and ResNet-8"
        ),
    )


ROWS = tuple(map(row, GRID))
SUMMARIES = {"mean": {"torch": 1.0}}
