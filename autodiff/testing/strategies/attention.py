"""Arguments of attention and of activation functions with options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import activation
from autodiff.kernels.attention import attention, attention_backward, keeps
from autodiff.testing.strategies.arrays import drawn, levels
from autodiff.testing.strategies.drawing import Arguments, Draw


def attended(d: Draw) -> Arguments:
    """Draw queries, keys and values of short and long rows, a mask or a bias or both, and options."""
    lead = d.choice((), (2,), (1, 2), (0,))
    n, m, e, f = d.integer(0, 3), d.integer(1, 5), d.integer(1, 2), d.integer(1, 2)
    q, k, v = (d.array((*lead, *s), i) for i, s in enumerate(((n, e), (m, e), (m, f))))
    args: list[Any] = [q, k, v]
    if d.entry.fun is attention_backward:
        args = [d.array((*lead, n, f)), *args, d.array((*lead, n, m if keeps(q, k, v) else 1))]
    shape = (*d.choice((), lead), d.choice(n, 1), d.choice(m, 1))
    mask = d.choice(None, drawn(d.draw, shape, np.array([True, False])))
    args += d.choice([], [mask], [mask, d.array(shape)])
    return args, d.choice({}, {"causal": True}, {"scale": 0.5}, {"causal": True, "scale": 0.5})


def activated(kink: Callable[..., Any], *options: dict[str, float]) -> Callable[[Draw], Arguments]:
    """Return what draws options and a value clear of the kinks they make, or exactly there as well."""

    def arguments(d: Draw) -> Arguments:
        keywords = d.choice(*options)
        points = kink(**keywords)
        values = levels(away_from=points) if d.smooth else levels(at=points)
        return [d.finished(drawn(d.draw, d.shape(), values))], keywords

    return arguments


ARGUMENTS: dict[Any, Callable[[Draw], Arguments]] = {
    attention: attended,
    attention_backward: attended,
    activation.softplus: activated(
        lambda beta=1.0, threshold=20.0: (threshold / beta,), {}, {"beta": 2.0}, {"beta": 2.0, "threshold": 1.0}
    ),
    activation.leaky_relu: activated(lambda **_: (0.0,), {}, {"negative_slope": 0.5}, {"negative_slope": -2.0}),
    activation.elu: activated(lambda **_: (0.0,), {}, {"alpha": 0.5}, {"alpha": -1.5}),
    activation.hardtanh: activated(
        lambda min_val=-1.0, max_val=1.0: (min_val, max_val, -1.0, 1.0), {}, {"min_val": -0.5, "max_val": 2.0}
    ),
}
