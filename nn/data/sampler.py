"""Samplers: the numbers of the samples of an epoch, in their order.

Each draws all it needs when `iter` is called, so that a DataLoader can put its generator back and draw an order again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np

from autodiff import Tensor, random
from autodiff.random import Generator


def positive(what: str, value: Any) -> None:
    """Demand an integer > 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{what} should be a positive integer value, but got {what}={value!r}")


class Sampler:
    """The base of samplers: subclasses define `__iter__`, and `__len__` where the number of samples is known.

    One that draws random numbers keeps its generator as `generator`, or leaves it out and draws from the default one,
    and draws them when `iter` is called: then a DataLoader can go on in the middle of an epoch.
    """

    def __class_getitem__(cls, item: Any) -> Any:  # Sampler[int] in annotations and as a base
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__(self)")


class SequentialSampler(Sampler):
    """All samples in their order.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """All samples in random order, or with `replacement` any of them each time; `num_samples` of them.

    Without replacement, more samples than there are come from several orders one after the other.

    >>> sorted(RandomSampler("abc")), len(RandomSampler("abc", num_samples=7))
    ([0, 1, 2], 7)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement!r}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if num_samples is None and not len(data_source):
            raise ValueError("num_samples should be a positive integer value, but the data set has no samples")
        positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many samples an epoch has; the data set may have grown."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            order = random.randint(n, size=wanted, generator=self.generator).numpy()
        else:
            orders = [random.permutation(n, generator=self.generator).numpy() for _ in range(-(-wanted // n))]
            order = np.concatenate(orders)[:wanted]
        return iter(order.tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given numbers in random order.

    >>> sorted(SubsetRandomSampler([4, 7, 1]))
    [1, 4, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = random.permutation(len(self.indices), generator=self.generator).tolist()
        return iter([self.indices[i] for i in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` numbers, each drawn with a probability proportional to its weight.

    Without `replacement` none comes twice: so there must be as many weights above 0 as samples.

    >>> list(WeightedRandomSampler([0.0, 2.0, 0.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | np.ndarray[Any, Any] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement!r}")
        self.weights = np.array(weights.data if isinstance(weights, Tensor) else weights, np.float64)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator
        if self.weights.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {self.weights.shape}")
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all() and self.weights.any()):
            raise ValueError("weights should be finite numbers >= 0, and not all 0")
        positives = np.count_nonzero(self.weights)
        if not replacement and positives < num_samples:
            raise ValueError(
                f"cannot draw num_samples={num_samples} without replacement from {positives} weights above 0"
            )

    def __iter__(self) -> Iterator[int]:
        count = self.num_samples if self.replacement else len(self.weights)
        u = random.uniform(size=count, dtype=np.float64, generator=self.generator).numpy()
        if self.replacement:
            ends = np.cumsum(self.weights)
            last = np.flatnonzero(self.weights)[-1]  # rounding must not lead past it
            return iter(np.minimum(np.searchsorted(ends, u * ends[-1], side="right"), last).tolist())
        # Efraimidis & Spirakis (2006): the first of exponential clocks that run at the weights' rates
        with np.errstate(divide="ignore", invalid="ignore"):
            times = -np.log1p(-u) / self.weights  # inf, or NaN which comes after it, for weights of 0
        return iter(np.argsort(times, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers of another sampler; a shorter last one is left out with `drop_last`.

    >>> list(BatchSampler(range(5), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        return self._batches(iter(self.sampler))

    def _batches(self, numbers: Iterator[Any]) -> Iterator[list[Any]]:
        while len(batch := list(islice(numbers, self.batch_size))) == self.batch_size:
            yield batch
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full + (rest > 0 and not self.drop_last)
