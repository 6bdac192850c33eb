"""ResNet-8 (stages of 16, 32 and 64 channels, batch norm), SGD with momentum on 32 images of 3 x 32 x 32, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines.arrays import Arrays, Problem, Update
from benchmarks.steps import Step

BATCH = 32
STAGES = ((16, 16, 1), (16, 32, 2), (32, 64, 2))  # channels in, channels out, stride
CONVOLUTIONS = {  # name: channels in, channels out, kernel, stride, positions of the output
    "stem": (3, 16, 3, 1, 1024),
    **{
        f"{i}.{part}": (a if part != "second" else b, b, 1 if part == "short" else 3, s if part != "second" else 1, n)
        for i, ((a, b, s), n) in enumerate(zip(STAGES, (1024, 256, 64), strict=True))
        for part in ("first", "second", *(["short"] if a != b else []))
    },
}


def loss(m: Any, p: Any, s: Any, x: Any, labels: Any) -> Any:
    """A stem, three residual blocks, the mean over positions, a linear layer."""

    def conv(x: Any, name: str) -> Any:
        _, _, k, stride, _ = CONVOLUTIONS[name]
        x = m.conv2d(x, p[f"{name}.conv"], stride=stride, padding=k // 2)
        return m.batch_norm(x, p[f"{name}.weight"], p[f"{name}.bias"], s, name)

    x = m.relu(conv(x, "stem"))
    for i in range(len(STAGES)):
        short = conv(x, f"{i}.short") if f"{i}.short" in CONVOLUTIONS else x
        x = m.relu(conv(m.relu(conv(x, f"{i}.first")), f"{i}.second") + short)
    return m.cross_entropy(m.linear(m.mean_over_positions(x), p["out.weight"], p["out.bias"]), labels)


def problem(batch: int = BATCH) -> Problem:
    """Draw the batch and the weights."""
    rng = np.random.default_rng(0)
    parameters, state = {}, {}
    for name, (a, b, k, _, _) in CONVOLUTIONS.items():
        parameters[f"{name}.conv"] = rng.normal(0, (2 / (a * k * k)) ** 0.5, (b, a, k, k)).astype(np.float32)
        parameters[f"{name}.weight"] = rng.uniform(0.5, 1.5, b).astype(np.float32)
        parameters[f"{name}.bias"] = rng.normal(0, 0.1, b).astype(np.float32)
        state[f"{name}.mean"], state[f"{name}.var"] = np.zeros(b, np.float32), np.ones(b, np.float32)
    parameters["out.weight"] = rng.normal(0, 0.1, (10, 64)).astype(np.float32)
    parameters["out.bias"] = np.zeros(10, np.float32)
    x = rng.standard_normal((batch, 3, 32, 32), np.float32)
    batches = x, rng.integers(0, 10, batch)
    return Problem(loss, parameters, batches, Update("SGD", lr=0.01, momentum=0.9), state)


class ByHand:
    """The passes written out, images (N, H, W, C)."""

    def __init__(self) -> None:
        """Take the batch."""
        x, self.labels = problem().batch
        self.x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))

    def __call__(self, p: Arrays, g: Arrays, s: Arrays) -> Any:
        """Both passes."""
        parts = {
            name: (byhand.Conv(stride, k // 2, first=name == "stem"), byhand.BatchNorm())
            for name, (_, _, k, stride, _) in CONVOLUTIONS.items()
        }

        def forward(x: Any, name: str) -> Any:
            conv, norm = parts[name]
            return norm.forward(conv.forward(x, p[f"{name}.conv"]), p[f"{name}.weight"], p[f"{name}.bias"], s, name)

        def backward(back: Any, name: str) -> Any:
            conv, norm = parts[name]
            return conv.backward(norm.backward(back, g[f"{name}.weight"], g[f"{name}.bias"]), g[f"{name}.conv"])

        x = forward(self.x, "stem")
        outputs = [np.maximum(x, 0, out=x)]
        inner = []
        for i in range(len(STAGES)):
            h = forward(outputs[i], f"{i}.first")
            inner.append(np.maximum(h, 0, out=h))
            x = forward(h, f"{i}.second")
            x += forward(outputs[i], f"{i}.short") if f"{i}.short" in parts else outputs[i]
            outputs.append(np.maximum(x, 0, out=x))
        n, h, w, c = x.shape
        mean = x.reshape(n, h * w, c).sum(1)
        mean /= h * w
        value, back = byhand.cross_entropy(byhand.linear(mean, p["out.weight"], p["out.bias"]), self.labels)
        back = byhand.linear_back(back, mean, p["out.weight"], g["out.weight"], g["out.bias"])
        back /= h * w
        back = back[:, None, None] * (x > 0)
        for i in range(len(STAGES) - 1, -1, -1):
            short = backward(back, f"{i}.short") if f"{i}.short" in parts else back
            back = backward(back, f"{i}.second")
            back *= inner[i] > 0
            back = backward(back, f"{i}.first")
            back += short
            back *= outputs[i] > 0
        backward(back, "stem")
        return value


STEP = Step(
    "ResNet-8, batch 32, SGD with momentum",
    problem,
    ByHand(),
    (*((BATCH * n, a * k * k, b) for a, b, k, _, n in CONVOLUTIONS.values()), (BATCH, 64, 10)),
    BATCH * sum(2 * b * n for _, b, _, _, n in CONVOLUTIONS.values()),
    rounds=9,
    absent={"tinygrad": "takes minutes to compile"},
    rtol=5e-3,  # a ReLU whose input is all but zero falls to either side
    limits={"best eager": 0.9},
    without_onednn={"best eager": 1.6},
)
ROWS = (STEP.row(),)
