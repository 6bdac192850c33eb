"""Pictures in plain characters."""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn

NEURON = """\
tanh
o      x1  value 2  grad -1.503
| o    w1  value -3  grad 1.002
*-'    multiply  value -6  grad 0.501
| o    x2  value 0  grad 0.501
| | o  w2  value 1  grad 0
| *-'  multiply  value 0  grad 0.501
*-'    add  value -6  grad 0.501
| o    b  value 6.88  grad 0.501
*-'    add  value 0.88  grad 0.501
*      tanh  value 0.7064  grad 1"""


def test_a_scalar_expression():
    leaves = []
    for name, value in {"x1": 2, "w1": -3, "x2": 0, "w2": 1, "b": 6.88}.items():
        leaves.append(ad.tensor(float(value), requires_grad=True))
        leaves[-1].name = name
    x1, w1, x2, w2, b = leaves
    assert ad.draw(np.tanh(x1 * w1 + x2 * w2 + b)).ascii() == NEURON


def test_a_lane_goes_on_past_others_and_a_dead_end_is_not_joined_to_what_is_below():
    def f(x):
        y = np.exp(x)
        np.sin(y)
        z = np.tanh(ad.ones(2))
        return y * z + x

    rails = [line[:9].rstrip() for line in ad.trace(f)(ad.ones(2)).ascii().splitlines()[1:]]
    assert rails == ["o", "+-*", "| +-*", "| |   o", "| |   *", "| *---'", "*-'"]


def test_edges_between_phases_and_too_many_are_written():
    def wide(*xs):
        total = sum(np.exp(x) for x in xs)
        return total + sum(xs)

    text = ad.trace(wide)(*(ad.ones(1) for _ in range(20))).ascii(fold_repeats=False)
    assert max(line.index("  ") for line in text.splitlines() if "  " in line) <= 2 * 12
    assert "<- [1]" in text

    def step(x):
        y = np.exp(x).sum()
        y.backward()
        return y

    text = ad.trace(step)(ad.ones(2, requires_grad=True)).ascii()
    assert [line for line in text.splitlines() if line in ("forward", "backward")] == ["forward", "backward"]
    assert any(line.endswith("<- [1]") for line in text.splitlines())


def test_a_loop_says_how_often_it_runs():
    cell = nn.RNNCell(2, 2)

    def f(xs):
        h = ad.zeros(1, 2)
        for x in xs:
            h = cell(x, h)
        return h

    text = ad.trace(f)(ad.ones(5, 1, 2)).ascii()
    assert "x5" in text
    assert "<~ itself" in text


def test_lines_are_cut_and_plain():
    x = ad.ones(2, requires_grad=True)
    x.name = "long" * 50
    text = ad.draw(np.exp(x)).ascii(show=("shapes", "values"))
    assert max(map(len, text.splitlines())) == 110
    model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(4)))
    assert ad.trace(model)(ad.ones(1, 3)).ascii().isascii()
