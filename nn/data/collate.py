"""Joining samples into batches, and what stands in for it where samples come one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, tensor

_KINDS = "default_collate: a batch must contain tensors, NumPy arrays, numbers, dicts or lists; found {}"


def default_collate(batch: list[Any]) -> Any:
    """Join samples: tensors, arrays and numbers are stacked; tuples, lists and dicts are joined part by part.

    As in PyTorch tuples become lists, named tuples stay what they are, Python floats give float64, text stays a list.

    >>> x, y = default_collate([(np.zeros(3), 1), (np.ones(3), 0)])
    >>> x.shape, y.tolist()
    ((2, 3), [1, 0])
    """
    first = batch[0]
    if isinstance(first, Tensor) and any(s.requires_grad for s in batch):
        return np.stack(batch)
    if isinstance(first, (Tensor, np.ndarray)):
        return _stack([s.data if isinstance(s, Tensor) else np.asarray(s) for s in batch])
    if isinstance(first, (bool, int, float, complex)):
        return tensor(np.asarray(batch))
    if isinstance(first, np.generic):
        return _stack([np.asarray(s) for s in batch])
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([s[key] for s in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(s) != len(first) for s in batch):
            raise RuntimeError(
                f"default_collate: samples of a batch have {sorted({len(s) for s in batch})} parts; "
                "each needs the same number: pad them in collate_fn"
            )
        parts = [default_collate(list(parts)) for parts in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(_KINDS.format(type(first).__name__))


def _stack(arrays: list[np.ndarray[Any, Any]]) -> Tensor:
    if arrays[0].dtype.kind not in "biufc":
        raise TypeError(_KINDS.format(f"an array of {arrays[0].dtype}"))
    shapes = dict.fromkeys(a.shape for a in arrays)
    if len(shapes) > 1:
        listing = ", ".join(map(str, shapes))
        raise RuntimeError(
            f"default_collate: samples of a batch need one shape, got {listing}; resize them, or pad them in collate_fn"
        )
    return as_tensor(np.stack(arrays))


def default_convert(data: Any) -> Any:
    """Turn the arrays in a sample into tensors, and leave all else as it is.

    >>> default_convert({"x": np.arange(2), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return as_tensor(np.asarray(data)) if data.dtype.kind in "biufc" else data
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, Tensor)):
        return [default_convert(value) for value in data]
    return data
