"""A picture of a plain tensor: its history, and for a scalar expression every value and gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autodiff as ad
from autodiff.graph import draw, trace


def scalar(value, name):
    x = ad.tensor(value, dtype=np.float64, requires_grad=True)
    x.name = name
    return x


def neuron():
    x1, x2, w1, w2, b = (scalar(v, n) for v, n in zip((2, 0, -3, 1, 6.88), ("x1", "x2", "w1", "w2", "b"), strict=True))
    y = np.tanh(x1 * w1 + x2 * w2 + b)
    y.name = "y"
    return y, (x1, x2, w1, w2, b)


def numbers(graph):
    """The values and gradients of a graph, sources by name and operations by number."""
    named = {v.name: v for v in graph.sources} | {i: v for i, op in enumerate(graph.ops) for v in op.outputs}
    return {k: (v.array, v.gradient) for k, v in named.items()}


def neuron_in_numbers():
    inner = -6 + 6.88
    y = math.tanh(inner)
    slope = 1 - y * y
    sources = {"x1": (2, -3 * slope), "x2": (0, slope), "w1": (-3, 2 * slope), "w2": (1, 0), "b": (6.88, slope)}
    return sources | {0: (-6, slope), 1: (0, slope), 2: (-6, slope), 3: (inner, slope), 4: (y, 1)}


@pytest.mark.parametrize("swept", [False, True], ids=["before backward", "after backward"])
def test_a_scalar_expression_has_every_value_and_gradient(swept):
    y, leaves = neuron()
    if swept:
        y.backward()
    before = [x.grad and x.grad.item() for x in leaves]
    found = numbers(draw(y))
    for key, (value, gradient) in neuron_in_numbers().items():
        np.testing.assert_allclose(found[key][0], value, atol=1e-14)
        np.testing.assert_allclose(found[key][1], gradient, atol=1e-14)
    assert [x.grad and x.grad.item() for x in leaves] == before


def test_a_traced_scalar_expression_has_them_too():
    def f(x1, x2, w1, w2, b):
        return np.tanh(x1 * w1 + x2 * w2 + b)

    found = numbers(trace(f)(*neuron()[1]))
    for key, (value, gradient) in neuron_in_numbers().items():
        np.testing.assert_allclose(found[key][0], value, atol=1e-14)
        np.testing.assert_allclose(found[key][1], gradient, atol=1e-14)


def test_drawing_leaves_the_tape_as_it_was():
    y, (x1, *_) = neuron()
    seen = []
    x1.register_hook(seen.append)
    y.retain_grad()
    draw(y)
    assert not seen
    assert y.grad is None
    y.backward()
    assert len(seen) == 1
    assert y.grad.item() == 1


def test_a_value_used_twice_is_one_value():
    a = scalar(3.0, "a")
    b = a + a
    c = b + b
    graph = draw(c)
    assert [len(op.inputs) for op in graph.ops] == [2, 2]
    assert len(graph.sources) == 1
    assert graph.sources[0].gradient == 4


def test_constants_that_a_rule_kept_are_shown_and_others_left_open():
    x = scalar(2.0, "x")
    assert draw(x * 5.0).ops[0].operands[1] == 5.0
    assert draw(x + 5.0).text().splitlines()[-2] == "  %1: f64[] = add(x, ?)"


def test_constants_that_no_rule_kept_cost_neither_the_result_nor_the_gradients():
    x = scalar(2.0, "x")
    graph = draw(np.tanh(x + 5.0) * x)
    add, tanh, multiply = (op.outputs[0] for op in graph.ops)
    assert tanh.array == math.tanh(7)
    assert multiply.array == math.tanh(7) * 2
    np.testing.assert_allclose(add.gradient, 2 * (1 - math.tanh(7) ** 2), atol=1e-14)


def test_several_outputs():
    x = ad.tensor([[2.0, 0.0], [0.0, 3.0]], requires_grad=True)
    _, logdet = np.linalg.slogdet(x)
    graph = draw(logdet * 2)
    assert [op.name for op in graph.ops] == ["slogdet", "multiply"]
    assert graph.ops[1].inputs[0] is graph.ops[0].outputs[1]


def test_parameters_have_their_names_and_arrays_their_types():
    w = ad.ones(3, 2, requires_grad=True)
    w.name = "w"
    text = draw(ad.ones(4, 3) @ w).text().splitlines()
    assert "  w: f32[3,2]  parameter" in text
    assert text[-2].startswith("  %1: f32[4,2] = matmul(")


def test_a_long_chain():
    x = y = ad.ones(2, requires_grad=True)
    for _ in range(20_000):
        y = y + x
    assert len(draw(y).ops) == 20_000


def test_a_tensor_without_history_is_its_own_picture():
    graph = draw(ad.ones(2))
    assert not graph.ops
    assert graph.outputs == graph.sources
    assert "constant" in graph.dot()


def test_a_custom_function():
    class Double(ad.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = scalar(3.0, "x")
    graph = draw(Double.apply(x))
    assert [op.name for op in graph.ops] == ["Double"]
    assert graph.ops[0].inputs[0].name == "x"
    assert graph.sources[0].gradient == 2


def test_draw_takes_functions_modules_and_graphs():
    graph = draw(np.exp, ad.ones(2))
    assert graph.ops[0].name == "exp"
    assert draw(graph) is graph
    with pytest.raises(TypeError, match="takes no further arguments"):
        draw(ad.ones(2), 1)


def test_names_outlive_the_tensors_that_had_them():
    def neuron(w, x):
        def scalar(value, name):
            t = ad.tensor(value, requires_grad=True)
            t.name = name
            return t

        product = scalar(w, "w") * scalar(x, "x")
        product.name = "wx"
        return np.tanh(product + scalar(1.0, "b"))

    def boxes(graph):
        return {box.title for box in graph.picture().boxes}

    assert boxes(draw(neuron(2.0, 3.0))) == {"w", "x", "b", "wx = multiply", "add", "tanh"}
    assert boxes(trace(neuron)(2.0, 3.0)) == {"w", "x", "b", "wx = multiply", "add", "tanh"}
