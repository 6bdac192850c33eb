"""The examples run from end to end and leave behind what they announce."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import nn


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Return a function that runs an example in an empty folder and returns what it printed."""

    def run_example(name: str, *args: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *args])
        importlib.import_module(f"examples.{name}").main()
        return capsys.readouterr().out

    return run_example


def test_the_digits_example_trains_draws_and_saves(run, tmp_path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    printed = run("digits.train", "--epochs", "12", "--out", "pictures")
    assert float(printed.partition("Right on ")[2].partition("%")[0]) >= 96
    out = tmp_path / "pictures"
    assert (out / "step.svg").exists() or "digraph" in (out / "step.dot").read_text()
    for name in ("curves.png", "mistakes.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    model = importlib.import_module("examples.digits.train").build_model()
    model.load_state_dict(nn.load(out / "weights.npz"))
    assert np.isfinite(model[1].weight.data).all()


def test_the_scalar_example_prints_the_gradients_it_draws(run) -> None:
    printed = run("scalars.draw")
    assert "dy/dw1" in printed


def test_an_operation_of_ones_own_has_equal_derivatives_either_way(run) -> None:
    first, second = run("custom_op.softplus").splitlines()
    assert first.partition("value")[2] == second.partition("value")[2]
    assert "curvature [0.197 0.25  0.   ]" in first
