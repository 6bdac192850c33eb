"""Entropies, x log y, and robust losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.activation import relu
from autodiff.kernels.division import cosine, product, ratio
from autodiff.rules.special.forms import elementwise

elementwise(
    special.xlogy,
    lambda g, a, b: product(g, special.xlogy(_kept(a, b), b)),
    lambda g, a, b: ratio(product(g, a), b),
    domain=(None, "positive"),
)
elementwise(
    special.xlog1py,
    lambda g, a, b: product(g, special.xlog1py(_kept(a, b + 1), b)),
    lambda g, a, b: ratio(product(g, a), b + 1),
    domain=(None, "above minus one"),
)
elementwise(special.entr, lambda g, x: -product(g, special.xlogy(_kept(x, x), x) + _kept(x, x)), domain="positive")
_RELATIVE: Any = {"domain": ("positive", "positive")}  # where nothing is expected of nothing: 0
elementwise(special.rel_entr, lambda g, a, b: product(g, _excess(a, b, 1)), lambda g, a, b: -ratio(product(g, a), b),
            **_RELATIVE, singular=(0.0,))  # fmt: skip
elementwise(special.kl_div, lambda g, a, b: product(g, _excess(a, b, 0)), lambda g, a, b: g - ratio(product(g, a), b),
            **_RELATIVE, singular=(0.0,))  # fmt: skip

elementwise(
    special.huber,
    lambda g, a, b: g * relu(np.abs(b) - a),
    lambda g, a, b: g * np.clip(b, -a, a),
    domain=("above a quarter", None),
)
elementwise(
    special.pseudo_huber,
    lambda g, a, b: g * np.hypot(a, b) * np.square(1 - cosine(a, b)),
    lambda g, a, b: g * a * cosine(b, a),
    domain=("above a quarter", None),
)


def _kept(x: Any, y: Any) -> Any:
    """Return 1, but 0 where x log y is 0 log 0: there the gradient is 0."""
    return (np.not_equal(x, 0) | np.greater(y, 0)) * np.ones_like(x)


def _excess(x: Any, y: Any, plus: int) -> Any:
    """Return log(x / y) + plus, 0 where x is 0."""
    return np.where(np.equal(x, 0), 0, np.log(x) - np.log(y) + plus)
