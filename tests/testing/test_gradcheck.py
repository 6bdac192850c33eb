"""gradcheck: right derivatives pass, wrong ones fail, and what cannot be told is said to be so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import Verdict, gradcheck, gradgradcheck, hessian_symmetry, jvpcheck
from autodiff.testing.report import observers

RNG = np.random.default_rng(0)
X, W, V = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=3)
BIG = RNG.normal(size=(1000, 1000))
ORACLES = ("differences", "complex", "forward", "taylor")


def wrong(function: Callable[..., Any], *rules: Any) -> Any:
    """Return a function with derivative rules of its own, not entered in the registry for other tests to meet."""
    from autodiff.primitive import Primitive

    return Primitive(function, rules, kind="other")


class TestRightDerivativesPass:
    @pytest.mark.parametrize("order", [1, 2, 3])
    @pytest.mark.parametrize(
        ("f", "xs"),
        [
            (np.tanh, (V,)),
            (np.matmul, (X, W)),
            (lambda x, y: np.sum(np.exp(x) * y / (1 + y * y), axis=0), (X, V)),
            (np.prod, (np.array([0.0, 2.0, 3.0]),)),
            (np.exp, (1.0,)),
            (np.exp, (np.zeros((0, 3)),)),
        ],
        ids=["tanh", "matmul", "expression", "product with a zero", "0-d", "empty"],
    )
    def test_of_every_order(self, f: Any, xs: Any, order: int) -> None:
        report = gradcheck(f, *xs, order=order)
        assert report, str(report)
        assert report.order == order

    @pytest.mark.parametrize("oracle", ORACLES)
    def test_by_every_oracle(self, oracle: str) -> None:
        assert gradcheck(lambda x, w: np.tanh(x @ w), X, W, oracle=oracle)

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (np.log, [1e-12, 1e-3, 1.0, 1e12]),
            (np.log1p, [1e-12, 1e-6, 1e6, 1e12]),
            (np.sin, [1e12, 1e6, 1e-12]),
            (lambda x: 1 + x, [1e-12, 1e12]),
            (lambda x: x * x * x, [1e-12, 1e-6, 1e6, 1e12]),
            (np.exp, [700.0, -700.0, 0.0]),
            (np.tanh, [20.0, -30.0]),
            (np.reciprocal, [1e-12, 1e12]),
            (lambda x: np.sqrt(np.abs(x)), [1e-12, 1e12]),
        ],
    )
    def test_at_any_scale(self, f: Any, x: list[float]) -> None:
        report = gradcheck(f, np.array(x), order=2)
        assert report, str(report)

    @pytest.mark.parametrize("dtype", [np.float32, np.float16])
    @pytest.mark.parametrize("f", [np.tanh, lambda x: np.sum(np.exp(x) * x), ad.softmax, np.cumsum])
    def test_in_small_dtypes(self, f: Any, dtype: Any) -> None:
        report = gradcheck(f, V.astype(dtype), order=2)
        assert report, str(report)

    def test_of_complex_numbers(self) -> None:
        z = V + 1j * V[::-1]
        for f in (np.exp, np.abs, np.conjugate, lambda z: z * np.abs(z), lambda z: np.real(z) * z):
            report = gradcheck(f, z, order=2)
            assert report, str(report)

    def test_where_values_scatter(self) -> None:
        """A function rounded to float32 inside, and one that loses most digits to cancellation."""
        assert gradcheck(lambda x: np.astype(np.exp(np.astype(x, np.float32)), np.float64) * x, V)
        assert gradcheck(lambda x: (np.abs(x) + 1e13) - 1e13, V)

    def test_of_a_function_that_ignores_an_input(self) -> None:
        assert gradcheck(lambda x, y: x * 2, V, V)
        assert gradcheck(lambda x: ad.tensor(np.ones(2)), V)

    def test_of_a_large_jacobian_with_the_chance_of_missing_an_error(self) -> None:
        report = gradcheck(lambda x: np.tanh(x @ BIG), RNG.normal(size=1000) / 30)
        assert report, str(report)
        assert report.missed is not None
        assert report.missed < 1e-6
        assert gradcheck(np.tanh, V).missed is None  # every entry was compared


class TestWrongDerivativesFail:
    def test_the_worst_entry_is_named(self) -> None:
        f = wrong(lambda x, w: x * w, lambda g, b: g * b, lambda g, a: g * a * np.array([1, 1, 1.001]))
        report = gradcheck(lambda data: f(data["x"], data["w"][0]) + 0.0, {"x": X, "w": [V]})
        assert report.verdict is Verdict.FAIL
        worst = report.worst
        assert worst is not None
        assert (worst.input, worst.index) == ("data['w'][0]", (2,))
        assert worst.output == "output"
        assert worst.output_index is not None
        expected = X[worst.output_index[0], 2]
        assert worst.numeric == pytest.approx(expected, abs=2 * worst.error)
        assert worst.analytic == pytest.approx(1.001 * expected)
        assert 0 < worst.error < 1e-10
        assert 0 < worst.step < 10
        text = str(report)
        assert "d output[" in text
        assert "data['w'][0][2]" in text
        assert "analytic" in text
        assert "from the derivative rule" in text
        assert "1.001 times" in text

    @pytest.mark.parametrize("oracle", ["differences", "taylor"])
    def test_by_oracles_that_measure(self, oracle: str) -> None:
        f = wrong(np.sin, lambda g, x: g * np.cos(x) * 1.001)
        assert gradcheck(f, V, oracle=oracle).verdict is Verdict.FAIL

    def test_the_complex_step_sees_a_wrong_rule(self) -> None:
        f = wrong(lambda x: np.sin(x), lambda g, x: g * np.cos(x) * (1 + 1e-9))
        assert gradcheck(f, V, oracle="complex").verdict is Verdict.FAIL

    def test_the_forward_oracle_sees_a_wrong_transpose(self) -> None:
        from autodiff.primitive import Primitive

        f = Primitive(lambda a: np.cumsum(a), (lambda g: np.cumsum(g),), kind="linear")
        assert gradcheck(f, V, oracle="forward").verdict is Verdict.FAIL

    def test_the_forward_oracle_runs_functions_that_another_library_computes(self) -> None:
        class Sine(ad.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return ad.tensor(np.sin(x.numpy()))

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * np.cos(ctx.saved_tensors[0])

        assert gradcheck(Sine.apply, V, oracle="forward")

    def test_an_error_of_a_thousandth_in_one_entry_of_a_million(self) -> None:
        scale = RNG.normal(size=1000)
        f = wrong(lambda x: x * scale, lambda g: g * np.where(np.arange(1000) == 456, 1.001 * scale, scale))
        report = gradcheck(f, RNG.normal(size=1000))
        assert report.verdict is Verdict.FAIL
        assert report.worst is not None
        assert (report.worst.index, report.worst.output_index) == ((456,), (456,))  # found by halving
        assert report.worst.analytic == pytest.approx(1.001 * scale[456])

    def test_a_gradient_that_is_not_linear_in_the_cotangent(self) -> None:
        f = wrong(np.sin, lambda g, x: g * np.abs(g) * np.cos(x))  # right for cotangents of 1
        assert gradcheck(f, V).verdict is Verdict.FAIL

    def test_only_for_arrays_that_are_not_contiguous(self) -> None:
        def rule(g: Any, x: Any) -> Any:
            return g * np.cos(x) if np.asarray(x).flags.c_contiguous else g * np.cos(np.asarray(x)[::-1])

        report = gradcheck(wrong(np.sin, rule), V)
        assert report.verdict is Verdict.FAIL
        assert report.reason == "wrong layout"

    def test_only_for_arrays_in_another_order(self) -> None:
        f = wrong(np.square, lambda g, x: 2 * g * np.reshape(np.ravel(x, order="K"), x.shape))
        assert gradcheck(f, X.T).reason == "wrong layout"
        assert gradcheck(f, X).reason == "wrong layout"

    def test_only_in_float32(self) -> None:
        f = wrong(np.sin, lambda g, x: g * np.cos(x) * (1.01 if x.dtype == np.float32 else 1))
        assert gradcheck(f, V)
        report = gradcheck(f, V.astype(np.float32))
        assert report.reason == "wrong in float32"

    def test_a_gradient_that_is_not_finite(self) -> None:
        f = wrong(lambda x: x * x, lambda g, x: g * (2 * x * x / x))  # 0 / 0 at 0
        report = gradcheck(f, np.array([0.0, 1.0]))
        assert report.verdict is Verdict.FAIL
        assert "not finite" in report.detail

    def test_a_rule_that_fails(self) -> None:
        report = gradcheck(wrong(np.sin, lambda g, x: np.zeros(7)), V)
        assert (report.verdict, report.reason) == (Verdict.FAIL, "the rule failed")
        assert "shape" in report.detail
        assert gradcheck(wrong(np.sin, lambda g, x: g @ np.zeros(7)), V).verdict is Verdict.FAIL

    def test_a_cone_with_nan_at_its_tip(self) -> None:
        f = wrong(lambda x: np.sqrt(np.sum(x * x)), lambda g, x, y: g * x / y)
        assert gradcheck(f, V)
        assert gradcheck(f, np.zeros(3)).verdict is Verdict.FAIL

    def test_a_value_that_is_detached(self) -> None:
        assert gradcheck(lambda x: x * x.detach(), V).verdict is Verdict.FAIL

    def test_a_dependence_on_recording(self) -> None:
        report = gradcheck(lambda x: x * (2.0 if ad.is_grad_enabled() else 1.0), V)
        assert report.reason == "another value"


class TestSecondOrder:
    def test_a_wrong_second_derivative_with_a_right_first(self) -> None:
        f = wrong(np.sin, lambda g, x: g * np.cos(x).detach() if isinstance(x, ad.Tensor) else g * np.cos(x))
        assert gradcheck(f, V)
        report = gradgradcheck(f, V)
        assert report.verdict is Verdict.FAIL
        assert report.order == 2
        assert report.worst is not None
        assert report.worst.output == "gradient by x"

    def test_a_second_derivative_wrong_only_where_the_cotangent_is_zero(self) -> None:
        f = wrong(np.sqrt, lambda g, y: np.where(g == 0, 0, g / (2 * y)))
        assert gradcheck(f, np.array([4.0, 1.0]))
        report = gradgradcheck(f, np.array([4.0, 1.0]))
        assert report.verdict is Verdict.FAIL
        assert report.worst is not None
        assert report.worst.input == "gradient of output"

    def test_the_first_order_is_checked_as_well(self) -> None:
        report = gradgradcheck(wrong(np.sin, lambda g, x: g * np.sin(x)), V)
        assert report.order == 1
        assert report.verdict is Verdict.FAIL

    def test_hessians_are_symmetric_or_not(self) -> None:
        assert hessian_symmetry(lambda x, y: np.sum(np.exp(x * y)), V, V)
        f = wrong(
            lambda a, b: a * b, lambda g, b: g * b, lambda g, a: g * a.detach() if isinstance(a, ad.Tensor) else g * a
        )
        report = hessian_symmetry(f, V, V)
        assert report.verdict is Verdict.FAIL
        assert report.reason == "not symmetric"


class TestKinks:
    @pytest.mark.parametrize(
        ("f", "xs"),
        [
            (np.abs, (np.array([0.0, 1.0]),)),
            (ad.relu, (np.array([0.0, 1.0, -1.0]),)),
            (np.maximum, (np.array([0.0, 1.0]), np.array([0.0, 2.0]))),
            (np.max, (np.array([2.0, 1.0, 2.0]),)),
            (lambda x: np.clip(x, -1.0, 1.0), (np.array([-1.0, 1.0, 0.5]),)),
            (np.hypot, (np.zeros(2), np.zeros(2))),
            (np.copysign, (np.zeros(2), np.array([0.0, 1.0]))),
            (np.sort, (np.array([1.0, 1.0, 0.0]),)),
            (lambda x: x * np.abs(x), (np.array([0.0, 1.0]),)),
            (lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5), (np.array([1.0, -1.0]),)),
            (lambda x, y: np.mean(np.abs(x - y)), (np.array([0.5, 1.0]), np.array([0.5, 2.0]))),
        ],
        ids=["abs", "relu", "maximum", "max", "clip", "hypot", "copysign", "sort", "x|x|", "huber", "mae"],
    )
    def test_the_convention_lies_between_the_one_sided_derivatives(self, f: Any, xs: Any) -> None:
        report = gradcheck(f, *xs)
        assert report, str(report)

    def test_the_report_says_so(self) -> None:
        assert any("kink" in note for note in gradcheck(ad.relu, np.array([0.0, 1.0])).notes)

    @pytest.mark.parametrize("given", [-0.1, 1.1, np.nan, np.inf])
    def test_a_value_outside_fails(self, given: float) -> None:
        f = wrong(lambda x: np.maximum(x, 0), lambda g, x: g * np.where(x == 0, given, x > 0))
        report = gradcheck(f, np.array([0.0, 1.0]))
        assert report.verdict is Verdict.FAIL
        assert gradcheck(f, np.array([1.0, -1.0]))

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_ties_must_share_one_gradient(self, share: float) -> None:
        """Both (0, 0) and (1, 1) lie between the partial derivatives, but not along a = b."""

        def rule(g: Any, a: Any, b: Any) -> Any:
            return g * np.where(a == b, share, a > b)

        f = wrong(np.maximum, rule, lambda g, a, b: rule(g, b, a))
        assert gradcheck(f, np.array([1.0]), np.array([1.0])).verdict is Verdict.FAIL
        assert gradcheck(f, np.array([1.0]), np.array([2.0]))

    @pytest.mark.parametrize("distance", [1e-10, 1e-7, 1e-4, 1e-2])
    def test_near_a_kink(self, distance: float) -> None:
        x = np.array([1 + distance, 1 - distance])
        assert gradcheck(lambda x: np.abs(x - 1), x)
        f = wrong(lambda x: np.abs(x - 1), lambda g, x: g * np.sign(x - 1) * 1.01)
        assert gradcheck(f, x).verdict is Verdict.FAIL


class TestInconclusive:
    @pytest.mark.parametrize(
        ("reason", "f", "x"),
        [
            ("non-finite", np.sqrt, [0.0, 1.0]),
            ("non-finite", np.log, [0.0, 1.0]),
            ("non-finite", np.arcsin, [-1.0, 0.5]),
            ("kink", np.floor, [1.0, 2.5]),
            ("kink", lambda x: np.where(x > 1, x, x + 1), [1.0, 2.5]),
        ],
    )
    def test_says_why(self, reason: str, f: Any, x: list[float]) -> None:
        report = gradcheck(f, np.array(x))
        assert (report.verdict, report.reason) == (Verdict.INCONCLUSIVE, reason)
        assert not report

    def test_where_two_runs_differ(self) -> None:
        rng = np.random.default_rng(0)
        assert gradcheck(lambda x: x * rng.random(), V).reason == "non-deterministic"
        assert gradcheck(nn.Dropout(0.5), np.ones(20)).reason == "non-deterministic"
        assert gradcheck(nn.Dropout(0.5).eval(), np.ones(20))

    def test_where_values_are_noise(self) -> None:
        def noisy(x: Any) -> Any:
            last_digits = (x.detach().numpy().astype(np.float64).view(np.int64) * 2654435761 >> 16) % 1000
            return x + last_digits / 1000

        assert gradcheck(noisy, V).reason == "noise floor"


class TestInputs:
    def test_modules_have_their_parameters_checked(self) -> None:
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        before = {name: p.data.copy() for name, p in model.named_parameters()}
        report = gradcheck(model, X, order=2)
        assert report, str(report)
        assert {e.input for e in report.entries} - {"input"}
        for name, p in model.named_parameters():
            assert isinstance(p, nn.Parameter)
            np.testing.assert_array_equal(p.data, before[name])
            assert p.grad is None

    def test_a_wrong_layer_is_caught_by_its_parameter(self) -> None:
        class Wrong(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.scale = nn.Parameter(np.ones(3))

            def forward(self, x: Any) -> Any:
                return x * (self.scale * 0.5 + self.scale.detach() * 0.5)

        report = gradcheck(Wrong(), X)
        assert report.worst is not None
        assert report.worst.input == "scale"
        model = Wrong()
        assert not gradcheck(lambda x: model(x).sum(), X, params=model)
        assert gradcheck(lambda x: model(x).sum(), X)  # the module's parameters were not asked for

    def test_tied_parameters_are_one_input(self) -> None:
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).double()
        model[1].weight = model[0].weight
        assert gradcheck(model, X)

    def test_integers_are_constants(self) -> None:
        assert gradcheck(lambda x, i: x[i] * 2, V, np.array([0, 0, 2]))
        with pytest.raises(ValueError, match="nothing to check"):
            gradcheck(lambda i: i * 1.0, np.array([1, 2]))

    def test_tensors_that_require_a_gradient_are_the_only_ones_checked_if_any_does(self) -> None:
        f = wrong(lambda a, b: a * b, lambda g, b: g * b, lambda g, a: g)
        a, b = ad.tensor(V), ad.tensor(V + 1)
        assert not gradcheck(f, a, b)
        a.requires_grad_()
        assert gradcheck(f, a, b)

    def test_outputs_in_containers_are_named(self) -> None:
        f = wrong(np.sin, lambda g, x: g)
        report = gradcheck(lambda x: {"ok": x * 1, "off": [f(x)]}, V)
        assert report.worst is not None
        assert report.worst.output == "output['off'][0]"

    def test_nothing_is_left_changed(self) -> None:
        x = ad.tensor(V, requires_grad=True)
        before = x.data.copy()
        gradcheck(np.exp, x)
        np.testing.assert_array_equal(x.data, before)
        assert x.grad is None

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"oracle": "magic"}, "differences"), ({"order": 0}, "order"), ({"directions": 0}, "directions")],
    )
    def test_misuse_is_refused(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            gradcheck(np.exp, V, **options)
        with pytest.raises(TypeError, match="expected a function"):
            gradcheck(3, V)
        with pytest.raises(TypeError, match="at least one Tensor"):
            gradcheck(lambda x: None, V)

    def test_what_the_function_raises_comes_through(self) -> None:
        with pytest.raises(ZeroDivisionError):
            gradcheck(lambda x: x * (1 // 0), V)


class TestReports:
    def test_the_automatic_oracle_says_what_it_chose_and_why(self) -> None:
        assert gradcheck(np.exp, V).oracle.startswith("the complex step: all 1 operations")
        assert "relu has no complex step" in gradcheck(ad.relu, V).oracle

    def test_a_function_that_minds_complex_numbers_is_measured_by_differences(self) -> None:
        def real_only(x: Any) -> Any:
            if x.dtype.kind != "f":
                raise TypeError("real numbers only")
            return np.exp(x)

        report = gradcheck(real_only, V)
        assert report
        assert "real numbers only" in report.oracle
        other = gradcheck(lambda x: np.exp(x) if x.dtype.kind == "f" else np.sin(x), V)
        assert other, str(other)  # the complex step measures another function, and is not believed

    def test_same_seed_same_report(self) -> None:
        first, second = (gradcheck(np.tanh, V, seed=3) for _ in range(2))
        assert first.entries == second.entries
        assert first.entries != gradcheck(np.tanh, V, seed=4).entries

    def test_short_and_long_forms(self) -> None:
        report = gradcheck(wrong(np.sin, lambda g, x: -g * np.cos(x)), V, name="my_sin")
        assert repr(report).startswith("<FAIL my_sin: wrong derivative")
        assert len(repr(report)) < 200
        assert "wrong sign" in str(report)

    def test_observers_are_given_every_report(self) -> None:
        seen: list[Any] = []
        observers.append(seen.append)
        try:
            report = gradcheck(np.tanh, V)
        finally:
            observers.remove(seen.append)
        assert seen == [report]

    def test_exhaustive_compares_every_entry_of_a_large_jacobian(self) -> None:
        x = RNG.normal(size=100)
        report = gradcheck(lambda x: np.cumsum(x * x), x, exhaustive=True)
        assert report
        assert report.missed is None
        assert report.checked >= 100 * 100


def test_the_forward_mode_is_checked_too() -> None:
    assert jvpcheck(lambda x, w: np.tanh(x @ w), X, W)
    f = wrong(np.sin, lambda g, x: g * np.sin(x))
    assert jvpcheck(f, V).verdict is Verdict.FAIL
