"""A training step replayed from its recorded operations alone is the step, bit for bit, with every optimizer."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import trace
from nn import optim

OPTIMIZERS = sorted(
    name
    for name, cls in vars(optim).items()
    if isinstance(cls, type) and issubclass(cls, optim.Optimizer) and name not in ("Optimizer", "LBFGS")
)


def training(name):
    """A linear layer, its optimizer after one step, and the function that takes the next."""
    ad.manual_seed(1)
    model = nn.Linear(3, 2, bias=name != "Muon")
    optimizer = getattr(optim, name)(model.parameters())

    def step(x, y):
        with ad.enable_grad():
            model.zero_grad()
            loss = np.mean((model(x) - y) ** 2)
            loss.backward()
        optimizer.step()

    step(*batch(0))
    return model, step


def batch(seed):
    rng = np.random.default_rng(seed)
    return tuple(ad.tensor(rng.normal(size=(4, n)).astype(np.float32)) for n in (3, 2))


@pytest.mark.parametrize("recording", [True, False], ids=["gradients on", "no_grad"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_replayed(name, recording):
    _, step = training(name)
    with ad.set_grad_enabled(recording):
        graph = trace(step)(*batch(1))
    assert {op.phase for op in graph.ops} == {"forward", "backward", "update"}
    after = {w.target.name: w.value for w in graph.writes}
    inputs = [v for v in graph.sources if v.role == "input"]
    for seed in (1, 2):  # on the inputs of the trace, and on others: nothing of the step is a constant of the graph
        model, plain = training(name)
        plain(*batch(seed))
        replayed = graph.replay(dict(zip(inputs, (t.data for t in batch(seed)), strict=True)))
        for parameter, p in model.named_parameters():
            np.testing.assert_array_equal(replayed[after[parameter]], p.data, strict=True)


def test_the_optimizer_alone_is_replayed():
    model, step = training("Adam")
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    adam = optim.Adam(model.parameters())
    graph = trace(adam.step)()
    replayed = graph.replay()
    for w in graph.writes:
        if w.target.name in before:
            np.testing.assert_array_equal(w.target.array, before[w.target.name], strict=True)
            np.testing.assert_array_equal(replayed[w.value], dict(model.named_parameters())[w.target.name].data)
    assert [group.name for group in graph.groups] == ["adam", "adam"]
    with pytest.raises(RuntimeError, match="depends on the values"):
        trace(optim.LBFGS(model.parameters()).step)(lambda: step(*batch(1)))
