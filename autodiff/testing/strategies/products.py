"""Arguments of products, contractions, linear algebra and recurrences."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff import kernels
from autodiff.kernels.contraction import contract
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape, by_signature
from autodiff.testing.strategies.matrices import well_conditioned


def sides(d: Draw, count: int) -> Shape:
    """Draw the lengths of some axes."""
    return tuple(d.integer(0, 3) for _ in range(count))


def matmul(d: Draw) -> Arguments:
    """Draw vectors and stacks of matrices that fit; or matrices, one of which stands for a whole stack."""
    stacks = d.choice(None, None, None, ((1,), (2,)), ((2,), (1,)), ((2, 1), (1, 2)))
    if stacks is None:
        return by_signature(d)
    first, second = stacks
    return [d.array((*first, 2, 2)), d.array((*second, 2, 2), 1)], {}


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
    """Draw subscripts: repeated indices, ones that are summed, ellipses, an output or none, as text or as integers."""
    terms = d(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3))
    least = int(any(len(set(term)) < len(term) for term in terms))  # NumPy reads stray memory for an empty diagonal
    lengths = {c: d.integer(least, 3) for c in "ijkl"}
    dotted = [d.chance() for _ in terms]
    known = sorted(set("".join(terms)))
    output = "".join(d(st.lists(st.sampled_from(known), unique=True))) if known else ""
    output = ("..." if any(dotted) else "") + output
    keywords: dict[str, Any] = d.choice({}, *({"optimize": word} for word in (False, True, "greedy", "optimal")))
    keywords |= d.choice({}, {"dtype": np.complex128 if d.complex else np.float64})
    operands = []
    for i, (term, dots) in enumerate(zip(terms, dotted, strict=True)):
        lead = d.choice((), (2,), (1,), (3, 2), (3, 1)) if dots else ()
        own = dict(lengths)
        if term and len(set(term)) == len(term) and not keywords and d.chance():
            own[d.choice(*term)] = 1  # broadcast
        operands.append(d.array((*lead, *(own[c] for c in term)), i))
    marked = ["..." * dots + term for term, dots in zip(terms, dotted, strict=True)]
    implied = d.chance()
    if d.chance():
        lists = [_integers(term) for term in marked]
        pairs = [part for pair in zip(operands, lists, strict=True) for part in pair]
        return [*pairs, *([] if implied else [_integers(output)])], keywords
    return [",".join(marked) + ("" if implied else f"->{output}"), *operands], keywords


def _integers(term: str) -> list[Any]:
    """Write subscripts in NumPy's other notation."""
    dots = term.startswith("...")
    return [Ellipsis] * dots + ["ijkl".index(c) for c in term.lstrip(".")]


def contraction(d: Draw) -> Arguments:
    """Draw subscripts that are written out, with their output."""
    terms = d(st.lists(st.text("ijk", max_size=3), min_size=1, max_size=3))
    lengths = {c: d.integer(1, 3) for c in "ijk"}
    known = sorted(set("".join(terms)))
    output = "".join(d(st.lists(st.sampled_from(known), unique=True))) if known else ""
    operands = [d.array(tuple(lengths[c] for c in term), i) for i, term in enumerate(terms)]
    return [f"{','.join(terms)}->{output}", *operands], d.choice({}, {"optimize": False}, {"optimize": "optimal"})


def vecdot(d: Draw) -> Arguments:
    """Draw arrays that broadcast but for an axis, which is equally long."""
    shapes, n = d.shapes(2), d.integer(0, 3)
    axis = d.integer(-1 - min(map(len, shapes)), -1)
    sides = [[*shape] for shape in shapes]
    for side in sides:
        side.insert(len(side) + 1 + axis, n)
    first, second = (tuple(side) for side in sides)
    return [d.array(first), d.array(second, 1)], {} if axis == -1 and d.chance() else {"axis": axis}


def vectors(d: Draw) -> Arguments:
    """Draw two vectors."""
    return [d.array(sides(d, 1)), d.array(sides(d, 1), 1)], {}


def chain(d: Draw) -> Arguments:
    """Draw matrices that can be multiplied in turn; the first and the last may be vectors."""
    lengths = sides(d, d.integer(3, 5))
    shapes: list[Shape] = list(pairwise(lengths))
    if d.chance():
        shapes[0] = shapes[0][1:]
    if d.chance():
        shapes[-1] = shapes[-1][:1]
    return [[d.array(shape) for shape in shapes]], {}


def powered(d: Draw) -> Arguments:
    """Draw a stack of matrices far from singular, and an exponent of either sign."""
    (matrix,), _ = invertible(d)
    return [matrix, d.integer(-3, 5)], {}


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
    np.matmul: matmul,
    np.dot: dot,
    np.inner: inner,
    np.outer: outer,
    np.vdot: vdot,
    np.tensordot: tensordot,
    np.einsum: einsum,
    contract: contraction,
    np.vecdot: vecdot,
    np.linalg.vecdot: vecdot,
    np.linalg.tensordot: tensordot,
    np.linalg.outer: vectors,
    np.linalg.multi_dot: chain,
    np.linalg.matrix_power: powered,
    np.linalg.inv: invertible,
    np.linalg.slogdet: invertible,
    kernels.linear: affine,
}
