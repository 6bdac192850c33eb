"""DataLoader, TensorDataset and random_split: every sample once, orders that replay, batches of Tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn


@given(n=st.integers(0, 20), batch_size=st.integers(1, 7), shuffle=st.booleans(), drop_last=st.booleans())
def test_an_epoch_has_every_sample_once_and_len_batches(n, batch_size, shuffle, drop_last) -> None:
    if not n and shuffle:
        with pytest.raises(ValueError, match="num_samples should be a positive integer value, .* has no samples"):
            nn.DataLoader(np.arange(0), shuffle=True)
        return
    loader = nn.DataLoader((np.arange(n), np.arange(n) * 2), batch_size, shuffle, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader)
    seen = [i for x, _ in batches for i in x.tolist()]
    assert len(set(seen)) == len(seen) == (n // batch_size * batch_size if drop_last else n)
    assert all(y.tolist() == [2 * i for i in x.tolist()] for x, y in batches)
    assert all(len(x) == batch_size for x, _ in batches[:-1])
    if not shuffle:
        assert seen == sorted(seen)


def test_batches_are_tensors_of_the_arrays_dtypes_and_own_their_memory() -> None:
    x, y = np.zeros((5, 2), np.float32), np.arange(5)
    (a, b), *_ = nn.DataLoader((x, y), batch_size=3)
    assert isinstance(a, ad.Tensor)
    assert (a.dtype, b.dtype) == (np.float32, np.int64)
    a.data[...] = 1
    assert not x.any()


def test_orders_differ_by_epoch_and_replay_from_the_seed() -> None:
    def epochs(seed):
        loader = nn.DataLoader(np.arange(50), 50, shuffle=True, generator=ad.random.Generator(seed))
        return [next(iter(loader)).tolist() for _ in range(3)]

    first = epochs(0)
    assert first == epochs(0)
    assert first[0] != first[1] != first[2]
    assert first != epochs(1)


def test_the_default_generator_is_used_without_one() -> None:
    loader = nn.DataLoader(np.arange(50), 50, shuffle=True)
    ad.manual_seed(3)
    first = next(iter(loader)).tolist()
    ad.manual_seed(3)
    assert next(iter(loader)).tolist() == first


def test_arrays_are_indexed_once_a_batch(monkeypatch) -> None:
    reads = []
    read = nn.TensorDataset.__getitem__
    monkeypatch.setattr(nn.TensorDataset, "__getitem__", lambda self, index: reads.append(index) or read(self, index))
    data = nn.TensorDataset(np.arange(100))
    assert len(list(nn.DataLoader(data, 10))) == 10
    assert len(reads) == 10
    assert len(list(nn.DataLoader(nn.random_split(data, [0.5, 0.5])[0], 10))) == 5
    assert len(reads) == 15


def test_a_subclass_of_tensor_dataset_reads_each_sample_in_its_own_way() -> None:
    class First(nn.TensorDataset):
        def __getitem__(self, index):
            assert isinstance(index, int)
            return super().__getitem__(index)[0] * 2

    (batch,) = nn.DataLoader(First(np.arange(3)), 3)
    assert batch.tolist() == [0, 2, 4]
    (batch,) = nn.DataLoader(nn.Subset(First(np.arange(3)), [2, 0]), 3)
    assert batch.tolist() == [4, 0]


def test_a_data_set_of_ones_own_is_stacked_sample_by_sample() -> None:
    class Squares:
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return {"x": np.full(2, i, np.float32), "pair": (i, float(i)), "name": f"s{i}"}

    batch = next(iter(nn.DataLoader(Squares(), batch_size=3)))
    assert batch["x"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert batch["pair"][0].tolist() == [0, 1, 2]
    assert batch["pair"][1].dtype == np.float64  # as in torch
    assert batch["name"] == ["s0", "s1", "s2"]


def test_collate_fn_joins_the_samples() -> None:
    loader = nn.DataLoader((np.arange(4), np.arange(4)), 2, collate_fn=lambda rows: [int(x) + int(y) for x, y in rows])
    assert list(loader) == [[0, 2], [4, 6]]


def test_a_list_of_pairs_is_a_data_set() -> None:
    x, y = next(iter(nn.DataLoader([(np.ones(2), 0), (np.zeros(2), 1)], batch_size=2)))
    assert x.tolist() == [[1, 1], [0, 0]]
    assert y.tolist() == [0, 1]


def test_tensor_dataset_gives_rows_and_refuses_unequal_lengths() -> None:
    data = nn.TensorDataset(np.eye(3), ad.tensor([5, 6, 7]))
    assert len(data) == 3
    assert data[2][1].item() == 7
    assert data[:2][0].shape == (2, 3)
    with pytest.raises(ValueError, match=r"equal first axes, got shapes: \(2,\), \(3,\)"):
        nn.TensorDataset(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="none"):
        nn.TensorDataset()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_batch_size_must_be_a_positive_integer(batch_size) -> None:
    with pytest.raises(ValueError, match="batch_size should be a positive integer"):
        nn.DataLoader(np.arange(3), batch_size=batch_size)


@settings(deadline=None)
@given(n=st.integers(1, 60), fractions=st.sampled_from([[0.5, 0.5], [0.8, 0.2], [0.1, 0.2, 0.7], [1.0]]))
def test_random_split_divides_everything_as_torch_does(torch, n, fractions) -> None:
    parts = nn.random_split(list(range(n)), fractions, generator=ad.random.Generator(0))
    assert sorted(int(i) for part in parts for i in part.indices) == list(range(n))
    if n >= 10:  # below, torch warns of empty parts
        assert list(map(len, parts)) == list(map(len, torch.utils.data.random_split(range(n), fractions)))


def test_random_split_of_arrays_replays_and_refuses_wrong_lengths() -> None:
    arrays = np.arange(10), np.arange(10) * 3
    first, second = (nn.random_split(arrays, [7, 3], generator=ad.random.Generator(1)) for _ in range(2))
    assert first[0][:][0].tolist() == second[0][:][0].tolist()
    assert first[1][0][1].item() == 3 * first[1][0][0].item()
    with pytest.raises(ValueError, match=r"lengths \[2, 2\] must sum to the 10 samples"):
        nn.random_split(arrays, [2, 2])
