"""The listing of a graph: one operation a line, the same bytes for the same program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import autodiff as ad
import nn
from autodiff.graph import trace
from nn import optim

PROGRAM = """
import numpy as np, autodiff as ad, nn
from autodiff.graph import trace
from nn import optim
ad.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))
adam = optim.Adam(model.parameters())
def step(x, y):
    loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    adam.step()
    return loss
graph = trace(step)(ad.ones(2, 4), ad.tensor([0, 2]))
print(graph.text(), graph.dot(), graph.dot(depth=None), graph.dot(depth=0))
"""


def test_a_listing():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    sgd = optim.SGD(model.parameters(), lr=0.5)

    def step(x):
        loss = np.square(model(x)).sum()
        loss.backward()
        sgd.step()
        return loss

    lines = trace(step)(ad.ones(4, 2)).text().splitlines()
    assert lines[:10] == [
        "step",
        "  x: f32[4,2]  input",
        "  0.weight: f32[3,2]  parameter",
        "  0.bias: f32[3]  parameter",
        "forward",
        "  %1: f32[4,3] = linear(x, 0.weight, 0.bias)  # Sequential / 0: Linear",
        "  %2: f32[4,3] = tanh(%1)  # Sequential / 1: Tanh",
        "  %3: f32[4,3] = square(%2)",
        "  %4: f32[] = sum(%3)",
        "backward",
    ]
    assert any(line.endswith("; 0.weight.grad") for line in lines)
    assert [line.split(" <- ")[0].strip() for line in lines if " <- " in line] == ["0.weight", "0.bias"]
    assert lines[-1] == "return %4"


def test_keywords_and_indices_are_written_as_in_numpy():
    def f(x):
        y = np.sum(x[:, None, 1::2], axis=(0, 1), keepdims=True)
        return np.concatenate([y, y], axis=2).astype(np.float64)

    operations = [line.split(" = ")[1] for line in trace(f)(ad.ones(2, 4)).text().splitlines() if " = " in line]
    assert operations == [
        "getitem(x, index=[:, None, 1::2])",
        "sum(%1, axis=(0, 1), keepdims=True)",
        "concatenate(%2, %2, axis=2)",
        "astype(%3, dtype=f64)",
    ]


def test_the_same_program_gives_the_same_bytes():
    outputs = set()
    for seed in ("0", "1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        outputs.add(run.stdout)
    assert len(outputs) == 1


def test_a_name_cannot_break_out_of_its_line():
    x = ad.ones(2, requires_grad=True)
    x.name = "a\nb\x1b[31m"
    text = trace(lambda: np.exp(x))().text()
    assert r"a\nb\x1b[31m: f32[2]" in text
    assert len(text.splitlines()) == 5
