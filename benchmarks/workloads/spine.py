"""The engine's own cost beside what it was when its spine was closed: recorded calls on 4x4 float32 arrays.

The other engine is that commit of this repository, in a checkout of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.engines import BASELINE, OURS
from benchmarks.row import Row, Timed
from benchmarks.workloads.chain import PAIRS, SEED, functions, operands, operators

CALLS = 100
CHECKOUTS: list[TemporaryDirectory[str]] = []  # removed when the process ends

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, a: x + a,
    "multiply": lambda x, a: x * a,
    "multiply by a number": lambda x, a: x * 2.0,
    "exp": lambda x, a: np.exp(x),
    "matmul": lambda x, a: x @ a,
    "sum": lambda x, a: x.sum(),
    "np.sum, axis and keepdims": lambda x, a: np.sum(x, axis=0, keepdims=True),
    "reshape": lambda x, a: x.reshape(16),
    "getitem": lambda x, a: x[1:, 0],
}


def here() -> ModuleType:
    """The engine as it is."""
    import autodiff

    return autodiff


@cache
def then() -> ModuleType:
    """The engine at the commit."""
    checkout = TemporaryDirectory(prefix=f"{OURS}-{BASELINE}-")
    CHECKOUTS.append(checkout)
    command = ["git", "archive", BASELINE, "autodiff"]
    archive = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(checkout.name)  # noqa: S202 (our own archive; older Pythons know no filter)
    sys.path.insert(0, checkout.name)
    import autodiff

    assert autodiff.__file__.startswith(checkout.name)
    return autodiff


def recorded(call: Callable[[Any, Any], Any], engine: Callable[[], ModuleType]) -> Timed:
    """Record one operation a hundred times, both operands differentiable."""
    ad = engine()
    x, a, _ = (ad.tensor(value, requires_grad=True) for value in operands())

    def step() -> None:
        for _ in range(CALLS):
            call(x, a)

    return Timed(step, lambda: [call(x, a).detach().numpy()], CALLS)


def swept(compute: Callable[..., Any], engine: Callable[[], ModuleType]) -> Timed:
    """Record the chain of multiplications and additions and go back through it."""
    ad = engine()
    leaves = [ad.tensor(value, requires_grad=True) for value in operands()]
    seed = ad.tensor(SEED)

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        compute(*leaves).backward(seed)

    return Timed(step, lambda: [leaf.grad.numpy() for leaf in leaves], 2 * PAIRS)


def row(name: str, work: Callable[[Callable[[], ModuleType]], Timed]) -> Row:
    """The same work in both checkouts."""
    return Row(name, "us an op", {OURS: partial(work, here), BASELINE: partial(work, then)}, limits={BASELINE: 1.05})


ROWS = (
    *(row(f"{name}, recorded", partial(recorded, call)) for name, call in OPERATIONS.items()),
    row("chain, forward + backward", partial(swept, operators)),
    row("chain in np.multiply and np.add, forward + backward", partial(swept, functions)),
)
