"""What a graph knows of each operation: order, line, group, what it reads, what it keeps alive, and what failed."""

from __future__ import annotations

import copy
import functools
import pickle
import re

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import trace
from autodiff.graph.recording.recorder import traced
from autodiff.graph.recording.tape_graph import from_tape


def phases(graph):
    return [(op.name, op.phase, op.order) for op in graph.ops]


def test_the_orders_of_a_hessian_vector_product():
    def product(x, v):
        (slope,) = ad.grad(np.sum(np.sin(x)), x, create_graph=True)
        return ad.grad(np.sum(slope * v), x)[0]

    graph = trace(product)(ad.tensor([1.0, 2.0], requires_grad=True), ad.ones(2))
    orders = [(op.phase, op.order) for op in graph.ops]
    assert list(dict.fromkeys(orders)) == [("forward", 0), ("backward", 1), ("forward", 1), ("backward", 2)]
    detached = trace(lambda x: ad.grad(np.sum(x * ad.grad(np.sum(x**3), x)[0]), x)[0])(graph.result.requires_grad_())
    assert {op.order for op in detached.ops if op.phase == "backward"} == {1}  # a gradient without history is a number


def test_forward_mode_is_a_phase_of_its_own():
    def second(x):
        return ad.functional.jvp(lambda x: ad.functional.jvp(np.sin, (x,), (ad.ones(2),))[1], (x,), (ad.ones(2),))[1]

    graph = trace(second)(ad.ones(2))
    assert {(op.phase, op.order) for op in graph.ops} == {("forward", 0), ("tangent", 1), ("tangent", 2)}


def test_composites_and_functions_are_groups():
    class Cube(ad.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2

    def f(x):
        Cube.apply(np.average(x, axis=0)).sum().backward()

    graph = trace(f)(ad.ones(3, 2, requires_grad=True))
    average, cube = graph.groups
    assert (average.name, average.kind, cube.name, cube.kind) == ("average", "composite", "Cube", "function")
    assert [op.name for op in cube.ops] == ["multiply", "multiply"]
    assert {op.group for op in average.ops} == {average}
    assert average.inputs == (graph.sources[0],)
    assert cube.inputs == average.outputs
    assert cube.outputs == cube.ops[-1].outputs
    backward = [op for op in graph.ops if op.phase == "backward" and op.of in cube.ops]
    assert "square" in {op.name for op in backward}
    assert average.outputs[0] in {v for op in backward for v in op.inputs}


def test_draws_are_sources_of_their_own():
    graph = trace(lambda x: nn.functional.dropout(x, 0.5) + ad.random.normal(size=3) + np.arange(3.0))(ad.ones(3))
    assert {v.name: v.role for v in graph.sources} == {
        "x": "input", "bernoulli": "random", "normal": "random", "constant1": "constant"
    }  # fmt: skip


def test_what_an_operation_was_given():
    w = ad.ones(2, requires_grad=True)

    def f(x):
        y = w * x
        with ad.no_grad():
            quiet = y + 1
        return y.detach() * w + quiet

    graph = trace(f)(ad.ones(2))
    assert [op.live for op in graph.ops] == [(True, False), (True, False), (False, True), (True, False)]
    assert [op.quiet for op in graph.ops] == [False, True, False, False]
    assert [op.number for op in graph.ops] == [1, 2, 3, 4]
    assert {v.name: v.tracked for v in graph.sources} == {"x": False, "leaf1": True}
    assert graph.sources[1].owner() is w


def test_the_time_of_kernels_is_measured_when_asked_for():
    x = ad.ones(200, 200)
    assert all(op.seconds is None for op in trace(np.tanh)(x).ops)
    tanh, add = traced(lambda x: np.tanh(x) + 1, timed=True)(x).ops
    assert 0 < tanh.began < tanh.began + tanh.seconds <= add.began


def test_what_is_read_later_is_what_was_there():
    """A graph is built at the first look: tensors may hold something else by then."""
    w = ad.ones(2, requires_grad=True)
    w.name = "w"

    def f(x):
        y = x * w
        y.sum().backward()
        x += 1
        return y

    graph = trace(f)(ad.ones(2))
    w.grad = None
    w.data = np.zeros(5)
    other = copy.copy(graph)
    assert other.ops is graph.ops
    assert [v.name for v in graph.values if v.role == "gradient"] == ["w.grad"]
    assert not [v for v in graph.writes if v.target.name == "w"]
    assert (graph.ops[0].name, graph.ops[-1].name) == ("multiply", "add")
    with pytest.raises(AttributeError, match="nothing"):
        graph.nothing  # noqa: B018


# --- failures ------------------------------------------------------------------------------------------------------


def failed(f, *args, said=""):
    with pytest.raises(Exception) as caught:  # noqa: PT011 (each of its own class)
        trace(f)(*args)
    graph = caught.value.graph
    assert graph.failed is graph.ops[-1]
    assert graph.failed.line.startswith("test_record.py:")
    assert graph.failed.name in graph.text()
    (box,) = (box for box in graph.picture(show=("shapes", "values", "rules", "bytes")).boxes if box.highlight)
    assert graph.failed in box.ops
    assert box.highlight == "failed"
    assert {text for text, role in box.lines if role == "alarm"}
    assert graph.error.startswith(type(caught.value).__name__)
    assert said in graph.error
    return graph.failed


def test_the_operation_that_failed():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1))
    linear = failed(model, ad.ones(5, 2))
    assert (linear.name, linear.scope, linear.outputs[0].type) == ("linear", ("Sequential", "1: Linear"), "?")
    before = linear.inputs[0].op.scope
    assert before == ("Sequential", "0: Linear")
    assert before[0] is linear.scope[0]  # the same call: one frame is drawn
    add = failed(lambda x: np.exp(x) + np.ones(7), ad.ones(2))
    assert (add.name, add.inputs[0].op.name) == ("add", "exp")


def test_an_operation_that_failed_in_the_backward_pass():
    wrong = ad.primitive(lambda g, x: g * np.ones(7))(lambda x: x * 2)
    multiply = failed(lambda x: np.sum(wrong(x)).backward(), ad.ones(2, requires_grad=True))
    assert (multiply.name, multiply.phase, multiply.of.number) == ("multiply", "backward", 1)


class Broken(ad.Function):
    """A Function that fails on its way there if its operand has two elements, and else on its way back."""

    @staticmethod
    def forward(ctx, a):
        if a.size == 2:
            raise RuntimeError("not two")
        return a * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("the rule is wrong")


class Refusing(nn.Module):
    """A module that fails by itself."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        raise KeyError(f"nothing for {self.inner(x).shape}")


def updated(x):
    """Fails in the optimizer, whose gradient was replaced."""
    model = nn.Linear(2, 3)
    adam = nn.optim.Adam(model.parameters())
    model(x).sum().backward()
    model.bias.grad.data = np.ones(5, np.float32)
    adam.step()


FAILURES = {  # with the operation, its phase, its inputs, and what is said of it
    "composite": (lambda x: np.average(np.exp(x), weights=ad.ones(3), axis=0), "average", "forward", "f32[5,2] f32[3]",
                  "weights of shape"),
    "function": (lambda x: Broken.apply(np.exp(x[0])), "Broken", "forward", "f32[2]", "RuntimeError: not two"),
    "rule": (lambda x: np.sum(Broken.apply(x)).backward(), "Broken", "backward", "f32[5,2]", "the rule is wrong"),
    "fused": (lambda x: nn.functional.layer_norm(x, (7,)), "layer_norm", "forward", "f32[5,2]", "normalized_shape"),
    "module": (nn.Sequential(nn.ReLU(), nn.LSTM(3, 4)), "LSTM", "forward", "f32[5,2]", "input_size=3"),
    "own module": (nn.Sequential(nn.ReLU(), Refusing()), "Refusing", "forward", "f32[5,2]", "KeyError"),
    "optimizer": (updated, "add", "update", "f32[3] f32[5]", "could not be"),
    "index": (lambda x: np.exp(x)[:, 7], "getitem", "forward", "f32[5,2]", "out of bounds"),
}  # fmt: skip


@pytest.mark.parametrize(("f", "name", "phase", "inputs", "said"), FAILURES.values(), ids=FAILURES)
def test_what_failed_is_marked_and_says_why(f, name, phase, inputs, said):
    op = failed(f, ad.ones(5, 2, requires_grad=True), said=said)
    assert (op.name, op.phase, " ".join(v.type for v in op.inputs)) == (name, phase, inputs)


def test_the_first_infinity_is_what_failed():
    def f(x):
        with ad.detect_anomaly(), np.errstate(divide="ignore"):
            return np.log(x - 1) * 2

    log = failed(f, ad.ones(2))
    assert (log.name, log.outputs[0].array[0]) == ("log", -np.inf)


def test_an_error_of_the_function_itself_marks_no_operation():
    def f(x):
        np.exp(x)
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine") as caught:
        trace(f)(ad.ones(2))
    assert caught.value.graph.failed is None
    assert len(caught.value.graph.ops) == 1


# --- what comes after the trace --------------------------------------------------------------------------------------


def test_what_is_written_later_is_never_shown_as_what_was():
    w, x = ad.ones(3, requires_grad=True), ad.ones(3)
    w.name = "w"
    graphs = [trace(lambda x: np.sum(w * x))(x), ad.draw(np.sum(w * x))]
    late = np.sum(w * w)
    ad.grad(np.sum(w * x), w)
    with ad.no_grad():
        w += 5
    w.data -= 1
    for graph in (*graphs, ad.draw(late)):
        source = next(v for v in graph.sources if v.name == "w")
        assert source.array is None
        assert not re.search(r"w: .*value [0-9]", graph.text(show="values"))
    assert "w: f32[3]  parameter; value changed since" in graphs[0].text(show="values")
    assert "changed since" in graphs[0].dot(show="values")
    with pytest.raises(ad.AutodiffError, match="memory of w was written since"):
        graphs[0].replay()
    assert graphs[0].replay({source: w.data for source in graphs[0].sources if source.name == "w"})
    assert ad.explain(w, graphs[0]).status == "fine"  # the rule reads x alone


def test_a_graph_is_copied_as_a_view_and_not_otherwise():
    graph = trace(np.exp)(ad.ones(2))
    assert copy.copy(graph).ops is graph.ops
    for refused in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"graph\.json\(path\)"):
            refused(graph)


# --- the backward pass, run for the picture ------------------------------------------------------------------------


def gradients(graph):
    return {v.name: v.array for v in graph.values if v.role == "gradient"}


def test_the_backward_pass_of_a_module_a_function_and_a_tensor():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    x = ad.ones(4, 2)
    y = model(x).sum()
    names = [name for name, _ in model.named_parameters()]
    expected = dict(zip(names, ad.grad(y, list(model.parameters()), retain_graph=True), strict=True))
    graphs = [traced(model, backward=True)(x), traced(lambda x: model(x).sum(), backward=True)(x)]
    graphs.append(from_tape(y, backward=True))
    for graph in graphs:
        found = gradients(graph)
        assert {*found} == {f"{name}.grad" for name in expected}
        for name, g in expected.items():
            np.testing.assert_allclose(found[f"{name}.grad"], g.numpy(), rtol=1e-6)
        tanh = next(op for op in graph.ops if op.name == "tanh")
        assert any(tanh.outputs[0] in op.inputs for op in graph.ops if op.of is tanh)  # a true edge to what it uses
    assert all(p.grad is None for p in model.parameters())
    y.backward()  # nothing was freed


def test_the_backward_pass_of_a_function_of_plain_arrays():
    graph = traced(lambda x, n: np.sum(x**n), backward=True)(ad.tensor([1.0, 2.0]), 3)
    np.testing.assert_allclose(gradients(graph)["x.grad"], [3, 12])


def test_a_backward_pass_that_ran_is_not_run_again():
    def step(x):
        (x * x).sum().backward()

    both = [run(step)(ad.ones(2, requires_grad=True)) for run in (trace, functools.partial(traced, backward=True))]
    assert phases(both[0]) == phases(both[1])


def test_there_is_nothing_to_differentiate():
    with pytest.raises(ad.AutodiffError, match="does not depend on a floating"):
        traced(lambda x: np.argmax(x), backward=True)(ad.ones(3))
    x = ad.ones(2, requires_grad=True)
    y = (np.exp(x) * x).sum()
    y.backward()
    with pytest.raises(ad.AutodiffError, match="swept before"):
        from_tape(y, backward=True)
