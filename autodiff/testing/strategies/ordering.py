"""Arguments of sorting, searching and selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.testing.strategies.arrays import axes, distinct
from autodiff.testing.strategies.drawing import Arguments, Draw


def sort(d: Draw) -> Arguments:
    """Draw an axis and a way to sort; ties of two: at those of three no one-sided derivatives bound the rule's."""
    shape = d.shape(dims=1)
    (x,) = distinct(d.draw, [shape])
    if x.size > 1 and not d.smooth:
        x.flat[1] = x.flat[0]
    x = d.finished(x)
    how = d.choice({}, {"kind": "stable"}, {"kind": "quicksort"}, {"stable": True}, {"stable": False})
    return [x], how | ({"axis": d(axes(len(shape), several=False))} if d.chance() else {})


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.sort: sort,
}
