"""Division as derivatives need it: 0/0 is 0, so that a branch nobody took cannot poison the one that was."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import elementwise


@elementwise(lambda g, b: ratio(g, b), lambda g, a, b: -ratio(ratio(g, b) * a, b), domain="nonzero")  # type: ignore[has-type]
def ratio(a: Any, b: Any) -> Any:
    """Return a / b, but 0 where a is 0, whatever b is (0 and NaN too); a live numerator over 0 is still infinite.

    >>> import numpy as np
    >>> float(ratio(np.zeros(1), np.zeros(1))[0])
    0.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.divide(a, b)
        total = np.add.reduce(y, axis=None)  # one pass: NaN anywhere makes the sum NaN
        return y if total == total else np.where(np.equal(a, 0) & ~(np.abs(b) > 0), 0, y)
