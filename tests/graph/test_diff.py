"""What differs between two graphs."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph.pictures import render
from nn import optim


def step_graph(*layers, lr=0.1):
    ad.manual_seed(0)
    model = nn.Sequential(*layers)
    sgd = optim.SGD(model.parameters(), lr=lr)

    def step(x, y):
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        sgd.step()
        return loss

    return ad.trace(step)(ad.ones(2, 4), ad.tensor([0, 2]))


def layers(width=5):
    return [nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3)]


def signs(text):
    """The lines that are marked, by their mark."""
    return [line for line in text.splitlines() if re.match(r"[-+] ", line)]


def test_a_graph_does_not_differ_from_itself_run_again():
    difference = ad.graph_diff(step_graph(*layers()), step_graph(*layers()))
    assert not difference
    assert difference.text() == "--- step\n+++ step\n22 the same"


def test_one_layer_more():
    difference = ad.graph_diff(step_graph(*layers()), step_graph(*layers(), nn.Tanh()))
    assert difference
    assert [op.name for op in difference.added if op.phase == "forward"] == ["tanh"]
    assert not difference.removed
    text = difference.text()
    assert "+ %4: f32[2,3] = tanh(%3)  # Sequential / 3: Tanh" in text
    changed = [op for op in difference.changed if op.phase == "forward"]  # what read the old last layer
    assert [difference.was[op].name for op in changed] == ["softmax_nll"]
    assert text.count("... 3 the same\n+ %4") == 1


def test_an_operation_replaced():
    x = ad.ones(3)
    exp = ad.trace(lambda x: np.sum(np.exp(x) * 2))(x)
    tanh = ad.trace(lambda x: np.sum(np.tanh(x) * 3))(x)
    difference = ad.graph_diff(exp, tanh)
    assert signs(difference.text()) == [
        "- %1': f32[3] = exp(x)",
        "+ %1: f32[3] = tanh(x)",
        "- %2: f32[3] = multiply(%1', 2)",
        "+ %2: f32[3] = multiply(%1, 3)",
    ]
    assert [op.name for op in difference.ops] == ["exp", "tanh", "multiply", "sum"]
    assert [*difference.highlights.values()] == ["added", "removed", "changed"]


def test_a_setting_a_type_and_a_number_are_seen():
    wider = ad.graph_diff(step_graph(*layers()), step_graph(*layers(6)))
    assert {"- 0.weight: f32[5,4]  parameter", "+ 0.weight: f32[6,4]  parameter"} <= {*signs(wider.text())}
    assert not wider.added
    assert not wider.removed
    faster = ad.graph_diff(step_graph(*layers()), step_graph(*layers(), lr=0.2))
    assert len(signs(faster.text())) == 2
    x = ad.ones(2, 3)
    axis = ad.graph_diff(*(ad.trace(lambda x, axis=axis: np.cumsum(x, axis))(x) for axis in (0, 1)))
    assert signs(axis.text()) == ["- %1: f32[2,3] = cumsum(x, axis=0)", "+ %1: f32[2,3] = cumsum(x, axis=1)"]


def test_what_is_returned_and_written_is_seen():
    w = ad.ones(2)

    def f(x, last):
        with ad.no_grad():
            y = np.exp(x)
            z = np.tanh(y)
            (w if last else x).mul_(1)
        return z if last else y

    text = ad.graph_diff(*(ad.trace(lambda x, last=last: f(x, last))(ad.ones(2)) for last in (False, True))).text()
    assert {"- return %1", "+ return %2"} <= {*signs(text)}
    assert any(line.startswith("- x <- ") for line in signs(text))


def test_long_programs_are_compared_in_no_time():
    def program(n, k):
        def f(x):
            for i in range(n):
                x = np.tanh(x) if i == k else np.sin(x)
            return x

        return ad.trace(f)(ad.ones(1))

    difference = ad.graph_diff(program(8000, 10), program(8003, 5000))
    assert len(difference.was) == 8000
    assert len(difference.added) == 3


def test_tensors_are_compared_by_their_histories():
    x = ad.tensor(2.0, requires_grad=True)
    assert not ad.graph_diff(x * x, x * x)
    assert [op.name for op in ad.graph_diff(x * x, np.exp(x * x)).added] == ["exp"]


def test_the_picture_has_both_graphs():
    difference = ad.graph_diff(*(ad.trace(lambda x, f=f: np.sum(f(x)))(ad.ones(3)) for f in (np.exp, np.tanh)))
    dot = difference.dot()
    for text in ("exp", "tanh", "added", "removed", "changed"):
        assert text in dot


@pytest.mark.parametrize("thing", [None, 3, "graph", np.ones(2), nn.Linear(1, 1)], ids=lambda x: type(x).__name__)
def test_other_things_are_refused(thing):
    graph = ad.trace(np.exp)(ad.ones(2))
    for pair in ((graph, thing), (thing, graph)):
        with pytest.raises(TypeError, match=f"got {type(thing).__name__}.*ad.trace"):
            ad.graph_diff(*pair)


def test_a_removed_operation_stands_in_its_module():
    difference = ad.graph_diff(step_graph(*layers()), step_graph(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)))
    lines = difference.ascii(depth=1).splitlines()
    assert difference.title == "step: 4 added, 2 removed, 4 changed, 16 the same"
    marked = [line for line in lines[: lines.index("backward")] if "!" in line]
    assert [line.split("  ")[-5:] for line in marked[:2]] == [
        ["[2]", "1 ReLU", "! removed", "f32[2,5]", "# Sequential"],
        ["[3]", "1 Tanh", "! added", "f32[2,5]", "# Sequential"],
    ]
    if render.available():
        assert "1: ReLU" in difference.html()
    for options in ({"overlay": "memory"}, {"orders": True}, {"theme": "dark"}, {"highlight": "tanh"}):
        assert difference.dot(**options).startswith("digraph")
    assert difference.with_look(depth=1).text() == difference.text()
