"""Looking up rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad
from autodiff.kernels import embedding as table


def embedding(
    input: Any,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of `weight` (rows, features) numbered by `input`, integers of any shape: (*, features).

    The row `padding_idx` gets no gradient. With `max_norm` the rows looked up are first scaled, in place, to at most
    that norm. `sparse` changes nothing: the gradient is dense, and lookups are added to it where they belong.

    >>> embedding([0, 2], as_tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [[1.0, 2.0], [5.0, 6.0]]
    """
    ids = input if hasattr(input, "dtype") else np.asarray(input, None if np.size(input) else np.intp)
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must have shape (rows, features), got {tuple(weight.shape)}")
    if padding_idx is not None:
        padding_idx = padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        _bound_norms(weight, ids, max_norm, norm_type)
    output: Tensor = table.embedding(as_tensor(weight), ids, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)
    return output


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """Return for each number a row of int64 with 1 in its place, else 0: (*, classes), by default the largest + 1.

    >>> one_hot([0, 2]).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    ids = as_tensor(tensor)
    if ids.dtype.kind not in "iu":
        raise RuntimeError(f"one_hot: expected integers, got {ids.dtype}; cast with .astype(int)")
    if not ids.size and num_classes <= 0:
        raise RuntimeError(f"one_hot: no numbers (shape {ids.shape}) to count classes from; give num_classes")
    low, high = (int(ids.data.min()), int(ids.data.max())) if ids.size else (0, 0)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise RuntimeError(f"one_hot: numbers {low} to {high} must lie within 0 to num_classes - 1 = {classes - 1}")
    output: Tensor = (ids[..., None] == np.arange(classes)).astype(np.int64)
    return output


def padding_row(padding_idx: int, rows: int) -> int:
    """Return the number of the padding row counted from the front."""
    if not -rows <= padding_idx < rows:
        raise ValueError(f"padding_idx must be within the {rows} rows of the table, got {padding_idx}")
    return padding_idx % rows


def _bound_norms(weight: Tensor, ids: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up, in place, to at most a norm."""
    with no_grad():
        rows = np.unique(getattr(ids, "_data", ids))
        found = table.embedding(weight.detach(), rows)
        norms = np.linalg.norm(found, norm_type, axis=-1, keepdims=True)
        weight[rows] = np.where(norms > max_norm, found * (max_norm / (norms + 1e-7)), found)
