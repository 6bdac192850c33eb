"""The listing of a graph: one operation a line, the same bytes for the same program."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import trace
from autodiff.graph.words.text import literal
from nn import optim


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


def test_composites_orders_and_what_failed_are_named():
    class Double(ad.Function):
        @staticmethod
        def forward(ctx, x):
            return np.add(x, x)

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    def f(x):
        (slope,) = ad.grad(np.sum(Double.apply(x) ** 3), x, create_graph=True)
        ad.grad(slope.sum(), x)
        return x @ ad.ones(3)

    with pytest.raises(ValueError, match="matmul") as caught:
        trace(f)(ad.ones(2, requires_grad=True))
    lines = caught.value.graph.text().splitlines()
    assert "  %1: f32[2] = add(x, x)  # Double()" in lines
    assert [line for line in lines if line[0] != " "][1:] == [
        "forward", "backward", "forward, order 1", "backward, order 2", "forward",
    ]  # fmt: skip
    assert lines[-1].endswith(": ? = matmul(x, constant3)  # failed")


def test_values_and_costs_are_added_to_each_line():
    x = ad.tensor([0.0, 1.0, np.nan], requires_grad=True)
    x.name = "x"
    lines = trace(lambda: np.sum(np.exp(x)).backward())().text(show=("values", "grads", "bytes")).splitlines()
    assert lines[1] == "  x: f32[3]  parameter; value 0.5 in 0..1, 1 NaN; grad 1.859 in 1..2.718, 1 NaN"
    assert lines[3].endswith("# value 1.859 in 1..2.718, 1 NaN; grad 1 in 1..1; 12 bytes made, 12 kept")


def test_keywords_hold_no_address_and_no_order_of_a_set():
    things = {"c": {2, 1, 30}, "a": [object(), (1,)], "b": np.tanh, "d": np.ones(3)}
    assert literal(things) == "{'c': {1, 2, 30}, 'a': [object, 1], '..."
    assert literal([things["b"], things["d"]]) == "[tanh, f64[3]]"


def test_a_name_cannot_break_out_of_its_line():
    x = ad.ones(2, requires_grad=True)
    x.name = "a\nb\x1b[31m"
    text = trace(lambda: np.exp(x))().text()
    assert r"a\nb\x1b[31m: f32[2]" in text
    assert len(text.splitlines()) == 5
    x.name = "%1"
    assert '  %1: f32[2] = exp("%1")' in trace(lambda: np.exp(x))().text().splitlines()
