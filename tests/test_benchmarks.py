"""The benchmarks do the same work in every engine, and say what they measured. Nothing here asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import history
from benchmarks.engines import BASELINE, BEST, FLOOR, OURS, PEERS, VARIANTS, engine, missing
from benchmarks.machine import limits
from benchmarks.report import bound, cells, figures, means, slopes, table
from benchmarks.row import STEPS, WORKLOADS, Row, load
from benchmarks.runner import BenchmarkError, Child, Effort, Workers, compare, environment

ROOT = Path(__file__).parents[1]
LIMITS = {"product, GFLOP/s": 100.0, "copy, GB/s": 10.0, "copy in cache, GB/s": 100.0}


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("figures") / "figures.json"
    found = benchmarks("--quick", "chain", "digits", "imports", "--engines", OURS, FLOOR, "--json", str(path))
    assert found.returncode == 0, found.stderr
    return path, found.stdout


def test_engines_agree_and_every_sample_is_written(run: tuple[Path, str]) -> None:
    path, printed = run
    lines = json.loads(path.read_text())["lines"]
    found = {(line["workload"], line["work"], line["engine"]): line for line in lines}
    assert found["chain", "chain of 4x4", FLOOR]["ratio"][OURS]["median"] > 0
    digits = found["digits", "digits MLP 64-32-10, batch 32, SGD", FLOOR]
    assert digits["ratio"][OURS]["median"] > 0
    assert digits["asked"][OURS] == pytest.approx(1.15)
    assert 0 < digits["limit share"] < 10
    assert all(len(line["samples"]) >= 1 and min(line["samples"]) > 0 for line in lines)
    assert "imports" in printed
    assert "kernels" in printed or "threadpoolctl" in printed
    assert "GFLOP/s" in printed


def test_a_run_is_compared_with_an_older_one(run: tuple[Path, str], tmp_path: Path) -> None:
    record = history.load(run[0])
    for line in record["lines"]:
        for name in ("median", "min", "max"):
            line[name] *= 2
    old = tmp_path / "old.json"
    history.save(old, record)
    found = benchmarks("--compare", str(old), str(run[0]))
    assert found.returncode == 0, found.stderr
    (chain,) = (line for line in found.stdout.splitlines() if "chain of 4x4" in line)
    assert "0.50" in chain
    assert "faster" in chain or "within the ranges" in chain
    assert "1.00" in chain  # beside a peer whose figure was doubled too
    gone = benchmarks("--compare", str(tmp_path / "none.json"))
    assert gone.returncode == 2
    assert "none.json" in gone.stderr


def test_unknown_workload_is_named_with_those_there_are() -> None:
    found = benchmarks("chian")
    assert found.returncode == 2
    assert "chian" in found.stderr
    assert "chain, moons" in found.stderr


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_row_has_our_side_and_its_limits_and_absences_name_engines(workload: str) -> None:
    rows = load(workload).ROWS
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert OURS in row.engines
        assert set(row.limits) <= {*row.engines, BEST} | set(row.absent)
        assert set(row.absent) <= set(PEERS) - set(row.engines)


@pytest.mark.parametrize("workload", [*STEPS, "hessian", "mixture", "elementwise", "attention", "optimizers"])
def test_the_passes_by_hand_and_the_engines_do_the_same(workload: str) -> None:
    row = load(workload).ROWS[0]
    slow = workload in {"resnet", "lstm", "gpt"}  # a step takes a second there
    names = (FLOOR, "torch") if slow else (FLOOR, "torch", "autograd", "mygrad")
    with Child(workload, OURS, environment(1)) as child:
        results = {OURS: child.ask("result", row.name)}
    for name in names:
        if name in row.engines and not missing(name):
            results[name] = [np.asarray(array) for array in row.engines[name]().result()]
    compare(row, results)


def test_different_results_are_not_timed() -> None:
    row = Row("sum", "us", {})
    compare(row, {OURS: [np.ones(3)], "torch": [np.ones(3) + 1e-6]})
    with pytest.raises(BenchmarkError, match=f"torch and {OURS} do not agree"):
        compare(row, {OURS: [np.ones(3)], "torch": [np.array([1.0, 1.0, 1.1])]})
    with pytest.raises(BenchmarkError, match="torch"):
        compare(row, {OURS: [np.ones(3)], "torch": []})


def test_an_engine_that_fails_is_named_and_the_others_go_on() -> None:
    row = load("chain").ROWS[0]
    with Workers("chain", environment(1)) as workers:
        samples, failures = workers.run(row, [OURS, "absent"], Effort(rounds=1, seconds=0))
    assert list(samples) == [OURS]
    assert len(failures) == 1
    assert "absent" in failures[0]


@pytest.mark.skipif(bool(missing(BASELINE)), reason="a clone without its history")
def test_the_commit_that_is_compared_with_runs_from_a_checkout_of_its_own() -> None:
    row = load("spine").ROWS[0]
    results = {}
    for name in row.engines:
        with Child("spine", name, environment(1)) as child:
            results[name] = child.ask("result", row.name)
    assert set(results) == {OURS, BASELINE}
    compare(row, results)


def test_children_get_the_threads_and_no_preset_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    env = environment(threads=2)
    assert "OPENBLAS_CORETYPE" not in env
    assert (env["OMP_NUM_THREADS"], env["OPENBLAS_NUM_THREADS"]) == ("2", "2")


def test_ours_without_an_extra_does_not_use_it() -> None:
    from autodiff.kernels import compiled

    assert not missing(OURS)
    plain = engine(OURS)
    try:
        assert not compiled.available()
    finally:
        plain.off.close()
    assert compiled.available() == compiled.installed()


def test_ratio_is_taken_per_round_and_held_against_its_limit() -> None:
    row = Row("work", "us", {}, limits={"torch": 0.5, OURS: 2.0})
    ours, torch = figures(row, {OURS: [1.0, 1.0, 1.25], "torch": [2.0, 4.0, 2.0]}, {})
    assert torch["ratio"][OURS] == pytest.approx({"median": 0.5, "min": 0.25, "max": 0.625})
    assert torch["holds"] == {OURS: True}
    assert ours["holds"] == {OURS: True}
    assert figures(row, {OURS: [4.0], "torch": [4.0]}, {})[1]["holds"] == {OURS: False}


def test_the_best_eager_peer_is_the_one_that_a_limit_is_held_against() -> None:
    row = Row("work", "us", {}, limits={BEST: 0.9, "autograd": 0.5}, without_onednn={BEST: 1.6})
    full = VARIANTS[-1]
    lines = figures(row, {OURS: [3.0], full: [1.0], "torch": [2.0], "autograd": [4.0], "jax": [0.5]}, {})
    found = {line["engine"]: line for line in lines}
    assert found["torch"]["asked"] == {OURS: 1.6, full: 0.9}
    assert found["torch"]["holds"] == {OURS: True, full: True}
    assert found["autograd"]["holds"] == {OURS: False, full: True}
    assert "asked" not in found["jax"]
    text = table(lines)
    assert "best eager" in text
    assert "0.75 MISSED" in text
    assert "work for compilation" in text


def test_no_verdict_is_given_on_figures_that_the_machines_load_decided() -> None:
    row = Row("work", "us", {}, limits={"torch": 0.9})
    _, torch = figures(row, {OURS: [510.0, 520.0, 530.0], "torch": [540.0, 5600.0, 9000.0]}, {})
    assert torch["ratio"][OURS]["median"] < row.limits["torch"]
    assert torch["holds"] == {OURS: None}
    assert any("noisy" in cell for cell in cells(torch, [OURS]))


def test_the_machines_limit_is_arithmetic_or_memory_whichever_takes_longer() -> None:
    assert bound(Row("", "us", {}, flops=1e6), LIMITS) == pytest.approx(10.0)
    assert bound(Row("", "us", {}, flops=1e6, moved=1e7), LIMITS) == pytest.approx(100.0)
    assert bound(Row("", "us", {}, moved=1e8), LIMITS) == pytest.approx(1e4)  # too much for the caches
    assert bound(Row("", "us", {}), LIMITS) == 0
    found = limits(environment(1), [(8, 8, 8)])
    assert all(value > 0 for value in found.values())
    assert "product 8 x 8 x 8, GFLOP/s" in found


def test_slopes_and_means() -> None:
    lines = [
        line
        for size in (1, 10, 100, 1000)
        for line in figures(
            Row(f"{size}", "us", {}, axis=("time / size", size)), {OURS: [3.0 * size**2], "torch": [6.0 * size**2]}, {}
        )
    ]
    assert slopes(lines)["time / size"] == pytest.approx({OURS: 2.0, "torch": 2.0})
    assert means(lines) == {"torch": pytest.approx({OURS: 0.5})}


def test_figures_are_drawn(run: tuple[Path, str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks import plots

    lines = history.load(run[0])["lines"]
    lines += [
        {"workload": "x", "threads": 2, **line}
        for size in (1, 10)
        for line in figures(Row(f"{size}", "us", {}, axis=("time / size", size)), {OURS: [1.0], "torch": [2.0]}, {})
    ]
    made = plots.draw(lines, tmp_path, "test")
    assert len(made) == 2
    assert all(path.stat().st_size > 10_000 for path in made)


def test_the_pages_tables_are_written_from_a_runs_figures(run: tuple[Path, str]) -> None:
    command = [sys.executable, "-m", "benchmarks.page", str(run[0])]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "limits: " in found.stdout
    assert "| digits MLP 64-32-10, batch 32, SGD |" in found.stdout
    assert "GFLOP/s" in found.stdout


def test_what_holds_a_row_is_told_by_function() -> None:
    command = [sys.executable, "-m", "benchmarks.costs", "digits", "--engine", OURS, "--count", "8"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "sweep, autodiff/sweep.py" in found.stdout
