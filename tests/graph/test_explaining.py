"""`ad.explain`: each reason why a gradient is missing, on a program that has it; none where a gradient is healthy."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.graph.pictures.style import STARTS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def parameter(values, name, dtype=np.float32):
    t = ad.tensor(np.array(values, dtype), requires_grad=True)
    t.name = name
    return t


class Half(ad.Function):
    """A product whose backward forgets its first operand."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a)
        return a * b

    @staticmethod
    def backward(ctx, g):
        return None, g * ctx.saved_tensors[0]


def quiet(w, v):
    with ad.no_grad():
        h = np.exp(w * 2)
    return np.sum(np.tanh(h) * v)


def leaf_anew(w, v):
    h = (w * 2).detach().requires_grad_()
    return np.sum(h * h * v)


def unrecorded(w, v):
    (slope,) = ad.grad(np.sum(v**3 * w), v)
    return np.sum(slope**2 * v)


def dead_end(w, v):
    np.tanh(w)
    return np.sum(v)


# the program of w = [-1, -2] and v = [1, 2]; what the gradient of w is; the blocker; the operation that is to blame
CASES = {
    "detach": (lambda w, v: np.sum((w * 2).detach() * v), "None", "detach", "multiply"),
    "data": (lambda w, v: np.sum(v * w.data), "None", "detach", "multiply"),
    "leaf anew": (leaf_anew, "None", "detach", "multiply"),
    "no_grad": (quiet, "None", "no_grad", "multiply"),
    "integer cast": (lambda w, v: np.sum((w * 2).astype(np.int64) * v), "None", "integer cast", "astype"),
    "argmax": (lambda w, v: np.sum(v[np.argmax(w * 2)]), "None", "argmax", "argmax"),
    "comparison": (lambda w, v: np.sum(np.where(w > -1.5, v, 0)), "None", "comparison", "greater"),
    "unused": (lambda w, v: np.sum(v), "None", "unused", None),
    "dead end": (dead_end, "None", "unused", None),
    "function": (lambda w, v: np.sum(Half.apply(w, v)), "None", "function", "Half"),
    "second order": (unrecorded, "None", "no_grad", "multiply"),
    "dead ReLU": (lambda w, v: np.sum(ad.relu(w * v) * 3), "zero", "dead ReLU", "relu"),
    "step function": (lambda w, v: np.sum(np.round(w * 0.3) * v), "zero", "step function", "round"),
    "saturated sigmoid": (lambda w, v: np.sum(ad.sigmoid(w * 100)), "zero", "saturated", "sigmoid"),
    "nearly flat": (lambda w, v: np.sum(np.exp(w * 20)), "tiny", "saturated", "exp"),
    "clipped": (lambda w, v: np.sum(np.clip(w, 0, 1)), "zero", "flat", "clip"),
    "the smaller": (lambda w, v: np.sum(np.maximum(w, v)), "zero", "flat", "maximum"),
    "not chosen": (lambda w, v: np.sum(np.where(v > 0, v, w * 2)), "zero", "not chosen", "where"),
    "not picked": (lambda w, v: np.sum((w * 2)[:0]), "zero", "not chosen", "getitem"),
    "zero weight": (lambda w, v: np.sum((w * v) @ np.zeros((2, 3), np.float32)), "zero", "zero operand", "matmul"),
    "cancels": (lambda w, v: np.sum(w * v - w * v), "zero", "cancels", "multiply"),
    "sum of softmax": (lambda w, v: np.sum(ad.softmax(w * v)), "zero", "no effect", "softmax"),
    "underflow": (lambda w, v: np.sum(w.astype(np.float16) * 1e-4 * 1e-4), "zero", "underflow", "multiply"),
    "overflow": (lambda w, v: np.sum(np.exp(w * -800) / np.exp(w * -800)), "NaN", "overflow", "exp"),
    "infinite slope": (lambda w, v: np.sum(np.sqrt(w + v)), "infinite", "infinite slope", "sqrt"),
    "log of 0": (lambda w, v: np.sum(np.log(w + v) * (w + v)), "infinite", "infinity born", "log"),
    "log of less": (lambda w, v: np.sum(np.tanh(np.log(w)) * v), "NaN", "NaN born", "log"),
    "given": (lambda w, v: np.sum(w * np.array([np.nan, 1], np.float32)), "NaN", "given", None),
}


@pytest.mark.parametrize(("f", "status", "kind", "name"), CASES.values(), ids=CASES)
def test_each_reason_is_found_at_the_operation_that_is_to_blame(f, status, kind, name):
    w, v = parameter([-1, -2], "w"), parameter([1, 2], "v")
    found = ad.explain(w, ad.trace(f)(w, v))
    assert found.status == status
    assert {(b.kind, b.step.name if b.step is not None else None) for b in found.blockers} == {(kind, name)}
    assert f"{kind}: " in found.text
    said = {why for why in found.graph.highlights.values() if why != "on its path"}
    assert said <= ({STARTS[status]} if status in ("None", "zero", "tiny") else {STARTS["NaN"], STARTS["infinite"]})
    assert said or name is None


@pytest.mark.parametrize(("f", "status", "kind", "name"), CASES.values(), ids=CASES)
def test_what_the_gradient_is_agrees_with_backward(f, status, kind, name):
    w, v = parameter([-1, -2], "w"), parameter([1, 2], "v")
    loss = f(w, v)
    graph = ad.trace(f)(w, v)
    if loss.requires_grad:
        loss.backward()
    truth = w.grad.data if w.grad is not None else None
    found = ad.explain("w", graph)
    if truth is None:
        assert found.gradient is None
    else:
        np.testing.assert_allclose(found.gradient, truth, rtol=1e-5)


def test_a_tape_tells_what_it_can():
    w, v = parameter([-1, -2], "w"), parameter([1, 2], "v")
    assert [b.kind for b in ad.explain(w, np.sum(ad.relu(w * v))).blockers] == ["dead ReLU"]
    assert [b.kind for b in ad.explain(w, np.sum(w.detach() * v)).blockers] == ["detach"]
    hidden = ad.explain(w, np.sum((w * 2).detach() * v))
    assert (hidden.status, hidden.blockers[0].kind) == ("None", "unused")
    assert "ad.trace" in hidden.text
    loss = np.sum(ad.relu(w * v))
    loss.backward()
    assert ad.explain(w, loss).status == "zero"
    assert "freed" in ad.explain(w, loss).text
    assert ad.explain(w).status == "zero"
    assert ad.explain(v).status == "zero"
    assert ad.explain(ad.ones(2)).blockers[0].kind == "frozen"


def test_a_frozen_parameter_and_what_the_loss_is():
    w, v = parameter([-1, -2], "w"), parameter([1, 2], "v")
    w.requires_grad_(False)
    assert [b.kind for b in ad.explain(w, ad.trace(lambda x: np.sum(w * v))(v)).blockers] == ["frozen"]

    def step():
        h = np.tanh(v)
        np.sum(h).backward()
        return np.sum(h * w)  # beside the loss, not below it

    assert ad.explain(v, ad.trace(step)()).paths[0][0].op.name == "sum"
    with pytest.raises(ValueError, match="no loss"):
        ad.explain(v, ad.trace(lambda: None)())


def test_the_path_goes_through_the_blocker_and_is_counted():
    w, v = parameter([-1, -2], "w"), parameter([1, 2], "v")

    def f():
        h = w * v
        return np.sum(np.tanh(ad.relu(h)) + np.exp(h.detach()))

    found = ad.explain(w, ad.trace(f)())
    assert {b.kind for b in found.blockers} == {"dead ReLU", "detach"}
    assert found.count == 2
    assert [[x.op.name for x in way if x.op is not None] for way in found.paths] == [
        ["sum", "add", "exp", "multiply"],
        ["sum", "add", "tanh", "relu", "multiply"],
    ]


def test_a_gradient_vanishes_little_by_little():
    layers = [layer for _ in range(12) for layer in (nn.Linear(3, 3), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(3, 1))

    def step(x):
        np.mean(model(x)).backward()

    graph = ad.trace(step)(ad.rand(4, 3))
    found = ad.explain("0.weight", graph)
    assert found.status == "tiny"
    assert [(b.kind, b.step.name) for b in found.blockers] == [("vanishing", "sigmoid")] * 12
    audit = ad.explain(model, graph)
    assert [e.status for e in audit.explanations] == [e.status for e in ad.explain(graph).explanations]
    assert audit[-1].status == "fine"
    assert len(audit) == 26
    assert "vanishing" in audit.text


def test_a_parameter_is_found_after_it_was_changed_in_place():
    model, x = nn.Linear(2, 1), ad.rand(3, 2)
    optimizer = nn.optim.SGD(model.parameters(), 0.1)

    def step(x):
        model(x).sum().backward()
        optimizer.step()

    assert ad.explain(model.weight, ad.trace(step)(x)).status == "fine"


def test_where_a_traced_function_raised():
    def step(x):
        with ad.detect_anomaly():
            return np.sum(np.log(x - 2) ** 2)

    with pytest.raises(FloatingPointError, match=r"ad\.explain") as caught:
        ad.trace(step)(ad.ones(2))
    audit = ad.explain(caught.value.graph)
    assert [(b.kind, b.step.name) for b in audit.births] == [("NaN born", "log")]


def test_nothing_is_changed():
    w, v = parameter([-1, 2], "w"), parameter([1, 2], "v")
    seen = []
    w.register_hook(seen.append)
    loss = np.sum(np.tanh(w * v))
    ad.explain(w, loss)
    assert not seen
    assert w.grad is None
    loss.backward()
    assert len(seen) == 1


def test_names_that_are_none_and_things_that_have_no_gradient():
    w = parameter([1], "w")
    graph = ad.trace(lambda: np.sum(w * 2))()
    with pytest.raises(ValueError, match="'ww' names nothing"):
        ad.explain("ww", graph)
    with pytest.raises(TypeError, match="expected a tensor"):
        ad.explain(3, graph)
    with pytest.raises(TypeError, match="a Graph .* or a loss"):
        ad.explain("w")


def test_a_notebook_sees_text_and_picture():
    w = parameter([-1], "<b>")
    shown = ad.explain(w, ad.trace(lambda: np.sum(ad.relu(w)))())._repr_mimebundle_()
    assert shown["text/plain"].startswith("<b> f32[1]: the gradient is zero.")
    assert "<b>" not in shown.get("text/html", "")


# --- random programs: a layer for each letter, with a parameter of its own -----------------------------------------

HEALTHY = {
    "t": lambda h, w: np.tanh(h * w),
    "s": lambda h, w: ad.sigmoid(h + w),
    "m": lambda h, w: h @ (w * np.eye(3, dtype=np.float32)),
    "g": lambda h, w: (h * w)[::-1],
    "e": lambda h, w: np.exp(-h * h) * w,
    "r": lambda h, w: ad.relu(h) + w,
    "c": lambda h, w: np.concatenate([h * w, h], 0)[: len(h)],
}
PLANTED = {
    "D": ("detach", lambda h, w: (h * w).detach() + w),
    "I": ("integer cast", lambda h, w: (h * w * 4).astype(np.int32) * 0.2 + w),
    "Z": ("step function", lambda h, w: np.floor(h * w) + w),
    "R": ("dead ReLU", lambda h, w: ad.relu(-np.abs(h * w) - 1) + w),
}


@settings(max_examples=40, deadline=None)
@given(st.text("tsmgercDIZR", min_size=1, max_size=7), st.integers(0, 2**16))
def test_random_programs_have_the_blockers_that_were_planted_and_no_others(program, seed):
    rng = np.random.default_rng(seed)
    weights = [parameter(rng.uniform(0.5, 1, 3), f"w{i}") for i in range(len(program))]
    rules = HEALTHY | {key: f for key, (_, f) in PLANTED.items()}

    def f(x):
        h = x
        for key, w in zip(program, weights, strict=True):
            h = rules[key](h, w)
        return np.sum(h * h)

    x = ad.tensor(rng.uniform(-1, 1, (2, 3)).astype(np.float32))
    f(x).backward()
    planted = {PLANTED[key][0] for key in program if key in PLANTED}
    for w, found in zip(weights, ad.explain(ad.trace(f)(x)).explanations, strict=True):
        truth = w.grad.data if w.grad is not None else None
        if truth is None:
            assert found.status == "None"
        else:
            np.testing.assert_allclose(found.gradient, truth, rtol=1e-4, atol=1e-7)
        if found.status == "fine":
            assert not found.blockers
            assert np.abs(truth).max() > 1e-7
        elif found.status in ("None", "zero"):
            assert found.blockers
            assert {b.kind for b in found.blockers} - {"dead ReLU", "not chosen"} <= planted  # of the letters r and c
        else:
            assert found.status == "tiny"
            assert np.abs(truth).max() < 1e-5


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        return ad.sigmoid(x) + ad.relu(self.inner(x))


def test_the_picture_opens_the_module_that_blocks_and_no_fused_operation_beside_it():
    model = nn.Sequential(*(Block() for _ in range(30)))
    with ad.no_grad():
        for n, block in enumerate(model):
            block.inner.bias += 9 if n != 7 else -90
    graph = ad.explain("7.inner.weight", ad.trace(lambda x: model(x).sum())(ad.rand(2, 3))).graph
    picture = graph.picture(depth=1)
    (first,) = (box for box in picture.boxes if box.highlight == "becomes zero here")
    assert [op.name for op in first.ops] == ["relu"]
    assert len(picture.boxes) < 20  # and no other one
    assert not [c for c in picture.clusters if c.kind == "fused"]


def test_the_path_says_where_nan_starts():
    w = parameter([-1, 2], "w")
    with np.errstate(all="ignore"):
        found = ad.explain(w, ad.trace(lambda x: np.sum(np.log(w * x) ** 2))(ad.ones(2)))
    assert re.search(r"%2 +log .*<- NaN starts here", found.text)
    assert "blocks" not in found.graph.dot()
