"""Elementwise kernels of several passes: in blocks that stay in cache, or as one compiled loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels import compiled

BLOCK = 16384  # float32: 64 KiB an array; 18 passes of erf took 1.6, 1.3, 1.2 ns an element in 8192, 12288, 16384
FEW = 256  # below this one call of NumPy is as fast as a loop's own 1 us

Form = Callable[..., Any]


class Scratch:
    """Buffers of one block that a kernel takes and gives back; a call within a call, or in a thread, makes its own."""

    def __init__(self, count: int) -> None:
        self._count, self._free = count, [self._made(count)]

    @staticmethod
    def _made(count: int) -> list[Any]:
        return [np.empty(BLOCK, np.float32) for _ in range(count)]

    def take(self) -> list[Any]:
        """Return the buffers; `give` them back when done."""
        try:
            return self._free.pop()  # one bytecode: safe between threads
        except IndexError:
            return self._made(self._count)

    def give(self, buffers: list[Any]) -> None:
        """Let the next call have them."""
        if not self._free:
            self._free.append(buffers)


def flat(out: Any, x: Any) -> Any:
    """Return an array's elements in one axis, in the order they have in the memory of `out`."""
    if x.strides != out.strides or x.shape != out.shape:
        other = np.empty_like(out)
        np.copyto(other, x)
        x = other
    return x.ravel(order="K")


def mapped(form: Form, loop: Form | None, scratch: Scratch | None, *xs: Any) -> Any:
    """Return an elementwise function of float32 arrays, laid out in memory as the first of them.

    `loop(out, *xs)` where loops are compiled, else `form(out, *xs, *buffers)` for each block.
    """
    first = xs[0]
    shape = first.shape if len(xs) == 1 or xs[1].shape == first.shape else np.broadcast_shapes(*[x.shape for x in xs])
    out = np.empty_like(first) if shape == first.shape else np.empty(shape, np.float32)
    y, parts = out.ravel(order="K"), [flat(out, x if x.shape == shape else np.broadcast_to(x, shape)) for x in xs]
    if loop is not None and y.size >= FEW and compiled.available():
        loop(y, *parts)
        return out
    buffers = scratch.take() if scratch is not None else []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, math.prod(shape), BLOCK):
            piece = slice(start, start + BLOCK)
            target = y[piece]
            form(target, *[x[piece] for x in parts], *[buffer[: target.size] for buffer in buffers])
    if scratch is not None:
        scratch.give(buffers)
    return out


def floating(x: Any) -> Any:
    """Return an array of floating numbers: whole ones as float64."""
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def in_float32(wide: Form) -> Callable[[Form], Form]:
    """Let a kernel of float32 arrays serve float16 too, and `wide` all others."""

    def decorated(narrow: Form) -> Form:
        def kernel(*xs: Any) -> Any:
            arrays = [floating(x) for x in xs]
            dtype = np.result_type(*[x.dtype for x in arrays])
            if dtype == np.float32:
                return narrow(*[x.astype(np.float32, copy=False) for x in arrays])
            if dtype == np.float16:
                return narrow(*[x.astype(np.float32) for x in arrays]).astype(np.float16)
            return wide(*arrays)

        return kernel

    return decorated
