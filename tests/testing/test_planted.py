"""Planted errors are found, every one, and their right counterparts pass."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import Phase
from hypothesis import strategies as st

import autodiff as ad
from autodiff.testing.checks.gradcheck import gradcheck, gradgradcheck
from autodiff.testing.plugin.properties import gradient_property
from autodiff.testing.report import Verdict
from autodiff.testing.strategies.arrays import broadcastable_operands, tensors
from autodiff.testing.strategies.operations import op_inputs
from benchmarks.checkers.cases import HARD, PLANTED
from benchmarks.checkers.table import Answer, Result, ask, page, result
from benchmarks.checkers.tools import CHECKERS, MODULES, fresh, primitive

BY_NAME = {case.name: case for case in PLANTED}


def test_there_are_enough_and_none_twice():
    assert len(BY_NAME) == len(PLANTED) >= 40
    assert len(HARD) >= 15


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.name)
def test_a_wrong_derivative_fails_and_the_right_one_passes(case):
    with primitive(case, case.right) as function:
        right = gradcheck(function, *fresh(case), order=case.order)
    assert right.verdict is Verdict.PASS, right
    with primitive(case, case.wrong) as function:
        wrong = gradcheck(function, *fresh(case), order=case.order)
    assert wrong.verdict is Verdict.FAIL, wrong  # inconclusive is a miss


@pytest.mark.parametrize("case", HARD, ids=lambda case: case.name)
def test_a_right_derivative_at_a_hard_place_is_no_false_alarm(case):
    with primitive(case, case.right) as function:
        report = gradcheck(function, *fresh(case), order=case.order)
    assert report.verdict is Verdict.PASS, report


@pytest.mark.parametrize(
    "name",
    ["cube: x held constant in the rule", "exp: the second derivative's sign", "a b²: b held constant in a's rule"],
)
def test_a_wrong_second_derivative_is_told_from_a_wrong_first(name):
    case = BY_NAME[name]
    with primitive(case, case.wrong) as function:
        assert gradcheck(function, *fresh(case))
        report = gradgradcheck(function, *fresh(case))
    assert report.verdict is Verdict.FAIL
    assert report.order == 2


@pytest.mark.parametrize("seed", [1])
def test_one_entry_of_a_million_is_found_whatever_the_seed(seed):
    case = next(case for case in PLANTED if case.name.startswith("1000 x 1000"))
    with primitive(case, case.wrong) as function:
        assert gradcheck(function, *fresh(case), seed=seed).verdict is Verdict.FAIL


# --- errors that show at some inputs only, found by drawing them ---------------------------------------------------


def drawn(case, rule, strategy, order=1, examples=40):
    """Run a case's rule as a property over drawn inputs."""
    with primitive(case, rule) as function:

        @gradient_property(strategy, order=order, max_examples=examples, phases=[Phase.generate], inconclusive="reject")
        def test(xs):
            return function(*xs) if isinstance(xs, tuple) else function(xs)

        test()


def operands(call):
    """The two operands of a drawn call, broadcast to one shape: the planted rules are elementwise."""
    return tuple(np.broadcast_arrays(*call.inputs))


MATRICES = st.tuples(st.integers(1, 3), st.integers(1, 3))
SOME = {
    "x |x|: 2x for 2|x|, only below 0": (tensors(), 1),
    "leaky relu: a dead branch, only below 0": (tensors(away_from=[0.0]), 1),
    "square: only of a 0-d array": (tensors(), 1),
    "square: of an array that is not contiguous": (tensors(shape=MATRICES), 1),
    "sum of squares: taken for the identity where the axis has size 1": (tensors(shape=MATRICES), 1),
    "prod: y / x, NaN at a zero": (tensors(shape=(3,)), 1),
    "relu: 2 at exactly 0": (tensors(kinks=[0.0]), 1),
    "max: all to each of the tied": (tensors(shape=MATRICES), 1),
    "max: nothing to the tied": (tensors(shape=MATRICES), 1),
    "maximum: nothing to either at a tie": (op_inputs(np.maximum, smooth=False).map(operands), 1),
    "maximum: all to both at a tie": (op_inputs(np.maximum, smooth=False).map(operands), 1),
    "sqrt: where(g == 0, 0, g / 2y), second derivative 0 where the incoming gradient is exactly 0": (
        op_inputs(np.sqrt).map(lambda call: call.inputs[0]),
        2,
    ),
}


@pytest.mark.parametrize("name", SOME)
def test_drawing_inputs_finds_what_shows_at_some_only(name):
    case, (strategy, order) = BY_NAME[name], SOME[name]
    with pytest.raises(AssertionError, match="FAIL"):
        drawn(case, case.wrong, strategy, order=order)


@pytest.mark.parametrize("name", SOME)
def test_and_passes_the_right_counterpart(name):
    case, (strategy, order) = BY_NAME[name], SOME[name]
    drawn(case, case.right, strategy, order=order, examples=8)


def summed(g, shape, last):
    """Un-broadcast a gradient; over the last axis by `last`."""
    lead = np.ndim(g) - len(shape)
    g = np.sum(g, axis=tuple(range(lead))) if lead else g
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] != 1:
            reduce = last if axis == len(shape) - 1 else np.sum
            g = reduce(g, axis=axis, keepdims=True)
    return g


@pytest.mark.parametrize(
    ("last", "fails"),
    [(np.sum, False), (np.mean, True), (lambda g, axis, keepdims: g[..., :1], True)],
    ids=["the sum", "the mean", "the first slice"],
)
def test_operands_that_broadcast_show_a_forgotten_unbroadcast(last, fails):
    def scaled(a, b):
        return a * b

    function = ad.joint(
        scaled, lambda g, xs: [summed(g * xs[1], xs[0].shape, last), summed(g * xs[0], xs[1].shape, last)]
    )

    @gradient_property(broadcastable_operands(2), max_examples=40, phases=[Phase.generate])
    def test(xs):
        return function(*xs)

    try:
        with pytest.raises(AssertionError, match="FAIL") if fails else nullcontext():
            test()
    finally:
        del ad.registry[function], ad.registry[scaled]


# --- the comparison with other checkers ----------------------------------------------------------------------------


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("name", ["sin: the sign", "complex square: a conjugate too many"])
def test_every_checker_is_shown_the_right_and_the_wrong_rule(checker, name):
    pytest.importorskip(MODULES[checker])
    found = result(checker, BY_NAME[name])
    assert found.verdict == "caught"
    assert found.wrong.error in ("", "GradcheckError", "AssertionError")


@pytest.mark.parametrize(
    ("right", "wrong", "verdict"),
    [
        (True, False, "caught"),
        (True, True, "missed"),
        (True, None, "missed"),  # inconclusive finds nothing
        (False, False, "false alarm"),  # it rejects whatever it is given
        (False, True, "missed, false alarm"),
        (None, False, "inconclusive"),
    ],
)
def test_a_rejection_counts_where_the_right_rule_is_accepted(right, wrong, verdict):
    assert Result(Answer(right), Answer(wrong)).verdict == verdict


def test_an_error_of_ours_is_no_verdict(monkeypatch):
    def broken(case, rule):
        raise ZeroDivisionError

    for checker in ("ours", "torch"):
        monkeypatch.setitem(CHECKERS, checker, broken)
    case = BY_NAME["sin: the sign"]
    assert ask("torch", case, case.right, timed=False).accepted is False
    with pytest.raises(ZeroDivisionError):
        ask("ours", case, case.right, timed=False)


def test_the_page_counts_what_its_table_shows():
    case = BY_NAME["square: of an array that is not contiguous"]
    planted = {case.name: {"ours": Result(Answer(True), Answer(False)), "jax": Result(None, None)}}
    planted["|x|"] = {
        "ours": Result(Answer(True), Answer(True)),
        "jax": Result(Answer(False, "OddError"), Answer(False)),
    }
    text = page(planted, {}, {case.name: case}, ["ours", "jax"], {"ours": "1", "jax": "2"})
    assert "| caught, of 2 planted errors | 1 | 0 |" in text
    assert "| missed | 1 | 0 |" in text
    assert "| \\|x\\| | **missed** | **false alarm** |" in text
    assert "a JAX array has no layout" in text
    assert "raises OddError on the right derivative" in text
