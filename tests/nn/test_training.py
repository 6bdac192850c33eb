"""Whole trainings: real data is learned, a seed replays a run, and modules name what they compute."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import tape
from autodiff.graph import trace
from nn import optim


def train(seed: int, images, labels, epochs: int) -> nn.Module:
    ad.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
    optimizer, criterion = optim.Adam(model.parameters(), lr=3e-3), nn.CrossEntropyLoss()
    for _ in range(epochs):
        for x, y in nn.DataLoader((images, labels), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def digits():
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    return (data.images[order] / 16).astype(np.float32), data.target[order]


def test_handwritten_digits_are_read(digits) -> None:
    images, labels = digits
    model = train(0, images[:1400], labels[:1400], epochs=20)
    scores = model(ad.tensor(images[1400:]))
    assert (scores.argmax(1).numpy() == labels[1400:]).mean() >= 0.96


def test_a_seed_replays_a_training_bit_for_bit(digits) -> None:
    images, labels = digits
    first, second = (train(seed, images[:200], labels[:200], epochs=2).state_dict() for seed in (1, 1))
    for key, value in first.items():
        np.testing.assert_array_equal(value.numpy(), second[key].numpy())


def test_modules_name_the_scope_they_compute_in() -> None:
    seen = []

    class Probe(nn.Module):
        def forward(self, x):
            seen.append(tape.mode.get().scope)
            return x

    model = nn.Sequential(OrderedDict(body=nn.Sequential(nn.Tanh(), Probe())))
    with ad.detect_anomaly():
        model(ad.ones(1))
    assert seen == [("Sequential", "body: Sequential", "1: Probe")]


def test_anomaly_mode_looks_inside_a_model() -> None:
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": np.full((1, 2), 3e38), "bias": np.zeros(1)})
    with np.errstate(over="ignore"), ad.detect_anomaly(), pytest.raises(FloatingPointError, match="linear"):
        model(ad.ones(1, 2))


OPTIMIZERS = {
    "SGD": lambda ps: optim.SGD(ps, 0.1),
    "Nesterov": lambda ps: optim.SGD(ps, 0.1, 0.9, weight_decay=0.1, nesterov=True),
    "dampened": lambda ps: optim.SGD(ps, 0.1, 0.9, 0.2, maximize=True),
    "Adam": lambda ps: optim.Adam(ps, 0.01, weight_decay=0.1, amsgrad=True),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_traced_step_changes_the_model_bit_for_bit_as_an_untraced_one(make, dtype) -> None:
    def run(wrap):
        ad.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 3, dtype=dtype), nn.ReLU(), nn.Dropout(0.1), nn.Linear(3, 2, dtype=dtype))
        optimizer = make(model.parameters())
        x = ad.random.normal(size=(5, 4), dtype=dtype)

        def step(x):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x), [0, 1, 0, 1, 1]).backward()
            optimizer.step()

        for _ in range(3):
            wrap(step)(x)
        assert all(p.requires_grad and p.is_leaf for p in model.parameters())
        return model.state_dict()

    eager, traced = run(lambda f: f), run(trace)
    for key, value in eager.items():
        np.testing.assert_array_equal(traced[key].numpy(), value.numpy())


def test_a_traced_step_shows_modules_parameters_state_and_optimizer_by_name() -> None:
    model = nn.Sequential(OrderedDict(hidden=nn.Linear(3, 2), act=nn.Tanh()))
    optimizer = optim.Adam(model.parameters())

    def step(x):
        model(x).sum().backward()
        optimizer.step()

    text = trace(step)(ad.ones(1, 3)).text()
    for part in ("hidden.weight", "Sequential / hidden: Linear", "act: Tanh", "hidden.bias.exp_avg_sq", "Adam"):
        assert part in text
