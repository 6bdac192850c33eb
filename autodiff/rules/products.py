"""Matrix products and contractions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autodiff import apply as engine
from autodiff.kernels.affine import multiplied
from autodiff.kernels.contraction import INTEGERS, contract, written_out
from autodiff.primitive import alias, bilinear, composite, plain
from autodiff.rules.arithmetic import conj

bilinear(np.matmul, lambda g, b, s: _matmul_first(g, b, s), lambda g, a, s: _matmul_second(g, a, s),
         kernel=multiplied)  # fmt: skip
# vecdot and vecmat conjugate their first operand
bilinear(np.vecdot, lambda g, b: conj(g[..., None] * b), lambda g, a: g[..., None] * conj(a),
         analytic=False, complex=True, masked=lambda a, b, axis: _along(a, b, axis), masks=("axis",))  # fmt: skip
if hasattr(np, "matvec"):
    bilinear(np.matvec, lambda g, b: g[..., None] * b[..., None, :], lambda g, a: np.matvec(a.mT, g))
    bilinear(np.vecmat, lambda g, b: conj(np.matvec(b, g)), lambda g, a: conj(a)[..., None] * g[..., None, :],
             analytic=False, complex=True)  # fmt: skip
alias(np.linalg.matmul, np.matmul)
plain(np.einsum_path)


def _matmul_first(g: Any, b: Any, s: Any) -> Any:
    if b.ndim == 1:
        return np.multiply(g if s.ndim == 1 else np.expand_dims(g, -1), b)
    if s.ndim == 1:
        return np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return multiplied(g, b.mT)


def _matmul_second(g: Any, a: Any, s: Any) -> Any:
    if a.ndim == 1:
        return np.multiply(a if s.ndim == 1 else np.expand_dims(a, -1), g if s.ndim == 1 else np.expand_dims(g, -2))
    if s.ndim <= 2 < a.ndim:  # one operand for a whole stack: its gradient is one product, not a sum of them
        rows = math.prod(a.shape[:-1])
        a, g = np.reshape(a, (rows, a.shape[-1])), np.reshape(g, (rows, *g.shape[g.ndim - s.ndim + 1 :]))
    return multiplied(a.mT, g)


def _given(name: str, y: Any, out: Any) -> Any:
    return y if out is None else engine.write_out(name, y, out)


@composite(np.einsum)
def _einsum(*operands: Any, out: Any = None, optimize: Any = True, dtype: Any = None, order: str = "K",
            casting: Any = "safe") -> Any:  # fmt: skip
    if order != "K":
        raise TypeError(f"einsum of a Tensor does not support order={order!r}; leave it out.")
    subscripts, xs = written_out(operands)
    if dtype is not None:
        for x in xs:
            if not np.can_cast(getattr(x, "dtype", type(x)), dtype, casting):
                raise TypeError(f"einsum: cannot cast {x.dtype} to dtype={np.dtype(dtype)} with casting={casting!r}.")
        xs = tuple(np.astype(x, dtype) if hasattr(x, "dtype") else np.asarray(x, dtype) for x in xs)
    if isinstance(optimize, (list, tuple)):  # a path, as np.einsum_path returns it
        optimize = tuple(tuple(step) if isinstance(step, (list, tuple)) else step for step in optimize)
    return _given("einsum", contract(subscripts, *xs, optimize=optimize), out)


@composite(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return _given("dot", np.multiply(a, b), out)
    return _given("dot", np.matmul(a, b) if np.ndim(b) <= 2 else _summed("dot", a, b, (-1, -2)), out)


@composite(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return _summed("tensordot", a, b, (range(-axes, 0), range(axes)) if hasattr(axes, "__index__") else axes)


def _summed(name: str, a: Any, b: Any, axes: Any) -> Any:
    """Contract the axes of a in one list with those of b in another."""
    first, second = (normalize_axis_tuple(s, np.ndim(x), name) for x, s in zip((a, b), axes, strict=True))
    if [np.shape(a)[i] for i in first] != [np.shape(b)[i] for i in second]:
        raise ValueError(
            f"{name}: axes {first} of {np.shape(a)} and {second} of {np.shape(b)} are summed over together; expected "
            "equal lengths."
        )
    left, right = list(INTEGERS[: np.ndim(a)]), list(INTEGERS[np.ndim(a) : np.ndim(a) + np.ndim(b)])
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    free = [c for c in left if c not in right] + [c for c in right if c not in left]
    return contract(f"{''.join(left)},{''.join(right)}->{''.join(free)}", a, b)


@composite(np.linalg.tensordot)
def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return _tensordot(x1, x2, axes=axes)


@composite(np.inner, shapes="(n),(n)->()")
def _inner(a: Any, b: Any) -> Any:
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else _summed("inner", a, b, (-1, -1))


@composite(np.outer, shapes="(m),(n)->(m,n)")
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return _given("outer", np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1))), out)


@composite(np.linalg.outer, shapes="(m),(n)->(m,n)")
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    if (np.ndim(x1), np.ndim(x2)) != (1, 1):
        raise ValueError(
            f"linalg.outer: operands of shapes {np.shape(x1)} and {np.shape(x2)}; expected two vectors. np.outer "
            "flattens what it is given."
        )
    return _outer(x1, x2)


@composite(np.vdot, shapes="(n),(n)->()", complex=True)
def _vdot(a: Any, b: Any) -> Any:
    if np.size(a) != np.size(b):
        raise ValueError(f"vdot: shapes {np.shape(a)} and {np.shape(b)}; expected as many elements in each.")
    return np.matmul(np.conjugate(np.reshape(a, -1)), np.reshape(b, -1))


@composite(np.linalg.vecdot, complex=True)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return _along(x1, x2, axis)


def _along(a: Any, b: Any, axis: int) -> Any:
    return np.vecdot(np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))


@composite(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """Multiply matrices in the cheapest order; the first and the last may be vectors."""
    ranks = [np.ndim(a) for a in arrays]
    if len(ranks) < 2 or not {*ranks[1:-1]} <= {2} or not {ranks[0], ranks[-1]} <= {1, 2}:
        raise ValueError(
            f"linalg.multi_dot: {len(ranks)} arrays with {ranks} axes; expected at least two arrays, matrices but for "
            "the first and the last, which may be vectors."
        )
    first, last = np.shape(arrays[0]), np.shape(arrays[-1])
    sizes = (first if len(first) == 2 else (1, *first)) + tuple(np.shape(a)[-1] for a in arrays[1:-1])
    cuts = _cuts((*sizes, *(last[1:] or (1,))))
    return _given("multi_dot", _chained(arrays, cuts, 0, len(ranks) - 1), out)


def _chained(arrays: Sequence[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    cut = cuts[i, j]
    return np.matmul(_chained(arrays, cuts, i, cut), _chained(arrays, cuts, cut + 1, j))


@functools.lru_cache(256)
def _cuts(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Return where to cut each run of matrices (i to j, both included), matrix i of shape sizes[i], sizes[i + 1]."""
    count = len(sizes) - 1
    cost, cuts = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[cuts[i, j]]
    return cuts


@composite(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    """Multiply the squares that the exponent's binary digits name."""
    if not hasattr(n, "__index__"):
        raise TypeError(f"linalg.matrix_power: the exponent is {n!r}; expected an integer.")
    if np.ndim(a) < 2 or np.shape(a)[-2] != np.shape(a)[-1]:
        raise np.linalg.LinAlgError(
            f"linalg.matrix_power: an operand of shape {np.shape(a)}; expected a square matrix or a stack of them."
        )
    n = n.__index__()
    if n == 0:
        return np.where(False, a, np.eye(a.shape[-1], dtype=a.dtype))
    square = a if n > 0 else np.linalg.inv(a)
    power = None
    for place, digit in enumerate(reversed(f"{abs(n):b}")):
        square = np.matmul(square, square) if place else square
        if digit == "1":
            power = square if power is None else np.matmul(power, square)
    return power
