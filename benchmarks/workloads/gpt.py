"""GPT of 4 layers, 4 heads, 128 wide, on 12 sequences of 64 characters, cross-entropy and AdamW, float32.

The output layer shares the embedding's table; GELU is by tanh; no dropout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines.arrays import Arrays, Problem, Update
from benchmarks.steps import Step

VOCABULARY, WIDTH, HEADS, LAYERS, BATCH, LENGTH = 65, 128, 4, 4, 12, 64


def loss(m: Any, p: Any, s: Any, tokens: Any, targets: Any) -> Any:
    """Predict the next character at every position; tokens are (batch, length)."""
    n, t = tokens.shape
    x = m.embedding(p["table"], tokens) + p["positions"]
    for i in range(LAYERS):
        h = m.layer_norm(x, p[f"{i}.norm1.weight"], p[f"{i}.norm1.bias"])
        qkv = m.linear(h, p[f"{i}.qkv.weight"], p[f"{i}.qkv.bias"])
        q, k, v = (m.heads(qkv[:, :, j * WIDTH : (j + 1) * WIDTH], HEADS) for j in range(3))
        h = m.together(m.attention(q, k, v))
        x = x + m.linear(h, p[f"{i}.proj.weight"], p[f"{i}.proj.bias"])
        h = m.layer_norm(x, p[f"{i}.norm2.weight"], p[f"{i}.norm2.bias"])
        h = m.gelu(m.linear(h, p[f"{i}.up.weight"], p[f"{i}.up.bias"]))
        x = x + m.linear(h, p[f"{i}.down.weight"], p[f"{i}.down.bias"])
    x = m.layer_norm(x, p["norm.weight"], p["norm.bias"])
    return m.cross_entropy(m.matmul(x, p["table"].T).reshape((n * t, VOCABULARY)), targets)


def problem(batch: int = BATCH, length: int = LENGTH) -> Problem:
    """Draw the batch and the weights, as GPT-2 does."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"table": (VOCABULARY, WIDTH), "positions": (length, WIDTH)}
    for i in range(LAYERS):
        for name, (a, b) in {"qkv": (1, 3), "proj": (1, 1), "up": (1, 4), "down": (4, 1)}.items():
            shapes |= {f"{i}.{name}.weight": (b * WIDTH, a * WIDTH), f"{i}.{name}.bias": (b * WIDTH,)}
    parameters = {name: rng.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in [f"{i}.norm{j}" for i in range(LAYERS) for j in (1, 2)] + ["norm"]:
        parameters[f"{name}.weight"] = np.ones(WIDTH, np.float32)
        parameters[f"{name}.bias"] = np.zeros(WIDTH, np.float32)
    tokens = rng.integers(0, VOCABULARY, (batch, length))
    update = Update("AdamW", lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    return Problem(loss, parameters, (tokens, rng.integers(0, VOCABULARY, batch * length)), update)


class Block:
    """One layer's passes written out, on rows (N T, width)."""

    def __init__(self, p: Arrays, g: Arrays, at: int) -> None:
        """Take parameters and the places of their gradients."""
        self.p, self.g = ({n.partition(".")[2]: v for n, v in a.items() if n.startswith(f"{at}.")} for a in (p, g))
        self.norms = byhand.LayerNorm(), byhand.LayerNorm()
        self.attention, self.gelu = byhand.Attention(), byhand.GELU()

    def linear(self, x: Any, name: str) -> Any:
        """Forward."""
        return byhand.linear(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"])

    def back(self, g: Any, x: Any, name: str) -> Any:
        """Backward."""
        return byhand.linear_back(g, x, self.p[f"{name}.weight"], self.g[f"{name}.weight"], self.g[f"{name}.bias"])

    def forward(self, x: Any) -> Any:
        """Attention and network, each added to what it was given; x is written into."""
        p = self.p
        self.h1 = self.norms[0].forward(x, p["norm1.weight"], p["norm1.bias"])
        q, k, v = self.linear(self.h1, "qkv").reshape(BATCH, LENGTH, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)
        self.mixed = self.attention.forward(q, k, v).swapaxes(1, 2).reshape(x.shape)
        x += self.linear(self.mixed, "proj")
        self.h2 = self.norms[1].forward(x, p["norm2.weight"], p["norm2.bias"])
        self.wide = self.gelu.forward(self.linear(self.h2, "up"))
        x += self.linear(self.wide, "down")
        return x

    def backward(self, g: Any) -> Any:
        """The same backwards; g is written into."""
        h = self.back(self.gelu.backward(self.back(g, self.wide, "down")), self.h2, "up")
        g += self.norms[1].backward(h, self.g["norm2.weight"], self.g["norm2.bias"])
        h = self.back(g, self.mixed, "proj").reshape(BATCH, LENGTH, HEADS, -1).swapaxes(1, 2)
        qkv = np.stack(self.attention.backward(h)).transpose(1, 3, 0, 2, 4).reshape(len(g), -1)
        g += self.norms[0].backward(self.back(qkv, self.h1, "qkv"), self.g["norm1.weight"], self.g["norm1.bias"])
        return g


class ByHand:
    """The passes written out."""

    def __init__(self) -> None:
        """Take the batch."""
        self.tokens, self.targets = problem().batch

    def __call__(self, p: Arrays, g: Arrays, s: Arrays) -> Any:
        """Both passes."""
        x = (p["table"][self.tokens] + p["positions"]).reshape(-1, WIDTH)
        blocks = [Block(p, g, i) for i in range(LAYERS)]
        for block in blocks:
            x = block.forward(x)
        norm = byhand.LayerNorm()
        h = norm.forward(x, p["norm.weight"], p["norm.bias"])
        value, back = byhand.cross_entropy(h @ p["table"].T, self.targets)
        np.dot(back.T, h, g["table"])
        back = norm.backward(back @ p["table"], g["norm.weight"], g["norm.bias"])
        for block in reversed(blocks):
            back = block.backward(back)
        byhand.add_rows(g["table"], self.tokens, back)
        np.sum(back.reshape(BATCH, LENGTH, WIDTH), axis=0, out=g["positions"])
        return value


ROWS_OF_X = BATCH * LENGTH
PER_LAYER = (
    *((ROWS_OF_X, a * WIDTH, b * WIDTH) for a, b in ((1, 3), (1, 1), (1, 4), (4, 1))),
    *[(BATCH * HEADS * LENGTH, WIDTH // HEADS, LENGTH // 2)] * 2,  # scores and what they weigh: half, being causal
)
STEP = Step(
    "GPT 4 layers, 4 heads, 128 wide, batch 12 x 64, AdamW",
    problem,
    ByHand(),
    (*PER_LAYER * LAYERS, (ROWS_OF_X, WIDTH, VOCABULARY)),
    ROWS_OF_X * (LAYERS * 14 * WIDTH + WIDTH + VOCABULARY),
    rounds=15,
    absent={"tinygrad": "takes minutes to compile"},
    embedded=True,
    limits={"best eager": 0.8},
)
ROWS = (STEP.row(),)
