"""What the rules answer where no derivative can be measured: between infinities, and beside NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff import sweep
from autodiff.kernels.logits import logsumexp
from autodiff.primitive import Primitive
from autodiff.tensor import Tensor

INF, NAN = np.inf, np.nan


class Convention(NamedTuple):
    """A function, its operands, and the gradients of the sum of its outputs."""

    fun: Callable[..., Any]
    operands: tuple[Any, ...]
    gradients: tuple[Any, ...]


CONVENTIONS = [
    Convention(np.logaddexp, ([-INF, 1.0], [-INF, -INF]), ([0.0, 1.0], [0.0, 0.0])),
    Convention(np.logaddexp2, ([-INF, 1.0], [-INF, -INF]), ([0.0, 1.0], [0.0, 0.0])),
    Convention(logsumexp, ([-INF, -INF],), ([0.0, 0.0],)),
    Convention(np.fmax, ([NAN, 1.0, 2.0], [1.0, NAN, 2.0]), ([0.0, 1.0, 0.5], [1.0, 0.0, 0.5])),
    Convention(np.fmin, ([NAN, 1.0, 2.0], [1.0, NAN, 2.0]), ([0.0, 1.0, 0.5], [1.0, 0.0, 0.5])),
]


def conventions(entry: Primitive) -> list[Callable[[], bool]]:
    """Return a test of each convention of an operation.

    >>> import autodiff as ad
    >>> [test() for test in conventions(ad.registry[np.logaddexp])]
    [True]
    """
    return [_test(c) for c in CONVENTIONS if c.fun in (entry.fun, entry.kernel)]


def _test(convention: Convention) -> Callable[[], bool]:
    fun, operands, gradients = convention

    def holds() -> bool:
        xs = [Tensor(np.array(x)).requires_grad_() for x in operands]
        found = sweep.grad(np.sum(fun(*xs)), xs)
        return all(g is not None and np.array_equal(g.data, e) for g, e in zip(found, gradients, strict=True))

    holds.__name__ = f"{fun.__name__} at {', '.join(map(str, operands))}"
    return holds
