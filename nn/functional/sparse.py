"""Looking up rows of a table, one by one or in bags, and one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad, where
from autodiff.errors import ArgumentError
from autodiff.kernels import embedding as table
from autodiff.kernels.indexing import ROWS, scatter_add


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
    ids = _numbers(input)
    _check_table("embedding", weight)
    if padding_idx is not None:
        padding_idx = padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        _bound_norms(weight, ids, max_norm, norm_type)
    output: Tensor = table.embedding(as_tensor(weight), ids, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)
    return output


def embedding_bag(
    input: Any,
    weight: Tensor,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or largest of the rows of each bag of numbers: (bags, features); zeros for an empty bag.

    `input` is (bags, length), or all bags in one axis; then `offsets` says where each begins and, with
    `include_last_offset`, in one more number where the last ends. `per_sample_weights`, of the shape of `input`,
    multiply the rows of a sum. The row `padding_idx` counts for nothing; the other options are those of `embedding`.

    >>> weight = as_tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> embedding_bag([0, 2, 1], weight, offsets=[0, 2], mode="sum").tolist()
    [[6.0, 8.0], [3.0, 4.0]]
    """
    ids = as_tensor(_numbers(input))
    _check_table("embedding_bag", weight)
    _check_bags(ids, offsets, mode, scale_grad_by_freq, per_sample_weights, weight)
    if ids.ndim == 2:
        starts, last = as_tensor(np.arange(ids.shape[0]) * ids.shape[1]), False
    else:
        starts, last = as_tensor(_numbers(offsets)), include_last_offset
    count = starts.size - last
    if count < 0:
        raise ArgumentError("embedding_bag: include_last_offset needs at least one offset, where the last bag ends")
    ids = ids.reshape(-1)
    rows = embedding(ids, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    bags = table.bag_numbers(starts, size=ids.size, last=last)
    shape = (max(count, 1), weight.shape[1])  # without any bag, numbers still have a place to go
    counted: Any = np.ones(ids.shape, rows.dtype)
    if padding_idx is not None:
        counted = (ids != padding_row(padding_idx, weight.shape[0])).astype(rows.dtype)
    output: Any
    if mode == "max":
        output = _largest(rows, counted, bags, shape)
    else:
        rows = rows if padding_idx is None else rows * counted[:, None]
        rows = rows if per_sample_weights is None else rows * per_sample_weights.reshape(-1, 1)
        output = scatter_add(rows, bags, index=ROWS, shape=shape)
        if mode == "mean":
            output = output / np.maximum(scatter_add(counted, bags, index=ROWS, shape=shape[:1]), 1)[:, None]
    whole: Tensor = output[:count]
    return whole


def _largest(rows: Any, counted: Any, bags: Any, shape: tuple[int, ...]) -> Any:
    """Return for each bag and feature the largest of the rows that count, the first of equal ones; 0 without any."""
    if not rows.shape[0]:
        return scatter_add(rows, bags, index=ROWS, shape=shape)
    places = table.first_largest(where(counted[:, None] > 0, rows, -np.inf), bags, count=shape[0])
    found = scatter_add(counted, bags, index=ROWS, shape=shape[:1])[:, None]
    return where(found > 0, np.take_along_axis(rows, places, 0), 0)


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """Return for each number a row of int64 with 1 in its place, else 0: (*, classes), by default the largest + 1.

    >>> one_hot([0, 2]).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    ids = as_tensor(tensor)
    if ids.dtype.kind not in "iu":
        raise ArgumentError(f"one_hot: expected integers, got {ids.dtype}; cast with .astype(int)")
    if not ids.size and num_classes <= 0:
        raise ArgumentError(f"one_hot: no numbers (shape {ids.shape}) to count classes from; give num_classes")
    low, high = (int(ids.data.min()), int(ids.data.max())) if ids.size else (0, 0)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise ArgumentError(f"one_hot: numbers {low} to {high} must lie within 0 to num_classes - 1 = {classes - 1}")
    output: Tensor = (ids[..., None] == np.arange(classes)).astype(np.int64)
    return output


def padding_row(padding_idx: int, rows: int) -> int:
    """Return the number of the padding row counted from the front."""
    if not -rows <= padding_idx < rows:
        raise ArgumentError(f"padding_idx must be within the {rows} rows of the table, got {padding_idx}")
    return padding_idx % rows


def _numbers(input: Any) -> Any:
    """Return numbers as an array or a tensor; a list without any holds integers too."""
    return input if hasattr(input, "dtype") else np.asarray(input, None if np.size(input) else np.intp)


def _check_table(name: str, weight: Tensor) -> None:
    if weight.ndim != 2:
        raise ArgumentError(f"{name}: weight must have shape (rows, features), got {weight.shape}")


def _check_bags(
    ids: Tensor, offsets: Any, mode: str, by_frequency: bool, factors: Tensor | None, weight: Tensor
) -> None:  # fmt: skip
    """Demand options and shapes that make sense together."""
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if ids.ndim not in (1, 2):
        raise ArgumentError(f"embedding_bag: input must be (bags, length) or one axis, got shape {ids.shape}")
    if (ids.ndim == 2) != (offsets is None):
        wrong = "must be None, for bags of one length" if ids.ndim == 2 else "must say where each bag begins, got None"
        raise ArgumentError(f"embedding_bag: offsets for an input of shape {ids.shape} {wrong}")
    if offsets is not None and np.ndim(offsets) != 1:
        raise ArgumentError(f"embedding_bag: offsets must have one axis, got shape {np.shape(offsets)}")
    if mode == "max" and by_frequency:
        raise ArgumentError("embedding_bag: mode 'max' does not support scale_grad_by_freq")
    if factors is None:
        return
    if mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights are for mode 'sum', got mode {mode!r}")
    if factors.shape != ids.shape:
        raise ArgumentError(f"embedding_bag: per_sample_weights {factors.shape} and input {ids.shape} must agree")
    if factors.dtype != weight.dtype:
        raise ArgumentError(
            f"embedding_bag: per_sample_weights are {factors.dtype}, the table {weight.dtype}; cast with .astype()"
        )


def _bound_norms(weight: Tensor, ids: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up, in place, to at most a norm."""
    with no_grad():
        rows = np.unique(getattr(ids, "_data", ids))
        found = table.embedding(weight.detach(), rows)
        norms = np.linalg.norm(found, norm_type, axis=-1, keepdims=True)
        weight[rows] = np.where(norms > max_norm, found * (max_norm / (norms + 1e-7)), found)
