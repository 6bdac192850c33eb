"""Comparison and selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import boolean, constant, elementwise, plain


def _clip_bounds(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
    dtype: None = None,
) -> Any:
    if out is not None or dtype is not None:
        raise TypeError("clip of a Tensor does not support out= or dtype=; assign the result instead.")
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("clip: min= and max= are the same bounds as a_min and a_max; give them in one way.")
    return (a, a_min if min is None else min, a_max if max is None else max), {}


elementwise(
    np.where,
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
    sig="condition, yes=None, no=None;",
    kernel=lambda condition, yes, no: np.where(condition, yes, no) if yes is not None else _refuse_where(),
    analytic=True,
)
elementwise(np.maximum, lambda g, a, b: _won(g, a, b), lambda g, a, b: _won(g, b, a), kinks=("tie",))  # ties: shared
elementwise(np.minimum, lambda g, a, b: _won(g, b, a), lambda g, a, b: _won(g, a, b), kinks=("tie",))
elementwise(np.fmax, lambda g, a, b: _known(g, a, b, 1), lambda g, a, b: _known(g, b, a, 1), kinks=("tie",))
elementwise(np.fmin, lambda g, a, b: _known(g, a, b, -1), lambda g, a, b: _known(g, b, a, -1), kinks=("tie",))
elementwise(
    np.clip,  # at a bound: 1, the interval is closed
    lambda g, a, b, c: np.where(_at_least(a, b) & _at_least(c, a), g, 0),
    lambda g, a, b, c: np.where(_at_least(a, b), 0, np.where(_at_least(c, b), g, 0)),
    lambda g, a, b, c: np.where(_at_least(c, a) & _at_least(c, b), 0, g),
    bind=_clip_bounds,
    kinks=("bounds",),
)

boolean(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
boolean(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.isfinite, np.isinf, np.isnan)
constant(np.argmax, "a; axis=None, out=None, *, keepdims=False")
constant(np.argmin, "a; axis=None, out=None, *, keepdims=False")
constant(np.argsort, "a; axis=-1, kind=None, order=None, *, stable=None")
constant(np.any, "a; axis=None, out=None, keepdims=False, *, where=True", takes=("where",))
constant(np.all, "a; axis=None, out=None, keepdims=False, *, where=True", takes=("where",))
constant(np.isclose, "a, b; rtol=1e-05, atol=1e-08, equal_nan=False")
constant(np.isreal, "x;")
constant(np.iscomplex, "x;")
plain(np.allclose, np.array_equal, np.array_equiv, np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj)
plain(np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savez_compressed, np.savetxt)
plain(np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory)


def _refuse_where() -> None:
    raise TypeError("where with a condition alone lists places: write np.nonzero(condition).")


def _won(g: Any, a: Any, b: Any) -> Any:
    """Give the gradient to a where it is the larger, half of it at a tie."""
    return np.where(np.greater(a, b), g, np.where(np.equal(a, b), g / 2, 0))


def _known(g: Any, a: Any, b: Any, sign: int) -> Any:
    """Give the gradient to a where it won, or where b is NaN and so was passed over."""
    return np.where(np.isnan(b), g, _won(g, a * sign, b * sign))


def _at_least(a: Any, b: Any) -> Any:
    return np.True_ if a is None or b is None else np.greater_equal(a, b)
