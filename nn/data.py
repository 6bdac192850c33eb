"""Data sets and batches: whole batches are indexed at once, and a generator's seed decides every order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from autodiff import Tensor, as_tensor, random, tensor
from autodiff.random import Generator


class Dataset(Protocol):
    """Anything with a length and samples by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class TensorDataset:
    """Tensors or arrays with equal first axes; sample i is the tuple of their i-th rows.

    >>> data = TensorDataset(np.eye(3), np.arange(3))
    >>> len(data), data[1][1].item()
    (3, 1)
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(as_tensor(t) for t in tensors)
        lengths = [t.shape[0] if t.ndim else None for t in self.tensors]
        if not lengths or None in lengths or len(set(lengths)) > 1:
            shapes = ", ".join(str(t.shape) for t in self.tensors) or "none"
            raise ValueError(f"TensorDataset needs tensors with equal first axes, got shapes: {shapes}")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)


class Subset:
    """The samples of a data set with the given numbers."""

    def __init__(self, dataset: Dataset, indices: Sequence[int] | np.ndarray[Any, Any]) -> None:
        self.dataset, self.indices = dataset, np.asarray(indices, dtype=np.intp)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]


def _as_dataset(data: Any) -> Dataset:
    """Return a tuple of arrays as a TensorDataset, and anything else as it is."""
    if isinstance(data, tuple) and all(isinstance(part, (Tensor, np.ndarray)) for part in data):
        return TensorDataset(*data)
    return data  # type: ignore[no-any-return]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Divide a data set at random into subsets of the given lengths, or of the given fractions of it.

    Fractions that sum to 1 are rounded down, and what is left over goes to the subsets in turn, as in PyTorch.
    """
    dataset = _as_dataset(dataset)
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 + 1e-9:
        counts = [math.floor(total * fraction) for fraction in lengths]
        for i in range(total - sum(counts)):
            counts[i % len(counts)] += 1
    else:
        counts = [int(length) for length in lengths]
    if sum(counts) != total or min(counts) < 0:
        raise ValueError(
            f"lengths {list(lengths)} must sum to the {total} samples of the data set, or to 1 as fractions"
        )
    order = random.permutation(total, generator=generator).numpy()
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(counts)[:-1])]


class DataLoader:
    """Batches of a data set, or of arrays: `for x, y in DataLoader((X, Y), batch_size=32, shuffle=True)`.

    `shuffle` draws a new order for each epoch from `generator` (the default one of `ad.random` if None), so one seed
    replays all epochs. Arrays, a TensorDataset and their subsets are indexed a batch at a time; other data sets sample
    by sample, joined by `collate_fn` (by default: stacked, tuple by tuple and dict by dict).

    >>> loader = DataLoader((np.arange(10), np.arange(10) ** 2), batch_size=4)
    >>> [y.tolist() for _, y in loader]
    [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        generator: Generator | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size!r}")
        self.dataset = _as_dataset(dataset)
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self.generator, self.collate_fn = generator, collate_fn

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        total = len(self.dataset)
        order = random.permutation(total, generator=self.generator).numpy() if self.shuffle else np.arange(total)
        for i in range(len(self)):
            yield self._batch(self.dataset, order[i * self.batch_size : (i + 1) * self.batch_size])

    def _batch(self, dataset: Dataset, indices: np.ndarray[Any, Any]) -> Any:
        if self.collate_fn is None:
            if isinstance(dataset, (TensorDataset, Tensor)):
                return dataset[indices]
            if isinstance(dataset, np.ndarray):
                return as_tensor(dataset[indices])
            if isinstance(dataset, Subset):
                return self._batch(dataset.dataset, dataset.indices[indices])
        return (self.collate_fn or default_collate)([dataset[int(i)] for i in indices])


def default_collate(samples: list[Any]) -> Any:
    """Join samples into a batch: arrays and numbers are stacked; tuples, lists and dicts are joined part by part."""
    first = samples[0]
    if isinstance(first, (Tensor, np.ndarray)):
        return as_tensor(np.stack([s.data if isinstance(s, Tensor) else s for s in samples]))
    if isinstance(first, (int, float, complex, np.generic)):
        return tensor(samples)
    if isinstance(first, Mapping):
        return {key: default_collate([s[key] for s in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(s) != len(first) for s in samples):
            raise ValueError("samples of a batch must have equal numbers of parts; pad them in collate_fn")
        return tuple(default_collate(list(parts)) for parts in zip(*samples, strict=True))
    return samples
