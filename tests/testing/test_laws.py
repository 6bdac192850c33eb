"""Every law: a function that keeps it, and one planted so that it breaks that law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

import autodiff as ad
import nn
from autodiff.primitive import Primitive, registry
from autodiff.testing import laws
from autodiff.testing.report import Report, Verdict
from autodiff.testing.strategies.operations import no_strategy, op_inputs, operations

RNG = np.random.default_rng(7)
X, Y, W = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))


def custom(forward: Any, backward: Any) -> Any:
    """An operation whose forward takes and gives arrays, and whose backward is given `g, *arrays`."""

    class Custom(ad.Function):
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            ctx.save_for_backward(*xs)
            return ad.as_tensor(forward(*[x.data for x in xs]))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(g, *ctx.saved_tensors)

    return Custom.apply


def raw(data: Any) -> Any:
    """A tensor that shares the array it is given, as a careless rule would return it."""
    return ad.as_tensor(data)


def broken(report: Report, law: str) -> bool:
    assert law in report.function
    return report.verdict is Verdict.FAIL and law in report.reason


# --- calculus ---


@pytest.mark.parametrize("f", [np.tanh, np.exp, lambda x: np.sum(x * x, axis=0), lambda x: np.where(x > 0, x, -x)])
def test_linear_pull_backs_keep_linearity(f: Any) -> None:
    assert laws.vjp_linearity(f, X)


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: g * g,
        lambda g, x: np.absolute(g),
        lambda g, x: np.maximum(g, 0.0),
        lambda g, x: g + 1e-9,
        lambda g, x: g * np.max(np.absolute(g)) / np.sum(np.absolute(g)),  # of degree 1, and odd
    ],
)
def test_a_pull_back_that_is_not_linear_is_found(rule: Any) -> None:
    assert broken(laws.vjp_linearity(custom(np.sin, rule), X), "vjp_linearity")


@pytest.mark.parametrize("against", ["numeric", "jvp"])
@pytest.mark.parametrize("f", [np.sin, lambda x: x @ W, lambda x: ad.softmax(x, axis=-1), lambda x: np.sum(x) * x])
def test_adjoint_pull_backs_keep_adjointness(f: Any, against: str) -> None:
    report = laws.adjointness(f, X, against=against)
    assert report
    assert {"numeric": "measured", "jvp": "own jvp"}[against] in report.oracle


def test_a_wrong_factor_breaks_adjointness_numerically() -> None:
    wrong = custom(np.sin, lambda g, x: g * np.cos(x) * (1 + 1e-6))
    report = laws.adjointness(wrong, X)
    assert broken(report, "adjointness")
    assert report.worst is not None
    assert report.worst.excess > 1


def test_a_rule_that_is_not_the_transpose_breaks_adjointness_without_differences() -> None:
    @ad.linear(lambda g: np.cumsum(g, axis=0))  # should be from the other end
    def running(x: Any) -> Any:
        return np.cumsum(x, axis=0)

    assert broken(laws.adjointness(running, X, against="jvp"), "adjointness")


def test_adjointness_at_a_kink_takes_what_lies_between() -> None:
    x = np.array([0.0, 1.0])
    assert laws.adjointness(np.absolute, x)
    assert broken(laws.adjointness(custom(np.abs, lambda g, x: g * (np.sign(x) + 3 * (x == 0))), x), "adjointness")


def test_adjointness_names_what_it_can_be_held_against() -> None:
    with pytest.raises(ValueError, match="against='exact'.*numeric, jvp"):
        laws.adjointness(np.sin, X, against="exact")


def test_chain_sum_and_product_rules_hold() -> None:
    assert laws.chain_rule(np.sin, lambda x: x @ W, X)
    assert laws.chain_rule(lambda x, y: {"a": x * y, "b": (x, y)}, lambda d: d["a"] + d["b"][0] * d["b"][1], X, Y)
    assert laws.sum_rule(np.sin, np.exp, X)
    assert laws.sum_rule(np.multiply, np.subtract, X, Y)
    assert laws.product_rule(np.sin, np.exp, X)
    z = X + 1j * Y
    assert laws.product_rule(np.sin, lambda x: x * (2 + 1j), z)


def test_the_chain_rule_fails_for_a_backward_that_knows_where_it_is() -> None:
    seen: list[Any] = []

    def counting(g: Any, x: Any) -> Any:
        seen.append(1)
        return g * np.cos(x) * len(seen)

    assert broken(laws.chain_rule(custom(np.sin, counting), np.exp, X), "chain_rule")


@pytest.mark.parametrize(("law", "op"), [(laws.sum_rule, np.add), (laws.product_rule, np.multiply)])
def test_a_wrong_rule_of_addition_or_multiplication_is_found(law: Any, op: Any, monkeypatch: Any) -> None:
    right = registry[op].rules
    wrong = Primitive(op, (right[0], lambda g, a: 1.001 * g), kind="elementwise")
    monkeypatch.setitem(registry, op, wrong)
    assert broken(law(np.sin, np.exp, X), law.__name__)


def test_a_rule_that_scribbles_on_its_cotangent_breaks_the_sum_rule() -> None:
    scribbling = custom(np.sin, lambda g, x: raw(np.multiply(g.data, np.cos(x.data), out=g.data)))
    assert broken(laws.sum_rule(np.exp, scribbling, X), "sum_rule")


def test_functions_of_different_shapes_are_refused_by_the_sum_rule() -> None:
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(3,\).*expected the same"):
        laws.sum_rule(np.sin, lambda x: np.sum(x, axis=0), X)


def test_broadcasting_is_dual_to_summing() -> None:
    assert laws.broadcast_reduce_duality(np.sin, X)
    assert laws.broadcast_reduce_duality(lambda p: np.multiply(p["a"], p["b"]), {"a": X, "b": Y})
    assert laws.broadcast_reduce_duality(np.matmul, X, W)


def test_a_rule_wrong_for_repeated_memory_breaks_the_duality() -> None:
    def rule(g: Any, x: Any) -> Any:
        return g * np.cos(x) * (2.0 if 0 in x.data.strides else 1.0)

    assert broken(laws.broadcast_reduce_duality(custom(np.sin, rule), X), "broadcast_reduce_duality")


def test_eulers_theorem() -> None:
    assert laws.euler_homogeneity(lambda x: np.sqrt(np.sum(x * x)), X, degree=1)
    assert laws.euler_homogeneity(np.multiply, X, Y, degree=2)
    assert laws.euler_homogeneity(lambda x: x / np.sum(x), X, degree=0)
    assert broken(laws.euler_homogeneity(np.sin, X, degree=1), "euler_homogeneity")
    assert broken(laws.euler_homogeneity(custom(np.square, lambda g, x: g * x * 2.001), X, degree=2), "euler")


def test_examples_of_a_batch_do_not_see_each_other() -> None:
    assert laws.batch_equivariance(lambda x, w: np.tanh(x @ w), X, W)
    assert laws.batch_equivariance(nn.Linear(3, 2), X.astype(np.float32))
    assert laws.batch_equivariance(lambda x: np.sin(x), X.T, axis=1)
    assert broken(laws.batch_equivariance(lambda x: x - np.mean(x, axis=0), X), "batch_equivariance")
    leaking = custom(np.sin, lambda g, x: g * np.cos(x) + 1e-9 * np.sum(g, axis=0))
    assert broken(laws.batch_equivariance(leaking, X), "batch_equivariance")
    with pytest.raises(ValueError, match="expected length 4 along axis 0"):
        laws.batch_equivariance(np.sum, X)


def test_permutations() -> None:
    assert laws.permutation_equivariance(lambda x: x - np.mean(x, axis=0), X)
    assert laws.permutation_equivariance(lambda x, w: x @ w, X, W)
    assert laws.permutation_equivariance(lambda x: np.max(x, axis=1), X.T, axis=1, invariant=True)
    assert broken(laws.permutation_equivariance(lambda x: np.cumsum(x, axis=0), X), "permutation_equivariance")
    first = custom(np.sum, lambda g, x: g * np.where(np.arange(12).reshape(4, 3) < 3, 1.001, 1.0))
    assert broken(laws.permutation_equivariance(first, X, invariant=True), "permutation_equivariance")


# --- conduct ---

CLEAN = custom(np.sin, lambda g, x: g * np.cos(x))


@pytest.mark.parametrize("law", laws.universal, ids=lambda law: law.__name__)
def test_a_right_function_keeps_every_universal_law(law: Any) -> None:
    report = law(CLEAN, X)
    assert report, report
    assert report.function == f"apply, law {law.__name__}"
    assert law(lambda x, y: {"a": np.exp(x), "b": [x * y]}, X, Y), "containers"
    assert law(np.multiply, np.float64(3.0), np.zeros((0, 2))), "0-d and size 0"
    assert law(lambda x, i: x[i], X, np.array([0, 0, 2])), "integers are constants"
    assert law(nn.Linear(3, 2), X.astype(np.float32)), "modules"


def test_random_values_break_determinism() -> None:
    rng = np.random.default_rng(0)
    assert broken(laws.determinism(lambda x: x * rng.normal(), X), "determinism")
    noisy = custom(np.sin, lambda g, x: g * np.cos(x) * (1 + 1e-15 * rng.integers(1, 9)))
    report = laws.determinism(noisy, X)
    assert broken(report, "determinism")
    assert "second gradient differs" in report.detail


def _into(target: Any, result: Any) -> Any:
    target += 1
    return result


@pytest.mark.parametrize(
    ("f", "where"),
    [
        (custom(lambda x: _into(x, np.sin(x)), lambda g, x: g), "forward pass changed an input"),
        (custom(np.sin, lambda g, x: _into(x.data, g * 2)), "backward pass changed an input"),
        (custom(np.sin, lambda g, x: _into(g.data, g * 2)), "backward pass changed a cotangent"),
    ],
)
def test_a_function_that_changes_what_it_was_given_is_found(f: Any, where: str) -> None:
    report = laws.no_mutation(f, X)
    assert broken(report, "no_mutation")
    assert where in report.detail


def test_a_backward_that_changes_the_output_is_found() -> None:
    kept: list[Any] = []

    def forward(x: Any) -> Any:
        kept[:] = [np.sin(x)]
        return kept[0]

    report = laws.no_mutation(custom(forward, lambda g, x: _into(kept[0], g * np.cos(x))), X)
    assert broken(report, "no_mutation")
    assert "changed an output" in report.detail


class Aliased(laws.conduct.Subject):
    """A subject whose pull-back hands out what it likes: the engine itself copies what rules return."""

    def __init__(self, hand: Any, *inputs: Any) -> None:
        super().__init__(np.add, inputs)
        self.hand, self.outputs = hand, ["output"]

    def linearize(self, xs: list[Any]) -> Any:
        ys = [xs[0] + xs[1]]
        return ys, lambda vs: self.hand(xs, vs, ys)


@pytest.mark.parametrize(
    ("hand", "told"),
    [
        (lambda xs, vs, ys: [g := np.copy(vs[0]), g], "gradient by x1 shares memory with gradient by x2"),
        (lambda xs, vs, ys: [np.copy(vs[0]), vs[0]], "shares memory with the cotangent of"),
        (lambda xs, vs, ys: [xs[0], np.copy(vs[0])], "shares memory with x1"),
        (lambda xs, vs, ys: [ys[0][::-1], np.copy(vs[0])], "shares memory with output"),
        (lambda xs, vs, ys: [np.broadcast_to(1.0, (4, 3)), np.copy(vs[0])], "read-only"),
    ],
)
def test_gradients_that_share_memory_are_found(hand: Any, told: str) -> None:
    report = laws.no_aliasing(Aliased(hand, X, Y))
    assert broken(report, "no_aliasing")
    assert told in report.detail


def test_the_engine_keeps_gradients_apart_for_rules_that_do_not() -> None:
    assert laws.no_aliasing(custom(np.add, lambda g, x, y: (g, g)), X, Y)
    assert laws.no_aliasing(custom(np.sin, lambda g, x: raw(x.data)), X)


def test_a_graph_used_up_by_the_first_sweep_is_found() -> None:
    left = [1.0]

    def rule(g: Any, x: Any) -> Any:
        left[0] /= 2
        return g * np.cos(x) * left[0]

    assert broken(laws.repeat_backward(custom(np.sin, rule), X), "repeat_backward")


@pytest.mark.parametrize("outputs", [1, 2])
def test_gradients_that_do_not_add_up_are_found(outputs: int) -> None:
    calls: list[int] = []

    def rule(g: Any, x: Any) -> Any:
        calls.append(1)
        return g * np.cos(x) * (1 + 1e-3 * (len(calls) > 2 * outputs + outputs))

    f = custom(np.sin, rule)
    assert broken(laws.repeat_backward(lambda x: [f(x) for _ in range(outputs)], X), "repeat_backward")


def test_an_output_or_gradient_of_another_dtype_is_found() -> None:
    scale = np.array([1.0, 2.0, 3.0])
    report = laws.dtype(lambda x: x * scale, X)
    assert broken(report, "dtype")
    assert "float64" in report.detail


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_a_rule_wrong_in_a_small_dtype_alone_is_found(kind: Any) -> None:
    report = laws.dtype(custom(np.sin, lambda g, x: g * np.cos(x) * (1.2 if x.dtype == kind else 1)), X)
    assert broken(report, "dtype")
    assert str(np.dtype(kind)) in report.detail


def test_a_dtype_that_overflows_is_noted() -> None:
    assert any("float16 overflows" in note for note in laws.dtype(np.exp, np.array([20.0])).notes)


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: g * np.cos(x) * (1 if x.data.flags.c_contiguous else 1.001),
        lambda g, x: raw(g.data.ravel("K").reshape(x.shape) * np.cos(x.data)),  # reads memory in its own order
        lambda g, x: g * np.cos(x) * (1 if x.data.flags.writeable else 0),
    ],
)
def test_a_rule_that_depends_on_the_layout_is_found(rule: Any) -> None:
    assert broken(laws.contiguity(custom(np.sin, rule), X), "contiguity")


def test_a_rule_that_writes_into_a_read_only_cotangent_is_found() -> None:
    report = laws.contiguity(custom(np.sin, lambda g, x: _into(g.data, g)), X)
    assert broken(report, "contiguity")


def test_a_rule_that_needs_an_axis_or_an_element_is_found() -> None:
    report = laws.zero_d_and_empty(custom(np.sin, lambda g, x: g * np.cos(x) * g.shape[0] / g.shape[0]), X)
    assert broken(report, "zero_d_and_empty")
    assert "0-d" in report.detail
    report = laws.zero_d_and_empty(custom(np.sin, lambda g, x: g * np.max(np.cos(x.data))), X)
    assert broken(report, "zero_d_and_empty")
    assert "size-0" in report.detail


def test_gradients_of_another_shape_are_found() -> None:
    class Flat(Aliased):
        def linearize(self, xs: list[Any]) -> Any:
            return [xs[0] + xs[1]], lambda vs: [np.atleast_1d(v) for v in (vs[0], vs[0])]

    assert broken(laws.zero_d_and_empty(Flat(None, X, Y)), "zero_d_and_empty")


# --- all of them ---

OPERATIONS = [e for e in operations() if no_strategy(e) is None]
OWN_SHAPES = {
    "pad_constant": "widths for every axis",
    "convolve": "a kernel of vectors",
    "attention_backward": "what attention kept fits its operands",
    "orthogonal_procrustes": "the singular vectors of a product of empty matrices are not determined",
}
OWN_DTYPE = {
    "partition": "the places of the other elements are not said, and are others where some become equal",
    "float_power": "float64 by definition",
    "astype": "as asked",
    "histogram2d": "counts are float64",
    "histogramdd": "counts are float64",
    "roots": "NumPy's roots of a constant are float64",
    "spacing": "that of another dtype is another",
    "exponential_integral": "SciPy's of an integer order is float64",
    "attention": "of rows without a place to attend to it keeps a number near the largest of the dtype",
}
OWN_BITS = {"attention_backward": "BLAS may round another way where an array begins elsewhere in memory"}


@pytest.mark.parametrize("entry", OPERATIONS, ids=lambda entry: entry.name)
def test_every_operation_keeps_the_universal_laws(entry: Any) -> None:
    @settings(max_examples=2, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(op_inputs(entry))
    def run(call: Any) -> None:
        if not call.inputs:
            return
        skip = [
            "dtype",
            "adjointness",
        ]  # of every operation's calls gradcheck tests that: test_strategies_operations.py
        skip += ["zero_d_and_empty"] * (entry.name in OWN_SHAPES)
        skip += ["repeat_backward"] * (entry.name in OWN_BITS)
        report = laws.check(call.function, *call.inputs, skip=skip)
        assert report, f"{call}\n{report}"
        if entry.name not in OWN_DTYPE and "dtype" not in call.keywords:
            numpys = getattr(np, entry.fun.__name__, None) is entry.fun  # SciPy has no float16
            dtypes = (np.float32, np.float16) if numpys else (np.float32,)
            report = laws.dtype(call.function, *call.inputs, dtypes=dtypes)
            assert report, f"{call}\n{report}"

    run()


def test_check_names_the_first_law_that_is_broken() -> None:
    report = laws.check(custom(np.sin, lambda g, x: g * g), X)
    assert broken(report, "vjp_linearity")
    assert "pull(2v - 3w)" in str(report)
    assert "gradient by" in report.detail


def test_check_of_a_right_function_lists_the_laws() -> None:
    report = laws.check(lambda x, w: ad.relu(x @ w), X, W)
    assert report, report
    for law in laws.universal:
        assert law.__name__ in report.notes[0]
    assert laws.check(np.exp, X, skip=("dtype",)).notes[0].count("dtype") == 0
    with pytest.raises(ValueError, match="expected names among adjointness"):
        laws.check(np.exp, X, skip=("speed",))


def test_what_shows_nothing_is_inconclusive() -> None:
    report = laws.check(lambda x: np.log(x), np.array([0.0, 1.0]))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert not report
    noise = custom(np.sin, lambda g, x: g * np.cos(x.data * 1e17))  # its values are round-off alone
    assert laws.euler_homogeneity(noise, X, degree=1).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("x", [np.array([20.0, -20.0, 1e-3]), X * 1e12, X * 1e-12])
def test_round_off_is_not_taken_for_a_broken_law(x: Any) -> None:
    for f in (np.tanh, ad.sigmoid, lambda x: ad.log_softmax(x, axis=-1), lambda x: np.var(x), np.cumsum):
        for law in (laws.vjp_linearity, laws.contiguity, laws.repeat_backward):
            assert law(f, x).verdict is not Verdict.FAIL, (law, f)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.complex128, np.complex64])
def test_laws_hold_in_every_dtype(kind: Any) -> None:
    x = X.astype(kind) + (1j * Y if np.dtype(kind).kind == "c" else 0)
    report = laws.check(lambda x: np.sum(x * x), x.astype(kind))
    assert report, report
