"""LeNet-5 with ReLU and max pooling, cross-entropy and SGD with momentum on 64 images of 1 x 28 x 28, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines.arrays import Arrays, Problem, Update
from benchmarks.steps import Step

BATCH = 64
SHAPES = {"0": (6, 1, 5, 5), "1": (16, 6, 5, 5), "2": (120, 400), "3": (84, 120), "4": (10, 84)}


def loss(m: Any, p: Any, s: Any, x: Any, labels: Any) -> Any:
    """Two convolutions, three linear layers."""
    x = m.max_pool2d(m.relu(m.conv2d(x, p["0.weight"], p["0.bias"], padding=2)), 2)
    x = m.max_pool2d(m.relu(m.conv2d(x, p["1.weight"], p["1.bias"])), 2)
    x = x.reshape((x.shape[0], 400))
    x = m.relu(m.linear(x, p["2.weight"], p["2.bias"]))
    x = m.relu(m.linear(x, p["3.weight"], p["3.bias"]))
    return m.cross_entropy(m.linear(x, p["4.weight"], p["4.bias"]), labels)


def problem(batch: int = BATCH) -> Problem:
    """Draw the batch and the weights."""
    rng = np.random.default_rng(0)
    parameters: Arrays = {}
    for name, shape in SHAPES.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        parameters[f"{name}.weight"] = (scale * rng.standard_normal(shape)).astype(np.float32)
        parameters[f"{name}.bias"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
    x = rng.standard_normal((batch, 1, 28, 28), np.float32)
    return Problem(loss, parameters, (x, rng.integers(0, 10, batch)), Update("SGD", lr=0.01, momentum=0.9))


class ByHand:
    """The passes written out, images (N, H, W, C), ReLU after the pooling."""

    def __init__(self) -> None:
        """Take the batch."""
        x, self.labels = problem().batch
        self.x = x.transpose(0, 2, 3, 1)

    def __call__(self, p: Arrays, g: Arrays, s: Arrays) -> Any:
        """Both passes."""
        convs = byhand.Conv(padding=2, first=True), byhand.Conv()
        pools = byhand.MaxPoolReLU(), byhand.MaxPoolReLU()
        x = self.x
        for i, (conv, pool) in enumerate(zip(convs, pools, strict=True)):
            x = conv.forward(x, p[f"{i}.weight"])
            x += p[f"{i}.bias"]
            x = pool.forward(x)
        h = [x.transpose(0, 3, 1, 2).reshape(len(x), 400)]
        for i in (2, 3):
            h.append(byhand.linear(h[-1], p[f"{i}.weight"], p[f"{i}.bias"]))
            np.maximum(h[-1], 0, out=h[-1])
        value, back = byhand.cross_entropy(byhand.linear(h[-1], p["4.weight"], p["4.bias"]), self.labels)
        for i in (4, 3, 2):
            back = byhand.linear_back(back, h[i - 2], p[f"{i}.weight"], g[f"{i}.weight"], g[f"{i}.bias"])
            if i > 2:
                back *= h[i - 2] > 0
        back = np.ascontiguousarray(back.reshape(len(x), 16, 5, 5).transpose(0, 2, 3, 1))
        for i in (1, 0):
            back = pools[i].backward(back)
            byhand.sum_rows(back.reshape(-1, back.shape[-1]), g[f"{i}.bias"])
            back = convs[i].backward(back, g[f"{i}.weight"])
        return value


STEP = Step(
    "LeNet-5, batch 64, SGD with momentum",
    problem,
    ByHand(),
    (
        (BATCH * 784, 25, 6),
        (BATCH * 100, 150, 16),
        (BATCH, 400, 120),
        (BATCH, 120, 84),
        (BATCH, 84, 10),
    ),
    BATCH * (6 * 784 + 6 * 196 + 16 * 100 + 16 * 25 + 120 + 84 + 10),
    limits={"best eager": 0.8},
)
ROWS = (STEP.row(),)
