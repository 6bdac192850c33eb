"""Networks that read sequences."""

from __future__ import annotations

import autodiff as ad
import nn
from autodiff.graph.record import Graph
from nn import models


def gpt() -> dict[str, Graph]:
    """GPT-2: its twelve blocks as one, and the inside of a block.

    The first picture is what `ad.draw` makes of it without being told anything.
    """
    model = models.GPT2LMHeadModel(vocab_size=1000, n_positions=64, n_embd=48, n_layer=12, n_head=4).eval()
    tokens = ad.arange(16).reshape(1, 16)
    block = model.transformer.h[0]
    return {"gpt": ad.draw(model, tokens), "gpt-block": ad.draw(block, ad.rand(1, 16, 48), depth=None)}


def lstm() -> dict[str, Graph]:
    """An LSTM, rolled and unrolled: one step with a loop, and all the steps it stands for."""

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(3, 8)
            self.score = nn.Linear(8, 1)

        def forward(self, x: ad.Tensor) -> ad.Tensor:
            h = c = ad.zeros(2, 8)
            for letter in x:
                h, c = self.cell(letter, (h, c))
            return self.score(h)

    graph = ad.draw(Reader(), ad.rand(5, 2, 3))
    return {"lstm-rolled": graph, "lstm-unrolled": graph.with_look(depth=1, fold_repeats=False)}
