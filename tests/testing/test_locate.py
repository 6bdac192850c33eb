"""locate finds the operations whose derivatives are wrong, with their lines, and colours them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import draw, trace
from autodiff.graph.pictures import render, style
from autodiff.primitive import Primitive
from autodiff.testing.adapters import from_numpy
from autodiff.testing.checks.gradcheck import gradcheck
from autodiff.testing.locating import locate

RNG = np.random.default_rng(0)
X, W, V = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=5)
DRAWS = pytest.mark.skipif(not render.available(), reason="Graphviz is not installed")

# operations with wrong derivatives, not entered in the registry
twice_exp = Primitive(np.exp, (lambda g, y: g * y * 2,), kind="elementwise", name="twice_exp")
half_multiply = Primitive(
    np.multiply, (lambda g, b: g * b, lambda g, a: g * a * 0.5), kind="bilinear", name="half_multiply"
)
misshapen = Primitive(np.negative, (lambda g: np.stack([-g, -g]),), kind="other", name="misshapen")
curved = Primitive(np.sin, (lambda g, x: g * ad.tensor(np.cos(getattr(x, "data", x))).data,), kind="other")


class Cube(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 2 * x * x  # should be 3


class Sine(ad.Function):
    """Its forward is plain NumPy, which a trace cannot see into."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: float) -> Any:
        ctx.save_for_backward(x)
        ctx.scale = scale
        return ad.tensor(np.sin(x.numpy()) * scale)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * np.cos(x) * ctx.scale, None


class WrongSine(Sine):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return -g * np.cos(x) * ctx.scale, None


class Pair(ad.Function):
    """Two outputs, one computed by an inner Function whose own backward is never used."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return Cube.apply(x), x + 1

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x + h


def line_of(marker: str) -> str:
    """The file and line where a text stands in this file first."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    return f"{__file__}:{next(n for n, line in enumerate(lines, 1) if marker in line)}"


class TestFinding:
    def test_a_wrong_rule_in_the_middle_of_a_chain(self):
        def f(x, w):
            h = np.tanh(x @ w)
            h = twice_exp(h)  # first planted error
            return np.sum(ad.relu(h - 1))

        assert not gradcheck(f, X, W)
        found = locate(f, X, W)
        assert not found
        assert [finding.name for finding in found.wrong] == ["twice_exp"]
        assert found.first.line.startswith(line_of("# first planted error") + " in f")
        assert found.first.code.startswith("h = twice_exp(h)")
        assert found.first.number == 3
        assert found.first.rule == line_of('name="twice_exp"')
        assert found.first.report.worst.analytic == pytest.approx(2 * found.first.report.worst.numeric)
        assert found.checked == 6

    def test_several_wrong_rules_in_the_order_they_ran(self):
        def f(x):
            y = half_multiply(x, x + 1)
            return np.sum(twice_exp(y) + Cube.apply(y))

        found = locate(f, V)
        assert [finding.name for finding in found.wrong] == ["half_multiply", "twice_exp", "Cube"]
        assert found.first is found.wrong[0]
        assert found.first.report.worst.input == "b"
        assert repr(found).startswith("<f: half_multiply is wrong at ")
        assert "and 2 more" in repr(found)
        assert len(repr(found)) < 250

    @pytest.mark.parametrize("order", [1, 2])
    def test_right_functions_are_right(self, order):
        def f(p):
            a, b = np.split(p["x"] * 2.0, 2)
            y = np.where(a > 0, a, b) @ p["w"]
            return kink(y), np.concatenate([a, b])[::2]

        def kink(y):
            return np.sum(ad.relu(abs(y)))

        found = locate(f, {"x": RNG.normal(size=4), "w": RNG.normal(size=(2, 3))}, order=order)
        assert found
        assert not found.wrong
        assert not found.undecided
        assert found.first is None
        assert found.checked >= 7
        assert "own derivative is right" in str(found)

    def test_modules_and_their_parameters(self):
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        assert locate(lambda x: nn.CrossEntropyLoss()(model(x), ad.tensor([0, 1])), X.astype(np.float32))
        assert locate(model, X.astype(np.float32))

        class Bad(nn.Module):
            def forward(self, x):
                return twice_exp(x)

        found = locate(nn.Sequential(nn.Linear(3, 4), Bad()), X.astype(np.float32))
        assert [finding.name for finding in found.wrong] == ["twice_exp"]
        assert found.first.ops[0].scope == ("Sequential", "1: Bad")

    def test_a_wrong_second_derivative_with_a_right_first(self):
        f = lambda x: np.sum(curved(x) * x)  # noqa: E731
        assert locate(f, V)
        found = locate(f, V, order=2)
        assert [finding.name for finding in found.wrong] == ["sin"]
        assert found.first.report.order == 2

    def test_a_rule_that_raises_is_wrong(self):
        found = locate(lambda x: np.sum(misshapen(x) ** 2), V)
        assert [finding.name for finding in found.wrong] == ["misshapen"]

    def test_what_cannot_be_decided_is_not_called_right(self):
        found = locate(lambda x: np.sum(np.floor(x) * x), np.array([1.0, 2.5]))
        assert not found
        assert not found.wrong
        assert [finding.name for finding in found.undecided] == ["floor"]
        assert "1 not decided" in repr(found)

    def test_integers_numbers_and_empty_arrays(self):
        def f(x, n, k):
            return np.sum(x[n] * k) + np.sum(x[:0]) + np.argmax(x)

        assert locate(f, V, np.array([0, 2]), 2)
        assert locate(f, V.astype(np.float16), np.array([0, 2]), 1.5)
        assert locate(np.exp, 0.5).checked == 1
        assert locate(np.exp, np.zeros((0, 2))).checked == 0

    def test_backward_passes_inside_the_function_are_looked_into(self):
        def f(x):
            (slope,) = ad.grad(np.sum(twice_exp(x)), x, create_graph=True)
            return np.sum(slope**2)

        assert [finding.name for finding in locate(f, V).wrong] == ["twice_exp"]

    def test_misuse_is_said(self):
        with pytest.raises(TypeError, match="graph"):
            locate(from_numpy(np.exp, lambda g, x: g * np.exp(x)), V)
        with pytest.raises(ValueError, match="oracle"):
            locate(np.exp, V, oracle="guess")
        with pytest.raises(ZeroDivisionError):
            locate(lambda x: x / (1 // 0), V)

    def test_the_users_tensors_are_left_as_they_are(self):
        x = ad.tensor(V, requires_grad=True)
        before = x.data.copy()
        assert locate(lambda x: np.sum(np.exp(x)), x)
        np.testing.assert_array_equal(x.data, before)
        assert x.grad is None


class TestFunctions:
    def test_a_wrong_backward_is_found_at_its_call(self):
        def f(x):
            y = Cube.apply(x * 2)  # a call of Cube
            return np.sum(y)

        found = locate(f, V)
        assert [finding.name for finding in found.wrong] == ["Cube"]
        assert found.first.line.startswith(line_of("# a call of Cube"))
        assert [op.name for op in found.first.ops] == ["multiply", "multiply"]
        assert found.checked == 3  # the products inside Cube's forward are not asked for their rules

    def test_a_forward_in_plain_numpy(self):
        assert locate(lambda x: np.sum(Sine.apply(np.exp(x), 2.0)), V)
        found = locate(lambda x: np.sum(WrongSine.apply(np.exp(x), 2.0)), V)
        assert [finding.name for finding in found.wrong] == ["WrongSine"]

    def test_outputs_marked_non_differentiable_are_not_asked_for(self):
        class Rounded(ad.Function):
            @staticmethod
            def forward(ctx, x):
                whole = x * 2
                ctx.mark_non_differentiable(whole)
                return x * 3, whole

            @staticmethod
            def backward(ctx, g, _):
                return g * 3

        assert locate(lambda x: np.sum(Rounded.apply(x)[0]), V)

    def test_one_that_returns_its_argument_is_a_call_of_its_own(self):
        class Doubled(ad.Function):
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, g):
                return g * 2

        found = locate(lambda x: np.sum(Cube.apply(Doubled.apply(x)) + np.exp(Doubled.apply(x))), V)
        assert [finding.name for finding in found.wrong] == ["Doubled", "Cube", "Doubled"]
        assert [finding.number for finding in found.wrong] == [1, 2, 3]

    def test_one_inside_another_counts_as_the_outer_ones(self):
        found = locate(lambda x: sum(np.sum(y) for y in Pair.apply(x)), V)
        assert found, found
        assert [call.name for call in found.graph.groups] == ["Pair", "Cube"]

    def test_a_trace_shows_what_numpy_computed_and_replays_it(self):
        graph = trace(lambda x: np.sum(Sine.apply(x, 2.0)))(ad.tensor(V))
        assert [op.name for op in graph.ops] == ["Sine", "sum"]
        other = graph.replay({graph.sources[0]: V + 1})
        assert other[graph.outputs[0]] == pytest.approx(2 * np.sin(V + 1).sum())

    def test_a_trace_groups_the_forward(self):
        graph = trace(lambda x: Cube.apply(x) + 1)(ad.tensor(V, requires_grad=True))
        (call,) = graph.groups
        assert (call.name, call.start, len(call.ops)) == ("Cube", 0, 2)
        assert [op.name for op in graph.ops] == ["multiply", "multiply", "add"]
        assert call.outputs == graph.ops[1].outputs


class TestPictures:
    def test_wrong_operations_are_coloured_and_explained(self):
        found = locate(lambda x: np.sum(twice_exp(np.sin(x)) + np.floor(x)), np.array([1.0, 2.0]))
        dot = found.graph.dot()
        fill, border = style.LIGHT.highlight("wrong derivative")
        boxes = [line for line in dot.splitlines() if f'fillcolor="{fill}"' in line]
        assert len(boxes) == 1
        assert "twice_exp" in boxes[0]
        assert f'color="{border}"' in boxes[0]
        assert ">wrong derivative</FONT>" in dot
        assert ">not decided</FONT>" in dot

    def test_a_folded_module_is_coloured_for_what_is_in_it(self):
        class Bad(nn.Module):
            def forward(self, x):
                return np.cos(twice_exp(x))

        found = locate(nn.Sequential(nn.Tanh(), Bad()), V)
        fill = style.LIGHT.highlight("wrong derivative")[0]
        boxes = [line for line in found.graph.dot(depth=1).splitlines() if f'fillcolor="{fill}"' in line]
        assert len(boxes) == 1
        assert "<B>1</B>" in boxes[0]
        assert "Bad" in boxes[0]

    def test_a_picture_without_findings_is_as_before(self):
        f = lambda x: np.sum(np.exp(x))  # noqa: E731
        assert locate(f, V).graph.dot() == draw(f, ad.tensor(V, requires_grad=True)).dot()

    @DRAWS
    def test_it_is_written_to_files(self, tmp_path):
        found = locate(lambda x: np.sum(twice_exp(x)), V)
        assert "wrong derivative" in found.svg(tmp_path / "g.svg")
        found.png(tmp_path / "g.png")
        assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "g.svg").stat().st_size > 1000
