"""Registration of SciPy's ufuncs, which compute float16, and float32 beside a number, in more than that.

As with NumPy's functions, small floats stay small: the result is cast back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.primitive import register


def elementwise(fun: Any, *rules: Any, **facts: Any) -> None:
    """Register a ufunc of one output."""
    register(fun, *rules, kind="elementwise", kernel=narrow(facts.pop("kernel", fun)), **facts)


def outputs(fun: Any, *rules: Any, **facts: Any) -> None:
    """Register a ufunc of several outputs."""
    register(fun, *rules, kind="other", form="outputs", kernel=narrow(fun), **facts)


def narrow(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that answers in the precision of its floating arrays."""

    def kernel(*xs: Any) -> Any:
        y = fun(*xs)
        sizes = [x.dtype.type(0).real.dtype for x in xs if type(x) is np.ndarray and x.dtype.kind in "fc"]
        size = max(sizes, default=np.dtype(np.float64))
        if size == np.float64:
            return y
        return tuple(_cast(part, size) for part in y) if type(y) is tuple else _cast(y, size)

    return kernel


def _cast(y: Any, size: Any) -> Any:
    return y.astype(np.result_type(size, np.complex64) if y.dtype.kind == "c" else size)
