"""Division and product as derivatives need them: 0 wins; and the direction of a point, at any scale.

So a branch of `where` that was not taken cannot poison the one that was. All are closed under differentiation, so
this holds at every order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import bilinear, elementwise


def _sound(y: Any) -> bool:
    """Say whether an array holds no NaN, in one pass (a sum of infinities of both signs is looked at twice)."""
    total = np.add.reduce(y, axis=None)
    return bool(total == total)  # noqa: PLR0124 (NaN differs from itself)


@elementwise(lambda g, b: ratio(g, b), lambda g, y, b: -ratio(product(g, y), b),  # type: ignore[has-type]
             domain=(None, "nonzero"), analytic=True)  # fmt: skip
def ratio(a: Any, b: Any) -> Any:
    """Return a / b, but 0 where a is 0 and b is 0 or NaN; a live numerator over 0 is still infinite.

    >>> import numpy as np
    >>> ratio(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([ 0., inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.divide(a, b)
        return y if _sound(y) else np.where(np.equal(a, 0) & ~(np.abs(b) > 0), 0, y)


@bilinear(lambda g, b: product(g, b), lambda g, a: product(g, a))  # type: ignore[has-type]
def product(a: Any, b: Any) -> Any:
    """Return a * b, but 0 where either is 0, even if the other is infinite or NaN."""
    with np.errstate(invalid="ignore"):
        y = np.multiply(a, b)
        return y if _sound(y) else np.where(np.equal(a, 0) | np.equal(b, 0), 0, y)


@elementwise(
    lambda g, a, b: product(g, ratio(np.square(cosine(b, a)), np.hypot(a, b))),  # type: ignore[has-type]
    lambda g, a, b: -product(g, ratio(cosine(a, b) * cosine(b, a), np.hypot(a, b))),  # type: ignore[has-type]
    singular=("origin",),
)
def cosine(a: Any, b: Any) -> Any:
    """Return a / hypot(a, b): 0 at the origin, and the limit along the diagonal where both are infinite."""
    with np.errstate(invalid="ignore"):
        y = ratio(a, np.hypot(a, b))
        if _sound(y):
            return y
        far = [np.where(np.isinf(x), np.sign(x), 0) for x in (a, b)]
        return np.where(np.isinf(a) | np.isinf(b), ratio(far[0], np.hypot(*far)), y).astype(y.dtype)
