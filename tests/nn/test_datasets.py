"""IDX and CIFAR files, scikit-learn's data sets, and synthetic ones that models learn."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

import nn
from autodiff.random import Generator
from nn import data
from nn.data import synthetic


def idx(array, code=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    ("code", "dtype"), [(8, "u1"), (9, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_idx_files_of_every_type_are_read(tmp_path, code, dtype) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "a").write_bytes(idx(array, code))
    (tmp_path / "b").write_bytes(gzip.compress(idx(array, code)))
    for name in "ab":
        read = data.read_idx(tmp_path / name)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == np.dtype(dtype).newbyteorder("=")
        assert read.flags.writeable


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "no IDX file"),
        (b"PK\3\4....", "no IDX file: it begins with b'PK"),
        (idx(np.zeros((2, 2), np.uint8))[:-1], r"has 15 bytes, expected 16 for an array of shape \(2, 2\)"),
        (idx(np.zeros((2, 2), np.uint8))[:6], "expected"),
        (gzip.compress(idx(np.zeros(9, np.uint8)), mtime=0)[:-9], "not whole"),
    ],
    ids=["empty", "other", "short", "header", "gzip"],
)
def test_broken_idx_files_are_refused(tmp_path, raw, message) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        data.read_idx(tmp_path / "a")


@pytest.mark.parametrize(("kind", "folder"), [(data.MNIST, "MNIST/raw"), (data.FashionMNIST, "FashionMNIST/raw")])
def test_mnist_and_its_relative(tmp_path, kind, folder) -> None:
    pictures, labels = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8), np.array([7, 0, 9], np.uint8)
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
    (tmp_path / folder / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    digits = kind(tmp_path, transform=data.transforms.ToTensor(), target_transform=lambda t: t + 1)
    x, y = next(iter(nn.DataLoader(digits, 3)))
    np.testing.assert_array_equal(x.numpy()[:, 0], pictures.astype(np.float32) / np.float32(255))
    assert y.tolist() == [8, 1, 10]
    assert len(kind.classes) == 10
    assert kind(tmp_path)[0][0].dtype == np.uint8
    with pytest.raises(FileNotFoundError, match=r"no file t10k-images-idx3-ubyte in .*; it comes from http"):
        kind(tmp_path, train=False)
    with pytest.raises(ValueError, match="nothing is downloaded; put the files of http"):
        kind(tmp_path, download=True)
    (tmp_path / folder / "train-labels-idx1-ubyte").write_bytes(idx(labels[:2]))
    with pytest.raises(ValueError, match="3 pictures but 2 labels"):
        kind(tmp_path)


def test_cifar_in_its_binary_version(tmp_path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "cifar-10-batches-bin").mkdir()
    planes = rng.integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)
    for i in range(5):
        rows = [bytes([k]) + planes[k].tobytes() for k in (2 * i, 2 * i + 1)]
        (tmp_path / "cifar-10-batches-bin" / f"data_batch_{i + 1}.bin").write_bytes(b"".join(rows))
    (tmp_path / "train.bin").write_bytes(bytes([3, 99]) + planes[0].tobytes())
    (tmp_path / "test.bin").write_bytes(b"short")
    ten = data.CIFAR10(tmp_path)
    assert ten.data.shape == (10, 32, 32, 3)
    assert ten.targets.tolist() == list(range(10))
    np.testing.assert_array_equal(ten[4][0].transpose(2, 0, 1), planes[4])
    assert data.CIFAR100(tmp_path)[0][1] == 99
    with pytest.raises(ValueError, match="test.bin has 5 bytes, expected a multiple of 3074"):
        data.CIFAR100(tmp_path, train=False)


def test_the_data_sets_of_scikit_learn() -> None:
    pytest.importorskip("sklearn")
    shapes = {name: [t.shape for t in data.bundled(name).tensors] for name in data.bundled.__globals__["NAMES"]}
    assert shapes["digits"] == [(1797, 1, 8, 8), (1797,)]
    assert shapes["diabetes"] == [(442, 10), (442, 1)]
    assert shapes["linnerud"] == [(20, 3), (20, 3)]
    digits = data.bundled("digits")
    assert digits.tensors[0].dtype == np.float32
    assert (digits.tensors[0].max().item(), digits.tensors[1].dtype) == (1, np.int64)
    assert digits.classes == list("0123456789")
    with pytest.raises(ValueError, match="no data set 'boston'; expected one of breast_cancer"):
        data.bundled("boston")


MAKERS = {
    "blobs": (synthetic.blobs, (2,), 3),
    "blobs in 5-D": (lambda n, generator: synthetic.blobs(n, 4, 5, generator=generator), (5,), 4),
    "moons": (synthetic.moons, (2,), 2),
    "spirals": (synthetic.spirals, (2,), 3),
    "shapes": (synthetic.shapes, (1, 16, 16), 4),
    "tones": (synthetic.tones, (1, 256), 4),
}


@pytest.mark.parametrize(("make", "shape", "classes"), MAKERS.values(), ids=MAKERS)
def test_synthetic_sets_replay_and_can_be_told_apart(make, shape, classes) -> None:
    x, y = make(400, generator=Generator(0))[:]
    assert x.shape == (400, *shape)
    assert x.dtype == np.float32
    assert np.bincount(y.numpy()).tolist() == [400 // classes + (i < 400 % classes) for i in range(classes)]
    again, other = (make(400, generator=Generator(seed))[:][0].numpy() for seed in (0, 1))
    np.testing.assert_array_equal(x.numpy(), again)
    assert not np.array_equal(again, other)
    assert len(make(0, generator=Generator(0))) == 0
    # the nearest neighbour (of spectra, for tones, whose phases differ; of widths, for shapes) knows the class
    points = {"tones": lambda a: np.abs(np.fft.rfft(a[:, 0])), "shapes": outline}.get(
        make.__name__, lambda a: a.reshape(len(a), -1)
    )(x.numpy())
    distances = ((points[:, None] - points) ** 2).sum(-1) + np.diag(np.full(400, np.inf))
    share = (y.numpy()[distances.argmin(1)] == y.numpy()).mean()
    assert share > 0.8


def outline(pictures):
    """The sorted lengths of rows and columns within the shape."""
    inside = pictures[:, 0] > 0.4
    lengths = [np.sort(inside.sum(axis), 1) / np.maximum(inside.sum((1, 2))[:, None], 1) ** 0.5 for axis in (1, 2)]
    return np.concatenate(lengths, 1)


@pytest.mark.parametrize("task", ["copy", "reverse", "sort", "sum"])
def test_sequences(task) -> None:
    x, y = (t.numpy() for t in synthetic.sequences(5, 6, 7, task, Generator(0))[:])
    assert x.shape == y.shape == (5, 6)
    assert x.max() < 7
    for row, out in zip(x.tolist(), y.tolist(), strict=True):
        running = [sum(row[: i + 1]) % 7 for i in range(6)]
        assert out == {"copy": row, "reverse": row[::-1], "sort": sorted(row), "sum": running}[task]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="no task 'shout'"):
        synthetic.sequences(task="shout")
    with pytest.raises(ValueError, match="8 classes need a length of at least 411, got 256"):
        synthetic.tones(classes=8)
    with pytest.raises(ValueError, match="classes=0"):
        synthetic.blobs(classes=0)
