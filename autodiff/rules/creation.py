"""Copies, casts, and arrays made in the likeness of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import constant, linear


def _number(dtype: Any) -> Any:
    """Return a dtype of numbers."""
    if (found := np.dtype(dtype)).kind not in "biufc":
        raise TypeError(f"astype: dtype {found} is not supported; expected booleans, integers, floats or complex.")
    return found


linear(np.copy, lambda g: g, sig="a; order='K', subok=False")
linear(
    np.astype,
    lambda g: g,
    bind=lambda x, dtype, /, *, copy=True, device=None: ((x,), {"dtype": _number(dtype)}),
    kernel=lambda x, dtype: x.astype(dtype),
    analytic=False,
    complex=True,  # a cast to a real dtype drops the imaginary part
)
for _like in (np.zeros_like, np.ones_like, np.empty_like):
    constant(_like, "a; dtype=None, order='K', subok=True, shape=None", takes=("dtype",))
constant(np.full_like, "a; fill_value=0, dtype=None, order='K', subok=True, shape=None", takes=("dtype",))
