"""What the workloads are written in: the operations of a network, as one writes them in array functions.

An engine overrides those that it has itself, at its best settings. Images are (N, C, H, W).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.row import Timed

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Update:
    """An optimizer and its settings, as PyTorch's classes name them."""

    kind: str  # "SGD", "Adam" or "AdamW"
    lr: float
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def settings(self) -> dict[str, Any]:
        """The keywords of PyTorch's class."""
        if self.kind == "SGD":
            return {"lr": self.lr, "momentum": self.momentum}
        return {"lr": self.lr, "betas": self.betas, "eps": self.eps, "weight_decay": self.weight_decay}


@dataclass(frozen=True)
class Problem:
    """A training step: `loss(m, p, s, *batch)` of parameters p, of state s that it may set, and of a batch."""

    loss: Callable[..., Any]
    parameters: Arrays
    batch: tuple[np.ndarray, ...]
    update: Update
    state: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Training(Timed):
    """A training step: checked by the loss and the gradients at the start, and by the losses of three steps."""

    gradients: Callable[[], Sequence[Any]] = tuple

    def result(self) -> list[Any]:
        """Loss and gradients, then losses."""
        return [*self.gradients(), *[Timed.result(self)[0] for _ in range(3)]]


class Engine(ABC):
    """The operations, with the rest of an array namespace behind them: m.exp, m.sum, m.einsum."""

    xp: Any

    def __getattr__(self, name: str) -> Any:
        """Whatever is not an operation of a network."""
        return getattr(self.xp, name)

    @abstractmethod
    def array(self, value: np.ndarray) -> Any:
        """What the engine computes with."""

    @abstractmethod
    def training(self, problem: Problem) -> Training:
        """Forward, loss, backward and update."""

    @abstractmethod
    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """Value and gradients of `formula(m, *operands, *constants)`, a number unless there is a seed."""

    def forward(self, formula: Callable[..., Any], operands: Sequence[np.ndarray]) -> Timed:
        """The value alone, nothing recorded."""
        values = [self.array(v) for v in operands]
        found: list[Any] = []

        def step() -> None:
            found[:] = [formula(self, *values)]

        return Timed(step, lambda: found)

    def updating(self, update: Update, parameters: Arrays, gradients: Arrays) -> Timed:
        """An optimizer's step alone."""
        raise NotImplementedError

    # the operations

    def linear(self, x: Any, w: Any, b: Any) -> Any:
        """Weights are (to, from)."""
        return self.xp.matmul(x, w.T) + b

    def relu(self, x: Any) -> Any:
        """Clip from below."""
        return self.xp.maximum(x, 0)

    def gelu(self, x: Any) -> Any:
        """By tanh."""
        return 0.5 * x * (1 + self.xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))

    def sigmoid(self, x: Any) -> Any:
        """By tanh."""
        return 0.5 * self.xp.tanh(0.5 * x) + 0.5

    def logsumexp(self, x: Any, axis: int) -> Any:
        """With the largest taken out."""
        top = self.xp.max(x, axis=axis, keepdims=True)
        return self.xp.log(self.xp.sum(self.xp.exp(x - top), axis=axis)) + self.xp.squeeze(top, axis)

    def softmax(self, x: Any) -> Any:
        """Over the last axis."""
        e = self.xp.exp(x - self.xp.max(x, axis=-1, keepdims=True))
        return e / self.xp.sum(e, axis=-1, keepdims=True)

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        """The mean over (n, classes)."""
        picked = logits[np.arange(len(labels)), labels]
        return self.xp.sum(self.logsumexp(logits, 1) - picked) / len(labels)

    def embedding(self, table: Any, tokens: Any) -> Any:
        """Rows."""
        return table[tokens]

    def layer_norm(self, x: Any, w: Any, b: Any) -> Any:
        """Over the last axis."""
        centred = x - self.xp.mean(x, axis=-1, keepdims=True)
        return centred / self.xp.sqrt(self.xp.mean(centred * centred, axis=-1, keepdims=True) + 1e-5) * w + b

    def batch_norm(self, x: Any, w: Any, b: Any, s: Any, name: str) -> Any:
        """Over all but the channels; running statistics are `s[name + ".mean"]` and `s[name + ".var"]`."""
        mean = self.xp.mean(x, axis=(0, 2, 3), keepdims=True)
        centred = x - mean
        var = self.xp.mean(centred * centred, axis=(0, 2, 3), keepdims=True)
        self.remember(s, name, mean, var, x.size / x.shape[1])
        return centred / self.xp.sqrt(var + 1e-5) * w.reshape((1, -1, 1, 1)) + b.reshape((1, -1, 1, 1))

    def remember(self, s: Any, name: str, mean: Any, var: Any, count: float) -> None:
        """Move the running statistics a tenth of the way, the variance unbiased."""
        s[f"{name}.mean"] = 0.9 * s[f"{name}.mean"] + 0.1 * self.plain(mean).reshape(-1)
        s[f"{name}.var"] = 0.9 * s[f"{name}.var"] + 0.1 * count / (count - 1) * self.plain(var).reshape(-1)

    def plain(self, x: Any) -> Any:
        """Without its history."""
        return x

    def conv2d(self, x: Any, w: Any, b: Any | None = None, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        """Tap by tap, each a matrix product over the channels."""
        if padding:
            x = self.xp.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), "constant")
        kh, kw = w.shape[2:]
        oh, ow = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
        x = self.xp.transpose(x, (0, 2, 3, 1))
        y: Any = 0
        for i in range(kh):
            for j in range(kw):
                tap = x[:, i : i + (oh - 1) * stride + 1 : stride, j : j + (ow - 1) * stride + 1 : stride]
                depthwise = groups == x.shape[3] != 1
                y = y + (tap * w[:, 0, i, j] if depthwise else self.xp.matmul(tap, w[:, :, i, j].T))
        return self.xp.transpose(y if b is None else y + b, (0, 3, 1, 2))

    def max_pool2d(self, x: Any, size: int) -> Any:
        """Windows that do not overlap."""
        n, c, h, w = x.shape
        return self.xp.max(x.reshape((n, c, h // size, size, w // size, size)), axis=(3, 5))

    def mean_over_positions(self, x: Any) -> Any:
        """(N, C, H, W) to (N, C)."""
        return self.xp.mean(x, axis=(2, 3))

    def lstm(self, x: Any, wx: Any, wh: Any, bx: Any, bh: Any) -> Any:
        """The outputs (T, N, H) over a sequence (T, N, C) from zeros; gates in PyTorch's order."""
        hidden = wh.shape[1]
        gates = self.xp.matmul(x, wx.T) + bx
        h = c = self.array(np.zeros((x.shape[1], hidden), np.float32))
        outputs = []
        for t in range(x.shape[0]):
            g = gates[t] + self.xp.matmul(h, wh.T) + bh
            i, f = self.sigmoid(g[:, :hidden]), self.sigmoid(g[:, hidden : 2 * hidden])
            o = self.sigmoid(g[:, 3 * hidden :])
            c = f * c + i * self.xp.tanh(g[:, 2 * hidden : 3 * hidden])
            h = o * self.xp.tanh(c)
            outputs.append(h)
        return self.xp.stack(outputs)

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Causal, over (N, heads, T, D)."""
        length, width = q.shape[-2:]
        scores = self.xp.matmul(q, self.xp.swapaxes(k, -1, -2)) / math.sqrt(width)
        return self.xp.matmul(self.softmax(scores + future(length)), v)

    def heads(self, x: Any, count: int) -> Any:
        """(N, T, count x D) to (N, count, T, D)."""
        n, t, width = x.shape
        return self.xp.swapaxes(x.reshape((n, t, count, width // count)), 1, 2)

    def together(self, x: Any) -> Any:
        """(N, heads, T, D) to (N, T, heads x D)."""
        n, heads, t, d = x.shape
        return self.xp.swapaxes(x, 1, 2).reshape((n, t, heads * d))


def future(length: int) -> np.ndarray:
    """What is added to scores so that no position sees a later one."""
    return np.triu(np.full((length, length), -1e9, np.float32), 1)


def functional_update(
    xp: Any, update: Update, p: Any, g: Any, moments: Mapping[str, Any], step: Any
) -> tuple[Any, Any]:
    """One parameter's update without writing anywhere, for the engines that compile it."""
    if update.kind == "SGD":
        if not update.momentum:
            return p - update.lr * g, moments
        v = update.momentum * moments["v"] + g
        return p - update.lr * v, {"v": v}
    beta1, beta2 = update.betas
    m = beta1 * moments["m"] + (1 - beta1) * g
    v = beta2 * moments["v"] + (1 - beta2) * g * g
    root = xp.sqrt(v / (1 - beta2**step)) + update.eps
    return p * (1 - update.lr * update.weight_decay) - update.lr / (1 - beta1**step) * m / root, {"m": m, "v": v}


def moments(update: Update) -> tuple[str, ...]:
    """The names of what an update remembers."""
    if update.kind == "SGD":
        return ("v",) if update.momentum else ()
    return ("m", "v")
