"""What operations cost, against closed forms and against what tracemalloc and torch's tables say."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import facts, trace
from autodiff.graph.recording.recorder import traced
from nn import models


def counted(f, *args):
    graph = trace(f)(*args)
    return sum(map(facts.multiply_adds, graph.ops)), sum(map(facts.flops, graph.ops))


X, T = ad.ones(2, 4, 5, 6), ad.ones(5, 2, 4)
PRODUCTS = {
    "convolution": (nn.Conv2d(4, 6, 3, padding=1, groups=2), (X,), 2 * 6 * 5 * 6 * (2 * 9)),
    "transposed": (nn.ConvTranspose2d(4, 3, 2, stride=2), (X,), 2 * 4 * 5 * 6 * (3 * 4)),
    "linear": (nn.Linear(6, 7), (X,), 2 * 4 * 5 * 6 * 7),
    "lstm": (nn.LSTM(4, 3), (T,), 5 * 2 * 4 * 3 * (4 + 3)),
    "attention": (nn.functional.scaled_dot_product_attention, (ad.ones(3, 8, 7, 4),) * 3, 2 * 24 * 7 * 7 * 4),
    "heads": (nn.MultiheadAttention(4, 2), (T, T, T), 4 * 10 * 16 + 2 * 2 * 25 * 4),
    "matmul": (np.matmul, (ad.ones(3, 2, 4), ad.ones(4, 5)), 3 * 2 * 4 * 5),
    "inner": (np.inner, (ad.ones(3, 4), ad.ones(2, 4)), 3 * 4 * 2),
    "tensordot": (np.tensordot, (ad.ones(3, 4, 5), ad.ones(4, 5, 6)), 3 * 20 * 6),
    "einsum": (lambda *xs: np.einsum("ij,jk,kl->il", *xs), (ad.ones(2, 9), ad.ones(9, 9), ad.ones(9, 9)), 2 * 2 * 81),
    "nothing": (lambda x: np.exp(x) + x.reshape(-1, 6).sum(0), (X,), 0),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_multiply_adds(name):
    f, args, expected = PRODUCTS[name]
    assert counted(f, *args)[0] == expected


def test_the_backward_pass_of_a_product_takes_two():
    def step(x, w):
        (x @ w).sum().backward()

    w = ad.ones(5, 7, requires_grad=True)
    x = ad.ones(3, 5, requires_grad=True)
    assert counted(step, x, w)[0] == 3 * (3 * 5 * 7)


def test_floating_point_operations():
    assert counted(lambda x: np.exp(x), ad.ones(3, 4))[1] == 12
    assert counted(lambda x: x.sum(0), ad.ones(3, 4))[1] == 12
    assert counted(lambda x: x.T[::2].copy(), ad.ones(3, 4))[1] == 0
    assert counted(np.linalg.cholesky, ad.tensor(np.eye(6)))[1] == 72
    assert counted(nn.Linear(4, 5), ad.ones(3, 4))[1] == 2 * 60


def test_the_published_count_of_resnet18():
    """1,814,073,344 at 224 x 224; a 32nd of the size in space has its convolutions scaled and its head as it is."""
    graph = traced(models.resnet18().eval(), timed=True)(ad.ones(1, 3, 32, 32))
    conv, fc = (sum(facts.multiply_adds(op) for op in graph.ops if name in op.name) for name in ("conv", "linear"))
    assert 49 * conv + fc == 1_814_073_344
    assert facts.parameters(graph.sources) == 11_689_512


@pytest.mark.long
def test_the_published_count_of_resnet18_at_its_size():
    graph = traced(models.resnet18().eval(), timed=True)(ad.ones(1, 3, 224, 224))
    assert sum(map(facts.multiply_adds, graph.ops)) == 1_814_073_344


# --- memory --------------------------------------------------------------------------------------------------------

W, V, SCALE = (ad.tensor(np.random.default_rng(0).normal(size=s), requires_grad=True) for s in ((64, 64), (64, 64), 64))
CONV = nn.Conv2d(4, 8, 3, padding=1)
PROGRAMS = {
    "a chain": lambda x: np.tanh(np.exp(x @ W) * SCALE).sum(),
    "a network": lambda x: nn.functional.softmax(nn.functional.relu(nn.functional.linear(x, W)) @ V, dim=1).sum(),
    "views": lambda x: np.exp((x @ W).reshape(64, -1).T).sum(),
    "saved twice": lambda x: np.multiply(y := np.exp(x @ W), np.tanh(y)).sum(),
    "a norm": lambda x: nn.functional.layer_norm(x @ W, (64,)).sum(),
    "a loss": lambda x: nn.functional.cross_entropy(x @ W, LABELS),
    "a convolution": lambda x: nn.functional.relu(CONV(x.reshape(-1, 4, 32, 32).astype(np.float32))).sum(),
    "dropout": lambda x: nn.functional.dropout(x @ W, 0.5).sum(),
    "nothing": lambda x: (x @ W + x.sum(0)).sum(),
}
LABELS = ad.tensor(np.arange(256) % 64)


@pytest.mark.parametrize("name", PROGRAMS)
def test_saved_bytes_are_what_the_tape_keeps(name):
    """What is alive while the result is, less what is without a history, by tracemalloc; small objects apart."""
    f, x = PROGRAMS[name], ad.ones(256, 64, dtype=np.float64)
    f(x)  # what is made once
    expected = facts.saved_bytes(trace(f)(x))
    gc.collect()
    tracemalloc.start()
    y = f(x)
    kept = tracemalloc.get_traced_memory()[0]
    del y
    kept -= tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert abs(kept - expected) < 6000, (kept, expected)


def test_allocated_bytes():
    graph = trace(lambda x: np.exp(x.T[:2]).T)(ad.ones(3, 4))
    assert [op.allocated for op in graph.ops] == [0, 0, 2 * 3 * 4, 0]
    assert [v.nbytes for v in graph.values] == [48, 48, 24, 24, 24]
