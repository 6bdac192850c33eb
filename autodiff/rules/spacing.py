"""Evenly spaced numbers between ends that may vary."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autodiff.primitive import composite, values
from autodiff.rules.shapes import arrays


@composite(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: str | None = None,
) -> Any:  # fmt: skip
    """Mix the ends: so each is met exactly."""
    if device not in (None, "cpu"):
        raise ValueError(f"linspace: device is {device!r}; expected 'cpu', the only one.")
    start, stop = arrays(start, stop)
    part = _parts(operator.index(num), endpoint, start, stop)
    y = _cast(start * (1 - part) + stop * part, dtype, axis)
    count = num - 1 if endpoint else num
    return (y, (stop - start) / (count if count > 0 else np.nan)) if retstep else y


@composite(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return _cast(np.power(base, np.linspace(start, stop, num, endpoint, axis=axis)), dtype, 0, floored=False)


@composite(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Multiply by a part of the way to stop; of complex numbers by the shorter way around."""
    start, stop = arrays(start, stop)
    if not (np.all(values(start)) and np.all(values(stop))):
        raise ValueError(
            "geomspace: an end is 0; expected ends that are not, for each number is a multiple of the last."
        )
    part = _parts(operator.index(num), endpoint, start, stop)
    y = start * np.exp(part * np.log(stop / start))
    return _cast(np.where(part == 1, stop, y), dtype, axis, floored=False)


def _parts(num: int, endpoint: bool, start: Any, stop: Any) -> Any:
    """Return the parts of the way from start to stop, 0 first, along a new first axis."""
    if num < 0:
        raise ValueError(f"linspace: num is {num}; expected a number of samples, 0 or more.")
    dtype = np.result_type(*[x.dtype for x in (start, stop) if x.dtype.kind in "fc"] or [np.float64])
    parts = np.arange(num) / max(num - 1 if endpoint else num, 1)
    ndim = max(start.ndim, stop.ndim)
    return np.reshape(parts, (num,) + (1,) * ndim).astype(np.finfo(dtype).dtype)


def _cast(y: Any, dtype: Any, axis: int, floored: bool = True) -> Any:
    y = np.moveaxis(y, 0, axis) if axis else y
    if dtype is None:
        return y
    return (np.floor(y) if floored and np.issubdtype(dtype, np.integer) else y).astype(dtype)
