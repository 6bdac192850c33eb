"""The benchmarks do the same work in every engine, and say what they measured. Nothing here asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import cells, report
from benchmarks.row import BASELINE, OURS, WORKLOADS, Row, load
from benchmarks.runner import BenchmarkError, Child, compare, environment, installed

ROOT = Path(__file__).parents[1]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--quick", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_engines_agree_and_every_sample_is_written(tmp_path: Path) -> None:
    run = benchmarks("chain", "mlp", "imports", "--json", str(tmp_path / "figures.json"))
    assert run.returncode == 0, run.stderr
    lines = json.loads((tmp_path / "figures.json").read_text())["lines"]
    ratios = {(line["workload"], line["work"], line["engine"]): line["ratio"] for line in lines if "ratio" in line}
    assert ratios["chain", "forward + backward", "numpy"]["median"] > 0
    assert ratios["mlp", "forward + backward + Adam", "numpy"]["median"] > 0
    assert all(len(line["samples"]) >= 1 and min(line["samples"]) > 0 for line in lines)
    assert "imports" in run.stdout
    assert "kernels" in run.stdout or "threadpoolctl" in run.stdout


def test_unknown_workload_is_named_with_those_there_are() -> None:
    run = benchmarks("chian")
    assert run.returncode == 2
    assert "chian" in run.stderr
    assert "chain, mlp" in run.stderr


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_row_has_our_side_and_a_limit_names_an_engine_of_the_row(workload: str) -> None:
    for row in load(workload).ROWS:
        assert OURS in row.engines
        assert set(row.limits) <= set(row.engines)


def test_different_results_are_not_timed() -> None:
    row = Row("sum", "us", {})
    compare(row, {OURS: [np.ones(3)], "torch": [np.ones(3) + 1e-6]})
    with pytest.raises(BenchmarkError, match=f"torch and {OURS} do not agree"):
        compare(row, {OURS: [np.ones(3)], "torch": [np.array([1.0, 1.0, 1.1])]})
    with pytest.raises(BenchmarkError, match="torch"):
        compare(row, {OURS: [np.ones(3)], "torch": []})


def test_an_engine_that_fails_is_named() -> None:
    row = Row("forward + backward", "us an op", {})
    with Child("chain", row, "absent", environment(1)) as child, pytest.raises(BenchmarkError, match="absent"):
        child.ask("result")


@pytest.mark.skipif(not installed(BASELINE), reason="a clone without its history")
def test_the_commit_that_is_compared_with_runs_from_a_checkout_of_its_own() -> None:
    row = load("spine").ROWS[0]
    results = {}
    for engine in row.engines:
        with Child("spine", row, engine, environment(1)) as child:
            results[engine] = child.ask("result")
    assert set(results) == {OURS, BASELINE}
    compare(row, results)


@pytest.mark.parametrize("workload", ["einsum", "mixture"])
def test_engines_agree_on_contractions_and_mixtures(workload: str) -> None:
    for row in load(workload).ROWS[:2]:
        results = {}
        for engine in filter(installed, row.engines):
            with Child(workload, row, engine, environment(1)) as child:
                results[engine] = child.ask("result")
        assert len(results) > 1 or not installed("torch")
        compare(row, results)


def test_children_get_the_threads_and_no_preset_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    env = environment(threads=2)
    assert "OPENBLAS_CORETYPE" not in env
    assert (env["OMP_NUM_THREADS"], env["OPENBLAS_NUM_THREADS"]) == ("2", "2")


def test_ratio_is_taken_per_round_and_held_against_its_limit() -> None:
    row = Row("work", "us", {}, limits={"torch": 0.5, OURS: 2.0})
    ours, torch = report(row, {OURS: [1.0, 1.0, 1.25], "torch": [2.0, 4.0, 2.0]})
    assert torch["ratio"] == pytest.approx({"median": 0.5, "min": 0.25, "max": 0.625})
    assert torch["holds"] is True
    assert ours["holds"] is True
    assert report(row, {OURS: [4.0], "torch": [4.0]})[1]["holds"] is False


def test_no_verdict_is_given_on_figures_that_the_machines_load_decided() -> None:
    row = Row("work", "us", {}, limits={"torch": 0.9})
    _, torch = report(row, {OURS: [510.0, 520.0, 530.0], "torch": [540.0, 5600.0, 9000.0]})
    assert torch["ratio"]["median"] < row.limits["torch"]
    assert torch["holds"] is None
    assert "too noisy" in cells(torch)[-1]
