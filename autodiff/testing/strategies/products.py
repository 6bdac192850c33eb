"""Arguments of products, contractions, linear algebra and recurrences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff import kernels
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape
from autodiff.testing.strategies.matrices import well_conditioned


def sides(d: Draw, count: int) -> Shape:
    """Draw the lengths of some axes."""
    return tuple(d.integer(0, 3) for _ in range(count))


def dot(d: Draw) -> Arguments:
    """Draw numbers, vectors, matrices and stacks of them."""
    n, m, k, p, q = sides(d, 5)
    pairs: list[tuple[Shape, Shape]] = [
        ((n,), (n,)), ((m, n), (n,)), ((n,), (n, m)), ((m, n), (n, k)), ((), (m, n)), ((n,), ()),
        ((k, m, n), (n,)), ((k, m, n), (n, p)), ((m, n), (p, n, q)), ((), ()),
    ]  # fmt: skip
    first, second = d.choice(*pairs)
    return [d.array(first), d.array(second, 1)], {}


def inner(d: Draw) -> Arguments:
    """Draw arrays whose last axes are equally long, or a number and an array."""
    n = d.integer(0, 3)
    first, second = (*sides(d, d.integer(0, 2)), n), (*sides(d, d.integer(0, 2)), n)
    return [d.array(d.choice(first, ())), d.array(second, 1)], {}


def outer(d: Draw) -> Arguments:
    """Draw two arrays of any shapes: they are flattened."""
    return [d.array(d.shape(max_dims=2)), d.array(d.shape(max_dims=2), 1)], {}


def vdot(d: Draw) -> Arguments:
    """Draw two arrays of one shape."""
    shape = d.shape()
    return [d.array(shape), d.array(shape, 1)], {}


def tensordot(d: Draw) -> Arguments:
    """Draw the number of axes to contract, or the axes themselves, in any order and counted from either end."""
    left, shared, right = (sides(d, d.integer(0, 2)) for _ in range(3))
    if d.chance():
        keywords = {} if len(shared) == 2 and d.chance() else {"axes": len(shared)}
        return [d.array((*left, *shared)), d.array((*shared, *right), 1)], keywords
    p, q = d(st.permutations(range(len(left + shared)))), d(st.permutations(range(len(shared + right))))
    first, second = [p.index(len(left) + i) for i in range(len(shared))], [q.index(i) for i in range(len(shared))]
    a, b = [(left + shared)[i] for i in p], [(shared + right)[i] for i in q]
    if second and d.chance():
        second = [i - len(b) for i in second]
    pairs = (first[0], second[0]) if len(first) == 1 and d.chance() else (first, second)
    return [d.array(tuple(a)), d.array(tuple(b), 1)], {"axes": pairs}


def einsum(d: Draw) -> Arguments:
    """Draw subscripts: repeated indices, ones that are summed, an ellipsis, an output or none."""
    lengths = dict(zip("ijkl", (d.integer(1, 3) for _ in range(4)), strict=True))
    terms = d(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3))
    known = sorted(set("".join(terms)))
    output = "".join(d(st.lists(st.sampled_from(known), unique=True))) if known else ""
    dots = d.choice("", "...")
    lead = [d.choice((), (2,), (1,), (3, 2)) if dots and i == 0 else () for i in range(len(terms))]
    marked = [dots + t if i == 0 else t for i, t in enumerate(terms)]
    subscripts = ",".join(marked) + d.choice("", f"->{dots}{output}")
    shapes = [(*extra, *(lengths[c] for c in term)) for extra, term in zip(lead, terms, strict=True)]
    return [subscripts, *[d.array(s, i) for i, s in enumerate(shapes)]], d.choice({}, {"optimize": False})


def affine(d: Draw) -> Arguments:
    """Draw an input of any number of axes, a matrix, and a bias or none."""
    inside, outside = sides(d, 2)
    operands = [d.array((*d.shape(max_dims=2), inside)), d.array((outside, inside), 1)]
    return operands + ([d.array((outside,), 2)] if d.chance() else []), {}


def invertible(d: Draw) -> Arguments:
    """Draw a stack of matrices far from singular."""
    matrix = d(well_conditioned(d.integer(0, 3), 8.0, batch=d.shape(max_dims=2)))
    if d.complex:
        matrix = matrix * (1 + 0.5j)
    return [laid_out(matrix, d.choice(*LAYOUTS))], {}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    np.dot: dot,
    np.inner: inner,
    np.outer: outer,
    np.vdot: vdot,
    np.tensordot: tensordot,
    np.einsum: einsum,
    np.linalg.inv: invertible,
    np.linalg.slogdet: invertible,
    kernels.linear: affine,
}
