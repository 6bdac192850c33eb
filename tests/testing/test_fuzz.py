"""Fuzzing: a planted error is found, shrunk to a step or two, and printed as a script that shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.primitive import Primitive, registry
from autodiff.testing import fuzz as fuzz_function
from autodiff.testing.fuzzing import FuzzResult
from autodiff.testing.report import Verdict

ROOT = Path(__file__).parents[2]


def fuzz(seconds: float = 20, **options: Any) -> FuzzResult:
    result = fuzz_function(seconds, progress=False, **{"seed": 1, "order": 1} | options)
    assert isinstance(result, FuzzResult)
    return result


@ad.elementwise(lambda g, x: np.where(x < 0, g * x, g * 2 * x))
def wrong_below_zero(x: Any) -> Any:
    return x * x


@ad.elementwise(lambda g, b: g, lambda g, a, b: g * (1 + 1e-4 * (a * b > 1)))
def wrong_sum(a: Any, b: Any) -> Any:
    return a + b


@ad.elementwise(lambda g, x: g * np.cos(x.detach() if isinstance(x, ad.Tensor) else x))
def sine_once(x: Any) -> Any:
    """Its first derivative is right; its second is 0."""
    return np.sin(x)


@ad.composite
def raising(x: Any) -> Any:
    """It takes arrays and no tensors."""
    return x.nonsense if isinstance(x, ad.Tensor) else np.sin(x)


@pytest.mark.parametrize("wrong", [wrong_below_zero, wrong_sum, sine_once], ids=lambda f: f.__name__)
def test_a_wrong_rule_is_found_among_right_ones_and_shrunk(wrong: Any) -> None:
    result = fuzz(ops=[np.sin, np.multiply, np.sum, wrong, np.add, np.exp], order=2)
    assert not result
    assert result.program is not None
    assert [step.op for step in result.program.steps] == [wrong]
    assert max(x.size for x in result.program.inputs) == 1
    assert result.report is not None
    assert result.report.verdict is Verdict.FAIL
    assert result.shrunk


def test_a_wrong_rule_of_numpys_own_is_found_among_the_usual_operations(monkeypatch: Any) -> None:
    wrong = Primitive(np.tanh, (lambda g, y: g - 1.01 * (g * (y * y)),), kind="elementwise")
    monkeypatch.setitem(registry, np.tanh, wrong)
    result = fuzz(60)
    assert result.program is not None
    assert [step.op for step in result.program.steps] == [np.tanh]


@pytest.fixture(scope="module")
def found() -> FuzzResult:
    return fuzz(ops=[wrong_below_zero, np.exp])


def test_the_printed_script_shows_the_failure(found: FuzzResult, tmp_path: Path) -> None:
    source = found.source()
    assert source in str(found)
    (tmp_path / "script.py").write_text(source)
    command, environment = [sys.executable, tmp_path / "script.py"], os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL: program")
    assert "AssertionError" in done.stderr


def test_the_failure_is_drawn(found: FuzzResult) -> None:
    graph = found.draw()
    assert [op.name for op in graph.ops] == ["wrong_below_zero"]
    assert "wrong_below_zero" in graph.dot()


def test_the_report_of_a_failure_names_the_worst_entry(found: FuzzResult) -> None:
    assert found.report is not None
    assert found.report.worst is not None
    assert found.report.worst.input == "a"
    assert str(found).endswith(str(found.report))


def test_an_exception_is_a_failure_too() -> None:
    result = fuzz(ops=[raising, np.exp])
    assert not result
    assert isinstance(result.error, AttributeError)
    assert result.program is not None
    assert [step.op for step in result.program.steps] == [raising]
    assert "AttributeError" in str(result)


def test_a_seed_draws_the_same_again() -> None:
    one, other = (fuzz(ops=[np.sin, wrong_sum], seed=5) for _ in range(2))
    assert (one.tried, repr(one.program)) == (other.tried, repr(other.program))


def test_right_rules_pass_and_time_is_kept() -> None:
    began = time.monotonic()
    result = fuzz(2, depth=4, seed=None, order=2)
    assert result, result
    assert time.monotonic() - began < 5
    assert result.tried == sum(result.verdicts.values()) >= 5
    assert str(result).startswith(f"fuzz: {result.tried} programs in 2.")
    assert f"seed {result.seed}" in repr(result)
    assert len(repr(result)) < 200
    with pytest.raises(ValueError, match="no program failed"):
        result.source()


def test_shrinking_ends_in_time(monkeypatch: Any) -> None:
    module = sys.modules["autodiff.testing.fuzzing"]
    checked = module.gradcheck

    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.2)
        return checked(*args, **options)

    monkeypatch.setattr(module, "gradcheck", slow)
    monkeypatch.setattr(module, "SHRINKING", 0.5)
    result = fuzz(5, ops=[wrong_below_zero, np.exp, np.sum, np.matmul], depth=8)
    assert result.program is not None
    assert not result.shrunk
    assert "the smallest failure found in time" in str(result)
    assert result.seconds < 8


def test_nothing_passed_is_not_a_success() -> None:
    assert not FuzzResult(seed=0, order=1)
    assert not FuzzResult(seed=0, order=1, tried=2, verdicts=Counter({Verdict.INCONCLUSIVE: 2}))


def test_misuse_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.modules["autodiff.testing.fuzzing"], "ROUND", 10)
    with pytest.raises(ValueError, match="seconds must be more than 0; got 0"):
        fuzz(0)
    with pytest.raises(ValueError, match=r"no program could be drawn from ops=\[take_along_axis\]"):
        fuzz(1, ops=[np.take_along_axis])


def test_progress_is_shown_on_a_terminal(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fuzz_function(0.5, ops=[np.sin], seed=0)
    assert "programs" in capsys.readouterr().err
    fuzz_function(0.5, ops=[np.sin], seed=0, progress=False)
    assert not capsys.readouterr().err
