"""Nested state dicts in one .npz file: the arrays as they are, the structure around them as JSON; no pickle."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor

_STRUCTURE = "structure"


def write_state(state: Any, path: str | Path) -> None:
    """Write dicts, lists and tuples of tensors, arrays, numbers, text and None; the file is whole or not there.

    A file of the same name is replaced at the end, so an interruption leaves the one before.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    structure = json.dumps(_pack(state, arrays, "state"))
    entries = {str(i): array for i, array in enumerate(arrays)}
    beside = f"{path}.part"
    with open(beside, "wb") as file:
        np.savez(file, **{_STRUCTURE: np.array(structure)}, **entries)  # type: ignore[arg-type]
    os.replace(beside, path)


def read_state(path: str | Path) -> Any:
    """Read what `write_state` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        if _STRUCTURE not in archive:
            raise ValueError(f"{path} is no checkpoint of a training; read weights with nn.load")
        return _unpack(json.loads(str(archive[_STRUCTURE])), archive)


def _pack(value: Any, arrays: list[np.ndarray[Any, Any]], where: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)) or type(value) is float:
        return value
    if isinstance(value, np.generic):
        return _pack(value.item(), arrays, where)
    if isinstance(value, (Tensor, np.ndarray)):
        array = np.asarray(value.data if isinstance(value, Tensor) else value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"cannot save {where}, an array of {array.dtype}")
        arrays.append(array)
        return {"tensor" if isinstance(value, Tensor) else "array": len(arrays) - 1}
    if isinstance(value, dict):
        items = [[_pack(k, arrays, where), _pack(v, arrays, f"{where}[{k!r}]")] for k, v in value.items()]
        return {"counter" if isinstance(value, Counter) else "dict": items}
    if isinstance(value, (list, tuple)):
        parts = [_pack(v, arrays, f"{where}[{i}]") for i, v in enumerate(value)]
        return {"tuple": parts} if isinstance(value, tuple) else parts
    raise TypeError(f"cannot save {where}, a {type(value).__name__}; expected tensors, numbers, text, dicts and lists")


def _unpack(value: Any, archive: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(v, archive) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("tensor", "array"):
        array = archive[str(content)]
        return as_tensor(array) if kind == "tensor" else array
    if kind == "tuple":
        return tuple(_unpack(v, archive) for v in content)
    items = {_unpack(k, archive): _unpack(v, archive) for k, v in content}
    return Counter(items) if kind == "counter" else items
