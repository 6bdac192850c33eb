"""Spreading a reduction back over what it was reduced along, and laying that out as lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def array(x: Any) -> Any:
    """Return an array or a tensor as it is, and anything else as an array."""
    return x if hasattr(x, "dtype") else np.asarray(x)


def spread(g: Any, like: Any, axis: Any, keepdims: bool) -> Any:
    """Broadcast a reduction's result (or its gradient) back over the axes it was reduced along."""
    if axis is not None and not keepdims and like.ndim:  # NumPy takes axis=0 of a 0-d array
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, like.shape)


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that `axis=` means for an array, counted from the front; all of them for None."""
    if axis is None or not np.ndim(x):
        return tuple(range(np.ndim(x)))
    return np.lib.array_utils.normalize_axis_tuple(axis, np.ndim(x))


def lines(x: Any, axis: Any) -> Any:
    """Return an array with the axes to reduce along joined into its last one."""
    axes = axes_of(x, axis)
    moved = np.moveaxis(x, axes, tuple(range(-len(axes), 0)))
    kept = moved.shape[: moved.ndim - len(axes)]
    return np.reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))


def from_lines(x: Any, like: Any, axis: Any) -> Any:
    """Undo `lines` of an array of another's shape."""
    axes = axes_of(like, axis)
    kept = tuple(n for i, n in enumerate(like.shape) if i not in axes)
    moved = np.reshape(x, (*kept, *(like.shape[i] for i in axes)))
    return np.moveaxis(moved, tuple(range(len(kept), like.ndim)), axes)


def weights_of(a: Any, weights: Any, axis: Any) -> Any:
    """Return weights in a shape that broadcasts with a: they have a's shape, or that of the axes reduced along."""
    if np.shape(weights) == np.shape(a):
        return weights
    if axis is None:
        raise TypeError(
            f"weights of shape {np.shape(weights)} for an array of shape {np.shape(a)}: say along which axis= they lie."
        )
    axes = axes_of(a, axis)
    if np.shape(weights) != tuple(np.shape(a)[i] for i in axes):
        raise ValueError(
            f"weights of shape {np.shape(weights)} do not fit an array of shape {np.shape(a)} along axis {axis}."
        )
    ordered = np.transpose(weights, np.argsort(axes).tolist())
    return np.reshape(ordered, tuple(n if i in axes else 1 for i, n in enumerate(np.shape(a))))
