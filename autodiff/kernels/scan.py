"""First-order linear recurrences, the adjoint of cumulative products."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import primitive


@primitive(
    lambda g, a, y: _backwards(a, g) * _shift(y, 0),
    lambda g, a: _backwards(a, g),
    shapes="(n),(n)->(n)",
    analytic=True,
)
def recurrence(a: Any, b: Any) -> Any:
    """Return h with h[k] = a[k] * h[k-1] + b[k] along the last axis, h[-1] = 0; a[0] is not used."""
    h = np.array(np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)), dtype=np.result_type(a, b))
    for k in range(1, h.shape[-1]):
        h[..., k] += a[..., k] * h[..., k - 1]
    return h


def _shift(x: Any, fill: float) -> Any:
    """Move the last axis one place on, and put `fill` first."""
    widths = ((0, 0),) * (x.ndim - 1) + ((1, 0),)
    return np.pad(x, widths, constant_values=fill)[..., :-1]


def _backwards(a: Any, g: Any) -> Any:
    """Run the recurrence from the end: s[k] = g[k] + a[k+1] * s[k+1]."""
    return recurrence(_shift(a[..., ::-1], 0), g[..., ::-1])[..., ::-1]


def products_before(x: Any) -> Any:
    """Return the product of all that stands before each element along the last axis."""
    return np.cumprod(_shift(x, 1), axis=-1)


def cumprod_gradient(g: Any, x: Any) -> Any:
    """Pull a gradient back through cumprod along the last axis, exactly, zeros included."""
    return products_before(x) * _backwards(x, g)


def products_of_others(x: Any) -> Any:
    """Return for each element the product of all others along the last axis, exactly, zeros included."""
    return products_before(x) * products_before(x[..., ::-1])[..., ::-1]
