"""What the rules answer where no derivative can be measured (between infinities, beside NaN) or no drawn call is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from autodiff import sweep
from autodiff.primitive import Primitive
from autodiff.tensor import Tensor

INF, NAN, EULER = math.inf, math.nan, np.euler_gamma


class Convention(NamedTuple):
    """An operation, its operands, and the gradients of the sum of its outputs.

    None: that operand has no gradient, and its dtype is what its numbers say.

    Of second `order`, those of the sum of the gradients.
    """

    name: str
    operands: tuple[list[Any], ...]
    gradients: tuple[list[Any] | None, ...]
    keywords: Mapping[str, Any] = MappingProxyType({})
    order: int = 1


CONVENTIONS = [
    Convention("logaddexp", ([-INF, 1, INF, INF], [-INF, -INF, INF, 1]), ([0, 1, 0.5, 1], [0, 0, 0.5, 0])),
    Convention("logaddexp2", ([-INF, 1, INF, INF], [-INF, -INF, INF, 1]), ([0, 1, 0.5, 1], [0, 0, 0.5, 0])),
    *(
        Convention(name, ([0, 0, 0, 2], [0, 2, -1, 0]), ([0, 0, -INF, 0], [0, 0, -INF, math.log(2)]))
        for name in ("power", "float_power")
    ),
    Convention("nan_to_num", ([NAN, INF, -INF, 1],), ([0, 0, 0, 1],)),
    Convention("hypot", ([0, INF, 1, 1e300], [0, 1, INF, 0]), ([0, 1, 0, 1], [0, 0, 1, 0])),
    Convention("arctan2", ([0, 1, INF, 1], [0, INF, 1, 1e-300]), ([0, 0, 0, 1e-300], [0, 0, 0, -1])),
    Convention("logsumexp", ([-INF, -INF],), ([0, 0],)),
    Convention("weighted_logsumexp", ([-INF, -INF], [1, 2]), ([0, 0], [0, 0])),
    Convention("logcumsumexp", ([-INF, -INF, 0],), ([0, 0, 1],)),
    Convention("nanmax", ([1, NAN, 1, 0],), ([0.5, 0, 0.5, 0],)),  # at ties: shared; NaN: none
    Convention("nanmin", ([1, NAN, 1, 2],), ([0.5, 0, 0.5, 0],)),
    Convention("fmax", ([NAN, 1, 2], [1, NAN, 2]), ([0, 1, 0.5], [1, 0, 0.5])),
    Convention("fmin", ([NAN, 1, 2], [1, NAN, 2]), ([0, 1, 0.5], [1, 0, 0.5])),
    Convention("clip", ([-2, 0], [1, 1], [-1, -1]), ([0, 0], [0, 0], [1, 1])),  # crossed bounds: the upper one wins
    Convention("xlogy", ([0, 0, 1], [0, 2, 0]), ([0, math.log(2), -INF], [0, 0, INF])),
    Convention("xlog1py", ([0, 0, 0, 1], [-1, 1, -0.5, -1]), ([0, math.log(2), -math.log(2), -INF], [0, 0, 0, INF])),
    Convention("rel_entr", ([0, 0, 1, 2], [0, 2, 0, 1]), ([0, 0, INF, 1 + math.log(2)], [0, 0, -INF, -2])),
    Convention("kl_div", ([0, 0, 1, 2], [0, 2, 0, 1]), ([0, 0, INF, math.log(2)], [1, 1, -INF, -1])),
    Convention("log_ndtr", ([-INF, -1e9, INF],), ([INF, 1e9, 0],)),
    Convention("erfcx", ([INF, -40],), ([0, -INF],)),
    Convention("ive", ([1], [-1]), (None, [0.049938776894223574])),  # left of 0 it is scaled by exp(x)
    Convention("rgamma", ([0, -1, -2, INF],), ([1, -1, 2, 0],)),
    Convention(
        "rgamma", ([0, 1],), ([2 * EULER, EULER**2 - math.pi**2 / 6],), order=2
    ),  # where gamma(1 - x) is infinite
    Convention("entr", ([0, 1],), ([0, -1],)),
    Convention("binary_nll", ([0, 1, 0.5], [1, 0, 0.5]), ([-1e12, 1e12, 0], [100, -100, 0])),
    Convention("leaky_relu", ([0],), ([0.01],)),
    Convention("elu", ([0],), ([2],), {"alpha": 2.0}),
    Convention("elu", ([1000],), ([0],), order=2),
    Convention("hardtanh", ([-1, 0, 1],), ([0, 1, 0],)),
    Convention(  # the first row is met twice, the last is padding
        "embedding",
        ([[1], [2], [3]], [[0, 0], [2, 1]]),
        ([[1], [1], [0]], None),
        {"padding_idx": 2, "by_frequency": True},
    ),
    Convention("zeta", ([2, 3], [1.5]), (None, [-1.5333421612355385])),  # the sum of -a zeta(a + 1, 1.5)
]


def conventions(entry: Primitive) -> list[Callable[[], bool]]:
    """Return a test of each convention of an operation.

    >>> import autodiff as ad
    >>> [test() for test in conventions(ad.registry[np.logaddexp])]
    [True]
    """
    return [_test(entry, c) for c in CONVENTIONS if c.name == entry.name]


def _test(entry: Primitive, convention: Convention) -> Callable[[], bool]:
    def holds() -> bool:
        wanted = [e for e in convention.gradients if e is not None]
        xs = [
            Tensor(np.array(x)) if e is None else Tensor(np.array(x, dtype=np.float64)).requires_grad_()
            for x, e in zip(convention.operands, convention.gradients, strict=True)
        ]
        with np.errstate(all="ignore"):
            ys: Any = entry(*xs, **convention.keywords)
            for order in range(1, convention.order + 1):
                total = sum(map(np.sum, ys if isinstance(ys, tuple) else (ys,)))
                ys = found = sweep.grad(
                    total, [x for x in xs if x.requires_grad], create_graph=order < convention.order
                )
        return all(g is not None and np.allclose(g.data, e, rtol=1e-12) for g, e in zip(found, wanted, strict=True))

    holds.__name__ = f"{entry.name} at {', '.join(map(str, convention.operands))}"
    return holds
