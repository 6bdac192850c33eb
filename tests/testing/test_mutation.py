"""Mutants of derivative rules, and the score of tests that should notice them."""

from __future__ import annotations

import functools
import re
import threading
import time
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import kernels
from autodiff.primitive import Primitive
from autodiff.testing.__main__ import main
from autodiff.testing.checks.gradcheck import gradcheck
from autodiff.testing.mutation.conventions import CONVENTIONS, conventions
from autodiff.testing.mutation.equivalent import EQUIVALENT
from autodiff.testing.mutation.examples import default_tests
from autodiff.testing.mutation.score import (
    LEAST,
    Total,
    _places,
    _rules,
    kept,
    measured,
    mutate,
    mutation_score,
    ruled,
)
from autodiff.testing.report import observers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
G, A, B = RNG.normal(size=(3, 3, 3))


def rules(f: Any) -> list[Any]:
    """The rules of an operation."""
    return list(ad.registry[f].rules)


def names(rule: Any) -> list[str]:
    """The names of a rule's mutants."""
    return [mutant.name for mutant in mutate(rule)]


# --- hand-written derivatives, as in a library of one's own --------------------------------------------------------


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.sum(g, axis=axes, keepdims=True) if axes else g


def multiply_backward(g: Any, a: Any, b: Any) -> Any:
    return unbroadcast(g * b, a.shape), unbroadcast(g * a, b.shape)


def matmul_backward(g: Any, a: Any, b: Any) -> Any:
    """Derivative of a @ b."""
    return g @ b.T, a.T @ g


def factorial_backward(g: Any, n: int) -> Any:
    return g * n * factorial_backward(g, n - 1) if n > 1 else g


def countdown_backward(g: Any, n: int) -> Any:
    total = 0.0
    while n > 0:
        total += g
        n = n - 1
    return total


class Scale(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        return g * w, g * x


class TestMutants:
    def test_a_rule_is_found_among_others_on_its_line(self):
        first, second = rules(np.subtract)
        assert [m(2.0) for m in mutate(first)] == [-2.0, 0.0, 2.002]
        assert [m(2.0) for m in mutate(second)] == [2.0, 0.0, -2.002]

    def test_signs_terms_factors_and_zeros(self):
        assert names(rules(np.tanh)[0]) == [
            "flip the sign of g - g * (y * y)",
            "return zero for g - g * (y * y)",
            "scale g - g * (y * y) by 1.001",
            "drop the term - g * (y * y)",
            "drop the term g",
            "flip the sign of the term g * (y * y)",
            "flip the sign of the term g",
            "drop the factor y * y",
            "drop the factor g",
            "drop the factor y",
        ]
        values = {m.name: m(3.0, 2.0) for m in mutate(rules(np.tanh)[0])}  # 3 - 3 * 4
        assert values["drop the term - g * (y * y)"] == 3
        assert values["drop the term g"] == -12
        assert values["flip the sign of the term g * (y * y)"] == 15
        assert values["drop the factor y * y"] == 0
        assert values["drop the factor y"] == 3 - 3 * 2

    def test_transposes_and_operands_of_products(self):
        found = {m.name: m(G, A, B) for m in mutate(matmul_backward) if "transpose" in m.name or "swap" in m.name}
        assert list(found) == [
            "swap the operands of g @ b.T",
            "skip the transpose .T of b",
            "swap the operands of a.T @ g",
            "skip the transpose .T of a",
        ]
        first = list(found.values())
        np.testing.assert_array_equal(first[0][0], B.T @ G)
        np.testing.assert_array_equal(first[1][0], G @ B)
        np.testing.assert_array_equal(first[3][1], A @ G)

    def test_sums_and_helpers(self):
        found = {m.name: m for m in mutate(multiply_backward)}
        g, a, b = np.ones((2, 3)), np.ones((2, 3)), np.array([[2.0, 3.0, 4.0]])
        first = found["take the first instead of the sum np.sum(g, axis=axes, keepdims=True) (in unbroadcast)"]
        np.testing.assert_array_equal(first(g, a, b)[1], np.ones((1, 3)))
        np.testing.assert_array_equal(multiply_backward(g, a, b)[1], np.full((1, 3), 2.0))
        skipped = found["skip unbroadcast in unbroadcast(g * a, b.shape)"]
        assert skipped(g, a, b)[1].shape == (2, 3)
        assert "take the first instead of the sum g.sum(axis=0) (in unbroadcast)" in found

    def test_a_mutant_leaves_the_rule_and_its_module_alone(self):
        before = unbroadcast, unbroadcast.__code__, dict(globals())
        mutate(multiply_backward)[-1](np.ones(3), np.ones(3), np.ones(3))
        assert (unbroadcast, unbroadcast.__code__) == before[:2]
        assert set(globals()) == set(before[2])

    def test_helpers_that_call_themselves_and_closures(self):
        factor = 3.0
        assert [m(2.0) for m in mutate(lambda g: g * factor)][:2] == [-6.0, 0.0]
        assert all(callable(m) for m in mutate(factorial_backward))

        def outer(k):
            def inner(g, x):
                """Has a closure, a default and a statement."""
                y = x * k
                y += x
                return g * y

            return inner

        assert mutate(lambda g, x: {"x": g * x, "y": [g]})[1](2.0, 3.0) == {"x": 0.0, "y": [2.0]}
        found = {m.name: m(1.0, 2.0) for m in mutate(outer(5.0))}
        assert found["flip the sign of x"] == 8.0
        assert found["leave out y += x"] == 10.0
        assert found["drop the factor k"] == 4.0

    @pytest.mark.parametrize("factor", ["1", "1.0", "np.ones_like(x)"])
    def test_what_changes_nothing_is_not_made(self, factor, tmp_path):
        path = tmp_path / "rule.py"
        path.write_text(f"import numpy as np\nrule = lambda g, x: g * {factor}\nzero = lambda g, x: np.zeros_like(g)\n")
        scope: dict[str, Any] = {"__name__": "rule"}
        exec(compile(path.read_text(), str(path), "exec"), scope)
        if factor.startswith("1"):
            assert not [name for name in names(scope["rule"]) if name.startswith("drop the factor 1")]
        assert names(scope["zero"]) == ["skip zeros_like in np.zeros_like(g)"]

    @pytest.mark.parametrize("what", [np.tanh, kernels.relu, len, 3, "rule", int])
    def test_what_has_no_source_is_refused(self, what):
        with pytest.raises(TypeError, match="mutate: "):
            mutate(what)

    def test_code_without_a_file_is_refused(self):
        with pytest.raises(ValueError, match="source"):
            mutate(eval("lambda g: -g"))


class TestScores:
    def test_seeds_of_ones_do_not_test_a_softmax(self):
        """The sum of a softmax is 1: its gradient is 0 whatever the rule says, as long as it is the same for all."""

        def with_ones():
            x = ad.tensor(X, requires_grad=True)
            kernels.softmax(x).sum().backward()
            np.testing.assert_allclose(x.grad.data, 0, atol=1e-12)

        weak = mutation_score(kernels.softmax, [with_ones])
        name = "softmax_backward(g, y, axis=axis)"
        assert {f"return zero for {name}", f"flip the sign of {name}", f"scale {name} by 1.001"} <= set(weak.survived)
        assert not weak
        assert weak.score < 0.7
        strong = mutation_score(kernels.softmax, [lambda: gradcheck(kernels.softmax, X)])
        assert not [name for name in strong.missed if "float32" not in name]  # float16 is tried by the default tests

    def test_equal_shapes_do_not_test_unbroadcasting(self):
        def check(*shapes):
            return lambda: gradcheck(np.multiply, *(RNG.normal(size=shape) for shape in shapes))

        weak = mutation_score(np.multiply, [check((), ()), check((3,), (3,))])
        assert weak.missed == {
            "operand 0: skip un-broadcasting": "it changed no value",
            "operand 1: skip un-broadcasting": "it changed no value",
        }
        assert mutation_score(np.multiply, [check((3, 1), (2, 3, 4)), check((2, 3), (1, 3))]).score == 1

    def test_a_derivative_written_by_hand_wherever_it_is_held(self):
        held = [multiply_backward]

        def check(shape):
            def test():
                a, b, g = RNG.normal(size=(2, 3)), RNG.normal(size=shape), RNG.normal(size=(2, 3))
                da, db = held[0](g, a, b)
                d = RNG.normal(size=shape)
                assert da.shape == a.shape
                assert db.shape == b.shape
                np.testing.assert_allclose(da, g * b)
                np.testing.assert_allclose(np.sum(db * d), np.sum(g * a * d))

            return test

        weak = mutation_score(multiply_backward, check((2, 3)), seconds=0.5)
        assert {name for name in weak.survived if "sum" in name} == set(weak.survived) - {
            "skip unbroadcast in unbroadcast(g * b, a.shape)",
            "skip unbroadcast in unbroadcast(g * a, b.shape)",
        }
        assert set(weak.survived.values()) <= {"it was not reached", "it changed no value"}
        strong = mutation_score(
            multiply_backward, [check((2, 3)), check((3,)), check((1, 3)), check((2, 1))], seconds=0.5
        )
        # the first operand of this test is never broadcast
        assert list(strong.survived) == ["skip unbroadcast in unbroadcast(g * b, a.shape)"]
        assert multiply_backward is held[0]
        assert multiply_backward(1.0, np.array(2.0), np.array(3.0)) == (3.0, 2.0)

    def test_the_backward_of_a_class(self):
        found = mutation_score(Scale, lambda: gradcheck(Scale.apply, X, X + 1))
        assert found.score == 1
        assert len(found.killed) == 10
        x = ad.tensor([2.0], requires_grad=True)
        Scale.apply(x, ad.tensor([3.0])).backward()
        assert x.grad.tolist() == [3.0]
        weak = mutation_score(Scale, lambda: gradcheck(lambda x: Scale.apply(x, ad.tensor(X)), X))
        assert all("g * x" in name or name.endswith((" x", " g (2)")) for name in weak.survived)
        assert len(weak.survived) == 5

    def test_one_rule_of_an_operation(self):
        found = mutation_score(rules(np.subtract)[1], lambda: gradcheck(np.subtract, X, X))
        assert list(found.killed) == ["flip the sign of -g", "return zero for -g", "scale -g by 1.001"]
        weak = mutation_score(rules(np.subtract)[1], lambda: gradcheck(lambda x: np.subtract(x, 1.0), X))
        assert weak.score == 0
        with pytest.raises(ValueError, match="dot is composite"):
            mutation_score(np.dot, lambda: True)

    def test_a_torch_function(self):
        torch = pytest.importorskip("torch")

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return g * 2 * x

        def compared():
            x = torch.tensor([0.5, -2.0], requires_grad=True)
            Square.apply(x).sum().backward()
            assert torch.equal(x.grad, 2 * x)

        found = mutation_score(Square, compared)
        assert list(found.survived) == ["drop the factor g"]  # a seed of ones
        compared()

    def test_an_inconclusive_check_has_not_noticed(self):
        kinked = Primitive(lambda x: np.floor(x) + x, (lambda g: g,), kind="elementwise")
        at_a_jump = gradcheck(kinked, np.array([1.0]))
        assert at_a_jump.verdict == "inconclusive"

        def answers(report_of):
            def test():
                wrong = ad.registry[np.negative].rules[0](1.0) != -1.0
                return gradcheck(kinked, np.array([1.0 if wrong else 1.5])) if report_of else assert_it(wrong)

            return test

        def assert_it(wrong):
            assert gradcheck(kinked, np.array([1.0 if wrong else 1.5]))

        for test in (answers(True), answers(False)):
            found = mutation_score(np.negative, test)
            assert not found.killed
            assert len(found.survived) == 5

    def test_tests_must_pass_at_first(self):
        def broken():
            raise AssertionError("no")

        with pytest.raises(ValueError, match=r"mutation_score\(tanh\): the tests must pass.*broken: AssertionError"):
            mutation_score(np.tanh, broken)
        with pytest.raises(ValueError, match="returned False"):
            mutation_score(np.tanh, [lambda: False])
        with pytest.raises(ValueError, match="no tests"):
            mutation_score(np.tanh, [])
        with pytest.raises(TypeError, match="tests are needed"):
            mutation_score(multiply_backward)

    def test_rules_are_put_back_whatever_happens(self):
        entry = ad.registry[np.tanh]
        before = entry.rules

        def interrupted():
            if entry.rules is not before:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mutation_score(np.tanh, interrupted)
        assert entry.rules is before
        assert gradcheck(np.tanh, X)

    def test_reports_of_mutants_reach_no_observer(self):
        seen = []
        observers.append(seen.append)
        try:
            assert mutation_score(np.negative, lambda: gradcheck(np.negative, X))
            assert seen == []
            assert gradcheck(np.negative, X)
        finally:
            observers.remove(seen.append)
        assert len(seen) == 1

    def test_pytest_outcomes_notice_too(self):
        def test():
            if ad.registry[np.negative].rules[0](X).tolist() != (-X).tolist():
                pytest.fail("wrong")

        assert mutation_score(np.negative, test).score == 1

    def test_mutants_that_hang_or_recurse_are_killed(self):
        started = time.perf_counter()
        found = mutation_score(countdown_backward, lambda: countdown_backward(2.0, 3) == 6.0, seconds=0.3)
        late = [name for name, how in found.killed.items() if "ran for more than 0.3 s" in how]
        assert {"drop the term - 1", "flip the sign of the term 1"} <= set(late)
        recursive = mutation_score(factorial_backward, lambda: factorial_backward(1.0, 4) == 24.0, seconds=5)
        assert any("RecursionError" in how for how in recursive.killed.values())
        assert time.perf_counter() - started < 10
        assert threading.active_count() < 10
        assert countdown_backward(2.0, 3) == 6.0

    def test_reports_read_well(self):
        found = mutation_score(np.sin, lambda: gradcheck(np.sin, 0.0))
        assert repr(found) == "<sin: 6 of 7 mutants killed; missed: drop the factor np.cos(x)>"
        lines = str(found).splitlines()
        assert lines[0] == "sin: 6 of 7 mutants killed, score 85.7%"
        assert re.split("  +", lines[1]) == ["", "SURVIVED", "drop the factor np.cos(x)", "it changed no value"]
        assert lines[2].endswith("test 0: wrong derivative")
        total = Total([found, mutation_score(np.sin, lambda: gradcheck(np.sin, 1.0))])
        assert not total
        assert str(total).splitlines() == [
            "SURVIVED  sin: drop the factor np.cos(x)  (it changed no value)",
            (
                "13 of 14 mutants of 2 operations killed, 0 equivalent, 1 missed: mutation score 92.86%; "
                "2 rules with at least 7 mutants each; 0 killed by the clock"
            ),
        ]

    def test_equivalent_mutants_do_not_count_against_the_tests(self):
        found = mutation_score(np.max, lambda: gradcheck(np.max, X), seconds=5)
        assert found.explained
        assert not found.explained.keys() & found.missed.keys()
        assert found.score == len(found.killed) / (len(found.mutants) - len(found.explained)) < 1
        assert "equivalent" in str(found)


@functools.cache
def names_of(entry: Primitive) -> list[str]:
    """The names of an operation's mutants."""
    return [name for name, _, _ in _places(entry.fun, entry)]


class TestTheProject:
    @pytest.mark.parametrize("f", [np.divide, np.sum, kernels.softmax], ids=lambda f: f.__name__)
    def test_the_default_tests_kill_all_mutants(self, f):
        found = mutation_score(f, examples=16)
        assert len(found.mutants) >= 5
        assert not found.missed, found

    def test_equivalent_mutants_exist_and_have_reasons(self):
        """A name that no mutant has any more explains nothing."""
        entries = {entry.name: entry for entry in ruled()}
        for operation, explained in EQUIVALENT.items():
            made = set(names_of(entries[operation]))
            assert set(explained) <= made, f"{operation}: {set(explained) - made}"
            assert all(len(why) > 10 for why in explained.values())

    def test_an_operation_that_cannot_be_measured_is_reported_and_the_others_go_on(self):
        first, second = measured([ad.registry[np.shape], ad.registry[np.negative]], examples=4, seconds=5)
        assert "LookupError: shape is composite" in first.missed["not measured"]
        assert not first
        assert second.score == 1

    def test_every_rule_has_at_least_five_mutants_each_with_a_name_of_its_own(self):
        for entry in ruled():
            names = names_of(entry)
            assert len(names) == len(set(names))
            for place in _rules(entry):
                of = f"operand {place}: " if len(_rules(entry)) > 1 else ""
                assert sum(name.startswith(of) for name in names) >= LEAST, f"{entry.name}, {of}"

    def test_conventions_hold_and_are_part_of_the_tests(self):
        entries = [entry for entry in ruled() if conventions(entry)]
        assert len(entries) == len({c.name for c in CONVENTIONS})
        assert all(holds() for entry in entries for holds in conventions(entry))
        (holds,) = conventions(ad.registry[np.fmax])
        assert holds.__name__ in [test.__name__ for test in default_tests(ad.registry[np.fmax], 4)]

    def test_default_tests_are_the_same_each_time(self):
        first, second = (([t.__name__ for t in default_tests(ad.registry[np.max], 6)]) for _ in range(2))
        assert first == second
        assert len(first) > 4


@pytest.mark.filterwarnings("ignore:os.fork")  # JAX, where another test loaded it, warns of any fork
def test_the_command_line(capsys, tmp_path):
    assert main(["score", "np.positive", "--verbose", "--examples", "4"]) == 0
    said = capsys.readouterr().out
    assert "positive: 5 of 5 mutants killed" in said
    assert "mutation score 100.00%; 1 rules with at least 5 mutants each; 0 killed by the clock" in said
    assert main(["score", "np.positive", "np.negative", "--examples", "4", "--jobs", "2"]) == 0
    assert "10 of 10 mutants of 2 operations killed" in capsys.readouterr().out
    file = str(tmp_path / "scores.jsonl")
    for operations in (["np.positive"], ["np.positive", "np.negative"]):
        assert main(["score", *operations, "--examples", "4", "--resume", file]) == 0
    assert "10 of 10 mutants of 2 operations killed" in capsys.readouterr().out
    assert [score.subject for score in kept(file)] == ["positive", "negative"]
    assert "5 of 5" in str(kept(file)[0])
    with pytest.raises(SystemExit, match="did you mean logaddexp"):
        main(["score", "np.logadexp"])
    with pytest.raises(SystemExit):
        main(["fuzz", "--seconds", "0"])
    capsys.readouterr()
