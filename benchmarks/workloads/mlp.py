"""A small real step: MLP 784-128-10 with ReLU, cross-entropy and Adam on a batch of 64, float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.row import OURS, Row, Timed

SIZES, BATCH = (784, 128, 10), 64
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


class Problem(NamedTuple):
    """One batch, and the weights every engine starts from, named as in a Sequential's state_dict."""

    x: np.ndarray
    labels: np.ndarray
    state: dict[str, np.ndarray]


def problem() -> Problem:
    """Draw the batch and the weights."""
    rng = np.random.default_rng(0)
    fan_in, hidden, classes = SIZES
    state = {
        "0.weight": rng.normal(0, fan_in**-0.5, (hidden, fan_in)),
        "0.bias": np.zeros(hidden),
        "2.weight": rng.normal(0, hidden**-0.5, (classes, hidden)),
        "2.bias": np.zeros(classes),
    }
    x = rng.standard_normal((BATCH, fan_in), np.float32)
    return Problem(x, rng.integers(0, classes, BATCH), {name: v.astype(np.float32) for name, v in state.items()})


def ndtape(*, adam: bool = True) -> Timed:
    """Our engine, as its users write it."""
    import autodiff as ad
    import nn
    from nn import optim

    x, labels, state = problem()
    model = nn.Sequential(nn.Linear(*SIZES[:2]), nn.ReLU(), nn.Linear(*SIZES[1:]))
    model.load_state_dict(state)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    inputs, targets = ad.tensor(x), ad.tensor(labels)

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        if adam:
            optimizer.step()

    return Timed(step, lambda: [p.detach() if adam else p.grad for p in model.parameters()])


def torch(*, adam: bool = True) -> Timed:
    """PyTorch, eager, with its fused Adam."""
    import torch
    from torch import nn, optim

    x, labels, state = problem()
    model = nn.Sequential(nn.Linear(*SIZES[:2]), nn.ReLU(), nn.Linear(*SIZES[1:]))
    model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    inputs, targets = torch.tensor(x), torch.tensor(labels)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        criterion(model(inputs), targets).backward()
        if adam:
            optimizer.step()

    return Timed(step, lambda: [p.detach() if adam else p.grad for p in model.parameters()])


def adam_by_hand(parameters: Sequence[np.ndarray]) -> Callable[[Sequence[np.ndarray]], None]:
    """Adam in NumPy with its scratch kept, for the engines that bring no optimizer for arrays."""
    state = [[np.zeros_like(p) for _ in ("mean", "square", "scratch")] for p in parameters]
    steps = 0

    def update(gradients: Sequence[np.ndarray]) -> None:
        nonlocal steps
        steps += 1
        rate = LEARNING_RATE / (1 - BETA1**steps)
        root = (1 - BETA2**steps) ** -0.5
        for p, g, (mean, square, scratch) in zip(parameters, gradients, state, strict=True):
            np.multiply(mean, BETA1, out=mean)
            np.multiply(g, 1 - BETA1, out=scratch)
            np.add(mean, scratch, out=mean)
            np.multiply(square, BETA2, out=square)
            np.multiply(g, g, out=scratch)
            np.multiply(scratch, 1 - BETA2, out=scratch)
            np.add(square, scratch, out=square)
            np.sqrt(square, out=scratch)
            np.multiply(scratch, root, out=scratch)
            np.add(scratch, EPSILON, out=scratch)
            np.divide(mean, scratch, out=scratch)
            np.multiply(scratch, rate, out=scratch)
            np.subtract(p, scratch, out=p)

    return update


def mygrad(*, adam: bool = True) -> Timed:
    """MyGrad without its memory guard, with its own fused softmax cross-entropy."""
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    mygrad.turn_memory_guarding_off()
    x, labels, state = problem()
    w1, b1, w2, b2 = parameters = [mygrad.tensor(value, copy=False) for value in state.values()]
    update = adam_by_hand([p.data for p in parameters])

    def step() -> None:
        loss = softmax_crossentropy(mygrad.matmul(relu(mygrad.matmul(x, w1.T) + b1), w2.T) + b2, labels)
        loss.backward()
        if adam:
            update([p.grad for p in parameters])

    return Timed(step, lambda: [p.data if adam else p.grad for p in parameters])


def autograd(*, adam: bool = True) -> Timed:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import grad
    from autograd.scipy.special import logsumexp

    x, labels, state = problem()
    parameters = list(state.values())
    gradients: list[np.ndarray] = []
    update = adam_by_hand(parameters)
    rows = np.arange(BATCH)

    def loss(p: list[Any]) -> Any:
        w1, b1, w2, b2 = p
        logits = anp.dot(anp.maximum(anp.dot(x, w1.T) + b1, 0), w2.T) + b2
        return anp.mean(logsumexp(logits, axis=1) - logits[rows, labels])

    gradient = grad(loss)

    def step() -> None:
        gradients[:] = gradient(parameters)
        if adam:
            update(gradients)

    return Timed(step, lambda: parameters if adam else gradients)


def numpy_by_hand(*, adam: bool = True) -> Timed:
    """Forward, backward and update written out: what is left when recording costs nothing."""
    x, labels, state = problem()
    w1, b1, w2, b2 = parameters = list(state.values())
    gradients: list[np.ndarray] = []
    update = adam_by_hand(parameters)
    rows = np.arange(BATCH)

    def step() -> None:
        h = x @ w1.T
        h += b1
        np.maximum(h, 0, out=h)
        g = h @ w2.T
        g += b2
        g -= g.max(axis=1, keepdims=True)
        np.exp(g, out=g)
        g /= g.sum(axis=1, keepdims=True)
        g[rows, labels] -= 1
        g /= BATCH
        gh = g @ w2
        gh *= h > 0
        gradients[:] = [gh.T @ x, gh.sum(axis=0), g.T @ h, g.sum(axis=0)]
        if adam:
            update(gradients)

    return Timed(step, lambda: parameters if adam else gradients)


ENGINES = {OURS: ndtape, "torch": torch, "mygrad": mygrad, "autograd": autograd, "numpy": numpy_by_hand}
ROWS = (
    Row("forward + backward + Adam", "us a step", ENGINES, limits={"torch": 0.9}),
    Row(
        "forward + backward",
        "us a step",
        {engine: partial(work, adam=False) for engine, work in ENGINES.items()},
    ),
)
