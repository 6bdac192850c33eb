"""A character LSTM 65-64-128 on 32 sequences of 64 steps, cross-entropy and Adam, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import byhand
from benchmarks.engines.arrays import Arrays, Problem, Update
from benchmarks.steps import Step

VOCABULARY, EMBEDDED, HIDDEN, BATCH, STEPS = 65, 64, 128, 32, 64


def loss(m: Any, p: Any, s: Any, tokens: Any, targets: Any) -> Any:
    """Embed, recur, and predict the next character at every step; tokens are (steps, batch)."""
    x = m.embedding(p["table"], tokens)
    h = m.lstm(x, p["wx"], p["wh"], p["bx"], p["bh"])
    logits = m.linear(h.reshape((h.shape[0] * h.shape[1], HIDDEN)), p["out.weight"], p["out.bias"])
    return m.cross_entropy(logits, targets)


def problem(steps: int = STEPS, batch: int = BATCH) -> Problem:
    """Draw the batch and the weights."""
    rng = np.random.default_rng(0)
    bound = HIDDEN**-0.5
    shapes = {
        "wx": (4 * HIDDEN, EMBEDDED),
        "wh": (4 * HIDDEN, HIDDEN),
        "bx": (4 * HIDDEN,),
        "bh": (4 * HIDDEN,),
        "out.weight": (VOCABULARY, HIDDEN),
        "out.bias": (VOCABULARY,),
    }
    parameters = {"table": rng.standard_normal((VOCABULARY, EMBEDDED), np.float32)}
    parameters |= {name: rng.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()}
    tokens = rng.integers(0, VOCABULARY, (steps, batch))
    targets = rng.integers(0, VOCABULARY, steps * batch)
    return Problem(loss, parameters, (tokens, targets), Update("Adam", lr=1e-3))


class ByHand:
    """The passes written out."""

    def __init__(self) -> None:
        """Take the batch."""
        self.tokens, self.targets = problem().batch

    def __call__(self, p: Arrays, g: Arrays, s: Arrays) -> Any:
        """Both passes."""
        cell = byhand.LSTM()
        x = p["table"][self.tokens]
        h = cell.forward(x, p["wx"], p["wh"], p["bx"], p["bh"])
        flat = h.reshape(-1, HIDDEN)
        value, back = byhand.cross_entropy(byhand.linear(flat, p["out.weight"], p["out.bias"]), self.targets)
        back = byhand.linear_back(back, flat, p["out.weight"], g["out.weight"], g["out.bias"])
        back = cell.backward(back.reshape(h.shape), g["wx"], g["wh"], g["bx"], g["bh"])
        g["table"][...] = 0
        byhand.add_rows(g["table"], self.tokens, back.reshape(-1, EMBEDDED))
        return value


STEP = Step(
    "char-LSTM 65-64-128, batch 32 x 64, Adam",
    problem,
    ByHand(),
    (*[(BATCH, EMBEDDED + HIDDEN, 4 * HIDDEN)] * STEPS, (BATCH * STEPS, HIDDEN, VOCABULARY)),
    BATCH * STEPS * (EMBEDDED + 6 * HIDDEN + VOCABULARY),
    embedded=True,
    limits={"best eager": 1.0},
    absent={"tinygrad": "64 steps unrolled take minutes to compile"},
)
ROWS = (STEP.row(),)
