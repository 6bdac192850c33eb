"""Saving tensors to NumPy's .npz files: no pickle, so loading runs no code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff.tensor import Tensor

_SINGLE = "__tensor__"


def save(obj: Tensor | Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a tensor, or a dict of tensors such as a state_dict, to a file of exactly this name."""
    entries = obj if isinstance(obj, Mapping) else {_SINGLE: obj}
    arrays = {}
    for key, value in entries.items():
        array = value._data if isinstance(value, Tensor) else np.asarray(value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"save: {key!r} is a {type(value).__name__}; expected a Tensor, an ndarray or a number.")
        arrays[key] = array
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote: a Tensor, or a dict of Tensors."""
    with np.load(path, allow_pickle=False) as archive:
        if isinstance(archive, np.ndarray):
            raise ValueError(f"load: {path} holds one .npy array; read it with np.load.")
        entries = {key: Tensor(archive[key]) for key in archive.files}
    return entries[_SINGLE] if list(entries) == [_SINGLE] else entries
