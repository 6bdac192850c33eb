"""The engine's own cost: a chain of 100 cheap operations on 4x4 float32 arrays, per operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.row import OURS, Row, Timed

PAIRS = 50
SEED = np.ones((4, 4), np.float32)
timed = partial(Timed, operations=2 * PAIRS)


def operators(x: Any, a: Any, b: Any) -> Any:
    """The chain in operators."""
    for _ in range(PAIRS):
        x = x * a + b
    return x


def functions(x: Any, a: Any, b: Any) -> Any:
    """The same chain in NumPy's functions, which reach an engine through the array protocols."""
    for _ in range(PAIRS):
        x = np.add(np.multiply(x, a), b)
    return x


def operands() -> list[np.ndarray]:
    """x, a, b, with a near 1 so that the chain neither dies nor explodes."""
    rng = np.random.default_rng(0)
    return [rng.uniform(0.9, 1.1, (4, 4)).astype(np.float32) for _ in "xab"]


def numpy_by_hand() -> Timed:
    """What nobody can beat from Python: forward and backward written out, nothing recorded."""
    x, a, b = operands()
    gradient = {}

    def step() -> None:
        operators(x, a, b)
        g = SEED
        for _ in range(PAIRS):
            g = g * a
        gradient["x"] = g

    return timed(step, lambda: [gradient["x"]])


def ndtape(compute: Callable[..., Any] = operators, differentiable: str = "x", *, backward: bool = True) -> Timed:
    """Our engine."""
    import autodiff as ad

    x, a, b = (ad.tensor(v, requires_grad=n in differentiable) for n, v in zip("xab", operands(), strict=True))
    leaves = [t for t in (x, a, b) if t.requires_grad]
    seed = ad.tensor(SEED)

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        y = compute(x, a, b)
        if backward:
            y.backward(seed)

    return timed(step, lambda: [leaf.grad for leaf in leaves] if backward else [compute(x, a, b).detach()])


def torch(differentiable: str = "x", *, backward: bool = True) -> Timed:
    """PyTorch, eager."""
    import torch

    x, a, b = (torch.tensor(v, requires_grad=n in differentiable) for n, v in zip("xab", operands(), strict=True))
    leaves = [t for t in (x, a, b) if t.requires_grad]
    seed = torch.tensor(SEED)

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        y = operators(x, a, b)
        if backward:
            y.backward(seed)

    return timed(step, lambda: [leaf.grad for leaf in leaves] if backward else [operators(x, a, b).detach()])


def mygrad(compute: Callable[..., Any] = operators, differentiable: str = "x", *, backward: bool = True) -> Timed:
    """MyGrad without its memory guard, as its performance tips advise."""
    import mygrad

    mygrad.turn_memory_guarding_off()
    x, a, b = (mygrad.tensor(v, constant=n not in differentiable) for n, v in zip("xab", operands(), strict=True))
    leaves = [t for t in (x, a, b) if not t.constant]

    def step() -> None:
        for leaf in leaves:
            leaf.null_grad()
        y = compute(x, a, b)
        if backward:
            y.backward(SEED)

    return timed(step, lambda: [leaf.grad for leaf in leaves] if backward else [compute(x, a, b).data])


def autograd(differentiable: str = "x") -> Timed:
    """HIPS autograd; its vector-Jacobian product does forward and backward in one go."""
    from autograd import make_vjp

    values = operands()
    positions = [i for i, name in enumerate("xab") if name in differentiable]
    gradients: list[Any] = []

    def step() -> None:
        pullback, _ = make_vjp(operators, positions)(*values)
        gradients[:] = pullback(SEED)

    return timed(step, lambda: gradients)


ROWS = (
    Row(
        "forward + backward",
        "us an op",
        {OURS: ndtape, "torch": torch, "mygrad": mygrad, "autograd": autograd, "numpy": numpy_by_hand},
        limits={"torch": 0.55, "mygrad": 0.4, "autograd": 0.2},
    ),
    Row(
        "forward only, recorded",
        "us an op",
        {
            OURS: partial(ndtape, backward=False),
            "torch": partial(torch, backward=False),
            "mygrad": partial(mygrad, backward=False),
        },
    ),
    Row(
        "forward + backward, every operand differentiable",
        "us an op",
        {
            OURS: partial(ndtape, differentiable="xab"),
            "torch": partial(torch, differentiable="xab"),
            "mygrad": partial(mygrad, differentiable="xab"),
            "autograd": partial(autograd, differentiable="xab"),
        },
    ),
    Row(
        "forward + backward, written in np.multiply and np.add",
        "us an op",
        {OURS: partial(ndtape, functions), "mygrad": partial(mygrad, functions)},
    ),
)
