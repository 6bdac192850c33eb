"""Lists of arrays as one real vector: complex numbers are pairs, so that the inner product is that of derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Space:
    """The real vector space that some arrays are points of; `pack` and `unpack` go there and back.

    A complex array counts twice, as real and imaginary parts: the inner product of two packed lists is the real part of
    `vdot`, which is how gradients of complex numbers pair with directions (PyTorch's convention).
    """

    def __init__(self, names: Sequence[str], like: Sequence[Array]) -> None:
        self.names = list(names)
        self.shapes = [np.shape(x) for x in like]
        self.complex = [np.asarray(x).dtype.kind == "c" for x in like]
        sizes = [int(np.prod(s)) * (1 + c) for s, c in zip(self.shapes, self.complex, strict=True)]
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=int)])
        self.size = int(self.starts[-1])

    def pack(self, arrays: Sequence[Any]) -> Array:
        """Return arrays of these shapes as one vector; a wide dtype stays, others become float64."""
        parts = []
        for x, kind in zip(arrays, self.complex, strict=True):
            x = np.asarray(x)
            wide = np.longdouble if x.dtype.itemsize > (16 if x.dtype.kind == "c" else 8) else np.float64
            flat = x.reshape(-1)
            if kind:
                pairs = np.empty((flat.size, 2), wide)
                pairs[:, 0], pairs[:, 1] = flat.real, flat.imag
                parts.append(pairs.reshape(-1))
            else:
                parts.append(flat.astype(wide, copy=False))
        return np.concatenate(parts) if parts else np.zeros(0)

    def unpack(self, vector: Array) -> list[Any]:
        """Return a vector as arrays of their own memory."""
        arrays = []
        for shape, kind, start, stop in zip(self.shapes, self.complex, self.starts, self.starts[1:], strict=False):
            part = vector[start:stop]
            if kind:
                part = part[::2] + 1j * part[1::2]
            arrays.append(part.reshape(shape).copy())
        return arrays

    def place(self, k: int) -> tuple[str, tuple[int, ...]]:
        """Return the name of the array and the index in it of one coordinate."""
        i = int(np.searchsorted(self.starts, k, side="right")) - 1
        k -= int(self.starts[i])
        name = self.names[i]
        if self.complex[i]:
            k, part = divmod(k, 2)
            name += (".real", ".imag")[part]
        return name, tuple(int(n) for n in np.unravel_index(k, self.shapes[i]))
