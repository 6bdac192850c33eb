"""What a picture shows: modules to a depth, repeats once, opened operations, overlays; and that its edges are true."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph.look import Look
from autodiff.graph.pictures import render
from autodiff.graph.pictures.overlays import _peak
from autodiff.graph.pictures.style import CHANGED
from nn import optim
from nn.models import resnet18

DRAWS = pytest.mark.skipif(not render.available(), reason="Graphviz is not installed")


def recurrence(steps):
    wx, wh = (ad.ones(n, 3, requires_grad=True) for n in (2, 3))

    def f(xs):
        h = ad.zeros(1, 3)
        for t in range(steps):
            h = np.tanh(xs[t] @ wx + h @ wh)
        return h

    return ad.trace(f)(ad.ones(steps, 1, 2))


def stack(depth):
    return nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU()) for _ in range(depth)))


def titles(picture):
    return [f"{box.title} {box.subtitle}".strip() for box in picture.boxes]


@pytest.fixture(scope="module")
def step():
    """A training step with shared weights, dropout, and batch norm's state."""
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 4))
    adam = optim.Adam(model.parameters())

    def step(x, y):
        loss = nn.CrossEntropyLoss()(model(model(x)), y)
        loss.backward()
        adam.step()
        return loss

    return ad.trace(step)(ad.randn(8, 4), ad.tensor(np.arange(8) % 4))


# --- edges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [None, 2, 0], ids=str)
def test_every_use_of_a_value_is_an_edge_and_every_edge_is_a_use(step, depth):
    picture = step.picture(depth=depth, fold_repeats=False)
    drawn = {(edge.tail, edge.head) for edge in picture.edges if edge.head.kind != CHANGED}
    writers = {edge.head: edge.tail for edge in picture.edges if edge.head.kind == CHANGED}
    uses = set()
    for op in step.ops:
        head = picture.home.get(op)
        for v in op.inputs if head is not None else ():
            while v.op is not None and v.op not in picture.home and v.op.inputs:  # a copy that is left out
                v = v.op.inputs[0]
            tail = picture.box_of(v)
            if tail is not None and tail is not head and head is not writers.get(tail):
                uses.add((tail, head))
    if depth is None:
        missing = {(tail, head) for tail, head in uses - drawn if not (head.kind == "update" or tail.given)}
        assert not missing
        assert drawn <= uses
    else:  # what a module's backward pass uses, its forward box has kept
        kept = {(edge.tail, edge.head) for edge in picture.edges if edge.kind == "saved"}
        assert drawn - kept <= uses


def test_edges_join_boxes_of_the_picture(step):
    for depth in ("auto", None, 0):
        picture = step.picture(depth=depth)
        assert {box for edge in picture.edges for box in (edge.tail, edge.head)} <= {*picture.boxes}
        ids = [thing.id for thing in (*picture.boxes, *picture.clusters, *picture.edges)]
        assert len({*ids}) == len(ids)


def test_what_is_changed_in_place_is_there_before_and_after(step):
    picture = step.picture(depth=None, fold_repeats=False, expand="adam")
    changed = {edge.head: edge.tail for edge in picture.edges if edge.head.kind == CHANGED}
    named = {w.target.name for w in step.writes if not w.target.name.startswith("state")}
    assert {w.target.name for box in changed for w in step.writes if w.value in box.values} == named
    for box, writer in changed.items():
        assert [picture.home[v.op] for v in box.values] == [writer]
        assert picture.box_of(box.values[0]) is box
    folded = step.picture()
    assert {box.title for box in folded.boxes if box.kind == CHANGED} >= {"0.weight", "0.bias", "4.weight", "4.bias"}
    update = next(box for box in folded.boxes if box.title == "Adam")
    assert update.given == [("0.weight f32[4,4]", "parameter")]


def test_running_statistics_are_one_update():
    norm = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    graph = ad.trace(norm)(ad.randn(8, 4))
    box = next(box for box in graph.picture().boxes if box.kind == "update")
    assert [text for text, role in box.given if role == "state"] == [
        "num_batches_tracked i64[]", "running_mean f32[4]", "running_var f32[4]"
    ]  # fmt: skip
    assert len(box.ops) == 7
    profiled = ad.profile(norm)(ad.randn(8, 4)).draw(depth=None).picture()
    (counter,) = (box for box in profiled.boxes if box.ops and box.values[0].type == "i64[]")
    assert counter.given == [("num_batches_tracked i64[]", "state")] or any(e.head is counter for e in profiled.edges)


# --- depth ---------------------------------------------------------------------------------------------------------


def test_depths_of_a_residual_network():
    graph = ad.trace(resnet18(num_classes=10, width=8))(ad.ones(2, 3, 32, 32))
    assert titles(graph.picture(depth=0)) == ["x", "ResNet"]
    assert titles(graph.picture(depth=1))[1:] == [
        "conv1 Conv2d", "bn1 BatchNorm2d", "relu ReLU", "maxpool MaxPool2d", "layer1 Sequential", "layer2 Sequential",
        "layer3 Sequential", "layer4 Sequential", "reshape", "fc Linear",
    ]  # fmt: skip
    blocks = graph.picture(depth=2)
    (first,) = (box for box in blocks.boxes if box.count > 1)
    assert (first.title, first.subtitle, first.count) == ("0 … 1", "BasicBlock", 2)
    assert "2 \u00d7 BasicBlock drawn once" in blocks.caption
    full = graph.picture(depth=None, fold_repeats=False)
    assert sum(len(box.ops) for box in full.boxes) == len(graph.ops)
    assert len(graph.picture().boxes) < 30


def test_expand_opens_modules_groups_and_fused_operations():
    graph = ad.trace(resnet18(num_classes=10, width=8))(ad.ones(2, 3, 32, 32))
    opened = graph.picture(depth=1, expand=("layer2", "layer2.0"))
    assert [c.title for c in opened.clusters if c.kind == "module"] == ["ResNet", "layer2", "0"]
    assert "conv1 Conv2d" in titles(opened)
    loss = ad.draw(nn.CrossEntropyLoss(), ad.randn(4, 3), ad.tensor([0, 1, 2, 0]))
    assert len(loss.picture().boxes) == 3
    inside = loss.picture(expand="softmax_nll")
    assert {"max", "exp", "log"} <= {box.title for box in inside.boxes}
    assert all(any(edge.head is box for edge in inside.edges) for box in inside.boxes if box.ops)
    assert all(any(edge.tail is box for edge in inside.edges) or box.bold for box in inside.boxes)


def test_an_opened_lstm_is_a_loop():
    picture = ad.draw(nn.LSTM(4, 8), ad.randn(5, 2, 4), expand="lstm").picture()
    (loop,) = (c for c in picture.clusters if c.kind == "loop")
    assert loop.count == 5
    assert sum(edge.kind == "loop" for edge in picture.edges) == 2  # h and c


# --- repeats -------------------------------------------------------------------------------------------------------


def test_a_loop_is_drawn_once_with_what_it_carries():
    graph = recurrence(20)
    picture = graph.picture()
    (loop,) = picture.clusters
    assert (loop.kind, loop.count) == ("loop", 20)
    assert [box.title for box in loop.boxes()] == ["getitem", "matmul", "matmul", "add", "tanh"]
    (carried,) = (edge for edge in picture.edges if edge.kind == "loop")
    assert (carried.tail.title, carried.head.title) == ("tanh", "matmul")
    assert (len(carried.values), carried.label) == (19, "h")
    assert all(box.path == () for box in picture.boxes if not box.ops)  # the same in every round: outside
    assert len(graph.picture(fold_repeats=False, depth=None).boxes) == len(graph.ops) + 3  # xs and the weights


def test_a_loop_of_training_is_a_loop_of_each_phase():
    def train(w, x):
        for _ in range(8):
            y, z = np.split(w * x, 2)
            (g,) = ad.grad(np.sum((y - z) ** 2), w)
            w = w - 0.1 * g
        return w

    picture = ad.draw(train, ad.ones(4, requires_grad=True), ad.rand(4)).picture()
    forward, *_, backward = (c for c in picture.clusters if c.kind in ("phase", "loop"))
    assert (forward.title, backward.kind, backward.phase, backward.count) == ("forward", "loop", "backward", 8)
    titles = [box.title for box in forward.boxes()]
    assert titles == ["w", "x", "multiply", "split", "subtract", "square", "sum", "subtract"]
    assert [e.label for e in picture.edges if e.kind == "loop"] == ["w", ""]  # to the product, to itself
    assert [e.port for e in picture.edges if e.tail.title == "split" and e.kind == "data"] == [0, 1]


def test_a_loop_of_training_steps_hands_the_parameters_on():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    sgd = optim.SGD(model.parameters(), lr=0.1)

    def train(x):
        for _ in range(5):
            sgd.zero_grad()
            np.mean(model(x) ** 2).backward()
            sgd.step()

    picture = ad.draw(train, ad.rand(6, 3)).picture()
    assert [(c.title, c.count) for c in picture.clusters if c.kind == "loop"] == [("repeated", 5), ("repeated", 5)]
    after = {edge.tail.title for edge in picture.edges if edge.tail.kind == CHANGED and edge.head.phase == "forward"}
    assert after == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_what_nothing_folds_is_cut_inside_its_module():
    kinds, rng = [nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid], np.random.default_rng(0)
    model = nn.Sequential(*[m for _ in range(50) for m in (nn.Linear(8, 8), kinds[rng.integers(4)]())])
    picture = ad.trace(model)(ad.ones(2, 8)).picture()
    assert 10 < len(picture.boxes) < 30
    assert sum(len(box.ops) for box in picture.boxes) == 100


def test_an_input_that_is_not_used_is_seen():
    picture = ad.draw(lambda x, y: np.exp(x), ad.ones(3), ad.ones(2)).picture()
    assert [f"{box.title} {box.subtitle}".strip() for box in picture.boxes] == ["x", "exp", "y unused"]


def test_a_stack_of_modules_is_drawn_once_without_a_loop():
    picture = ad.trace(stack(12))(ad.ones(2, 4)).picture(depth=1)
    (box,) = (box for box in picture.boxes if box.ops)
    assert (box.title, box.count, len(box.ops)) == ("0 … 11", 12, 48)
    assert [edge.kind for edge in picture.edges] == ["data"]


def test_what_is_wired_otherwise_is_not_folded():
    def tree(xs):
        while len(xs) > 1:
            xs = [a * b + a for a, b in zip(xs[::2], xs[1::2], strict=True)]
        return xs[0]

    picture = ad.trace(tree)([ad.ones(2) for _ in range(8)]).picture()
    assert all(edge.kind != "loop" for edge in picture.edges)


def test_loops_in_loops():
    def f(x, w):
        for _ in range(4):
            for _ in range(5):
                x = np.sin(x @ w) + x
            x = np.cos(x)
        return x

    picture = ad.trace(f)(ad.ones(2, 2), ad.ones(2, 2)).picture()
    assert [(c.kind, c.count) for c in picture.clusters] == [("loop", 4), ("loop", 5)]
    assert len(picture.boxes) == 6


def test_a_large_program_without_structure_is_cut():
    rng = np.random.default_rng(0)
    functions = [np.sin, np.exp, np.tanh, np.cos]

    def wild(x):
        kept = [x]
        for _ in range(3000):
            kept = [*kept[-20:], functions[rng.integers(4)](kept[-1]) * kept[rng.integers(len(kept))]]
        return kept[-1]

    with np.errstate(all="ignore"):
        graph = ad.trace(wild)(ad.ones(2))
    picture = graph.picture()
    assert len(picture.boxes) <= 30
    assert sum(len(box.ops) for box in picture.boxes) == len(graph.ops)


# --- columns, marks, overlays --------------------------------------------------------------------------------------


@DRAWS
def test_columns_stand_in_their_order(step):
    def product(x, v):
        (g,) = ad.grad(np.sum(np.tanh(x) ** 3), x, create_graph=True)
        return ad.grad(np.sum(g * v), x)

    graph = ad.trace(product)(ad.randn(3, requires_grad=True), ad.randn(3))
    columns = [c.title for c in graph.picture().clusters if c.kind == "phase"]
    assert columns == ["forward", "backward", "backward of backward"]
    assert {box.order for box in graph.picture(orders=True).boxes} == {0, 1, 2}
    for one in (graph, step):
        source = one.dot()
        names = re.search(r"// columns: (.*)", source)[1].split()
        plain = render.render(source, "plain").decode()
        across = [float(re.search(rf"^node {name} (\S+)", plain, re.MULTILINE)[1]) for name in names]
        assert across == sorted(across)


def test_a_highlight_is_seen_where_it_is_folded():
    graph = ad.trace(stack(3))(ad.ones(2, 4))
    by_name = graph.picture(highlight="relu")
    assert {box.highlight for box in by_name.boxes if box.subtitle == "ReLU"} == {"highlighted"}
    assert any(entry.text == "highlighted" for entry in by_name.legend)
    (box,) = (box for box in graph.picture(depth=0, highlight=(graph.ops[1],)).boxes if box.ops)
    assert box.highlight == "highlighted"


def test_the_first_value_that_is_not_finite_is_marked():
    with np.errstate(all="ignore"):
        graph = ad.trace(lambda x: np.sum(np.exp(np.log(x - 1))))(ad.ones(3) * 0.5)
    marked = [box.title for box in graph.picture(show="values").boxes if box.highlight]
    assert marked == ["log"]


def test_memory_is_that_of_a_chain_in_closed_form():
    graph = ad.draw(lambda x: np.sum(np.exp(np.sin(x))), ad.ones(1000, requires_grad=True), overlay="memory")
    peak, at = _peak(graph)
    assert (peak, at.name) == (8004, "sum")  # the sum, while the result of exp is kept for the backward pass
    hot = [box.title for box in graph.picture().boxes if box.fill == graph.picture().theme.heat[-1]]
    assert "exp" in hot


# --- looks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"depth": -1}, ValueError, "depth is a number of module levels"),
        ({"depth": True}, ValueError, "got True"),
        ({"show": "shape"}, ValueError, r"show is any of shapes, .*got \('shape',\)"),
        ({"theme": "blue"}, ValueError, '"light", "dark" or "paper"'),
        ({"overlay": "cost"}, ValueError, '"memory" or "time"'),
        ({"dept": 2}, TypeError, "did you mean 'depth'"),
        ({"backward": True}, ValueError, "has no backward pass"),
    ],
    ids=str,
)
def test_a_look_that_is_none_is_refused(options, error, says):
    with pytest.raises(error, match=says):
        recurrence(2).dot(**options)


def test_a_look_is_kept_by_the_graph():
    graph = recurrence(3)
    dark = graph.with_look(theme="dark", depth=None)
    assert dark.dot() == graph.dot(theme="dark", depth=None)
    assert repr(dark.look) == "Look(depth=None, theme='dark')"
    assert graph.look == Look()
    assert dark.ops is graph.ops


def test_draw_writes_files_and_runs_the_backward_pass(tmp_path):
    graph = ad.draw(
        np.tanh, ad.ones(3, requires_grad=True), backward=True, path=tmp_path / "a", formats=("dot", "text")
    )
    assert (tmp_path / "a.dot").read_text() == graph.dot()
    assert [c.title for c in graph.picture().clusters] == ["forward", "backward"]
    with pytest.raises(ValueError, match="formats is any of svg, .*got 'bmp'"):
        ad.draw(np.tanh, ad.ones(3), path=tmp_path / "a", formats="bmp")
    with pytest.raises(ValueError, match="path and formats go together"):
        ad.draw(np.tanh, ad.ones(3), path=tmp_path / "a")
    with pytest.raises(TypeError, match="a picture is of a tensor, a Graph"):
        ad.draw(np.ones(3))
