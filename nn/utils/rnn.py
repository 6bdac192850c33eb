"""Sequences of different lengths, padded to one length or packed: the names of torch.nn.utils.rnn.

A packed sequence lists, step by step, the elements of those sequences that are not over yet, the longest first:

>>> import autodiff as ad
>>> packed = pack_sequence([ad.tensor([1, 2, 3]), ad.tensor([4, 5]), ad.tensor([6])])
>>> packed.data.tolist(), packed.batch_sizes.tolist()
([1, 4, 6, 2, 5, 3], [3, 2, 1])
>>> padded, lengths = pad_packed_sequence(packed, batch_first=True)
>>> padded.tolist(), lengths.tolist()
([[1, 2, 3], [4, 5, 0], [6, 0, 0]], [3, 2, 1])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np

from autodiff import Tensor, as_tensor


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """Sequences packed: `data` (elements, *), and of every step `batch_sizes`, how many sequences still go on.

    `sorted_indices` puts a batch in the order of falling length, `unsorted_indices` back; None where it was so already.
    The functions of this module make it; it may be made of another's by replacing `data`.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise TypeError(f"PackedSequence takes data and batch_sizes; got a {type(data).__name__} alone")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, as_tensor(batch_sizes), sorted_indices, unsorted_indices)

    def to(self, dtype: Any) -> Self:
        """Return the same with data of a dtype."""
        return type(self)(self.data.to(dtype), *self[1:])

    def double(self) -> Self:
        """Return the same with data in float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Return the same with data in float32."""
        return self.to(np.float32)

    def half(self) -> Self:
        """Return the same with data in float16."""
        return self.to(np.float16)


def invert_permutation(permutation: Any) -> Tensor | None:
    """Return the permutation that undoes one; None of None.

    >>> invert_permutation([2, 0, 1]).tolist()
    [1, 2, 0]
    """
    return None if permutation is None else as_tensor(np.argsort(_integers("permutation", permutation)))


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack sequences padded to one length: input (T, N, *), or (N, T, *) with `batch_first`, and their N lengths.

    Lengths must fall, unless `enforce_sorted` is False: then the sequences are put in that order, and what recurrent
    layers and `pad_packed_sequence` make of them is put back.
    """
    count = _integers("lengths", lengths)
    if input.ndim < 2:
        raise RuntimeError(f"pack_padded_sequence: input has shape {input.shape}; expected (T, N, *)")
    batch, longest = (input.shape[0], input.shape[1]) if batch_first else (input.shape[1], input.shape[0])
    if count.shape != (batch,):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(count)} of {batch}")
    if not batch:
        raise RuntimeError("Cannot pack empty tensors: the batch holds no sequence")
    if count.min() <= 0 or count.max() > longest:
        raise RuntimeError(f"Lengths have to be from 1 to {longest}, the input's, got {count.tolist()}")
    order = None
    if not enforce_sorted:
        order = np.argsort(-count, kind="stable")
    elif (np.diff(count) > 0).any():
        raise RuntimeError(
            f"lengths must fall when enforce_sorted is True, got {count.tolist()}; give enforce_sorted=False"
        )
    sizes = _sizes(count)
    times, places = np.repeat(np.arange(len(sizes)), sizes), _ranks(sizes)
    places = places if order is None else order[places]
    data: Any = input[(places, times) if batch_first else (times, places)]
    return PackedSequence(data, as_tensor(sizes), None if order is None else as_tensor(order))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: Any = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return packed sequences padded, (T, N, *) or (N, T, *) with `batch_first`, and their lengths.

    T is the longest length, or `total_length`.
    """
    sizes = np.asarray(as_tensor(sequence.batch_sizes).data)
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence, {len(sizes)}; got {steps}"
        )
    batch = int(sizes[0])
    order = sequence.unsorted_indices
    rank = np.arange(batch) if order is None else _integers("unsorted_indices", order)
    lengths = (sizes > rank[:, None]).sum(1)
    starts = np.cumsum(sizes) - sizes
    rows = np.full((steps, batch), len(sequence.data))
    rows[: len(sizes)] = np.where(rank < sizes[:, None], starts[:, None] + rank, rows[: len(sizes)])
    return _gathered(sequence.data, rows.T if batch_first else rows, padding_value), as_tensor(lengths)


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: Any = 0.0, padding_side: str = "right"
) -> Tensor:
    """Return sequences (L_i, *) padded to the longest: (T, N, *), or (N, T, *) with `batch_first`.

    >>> import autodiff as ad
    >>> pad_sequence([ad.tensor([1, 2]), ad.tensor([3])], batch_first=True, padding_side="left").tolist()
    [[1, 2], [0, 3]]
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected sequences in a list, got {type(sequences).__name__}")
    given: list[Any] = [as_tensor(x) for x in sequences]
    if not given:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    shapes = [x.shape for x in given]
    if min(map(len, shapes)) < 1 or len({shape[1:] for shape in shapes}) > 1:
        raise RuntimeError(f"pad_sequence: shapes {shapes}; after the first axis, the length, all must agree")
    if padding_side not in ("right", "left"):
        raise RuntimeError(f"padding_side should be either 'right' or 'left', got {padding_side!r}")
    lengths = np.array([shape[0] for shape in shapes])
    longest = int(lengths.max())
    times = np.arange(longest) - (longest - lengths[:, None] if padding_side == "left" else 0)
    inside = (times >= 0) & (times < lengths[:, None])
    rows = np.where(inside, (np.cumsum(lengths) - lengths)[:, None] + times, lengths.sum())
    padded: Tensor = _gathered(np.concatenate(given), rows if batch_first else rows.T, padding_value)
    return padded


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Return padded sequences one by one, each as long as it is: what `pad_sequence` has padded."""
    count = _integers("lengths", lengths)
    turned: Any = padded_sequences if batch_first else np.swapaxes(padded_sequences, 0, 1)
    if len(count) != len(turned):
        raise ValueError(f"unpad_sequence: {len(count)} lengths for {len(turned)} sequences")
    return [turned[i, : int(n)] for i, n in enumerate(count)]


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L_i, *), by falling length unless `enforce_sorted` is False."""
    given = list(sequences)
    return pack_padded_sequence(pad_sequence(given), [len(x) for x in given], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return packed sequences one by one, in the order in which they were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def _integers(what: str, given: Any) -> Any:
    """Return a list, an array or a tensor of integers as an array."""
    array = np.asarray(given.data if isinstance(given, Tensor) else given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"{what} must be integers in one axis, got {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)


def _sizes(lengths: Any) -> Any:
    """Return of every step how many sequences go on."""
    return (np.arange(lengths.max())[:, None] < lengths).sum(1)


def _ranks(sizes: Any) -> Any:
    """Return of every packed element the number of its sequence: 0, 1, ... anew at each step."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _gathered(data: Any, rows: Any, padding_value: Any) -> Any:
    """Return rows of the data; the one after the last is padding."""
    padding = np.full((1, *data.shape[1:]), padding_value, data.dtype)
    return np.concatenate([data, padding])[rows]
