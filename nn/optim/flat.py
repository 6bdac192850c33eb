"""Parameters and what is remembered of them side by side in flat memory, so that an update is a few passes over it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from operator import attrgetter, is_
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.tape import memory, touch

Array = np.ndarray[Any, Any]
Names = tuple[str | None, ...]  # of a form's state, None for what is not kept
DATA, DTYPE = attrgetter("_data"), attrgetter("dtype")
STRIDE = 32  # elements at whose multiples every part begins, so 64 bytes at least: a line of the cache


class Memory(bytearray):
    """The bytes behind flat arrays: a view of them is known by its type from a view of somebody else's memory."""


class Buffer(NamedTuple):
    """One flat array, and its parts: in the parameters' shapes, and as 1-D arrays."""

    whole: Array
    shaped: list[Array]
    lines: list[Array]

    def beside(self, arrays: list[Array]) -> list[Array]:
        """Return what lies beside `arrays`: the whole beside one flat array, else the parts."""
        return [self.whole] if len(arrays) == 1 and arrays[0].shape == self.whole.shape else self.shaped


class Flat:
    """Parameters of one dtype that are updated together, and their state.

    The state lies in one array a name, and so do the parameters: they move there if nothing else holds their arrays, so
    that no alias (`t.detach()`, `state_dict()`, the user's own array) is cut off; else they stay where they are. Each
    parameter's part has the axis order of its own array, and counts as memory of its own when the tape asks what was
    written.
    """

    def __init__(self, params: list[Tensor], names: Names, known: list[dict[str, Any]]) -> None:
        """Lay out `params` and the state `names`, whose values are Tensors in `known`, one dict a parameter."""
        self.params, self._names = params, names
        self._tensors = [[state[name] for state in known] if name else [] for name in names]
        self.dtype = np.result_type(params[0].dtype, np.float32)  # float16 is updated in float32
        self.plain = self.dtype == params[0].dtype
        self.size = sum(p.size for p in params)
        self._orders = [_order(p.data) for p in params]
        self._scratch: list[Buffer] = []
        self.states = [self._place(self.dtype, tensors) if tensors else None for tensors in self._tensors]
        moved = self._place(params[0].dtype, params) if all(map(_alone, params)) else None
        self._homes = [p.data for p in params]
        if any(not home.flags.writeable for home in self._homes):
            raise ValueError("a parameter's array is read-only, so a step cannot update it; p.data = p.data.copy() can")
        self.homes = [moved.whole] if moved else self._homes
        lines = moved.lines if moved else [_line(p.data, order) for p, order in zip(params, self._orders, strict=True)]
        beside = (state.lines if state else [None] * len(params) for state in self.states)
        self.lines = list(zip(lines, *beside, strict=True))
        self.compilable = all(x is not None for x in lines) and params[0].dtype.char in "fd"
        self._owners = [memory(home) for home in self._homes]

    def _buffer(self, dtype: Any) -> Buffer:
        """Return zeros for all parameters."""
        itemsize = np.dtype(dtype).itemsize
        sizes = [-(-p.size // STRIDE) * STRIDE for p in self.params]
        raw = Memory(sum(sizes) * itemsize + 64)
        start = -np.frombuffer(raw, np.uint8).ctypes.data % 64
        whole = np.frombuffer(raw, dtype, sum(sizes), start)
        lines, shaped = [], []
        for p, order, size in zip(self.params, self._orders, sizes, strict=True):
            lines.append(np.frombuffer(memoryview(raw), dtype, p.size, start))  # owned, to the tape, by that memoryview
            shaped.append(_shaped(lines[-1], p.shape, order))
            start += size * itemsize
        return Buffer(whole, shaped, lines)

    def _place(self, dtype: Any, tensors: list[Any]) -> Buffer:
        """Move tensors of the parameters' shapes into flat memory."""
        buffer = self._buffer(dtype)
        for t, view in zip(tensors, buffer.shaped, strict=True):
            view[...] = t.data
            t.data = view
        return buffer

    def holds(self, names: Names, state: Mapping[Any, dict[str, Any]]) -> bool:
        """Say whether all parameters, and the state of these names, still lie where they were put."""
        if names != self._names or not all(map(is_, map(DATA, self.params), self._homes)):
            return False
        for name, tensors, buffer in zip(names, self._tensors, self.states, strict=True):
            if name is None or buffer is None:
                continue
            now = [state[p].get(name) for p in self.params]
            if not all(map(is_, now, tensors)) or not all(map(is_, map(DATA, tensors), buffer.shaped)):
                return False
        return True

    def touch(self) -> None:
        """Tell the tape that the parameters were written."""
        touch(*self._owners)

    # --- what a kernel works with ---

    def scratch(self, number: int) -> Buffer:
        """Return memory to compute in, which is kept."""
        while len(self._scratch) <= number:
            self._scratch.append(self._buffer(self.dtype))
        return self._scratch[number]

    def pairs(self, buffer: Buffer) -> zip[tuple[Array, Array]]:
        """Return the parameters with what lies beside them: two flat arrays where they moved, else two a parameter."""
        return zip(self.homes, buffer.beside(self.homes), strict=True)

    def directions(self, grads: list[Array], decay: Any) -> list[Array]:
        """Return g + p * decay: the gradients themselves where nothing is to be done, else one flat array."""
        if decay is None and all(map(is_, map(DTYPE, grads), repeat(self.dtype))):
            return grads
        buffer = self.scratch(1)
        if decay is not None:
            for p, h in self.pairs(buffer):
                np.multiply(p, decay, out=h)
        for g, h in zip(grads, buffer.shaped, strict=True):
            np.copyto(h, g) if decay is None else np.add(h, g, out=h)
        return [buffer.whole]

    def negative(self, grads: list[Array]) -> list[Array]:
        """Return -g."""
        return [np.negative(g, out=h) for g, h in zip(grads, self.scratch(2).shaped, strict=True)]

    def aligned(self, grads: list[Array]) -> list[Array]:
        """Return the gradients as 1-D arrays in the order of the parameters' memory."""
        lines = [_line(g, order) for g, order in zip(grads, self._orders, strict=True)]
        for i, g in enumerate(grads):
            if lines[i] is None or g.dtype != self.dtype:
                buffer = self.scratch(1)
                np.copyto(buffer.shaped[i], g)
                lines[i] = buffer.lines[i]
        return lines  # type: ignore[return-value]


def _order(array: Array) -> tuple[int, ...] | None:
    """Return the axes by their strides, the longest first; None where that is their own order."""
    if array.flags.c_contiguous:
        return None
    order = tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))
    return None if order == tuple(range(array.ndim)) else order


def _shaped(piece: Array, shape: tuple[int, ...], order: tuple[int, ...] | None) -> Array:
    """Return a 1-D array in a shape, with the axes in a given order in memory."""
    if order is None:
        return piece.reshape(shape)
    return piece.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))


def _line(array: Array, order: tuple[int, ...] | None) -> Array | None:
    """Return an array as 1-D without a copy, its axes in a given order; None if it does not lie so."""
    if order is not None:
        array = array.transpose(order)
    return array.reshape(-1) if array.flags.c_contiguous else None


def _references(p: Tensor) -> tuple[int, int]:
    """Return how often a parameter's array, and the array it is a view of, are referred to."""
    array = p._data
    base = array.base
    return getrefcount(array), getrefcount(base)


def _alone(p: Tensor) -> bool:
    """Say whether nothing but the parameter holds its array or a view of its memory."""
    array, base = _references(p)
    if array > ALONE[0] or not p._data.flags.writeable:
        return False
    if p._data.base is None:
        return bool(p._data.flags.owndata)
    inner = getattr(p._data.base, "base", None)
    return isinstance(inner, memoryview) and isinstance(inner.obj, Memory) and base <= ALONE[1]


def _lonely() -> Tensor:
    return as_tensor(np.frombuffer(memoryview(Memory(4)), np.uint8).reshape(2, 2))


ALONE = _references(_lonely())
