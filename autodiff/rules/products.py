"""Matrix products and contractions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.primitive import bilinear, composite, sequence

bilinear(np.matmul, lambda g, b, s: _matmul_first(g, b, s), lambda g, a, s: _matmul_second(g, a, s))
sequence(np.einsum, lambda g, xs, needs, subscripts: _einsum_gradients(g, xs, needs, subscripts), kind="multilinear",
         kernel=lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 1 and sum(np.size(x) for x in xs) > 4096),
         bind=lambda *args, optimize=True, **kwargs: _einsum_bind(args, kwargs))  # fmt: skip


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


@composite(np.inner)
def _inner(a: Any, b: Any) -> Any:
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, axes=((-1,), (-1,)))


@composite(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    a, b = np.reshape(a, (-1, 1)), np.reshape(b, (1, -1))
    return np.multiply(a, b) if out is None else np.multiply(a, b, out=out)


@composite(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(np.conjugate(np.reshape(a, -1)), np.reshape(b, -1))


def _einsum_bind(args: Any, refused: Any) -> Any:
    """Write out the ellipsis and the implied output of the subscripts."""
    if refused:
        raise TypeError(f"einsum of a Tensor does not support {', '.join(refused)}=.")
    if not isinstance(args[0], str):
        raise TypeError(
            'einsum of a Tensor takes its subscripts as a string first, as in np.einsum("ij,jk->ik", a, b).'
        )
    text, *operands = args
    inputs, arrow, output = text.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {text!r} names {len(terms)} operands; {len(operands)} were given.")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in text]
    ranks = [np.ndim(x) - len(t.replace("...", "")) if "..." in t else 0 for t, x in zip(terms, operands, strict=True)]
    dots = "".join(spare[: max(ranks, default=0)])
    terms = [t.replace("...", dots[len(dots) - rank :] if rank else "") for t, rank in zip(terms, ranks, strict=True)]
    if not arrow:
        letters = "".join(terms)
        output = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return tuple(operands), {"subscripts": f"{','.join(terms)}->{output.replace('...', dots)}"}


def _einsum_gradients(g: Any, xs: tuple[Any, ...], needs: list[bool], subscripts: str) -> list[Any]:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    return [_einsum_gradient(g, xs, terms, output, i) if need else None for i, need in enumerate(needs)]


def _einsum_gradient(g: Any, xs: tuple[Any, ...], terms: list[str], output: str, i: int) -> Any:
    """Contract the gradient with the other operands; spread it over indices that only this operand has."""
    x, own = xs[i], terms[i]
    letters = list(dict.fromkeys(own))
    others = [t for j, t in enumerate(terms) if j != i]
    known = set(output).union(*others)
    reached = "".join(c for c in letters if c in known)
    operands = [g] + [v for j, v in enumerate(xs) if j != i]
    h = np.einsum(f"{','.join([output, *others])}->{reached}", *operands)
    sizes = dict(zip(own, x.shape, strict=True))
    h = np.reshape(h, tuple(h.shape[reached.index(c)] if c in known else 1 for c in letters))
    h = np.broadcast_to(h, tuple(n if sizes[c] == 1 else sizes[c] for n, c in zip(h.shape, letters, strict=True)))
    for place, c in enumerate(own):  # a repeated index reads a diagonal: put the gradient back on it
        if own.index(c) != place:
            n = sizes[c]
            eye = np.equal(np.arange(n)[:, None], np.arange(n)).astype(g.dtype)
            axis = own.index(c)
            shape = [1] * (h.ndim + 1)
            shape[axis], shape[place] = n, n
            h = np.multiply(np.expand_dims(h, place), np.reshape(eye, shape))
    return h
