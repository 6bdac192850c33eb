"""A graph as a tree of modules, whose figures add up."""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn
from nn import optim


class Block(nn.Module):
    """A residual block, whose sum is its own operation."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return x + np.tanh(self.fc(x))


def step_graph():
    model = nn.Sequential(*(Block() for _ in range(3)), nn.Linear(4, 2))
    sgd = optim.SGD(model.parameters(), lr=0.5)

    def step(x, y):
        loss = nn.CrossEntropyLoss()(model(np.exp(x)), y)
        loss.backward()
        sgd.step()
        return loss

    return ad.trace(step)(ad.ones(3, 4), ad.tensor([0, 1, 0]))


STEP = """\
                         input             output    parameters  forward      backward  update
step                     f32[3,4], i64[3]  f32[]             70  12                 27      17
├─ exp                   f32[3,4]          f32[3,4]
├─ Sequential            f32[3,4]          f32[3,2]          70  10                 26
│  ├─ 0: Block           f32[3,4]          f32[3,4]          20  3                   6
│  │  ├─ fc: Linear      f32[3,4]          f32[3,4]          20  linear              3
│  │  └─ tanh, add       f32[3,4] x2       f32[3,4]                                  3
│  ├─ 1 .. 2: Block  x2  f32[3,4]          f32[3,4]          20  3                   8
│  │  ├─ fc: Linear      f32[3,4]          f32[3,4]          20  linear              5
│  │  └─ tanh, add       f32[3,4] x2       f32[3,4]                                  3
│  └─ 3: Linear          f32[3,4]          f32[3,2]          10  linear              4
├─ CrossEntropyLoss      f32[3,2], i64[3]  f32[]                 softmax_nll         1
└─ SGD                                                       70                             17"""


def test_a_training_step():
    assert step_graph().tree() == STEP


def test_the_figures_add_up():
    graph = step_graph()
    whole, *rows = graph.tree(fold_repeats=False).splitlines()[1:]
    phases = [sum(op.phase == phase for op in graph.ops) for phase in ("forward", "backward", "update")]
    assert [int(word) for word in whole.split()[-3:]] == phases
    assert [row.split()[-1] for row in rows if "SGD" in row] == [str(phases[2])]


def test_depth_and_repeats():
    graph = step_graph()
    assert len(graph.tree(depth=0).splitlines()) == 2
    shallow = graph.tree(depth=1).splitlines()
    top = [line.split() for line in graph.tree().splitlines() if line[:3] in ("├─ ", "└─ ")]
    assert top == [line.split() for line in shallow[2:]]


def test_what_has_no_module_or_no_operation():
    x = ad.tensor(2.0, requires_grad=True)
    assert ad.draw(x * x).tree().splitlines()[1].split() == ["multiply", "f32[]", "1", "multiply"]
    assert ad.draw(ad.ones(2)).tree().splitlines()[1] == "tensor"
