"""Matrix products and contractions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.contraction import contract, einsum_gradients, einsum_operands
from autodiff.primitive import bilinear, composite, sequence

bilinear(np.matmul, lambda g, b, s: _matmul_first(g, b, s), lambda g, a, s: _matmul_second(g, a, s))
sequence(np.einsum, lambda g, xs, needs, subscripts: einsum_gradients(g, xs, needs, subscripts), kind="multilinear",
         kernel=lambda *xs, subscripts: contract(subscripts, xs),
         bind=lambda *args, optimize=True, **kwargs: einsum_operands(args, kwargs))  # fmt: skip


def _matmul_first(g: Any, b: Any, s: Any) -> Any:
    if b.ndim == 1:
        return np.multiply(g if s.ndim == 1 else np.expand_dims(g, -1), b)
    if s.ndim == 1:
        return np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, b.mT)


def _matmul_second(g: Any, a: Any, s: Any) -> Any:
    if a.ndim == 1:
        return np.multiply(a if s.ndim == 1 else np.expand_dims(a, -1), g if s.ndim == 1 else np.expand_dims(g, -2))
    if s.ndim == 1:
        return np.multiply(a, np.expand_dims(g, -1))
    return np.matmul(a.mT, g)


@composite(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b) if out is None else np.multiply(a, b, out=out)
    if np.ndim(b) <= 2:
        return np.matmul(a, b) if out is None else np.matmul(a, b, out=out)
    if out is not None:
        raise TypeError("dot of a Tensor with more than two axes does not support out=; assign the result.")
    return np.tensordot(a, b, axes=((-1,), (-2,)))


@composite(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Bring the contracted axes together and multiply as matrices."""
    if isinstance(axes, int):
        axes = (range(-axes, 0), range(axes))
    first, second = (
        [n % np.ndim(x) for n in ((s,) if isinstance(s, int) else s)] for x, s in zip((a, b), axes, strict=True)
    )
    if [np.shape(a)[i] for i in first] != [np.shape(b)[i] for i in second]:
        raise ValueError(
            f"tensordot: axes {first} of {np.shape(a)} and {second} of {np.shape(b)} must have equal lengths."
        )
    rows = [i for i in range(np.ndim(a)) if i not in first]
    columns = [i for i in range(np.ndim(b)) if i not in second]
    inner = math.prod(np.shape(a)[i] for i in first)
    left, right = [np.shape(a)[i] for i in rows], [np.shape(b)[i] for i in columns]
    product = np.matmul(
        np.reshape(np.transpose(a, (*rows, *first)), (math.prod(left), inner)),
        np.reshape(np.transpose(b, (*second, *columns)), (inner, math.prod(right))),
    )
    return np.reshape(product, (*left, *right))


@composite(np.inner, shapes="(n),(n)->()")
def _inner(a: Any, b: Any) -> Any:
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, axes=((-1,), (-1,)))


@composite(np.outer, shapes="(m),(n)->(m,n)")
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    a, b = np.reshape(a, (-1, 1)), np.reshape(b, (1, -1))
    return np.multiply(a, b) if out is None else np.multiply(a, b, out=out)


@composite(np.vdot, shapes="(n),(n)->()")
def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(np.conjugate(np.reshape(a, -1)), np.reshape(b, -1))
