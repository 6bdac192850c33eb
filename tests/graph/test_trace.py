"""A trace records what ran, truly, and changes nothing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import tape
from autodiff.graph import trace
from autodiff.graph.record import Graph, Value
from nn import optim


def hand_written(parameters):
    """An optimizer as a tutorial writes it."""

    @ad.no_grad()
    def step():
        for p in parameters:
            p -= 0.1 * p.grad

    return SimpleNamespace(step=step, state={})


OPTIMIZERS = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.1),
    "Nesterov": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda ps: optim.Adam(ps, lr=0.01),
    "hand-written": lambda ps: hand_written(list(ps)),
}


def training(optimizer: str):
    """A small network with its training step, and the tensors that a step changes."""
    ad.manual_seed(7)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.3), nn.Linear(5, 3))
    method = OPTIMIZERS[optimizer](model.parameters())
    criterion = nn.CrossEntropyLoss()

    def step(x, y):
        model.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        method.step()
        return loss

    def changed():
        return [*model.parameters(), *(t for state in method.state.values() for t in state.values())]

    return step, changed, model


def batch(seed: int = 0):
    rng = np.random.default_rng(seed)
    return ad.tensor(rng.normal(size=(4, 2, 3)).astype(np.float32)), ad.tensor(rng.integers(0, 3, 4))


def assert_replays(graph: Graph) -> None:
    for value, array in graph.replay().items():
        np.testing.assert_array_equal(array, value.array, strict=True)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_traced_step_is_the_same_step(optimizer):
    plain, plain_state, _ = training(optimizer)
    losses = [plain(*batch(i)).item() for i in range(3)]
    traced, traced_state, model = training(optimizer)
    homes = [(p, p.data, p._node) for p in model.parameters()]
    assert [trace(traced)(*batch(i)).result.item() for i in range(3)] == losses
    for a, b in zip(plain_state(), traced_state(), strict=True):
        np.testing.assert_array_equal(a.data, b.data, strict=True)
        if a.requires_grad:
            np.testing.assert_array_equal(a.grad.data, b.grad.data, strict=True)
    assert all(p.data is array and p._node is node for p, array, node in homes)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_traced_step_replays_bit_for_bit(optimizer):
    step, _, _ = training(optimizer)
    for i in range(2):
        graph = trace(step)(*batch(i))
        assert_replays(graph)
        assert {op.phase for op in graph.ops} == {"forward", "backward", "update"}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_writes_of_a_graph_are_the_step(optimizer):
    """Starting from the recorded sources, the values written last are what the tensors hold after the step."""
    step, _, model = training(optimizer)
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    graph = trace(step)(*batch())
    last = {w.target.name: w.value.array for w in graph.writes}
    for source in graph.sources:
        if source.role == "parameter":
            np.testing.assert_array_equal(source.array, before[source.name], strict=True)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(last[name], p.data, strict=True)


def test_replay_on_other_inputs_is_the_function_there():
    w = ad.tensor([[1.0, 2.0], [3.0, 4.0]])
    graph = trace(lambda x: np.tanh(x @ w).sum())(ad.tensor([[1.0, -1.0]]))
    (x,) = (v for v in graph.sources if v.role == "input")
    other = np.array([[0.5, 0.25]], np.float32)
    np.testing.assert_array_equal(graph.replay({x: other})[graph.outputs[0]], np.tanh(other @ w.data).sum())


def test_operands_are_made_before_they_are_used():
    graph = trace(training("Adam")[0])(*batch())
    known = set(graph.sources)
    for op in graph.ops:
        assert known.issuperset(op.inputs)
        known.update(op.outputs)


def test_the_backward_pass_has_edges_to_the_forward_values_it_uses():
    def f(x, w):
        y = np.exp(x * w)
        y.sum().backward()
        return y

    x, w = ad.tensor([1.0, 2.0], requires_grad=True), ad.tensor([3.0, 4.0], requires_grad=True)
    graph = trace(f)(x, w)
    multiply, exp = graph.ops[:2]
    of_exp, *of_multiply = (op for op in graph.ops if op.of in (exp, multiply))
    assert of_exp.name == "multiply"
    assert exp.outputs[0] in of_exp.inputs
    assert {v.name for op in of_multiply for v in op.inputs if v.op is None} == {"x", "w"}
    assert all(of_exp.outputs[0] in op.inputs for op in of_multiply)
    np.testing.assert_array_equal(exp.outputs[0].gradient, [1, 1])
    np.testing.assert_array_equal(multiply.outputs[0].gradient, np.exp([3, 8]).astype(np.float32))


def test_roles_and_names():
    bias = nn.Parameter(np.zeros(2, np.float32))
    bias.name = "bias"

    def f(x, batch, *, scale):
        loss = (x * scale["a"] + bias + batch[1] + np.array([1.0, 2.0], np.float32)).sum()
        loss.backward()
        return loss

    ones = ad.ones(2)
    graph = trace(f)(ones, [None, ad.ones(2)], scale={"a": ad.ones(2)})
    roles = {v.name: v.role for v in graph.sources}
    assert roles | {"x": "input", "batch.1": "input", "scale.a": "input", "bias": "parameter"} == roles
    assert roles["constant1"] == "constant"
    assert [v.name for v in graph.values if v.role == "gradient"] == ["bias.grad"]
    assert graph.outputs[0].role == "result"
    assert graph.result.item() == 7


def test_two_sources_of_one_name_are_told_apart():
    a, b = ad.ones(1, requires_grad=True), ad.ones(1, requires_grad=True)
    a.name = b.name = "w"
    names = [v.name for v in trace(lambda x: x * a * b)(ad.ones(1)).sources]
    assert names == ["x", "w", "w#2"]


def test_scopes_nest_as_the_modules_do_and_hold_the_backward_pass():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(3, 1))

    def f(x):
        model(x).sum().backward()

    graph = trace(f)(ad.ones(4, 2))
    inner = ("Sequential", "0: Sequential", "0: Linear")
    for phase in ("forward", "backward"):
        assert inner in {op.scope for op in graph.ops if op.phase == phase}


def test_every_operation_has_the_line_that_called_it():
    graph = trace(lambda x: np.exp(x))(ad.ones(1))
    assert graph.ops[0].line == f"test_trace.py:{sys._getframe().f_lineno - 1}"


def test_a_tensor_changed_in_place_while_recording():
    def f(x):
        y = x * 2
        y += 1
        y[0] = 5.0
        return y

    graph = trace(f)(ad.ones(3, requires_grad=True))
    assert [op.name for op in graph.ops] == ["multiply", "add", "put"]
    assert graph.result.tolist() == [5, 3, 3]
    assert_replays(graph)


def through_a_view(x):
    with ad.no_grad():
        x[0] += 1
    return x * 1


def through_detach(x):
    alias = x.detach()
    with ad.no_grad():
        alias *= 3
    return x * 1


def through_a_transposed_view(x):
    corner = x.T[1:, :2]
    with ad.no_grad():
        corner -= 2
        x *= corner[0, 0]
    return x * 1


@pytest.mark.parametrize("f", [through_a_view, through_detach, through_a_transposed_view])
def test_writes_seen_through_another_tensor(f):
    start = np.arange(6.0).reshape(3, 2)
    expected = f(ad.tensor(start)).numpy()
    x = ad.tensor(start)
    home = x.data
    graph = trace(f)(x)
    np.testing.assert_array_equal(graph.result.data, expected, strict=True)
    assert x.data is home
    assert_replays(graph)
    (source,) = (v for v in graph.sources if v.role == "input")
    np.testing.assert_array_equal(source.array, start)
    again = f(ad.tensor(start + 1)).numpy()  # the graph is the function, not one run of it
    np.testing.assert_array_equal(graph.replay({source: start + 1})[graph.outputs[0]], again, strict=True)


@pytest.mark.parametrize("seed", range(25))
def test_any_order_of_writes_through_overlapping_views(seed):
    order = np.random.default_rng(seed).integers(0, 5, 4)

    def f(x):
        views = [x, x[1:], x[::2], x.reshape(4, 3), x.detach()]
        with ad.no_grad():
            for k in order:
                first, second = views[k], views[k - 1]
                first *= 2
                second += second.sum() * 0.001
        return x * 1

    start, other = np.random.default_rng(seed).normal(size=(2, 12))
    graph = trace(f)(ad.tensor(start))
    np.testing.assert_array_equal(graph.result.data, f(ad.tensor(start)).data, strict=True)
    assert_replays(graph)
    x = ad.tensor(other)
    expected = f(x)
    again = graph.replay({graph.sources[0]: other})
    np.testing.assert_array_equal(again[graph.outputs[0]], expected.data, strict=True)
    np.testing.assert_array_equal(again[graph.writes[-1].value], x.data, strict=True)


def test_the_scratch_memory_of_an_optimizer_leaves_no_mark():
    graph = trace(training("Adam")[0])(*batch())
    assert "overlay" not in {op.name for op in graph.ops}
    assert {v.name for v in graph.sources if v.role == "state"} >= {"step", "1.weight.exp_avg", "4.bias.exp_avg_sq"}


def test_what_is_changed_in_place_is_state():
    count = ad.zeros(())
    count.name = "count"

    def f():
        with ad.no_grad():
            np.add(count, 1, out=count)

    graph = trace(f)()
    assert [(v.name, v.role) for v in graph.sources if v.name == "count"] == [("count", "state")]
    assert count.item() == 1
    assert graph.sources[0].array == 0


def test_a_change_through_a_view_that_nothing_reads_is_part_of_the_graph():
    x = ad.tensor([1.0, 2.0, 3.0])

    def f(x):
        head = x[:2]
        with ad.no_grad():
            head *= 5

    graph = trace(f)(x)
    assert x.tolist() == [5, 10, 3]
    assert graph.writes[-1].target.name == "x"
    np.testing.assert_array_equal(graph.writes[-1].value.array, x.data)
    assert_replays(graph)


def test_a_result_changed_in_place_is_no_state():
    def f(x):
        with ad.no_grad():
            y = x * 2
            y.name = "y"
            y += 1
            return y

    graph = trace(f)(ad.ones(2))
    assert [v.name for v in graph.sources] == ["x"]
    assert not graph.writes
    assert graph.outputs == [graph.ops[-1].outputs[0]]


def test_data_replaced_behind_the_graph_is_a_constant_of_it():
    w = ad.ones(2, requires_grad=True)
    w.name = "w"

    def f():
        w.data = (w * 2).data + 1

    graph = trace(f)()
    assert w.tolist() == [3, 3]
    (write,) = graph.writes
    assert (write.target.name, write.value.role) == ("w", "constant")


def test_gradients_from_before_the_trace_have_their_names():
    w = ad.ones(2, requires_grad=True)
    w.name = "w"
    w.sum().backward()
    sgd = optim.SGD([w], lr=0.5)
    graph = trace(sgd.step)()
    assert {v.name: v.role for v in graph.sources if v.shape} == {"w": "parameter", "w.grad": "constant"}
    assert [w.target.name for w in graph.writes] == ["w"]


def test_a_saved_value_changed_in_place_is_refused_as_without_a_trace():
    w = ad.ones(2, requires_grad=True)

    def f():
        y = (w * w).sum()
        with ad.no_grad():
            w.mul_(3)
        y.backward()

    with pytest.raises(ad.AutodiffError, match="changed in place"):
        trace(f)()


def test_an_error_carries_the_graph_so_far():
    def f(x):
        return np.exp(x) @ ad.ones(3)

    with pytest.raises(ValueError, match="matmul") as caught:
        trace(f)(ad.ones(2))
    graph = caught.value.graph
    assert [op.name for op in graph.ops] == ["exp", "matmul"]
    assert graph.failed is graph.ops[1]
    assert graph.ops[0].outputs[0] in graph.failed.inputs
    assert "2 operations," in caught.value.__notes__[-1]
    assert tape.mode.get() is None


def test_an_operation_that_answers_with_its_operand():
    graph = trace(lambda x: np.real(x) * 2)(ad.ones(2))
    assert graph.ops[-1].inputs[0] in (*graph.ops[0].outputs, *graph.sources)
    assert_replays(graph)


def test_second_derivatives_in_a_trace():
    def f(x):
        (slope,) = ad.grad((x**3).sum(), x, create_graph=True)
        return ad.grad(slope.sum(), x)[0]

    graph = trace(f)(ad.tensor([2.0], requires_grad=True))
    assert graph.result.tolist() == [12]
    assert_replays(graph)


def test_several_outputs():
    graph = trace(lambda x: np.linalg.slogdet(x)[1])(ad.tensor([[2.0, 0.0], [0.0, 3.0]]))
    op = graph.ops[0]
    assert len(op.outputs) == 2
    assert graph.outputs == [op.outputs[1]]
    assert_replays(graph)


def test_a_trace_can_run_without_recording():
    with ad.no_grad():
        graph = trace(lambda x: np.exp(x))(ad.ones(2, requires_grad=True))
    assert len(graph.ops) == 1
    assert not graph.result.requires_grad


def test_values_are_described_shortly():
    graph = trace(lambda x: np.exp(x * 2))(ad.ones(2, 3))
    assert repr(graph) == "<Graph of lambda: 2 operations, 1 source>"
    assert repr(graph.sources[0]) == "<input x: f32[2,3]>"
    assert isinstance(graph.values[-1], Value)


def test_a_constant_that_a_function_returns_is_an_output() -> None:
    constant = ad.tensor([1.0, 2.0])
    graph = ad.trace(lambda x: (x * 2, constant))(ad.tensor([3.0, 4.0]))
    replayed = graph.replay()
    assert [replayed[y].tolist() for y in graph.outputs] == [[6.0, 8.0], [1.0, 2.0]]
    assert "constant" in graph.dot()
