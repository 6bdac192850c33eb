"""Samplers, the loader's options, reading ahead in a thread, and going on in the middle of an epoch."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
import nn
from nn import data
from nn.data import DataLoader


class Point(NamedTuple):
    x: Any
    y: Any


class Noisy(data.Dataset):
    """Samples that depend on random draws, and know the thread that read them."""

    def __init__(self, n=20):
        self.n, self.threads = n, set()

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.threads.add(threading.current_thread().name.partition("_")[0])
        return i, ad.rand(2)


class Lines(data.IterableDataset):
    def __iter__(self):
        for i in range(11):
            yield i, ad.rand(1)


def values(batches):
    return [[np.asarray(part).tolist() for part in batch] for batch in batches]


# --- samplers ---


@given(n=st.integers(1, 9), extra=st.integers(0, 20), seed=st.integers(0, 9))
def test_random_sampler_runs_through_whole_orders(n, extra, seed) -> None:
    order = list(data.RandomSampler(range(n), num_samples=n + extra, generator=ad.random.Generator(seed)))
    assert len(order) == n + extra
    for i in range(0, n + extra - n + 1, n):
        assert sorted(order[i : i + n]) == list(range(n))
    drawn = list(data.RandomSampler(range(n), replacement=True, num_samples=n + extra))
    assert len(drawn) == n + extra
    assert set(drawn) <= set(range(n))


def test_weighted_sampler_draws_in_proportion() -> None:
    weights = [0, 1, 3, 0, 6, 0]
    counts = Counter(data.WeightedRandomSampler(weights, 10_000, generator=ad.random.Generator(0)))
    assert set(counts) == {1, 2, 4}
    for i, share in ((1, 0.1), (2, 0.3), (4, 0.6)):
        assert abs(counts[i] / 10_000 - share) < 0.02
    # without replacement: the first draw is in proportion, the others in proportion to what is left
    generator = ad.random.Generator(0)
    draws = [tuple(data.WeightedRandomSampler(weights, 2, False, generator)) for _ in range(4000)]
    assert abs(sum(d[0] == 4 for d in draws) / 4000 - 0.6) < 0.03
    assert abs(sum(d == (4, 2) for d in draws) / 4000 - 0.6 * 0.75) < 0.03
    assert all(len(set(d)) == 2 for d in draws)


@given(n=st.integers(0, 20), size=st.integers(1, 6), drop_last=st.booleans())
def test_batch_sampler_equals_torchs(torch, n, size, drop_last) -> None:
    ours, theirs = (m.BatchSampler(range(n), size, drop_last) for m in (data, torch.utils.data))
    assert list(ours) == list(theirs)
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: data.RandomSampler([]), ValueError, "positive integer value, but the data set has no samples"),
        (lambda: data.RandomSampler([1], num_samples=0), ValueError, "num_samples=0"),
        (lambda: data.RandomSampler([1], replacement=1), TypeError, "replacement should be a boolean value"),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError, r"1d sequence .* \(1, 1\)"),
        (lambda: data.WeightedRandomSampler([1.0, -1.0], 1), ValueError, "finite numbers >= 0"),
        (lambda: data.WeightedRandomSampler([0.0], 1), ValueError, "not all 0"),
        (lambda: data.WeightedRandomSampler([1.0, 0.0], 2, False), ValueError, "num_samples=2 .* from 1 weights"),
        (lambda: data.WeightedRandomSampler([1.0], 1.5), ValueError, "num_samples=1.5"),
        (lambda: data.BatchSampler(range(3), 0, False), ValueError, "batch_size=0"),
        (lambda: data.BatchSampler(range(3), 1, 1), ValueError, "drop_last should be a boolean"),
        (lambda: data.ConcatDataset([]), ValueError, "empty"),
        (lambda: data.ConcatDataset([Lines()]), TypeError, "ChainDataset"),
        (lambda: data.ChainDataset([[1]]), TypeError, "got list; use ConcatDataset"),
        (lambda: data.StackDataset(), ValueError, "either"),
        (lambda: data.StackDataset([1], [1, 2]), ValueError, r"lengths \[1, 2\]"),
        (lambda: data.Dataset()[0], NotImplementedError, "must define __getitem__"),
        (lambda: iter(data.IterableDataset()), NotImplementedError, "must define __iter__"),
        (lambda: Lines()[0], TypeError, "iterate over it"),
        (lambda: DataLoader([1], shuffle=True, sampler=[0]), ValueError, "exclusive with shuffle"),
        (lambda: DataLoader([1], batch_sampler=[[0]], drop_last=True), ValueError, "batch_sampler option is mutually"),
        (lambda: DataLoader([1], batch_size=None, drop_last=True), ValueError, "disables auto-batching"),
        (lambda: DataLoader(Lines(), shuffle=True), ValueError, "IterableDataset.* does not take shuffle=True"),
        (lambda: DataLoader([1], generator=np.random.default_rng()), TypeError, "ad.random.Generator; got Generator"),
        (lambda: DataLoader([1], num_workers=-1), ValueError, "non-negative; use num_workers=0"),
        (lambda: DataLoader([1], prefetch_factor=2), ValueError, "needs num_workers > 0"),
        (lambda: DataLoader([1], num_workers=1, prefetch_factor=0), ValueError, "should be positive"),
        (lambda: DataLoader([1], persistent_workers=True), ValueError, "needs num_workers > 0"),
        (lambda: DataLoader([1], timeout=-1), ValueError, "timeout"),
        (lambda: len(DataLoader(Lines())), TypeError, "len()"),
        (lambda: DataLoader([1]).load_state_dict({}), KeyError, "'generator'.* missing"),
        (lambda: data.default_collate([None]), TypeError, "must contain tensors.* found NoneType"),
        (lambda: data.default_collate([np.array("a")]), TypeError, "an array of <U1"),
        (lambda: data.default_collate([(1,), (1, 2)]), RuntimeError, r"\[1, 2\] parts.* pad them"),
        (lambda: data.default_collate([np.ones(2), np.ones(3)]), RuntimeError, r"one shape, got \(2,\), \(3,\)"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


# --- data sets made of others ---


def test_sums_chains_stacks_and_subsets(torch) -> None:
    both = data.ConcatDataset([range(3), range(10, 12)])
    theirs = torch.utils.data.ConcatDataset([range(3), range(10, 12)])
    assert [both[i] for i in range(-5, 5)] == [theirs[i] for i in range(-5, 5)]
    with pytest.raises(IndexError, match="sample 5 of a data set with 5"):
        both[5]
    assert [x for x, _ in data.ChainDataset([Lines(), Lines()])] == [*range(11)] * 2
    stack = data.StackDataset(a=range(3), b="xyz")
    (batch,) = DataLoader(stack, 3)
    assert (batch["a"].tolist(), batch["b"]) == ([0, 1, 2], ["x", "y", "z"])
    assert len(data.TensorDataset(np.ones(2)) + range(3)) == 5
    nested = data.Subset(data.Subset((np.arange(5) * 2), [4, 3, 2]), [0, 2])
    assert next(iter(DataLoader(nested, 2))).tolist() == [8, 4]
    assert [nested[0], nested[1]] == [8, 4]


# --- collating ---


def test_collating_keeps_structure_and_dtypes_as_torch_does(torch) -> None:
    sample = {"f": 1.5, "i": 2, "b": True, "a": np.float32(3), "t": Point(np.ones(2), "s"), "l": [1, (2.0, 3)]}
    ours, theirs = data.default_collate([sample, sample]), torch.utils.data.default_collate([sample, sample])
    assert type(ours["t"]) is Point
    assert ours["t"].y == list(theirs["t"].y) == ["s", "s"]
    for a, b in [(ours[k], theirs[k]) for k in "fiba"] + [(ours["t"].x, theirs["t"].x)]:
        assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
        assert a.tolist() == b.tolist()
    assert isinstance(ours["l"][1], list)
    assert data.default_convert(Point(np.ones(2), "s")).x.tolist() == [1, 1]


def test_tensors_that_need_a_gradient_keep_their_history() -> None:
    x = ad.ones(2, 3, requires_grad=True)
    data.default_collate([x[0], x[1]]).sum().backward()
    assert x.grad.tolist() == [[1] * 3] * 2


# --- the loader ---


def test_samplers_and_batch_samplers_decide_the_order() -> None:
    x = np.arange(5) * 10
    assert [b.tolist() for b in DataLoader(x, 2, sampler=[3, 1, 1])] == [[30, 10], [10]]
    loader = DataLoader(x, batch_sampler=[[4], [0, 1, 2]])
    assert [b.tolist() for b in loader] == [[40], [0, 10, 20]]
    assert len(loader) == 2
    keys = DataLoader({"a": 1, "b": 2}, 2, sampler=["b", "a"])
    assert next(iter(keys)).tolist() == [2, 1]


def test_without_a_batch_size_samples_come_one_by_one() -> None:
    got = list(DataLoader([(np.ones(2), "a"), (np.zeros(2), "b")], batch_size=None))
    assert isinstance(got[0][0], ad.Tensor)
    assert [name for _, name in got] == ["a", "b"]
    assert len(list(DataLoader(Lines(), batch_size=None))) == 11
    assert list(DataLoader([1, 2], batch_size=None, collate_fn=lambda v: -v, shuffle=False)) == [-1, -2]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_iterable_data_sets_are_read_in_batches(torch, drop_last, num_workers) -> None:
    class Numbers(data.IterableDataset):
        def __iter__(self):
            return iter(range(7))

        def __len__(self):
            return 7

    class Theirs(torch.utils.data.IterableDataset):
        __iter__, __len__ = Numbers.__iter__, Numbers.__len__

    ours = DataLoader(Numbers(), 3, drop_last=drop_last, num_workers=num_workers)
    theirs = torch.utils.data.DataLoader(Theirs(), 3, drop_last=drop_last)
    assert [b.tolist() for b in ours] == [b.tolist() for b in theirs]
    assert len(ours) == len(theirs)


@pytest.mark.parametrize("make", [Noisy, Lines])
def test_reading_ahead_gives_the_same_batches(make) -> None:
    def epochs(**options):
        ad.manual_seed(4)
        loader = DataLoader(make(), 3, **options)
        result = []
        for _ in range(2):
            result += values(loader)
            ad.rand(1)  # as a model does that drops out
        return result

    drawn = [draw for batch in epochs() for draw in map(tuple, batch[1])]
    assert len(set(drawn)) == len(drawn)  # other batches and epochs, other draws
    assert epochs() == epochs(num_workers=1) == epochs(num_workers=3, prefetch_factor=1)


def test_a_thread_reads_ahead_and_ends_with_the_loop() -> None:
    noisy, started = Noisy(), []
    loader = DataLoader(noisy, 2, num_workers=1, prefetch_factor=2, worker_init_fn=started.append)
    batches = iter(loader)
    next(batches)
    batches.close()
    assert started == [0]
    assert noisy.threads == {"DataLoader"}
    for thread in threading.enumerate():
        if thread.name.startswith("DataLoader"):
            thread.join(5)
            assert not thread.is_alive()


class Broken(Noisy):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def __getitem__(self, i):
        if i == 5:
            raise self.error
        return i


@pytest.mark.parametrize("num_workers", [0, 1])
def test_errors_of_the_data_set_arrive_and_say_where(num_workers) -> None:
    batches = iter(DataLoader(Broken(ValueError("torn")), 4, num_workers=num_workers))
    next(batches)
    with pytest.raises(ValueError, match="torn") as caught:
        next(batches)
    assert caught.value.__notes__ == ["in batch 1 of the DataLoader, samples [4, 5, 6, 7]"]
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Broken(StopIteration()), 4, num_workers=num_workers))


def test_a_slow_data_set_times_out() -> None:
    wait = threading.Event()

    class Slow(Noisy):
        def __getitem__(self, i):
            wait.wait(5)

    with pytest.raises(RuntimeError, match="timed out after 0.01 seconds"):
        next(iter(DataLoader(Slow(), num_workers=1, timeout=0.01)))
    wait.set()


# --- going on ---

LOADERS = {
    "arrays": lambda **k: DataLoader((np.arange(20), np.arange(20)), 3, shuffle=True, **k),
    "own": lambda **k: DataLoader(Noisy(), 3, shuffle=True, **k),
    "generator": lambda **k: DataLoader(Noisy(), 3, shuffle=True, generator=ad.random.Generator(7), **k),
    "weights": lambda **k: DataLoader(Noisy(), 3, sampler=data.WeightedRandomSampler(range(1, 21), 20), **k),
    "own sampler": lambda **k: DataLoader(
        Noisy(), 3, sampler=data.RandomSampler(range(20), generator=ad.random.Generator(3)), **k
    ),
    "iterable": lambda **k: DataLoader(Lines(), 3, **k),
    "singles": lambda **k: DataLoader(Noisy(), None, shuffle=True, **k),
}


@pytest.mark.parametrize("options", [{}, {"num_workers": 1}], ids=["alone", "thread"])
@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_a_loader_goes_on_where_it_was_left(make, options) -> None:
    def run(stop=None):
        """Three epochs with draws between the batches; at a batch, leave everything and start anew from the state."""
        ad.manual_seed(1)
        loader, seen, count = make(**options), [], 0
        while count < 3 * length:
            for batch in loader:
                seen.append((values([batch]), ad.rand(1).item()))
                count += 1
                if count == stop:
                    state, rest = loader.state_dict(), ad.random.default_generator().get_state()
                    loader = make(**options)
                    loader.load_state_dict(state)
                    assert loader.state_dict() == state
                    ad.random.default_generator().set_state(rest)
                    break
        return seen

    length = len(values(make()))
    whole = run()
    for stop in (1, length - 1, length, length + 2):
        assert run(stop) == whole


def test_a_state_from_between_two_epochs_starts_the_next() -> None:
    loader = LOADERS["own"]()
    values(loader)
    state = loader.state_dict()
    assert state["batches"] == 0
    expected = values(loader)
    other = LOADERS["own"]()
    other.load_state_dict(state)
    assert values(other) == expected


def test_a_second_iteration_starts_anew() -> None:
    loader = DataLoader(np.arange(4), 1)
    first, second = iter(loader), iter(loader)
    next(first), next(second), next(first), next(first)
    assert loader.state_dict()["batches"] == 1  # the place is the latest iteration's


def test_names_of_torch_utils_data_are_here(torch) -> None:
    for name in torch.utils.data.__all__:
        if name.endswith(("Dataset", "Sampler", "Loader")) or name.startswith(("default", "random")):
            assert hasattr(data, name) or name == "DistributedSampler", name
    assert nn.DataLoader is DataLoader
