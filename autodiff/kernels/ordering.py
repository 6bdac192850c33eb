"""Selection by rank in PyTorch's spelling, and where the elements of sets stand."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.primitive import Decorator, composite, outputs


class Ranked(NamedTuple):
    """Elements chosen by rank, and their places along the axis."""

    values: Any
    indices: Any


ranking = cast("Decorator", functools.partial(composite, kinks=("tie",), complex=True))


@ranking
def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ranked:
    """Return the k largest (or smallest) elements along an axis, in order, and their places.

    NaN counts as the largest; of equal elements the first is chosen and gets the gradient. As in `torch.topk`, but
    the result is in order whatever `sorted` says.

    >>> import autodiff as ad
    >>> ad.topk(ad.tensor([1.0, 3.0, 2.0]), 2)
    Ranked(values=tensor([3., 2.]), indices=tensor([1, 2]))
    """
    return _ranked("topk", x, 0, k, dim, largest)


@ranking
def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Ranked:
    """Return the k-th smallest element along an axis, k from 1, and its place; as `torch.kthvalue`.

    >>> import autodiff as ad
    >>> ad.kthvalue(ad.tensor([1.0, 3.0, 2.0]), 2)
    Ranked(values=tensor(2.), indices=tensor(2))
    """
    if k < 1:
        raise ValueError(f"kthvalue: k counts from 1, the smallest; got {k}.")
    found = _ranked("kthvalue", x, k - 1, k, dim, largest=False)
    return found if keepdim or not np.ndim(x) else Ranked(*(np.squeeze(part, dim) for part in found))


def extreme(place: Any, x: Any, dim: int, keepdim: bool = False) -> Ranked:
    """Return the largest or smallest elements along an axis, and their places; `place` is np.argmax or np.argmin."""
    if not isinstance(dim, (int, np.integer)):
        raise TypeError(
            f"the largest or smallest and its place: dim is one axis, got {dim}; amax and amin take several."
        )
    if not np.ndim(x):  # a number is a vector of one, as in PyTorch
        return Ranked(*(np.reshape(part, ()) for part in extreme(place, np.reshape(x, 1), dim)))
    indices = place(x, dim, keepdims=True)
    found = Ranked(np.take_along_axis(x, indices, dim), indices)
    return found if keepdim else Ranked(*(np.squeeze(part, dim) for part in found))


def ordered(x: Any, dim: int = -1, descending: bool = False) -> Ranked:
    """Return the elements in order along an axis, and their places; equal ones keep their order, NaN is the largest."""
    return _ranked("sort", x, 0, np.shape(x)[dim] if np.ndim(x) else 1, dim, descending)


def _ranked(name: str, x: Any, first: int, k: int, dim: int, largest: bool) -> Ranked:
    """Return the elements of ranks first to k - 1 along an axis, from 0, and their places."""
    if not np.ndim(x):  # a number is a vector of one, as in PyTorch
        found = _ranked(name, np.reshape(x, 1), first, max(k, 1), dim, largest)
        return Ranked(*(np.reshape(part, ()) for part in found))
    axis = normalize_axis_index(dim, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(f"{name}: k={k}, but there are {x.shape[axis]} elements along axis {dim} of shape {x.shape}.")
    if largest:  # sorted from the end, so that equal elements keep their order
        order = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=True), axis)
    else:
        order = np.argsort(x, axis=axis, stable=True)
    places = order[(slice(None),) * axis + (slice(first, k),)]
    return Ranked(np.take_along_axis(x, places, axis=axis), places)


@outputs(None, kind="boolean")
def distinct(x: Any, *, axis: int | None, equal_nan: bool) -> Any:
    """Return where distinct values (or slices along an axis) first stand, which one each is, and how many there are."""
    return np.unique(x, True, True, True, axis, equal_nan=equal_nan)[1:]


@outputs(None, None, kind="boolean")
def common(a: Any, b: Any, *, assume_unique: bool) -> Any:
    """Return where what two arrays have in common stands in the first and in the second."""
    return np.intersect1d(a, b, assume_unique, return_indices=True)[1:]
