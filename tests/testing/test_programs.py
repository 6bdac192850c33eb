"""Random programs: what is drawn, that it runs alike on arrays and tensors, how it shrinks, and its text."""

from __future__ import annotations

import functools
import operator
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import HealthCheck, Phase, find, given, seed, settings

import autodiff as ad
from autodiff.primitive import registry
from autodiff.testing.strategies.programs import Program, Step, programs
from autodiff.testing.strategies.steps import FORMS, MARGIN

ROOT = Path(__file__).parents[2]
QUICK = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))

SIN, DOUBLE = Step(np.sin, "np.sin({0})", (0,)), Step(np.add, "np.add({0}, {0})", (0,))


def outputs(answer: Any) -> list[Any]:
    return list(answer) if isinstance(answer, tuple) else [answer]


def drawn(count: int, **options: Any) -> list[Program]:
    kept: list[Program] = []

    @seed(3)
    @settings(QUICK, max_examples=count, derandomize=False, phases=[Phase.generate])
    @given(programs(**options))
    def run(program: Program) -> None:
        kept.append(program)

    run()
    return kept


@functools.cache
def many() -> list[Program]:
    return drawn(400)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_program_gives_tensors_what_it_gives_arrays(recorded: bool) -> None:
    for program in many():
        before = [x.copy() for x in program.inputs]
        with np.errstate(all="ignore"), ad.set_grad_enabled(recorded):
            given = outputs(program(*program.inputs))
            found = outputs(program(*[ad.tensor(x, requires_grad=recorded) for x in program.inputs]))
        for y, t in zip(given, found, strict=True):
            np.testing.assert_allclose(t.detach().numpy(), y, rtol=1e-9, atol=1e-11, err_msg=repr(program))
        for x, old in zip(program.inputs, before, strict=True):
            np.testing.assert_array_equal(x, old, err_msg=f"changed by {program!r}")


def test_values_are_moderate_and_every_step_and_input_is_used() -> None:
    for program in many():
        assert 1 <= len(program.steps) <= 8
        used = {i for step in program.steps for i in step.operands} | set(program.outputs)
        assert used == set(range(len(program.inputs) + len(program.steps)))
        for y in outputs(program(*program.inputs)):
            assert np.all(np.abs(y) < 50)
            assert y.dtype == np.float64


def test_a_variety_is_drawn() -> None:
    ops = Counter(step.op for program in many() for step in program.steps)
    assert len(ops) > 0.8 * len(FORMS)
    assert min(ops[op] for op in (operator.setitem, operator.iadd, np.matmul, np.where)) > 0
    users = [Counter(i for step in p.steps for i in set(step.operands)) for p in many()]
    assert sum(max(c.values()) > 1 for c in users) > 50, "values are used several times"
    assert sum(len(p.inputs) > 1 for p in many()) > 50
    assert sum(len(p.outputs) > 1 for p in many()) > 20
    assert sum(len(p.steps) > 3 for p in many()) > 80


def test_every_form_is_of_a_registered_operation_and_can_be_drawn() -> None:
    for op in FORMS:
        assert op in registry or op.__module__ == "_operator", op
        more = [np.stack, np.add] if op in (operator.setitem, operator.iadd, operator.imul, operator.isub) else []
        if op is not np.trace:
            more += [np.reshape, np.broadcast_to]
        find(programs(4, [op, *more]), lambda p, op=op: op in p.ops, settings=settings(QUICK, phases=[Phase.generate]))


def test_operands_keep_clear_of_kinks() -> None:
    for program in drawn(60, ops=[np.absolute, np.maximum], depth=1):
        (step,) = program.steps
        operands = [program.inputs[i] for i in step.operands]
        gap = operands[0] if len(operands) == 1 else operands[0] - operands[1]
        assert np.all(np.abs(gap) > MARGIN)


FEW = [np.negative, np.sin, np.multiply, np.sum, np.matmul, operator.getitem, operator.setitem]


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        (lambda p: [s.op for s in p.steps].count(np.multiply) > 1, [np.multiply, np.multiply]),
        (lambda p: np.sin in p.ops and min(map(np.min, p.inputs)) < 0, [np.sin]),
        (lambda p: operator.setitem in p.ops, [np.negative, operator.setitem]),
    ],
)
def test_programs_shrink_to_the_smallest(wanted: Any, steps: list[Any]) -> None:
    smallest = find(programs(ops=FEW), wanted, settings=settings(QUICK, max_examples=500))
    assert [step.op for step in smallest.steps] == steps
    assert max(x.size for x in smallest.inputs) == (2 if operator.setitem in steps else 1)
    if steps == [np.multiply, np.multiply]:
        assert smallest.inputs[0] == 0


def test_what_the_outputs_do_not_need_is_dropped() -> None:
    unused = Step(np.exp, "np.exp({0})", (1,))
    program = Program((np.array(1.0), np.array(2.0)), (SIN, unused, Step(np.add, "np.add({0}, {0})", (2,))), (4,))
    assert program.definition() == "def program(a):\n    v1 = np.sin(a)\n    v2 = np.add(v1, v1)\n    return v2"
    assert program(0.5) == 2 * np.sin(0.5)


def test_an_update_in_place_keeps_the_name() -> None:
    update = Step(operator.setitem, "{0}[0] = {1}", (1, 0), in_place=True)
    program = Program((np.array([1.0, 2.0]),), (SIN, update, Step(np.add, "np.add({0}, {0})", (2,))), (2, 3))
    lines = program.definition().splitlines()
    assert lines[1:] == [
        "    v1 = np.sin(a)",
        "    v1[0] = a",
        "    v2 = np.add(v1, v1)",
        "    return v1, v2",
    ]


def test_the_graph_has_the_steps_in_order() -> None:
    graph = Program((np.array(1.0),), (SIN, Step(np.multiply, "np.multiply({0}, {1})", (1, 0))), (2,)).graph()
    assert [op.name for op in graph.ops] == ["sin", "multiply"]
    assert [v.name for v in graph.sources] == ["a"]


def test_a_program_prints_as_one_line() -> None:
    program = Program((np.array([1.0, 2.0]),), (SIN, DOUBLE), (1, 2))
    assert repr(program) == "<Program v1 = np.sin(a); v2 = np.add(a, a); return v1, v2; at a = [1.0, 2.0]>"


def run(source: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "script.py").write_text(source)
    command, environment = [sys.executable, tmp_path / "script.py"], os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_source_runs_and_checks(tmp_path: Path) -> None:
    longest = max(many(), key=lambda p: len(p.steps) + len(p.inputs))
    own = next(p for p in drawn(30, ops=[cubed, scipy.special.erf], depth=4) if len(p.ops) == 2)
    for program in (longest, own):
        done = run(program.source(order=2), tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("PASS: program, order 2")
    assert "import scipy.special" in own.source()


@ad.elementwise(lambda g, x: g * 3 * x * x)
def cubed(x: Any) -> Any:
    return x**3


def test_functions_that_cannot_be_imported_are_written_out() -> None:
    @ad.elementwise(lambda g, x: g * 2)
    def doubled(x: Any) -> Any:
        return x * 2

    source = drawn(1, ops=[doubled], depth=1)[0].source()
    assert "@ad.elementwise(lambda g, x: g * 2)\ndef doubled(x: Any) -> Any:\n    return x * 2\n" in source


def test_modules_that_hold_the_rules_are_imported(monkeypatch: Any) -> None:
    from autodiff.primitive import Primitive

    wrong = Primitive(np.sin, (eval("lambda g, x: g", {"__name__": "subprocess"}),), kind="elementwise")
    monkeypatch.setitem(registry, np.sin, wrong)
    assert "import subprocess  # for the rules of sin" in Program((np.array(1.0),), (SIN,), (1,)).source()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "depth .* at least 1; got 0"),
        ({"ops": []}, "ops is empty"),
        ({"ops": [np.zeros]}, "zeros is not in the registry"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        programs(**options)
