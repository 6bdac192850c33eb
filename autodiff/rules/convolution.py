"""Convolution and correlation, unwrapped phases, cross products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.sequences import convolve
from autodiff.primitive import bilinear, composite, primitive
from autodiff.rules.shapes import arrays


@composite(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    return convolve(*_sequences("convolve", a, v), mode=mode)


@composite(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Convolve with v turned around; where v is longer NumPy turns both, and then the result."""
    a, v = _sequences("correlate", a, v)
    if a.size >= v.size:
        return convolve(a, np.conjugate(v[::-1]), mode=mode)
    return convolve(np.conjugate(v), a[::-1], mode=mode)[::-1]


def _sequences(name: str, a: Any, v: Any) -> Any:
    a, v = map(np.atleast_1d, arrays(a, v))
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError(
            f"{name}: the operands have shapes {a.shape} and {v.shape}; expected two sequences, not empty."
        )
    return a, v


# at jumps of exactly half a period, and of discont: as if there were none
primitive(np.unwrap, lambda g: g, sig=f"p; discont=None, axis=-1, *, period={2 * math.pi!r}", shapes="(n)->(n)")


@bilinear(lambda g, b: cross(b, g), lambda g, a: cross(g, a))  # type: ignore[has-type]
def cross(a: Any, b: Any) -> Any:
    """Return the cross products of vectors (..., 3)."""
    return np.cross(a, b)


@composite(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Take vectors of two elements for ones in a plane, as NumPy does: two of them give a number."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = arrays(a, b)
    if not a.ndim or not b.ndim:
        raise ValueError(f"cross: the operands have shapes {a.shape} and {b.shape}; expected vectors, not numbers.")
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    sides = a.shape[-1], b.shape[-1]
    if not {2, 3}.issuperset(sides):
        raise ValueError(f"cross: the vectors have {sides[0]} and {sides[1]} elements; expected 2 or 3.")
    if sides == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 3 - x.shape[-1])]) for x in (a, b))
    return np.moveaxis(cross(a, b), -1, axisc)
