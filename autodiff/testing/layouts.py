"""Equal arrays that lie differently in memory: what a derivative must not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np

LAYOUTS = ("C", "F", "negative", "strided", "readonly")


def laid_out(x: Any, layout: str) -> Any:
    """Return an equal array in another layout: one of LAYOUTS, or "scattered", which is several of them at once.

    >>> laid_out(np.arange(3.0), "negative").strides
    (-8,)
    """
    if layout == "F":
        return np.array(x, order="F")
    if layout == "negative":
        flip = (*(slice(None, None, -1),) * x.ndim, ...)  # the ellipsis: 0-d stays an array
        return x[flip].copy()[flip]
    if layout == "strided":
        return _within([2 * n for n in x.shape], (*(slice(None, None, 2),) * x.ndim, ...), x)
    if layout == "scattered":  # every second element, backwards, of an array whose axes are in reverse
        return _within((*x.shape[:0:-1], 2 * x.shape[0]), slice(None, None, -2), x, turned=True) if x.ndim else x.copy()
    copy = np.array(x, order="C")
    copy.flags.writeable = layout != "readonly"
    return copy


def _within(shape: Any, place: Any, x: Any, turned: bool = False) -> Any:
    """Return x as part of a larger array, which holds NaN elsewhere so that reading it would show."""
    wide = np.full(shape, np.nan if x.dtype.kind in "fc" else 0, x.dtype)
    part = (wide.T if turned else wide)[place]
    part[...] = x
    return part
