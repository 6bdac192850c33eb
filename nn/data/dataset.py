"""Data sets: samples by number, or one after the other; parts, sums and rows of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, random
from autodiff.random import Generator


class Dataset:
    """Samples by number: subclasses define `__getitem__`, and `__len__` where samplers need it.

    A `__getitems__` that takes a list of numbers and returns a list of samples is used where there is one. Anything
    else with these methods, such as a list, serves as a data set too.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> len(Squares() + Squares())
    6
    """

    def __class_getitem__(cls, item: Any) -> Any:  # Dataset[int] in annotations and as a base
        return cls

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples one after the other: subclasses define `__iter__`, which starts anew for each epoch.

    >>> class Lines(IterableDataset):
    ...     def __iter__(self):
    ...         yield from ("a", "b")
    >>> list(Lines() + Lines())
    ['a', 'b', 'a', 'b']
    """

    def __getitem__(self, index: Any) -> Any:
        raise TypeError(f"{type(self).__name__} is an IterableDataset: its samples have no numbers; iterate over it")

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__(self)")

    def __add__(self, other: Any) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset):
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


class Subset(Dataset):
    """The samples of a data set with the given numbers.

    >>> Subset(["a", "b", "c"], [2, 0])[0]
    'c'
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray[Any, Any]) -> None:
        self.dataset, self.indices = dataset, np.asarray(indices, dtype=np.intp)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        chosen = self.indices[index]
        return self.dataset[int(chosen) if chosen.ndim == 0 else chosen]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        return fetch(self.dataset, self.indices[np.asarray(indices, np.intp)])


class ConcatDataset(Dataset):
    """Data sets one after the other.

    >>> both = ConcatDataset([["a", "b"], ["c"]])
    >>> both[2], both[-3], both.cumulative_sizes
    ('c', 'a', [2, 3])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise TypeError("ConcatDataset does not support IterableDataset, whose length is unknown; use ChainDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of a data set with {len(self)}")
        index %= len(self)
        part = bisect_right(self.cumulative_sizes, index)
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]


class StackDataset(Dataset):
    """Data sets of one length side by side: sample i is the tuple, or with keywords the dict, of their i-th samples.

    >>> StackDataset([1, 2], ["a", "b"])[1], StackDataset(number=[1, 2], letter=["a", "b"])[0]
    ((2, 'b'), {'number': 1, 'letter': 'a'})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset takes data sets either as arguments, for tuples, or as keywords, for dicts")
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        lengths = [len(d) for d in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset needs data sets of one length, got lengths {lengths}")
        self._length = lengths[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: d[index] for name, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)


class ChainDataset(IterableDataset):
    """Iterable data sets one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise TypeError(
                    f"ChainDataset only supports IterableDataset, got {type(d).__name__}; use ConcatDataset"
                )

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


def as_dataset(data: Any) -> Any:
    """Return a tuple of arrays as a TensorDataset, and anything else as it is."""
    if isinstance(data, tuple) and all(isinstance(part, (Tensor, np.ndarray)) for part in data):
        return TensorDataset(*data)
    return data


def in_batches(dataset: Any) -> bool:
    """Say whether many rows of a data set are read at once, by an array of their numbers."""
    if isinstance(dataset, Subset):
        return type(dataset).__getitem__ is Subset.__getitem__ and in_batches(dataset.dataset)
    if isinstance(dataset, TensorDataset):  # a subclass may read each of its samples in its own way
        return type(dataset).__getitem__ is TensorDataset.__getitem__
    return isinstance(dataset, (Tensor, np.ndarray))


def fetch(dataset: Any, indices: Sequence[int] | np.ndarray[Any, Any]) -> list[Any]:
    """Return the samples with the given numbers, which may be any keys that a data set with its own sampler knows."""
    if isinstance(dataset, np.ndarray):
        dataset = as_tensor(dataset)
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)  # type: ignore[no-any-return]
    return [dataset[int(i) if isinstance(i, np.integer) else i] for i in indices]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Divide a data set at random into subsets of the given lengths, or of the given fractions of it.

    Fractions that sum to 1 are rounded down, and what is left over goes to the subsets in turn, as in PyTorch.

    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    dataset = as_dataset(dataset)
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
