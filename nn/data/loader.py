"""DataLoader: batches in an order that a seed decides, read ahead in a thread, going on where they were left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff import as_tensor, random
from autodiff.random import Generator
from nn.data.collate import default_collate, default_convert
from nn.data.dataset import IterableDataset, as_dataset, fetch, in_batches
from nn.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from concurrent.futures import Future

_END = object()  # what is read from an iterable data set after its last sample


class DataLoader:
    """Batches of a data set, or of arrays: `for x, y in DataLoader((X, Y), batch_size=32, shuffle=True)`.

    `shuffle` draws a new order for each epoch from `generator` (the default one of `ad.random` if None), so one seed
    replays all epochs. Arrays, a TensorDataset and their subsets are indexed a batch at a time; other data sets sample
    by sample, joined by `collate_fn`. `batch_size=None` gives the samples themselves.

    With `num_workers` > 0 one thread reads ahead, `prefetch_factor` (2) batches for each worker that is asked for. The
    batches are the same with and without it: random transforms that draw from the default generator find one of their
    own for each batch, whose seed follows from the loader's generator. `state_dict` may be taken between any two
    batches, and a loader that loads it goes on with the next one. What only concerns processes and GPUs (`pin_memory`,
    `multiprocessing_context`, `persistent_workers`, `in_order`) is accepted and has no effect.

    >>> loader = DataLoader((np.arange(10), np.arange(10) ** 2), batch_size=4)
    >>> [y.tolist() for _, y in loader]
    [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable[Any] | None = None,
        batch_sampler: Sampler | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError(f"generator must be an ad.random.Generator; got {type(generator).__name__}.")
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to read without a thread")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(f"prefetch_factor={prefetch_factor} needs num_workers > 0, which reads ahead in a thread")
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(f"prefetch_factor option should be positive, got {prefetch_factor}")
        if num_workers == 0 and persistent_workers:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset = as_dataset(dataset)
        self._iterable = isinstance(self.dataset, IterableDataset)
        if self._iterable and (shuffle or sampler is not None or batch_sampler is not None):
            given = f"shuffle={shuffle}, sampler={sampler}, batch_sampler={batch_sampler}"
            raise ValueError(f"DataLoader with IterableDataset, which has an order of its own, does not take {given}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None and not self._iterable:
            sampler = RandomSampler(self.dataset, generator=generator) if shuffle else SequentialSampler(self.dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler if sampler is not None else repeat(None), batch_size, drop_last)
        self.batch_size, self.drop_last, self.generator = batch_size, drop_last, generator
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.timeout, self.worker_init_fn, self.persistent_workers = timeout, worker_init_fn, persistent_workers
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.multiprocessing_context = multiprocessing_context
        self._whole = collate_fn is None and batch_sampler is not None and in_batches(self.dataset)
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._epoch: object = None  # the iteration whose place is `state_dict`'s
        self._batches = 0  # how many it has given
        self._start: dict[str, Any] | None = None  # where the generator stood before it
        self._resumed = False  # whether this place was loaded, and the next iteration goes on from there

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        if self._iterable:
            length = len(self.dataset)
            if self.batch_size is None:
                return length
            return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        generator, resumed = self._drawn_from(), self._resumed
        skipped = self._batches if resumed else 0
        now = generator.get_state()
        if resumed and self._start is not None:
            generator.set_state(self._start)
        start = generator.get_state()
        tasks = enumerate(self._numbers())
        seed = None if self._whole else int(generator.rng.integers(2**62))
        if resumed:
            generator.set_state(now)
        reader = _Reader(self, seed)
        if not self._iterable:  # without numbers, samples can only be passed over by reading them
            skip(tasks, skipped)
        batches = map(reader, tasks) if self.num_workers == 0 else self._ahead(reader, tasks)
        if self._iterable:
            skip(batches, skipped)
        self._epoch, self._batches, self._start, self._resumed = (epoch := object()), skipped, start, False
        return self._counted(batches, epoch)

    def _drawn_from(self) -> Generator:
        """Return the generator that decides the order."""
        samplers = self.batch_sampler, getattr(self.batch_sampler, "sampler", None), self.sampler
        own = (getattr(sampler, "generator", None) for sampler in samplers)
        given = next((g for g in own if isinstance(g, Generator)), self.generator)
        return given or random.default_generator()

    def _numbers(self) -> Iterator[Any]:
        """Draw the order of an epoch: what each batch, or with `batch_size=None` each sample, is read by."""
        if self.batch_sampler is not None:
            return iter(self.batch_sampler)
        return repeat(None) if self.sampler is None else iter(self.sampler)

    def _counted(self, batches: Iterator[Any], epoch: object) -> Iterator[Any]:
        """Yield the batches and count them, for as long as no later iteration has begun."""
        for batch in batches:
            if batch is _END:
                break
            if self._epoch is epoch:
                self._batches += 1
            yield batch
        if self._epoch is epoch:
            self._batches, self._start = 0, None

    def _ahead(self, reader: _Reader, tasks: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches, the next ones being read in a thread meanwhile."""
        from concurrent.futures import ThreadPoolExecutor

        setup = () if self.worker_init_fn is None else (self.worker_init_fn, (0,))
        executor = ThreadPoolExecutor(1, "DataLoader", *setup)
        waiting: deque[Future[Any]] = deque()
        try:
            for task in tasks:
                waiting.append(executor.submit(reader, task))
                if len(waiting) > self.num_workers * (self.prefetch_factor or 2):
                    yield self._wait(waiting.popleft())
            while waiting:
                yield self._wait(waiting.popleft())
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _wait(self, batch: Future[Any]) -> Any:
        try:
            return batch.result(self.timeout or None)
        except TimeoutError:
            if batch.done():  # it was the data set that ran out of time
                raise
            raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds") from None

    # --- going on later ---

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the epoch: how many batches were given, and where the generator stood before and now.

        It holds dicts and numbers only. A sampler of one's own is drawn anew and passed over, so it must draw from its
        `generator` or the loader's, when `iter` is called; random transforms must draw from the default one.
        """
        return {"batches": self._batches, "start": self._start, "generator": self._drawn_from().get_state()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on, at the next iteration, where a loader of the same data stood.

        >>> def batches():
        ...     return DataLoader(np.arange(6), 2, shuffle=True, generator=Generator(0))
        >>> whole = [x.tolist() for x in batches()]
        >>> loader = batches()
        >>> first, state = next(iter(loader)), loader.state_dict()
        >>> loader = batches()
        >>> loader.load_state_dict(state)
        >>> [first.tolist()] + [x.tolist() for x in loader] == whole
        True
        """
        if missing := [key for key in ("batches", "start", "generator") if key not in state_dict]:
            raise KeyError(f"DataLoader.load_state_dict: {missing} missing; give it what state_dict() returned")
        self._drawn_from().set_state(state_dict["generator"])
        self._epoch, self._batches, self._start = None, state_dict["batches"], state_dict["start"]
        self._resumed = self._start is not None


class _Reader:
    """Reads the batch with a given place in an epoch; what it draws depends on that place and on the epoch's seed."""

    def __init__(self, loader: DataLoader, seed: int | None) -> None:
        self.loader, self.seed = loader, seed
        self.samples = iter(loader.dataset) if loader._iterable else None

    def __call__(self, task: tuple[int, Any]) -> Any:
        place, numbers = task
        try:
            if self.seed is None:  # arrays: nothing is drawn
                rows = self.loader.dataset[np.asarray(numbers)]
                return list(rows) if isinstance(rows, tuple) else as_tensor(rows)
            with random.use(Generator((self.seed << 32) + place)):
                return self._read(numbers)
        except StopIteration as error:  # would end the epoch in silence
            raise RuntimeError("the DataLoader's data set raised StopIteration") from error
        except Exception as error:
            which = "" if self.samples is not None else f", samples {numbers}"
            error.add_note(f"in batch {place} of the DataLoader{which}")
            raise

    def _read(self, numbers: Any) -> Any:
        loader = self.loader
        if loader.batch_sampler is None:
            sample: Any = loader.dataset[numbers] if self.samples is None else next(self.samples, _END)
            return _END if sample is _END else loader.collate_fn(sample)
        if self.samples is None:
            return loader.collate_fn(fetch(loader.dataset, numbers))
        batch = list(islice(self.samples, len(numbers)))
        return loader.collate_fn(batch) if len(batch) > (len(numbers) - 1 if loader.drop_last else 0) else _END


def get_worker_info() -> None:
    """Return None, as in the main process of PyTorch: however many workers are asked for, all is read in one place."""


def skip(iterator: Iterator[Any], count: int) -> None:
    """Take so many items from an iterator."""
    deque(islice(iterator, count), maxlen=0)
