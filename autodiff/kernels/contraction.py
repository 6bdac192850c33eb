"""Sums of products over indices, as matrix products.

Subscripts here are written out: one letter an axis, no ellipsis, the output stated. How a contraction is carried out
depends on its subscripts and shapes alone, so that is found once and kept.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autodiff.primitive import sequence

Shape = tuple[int, ...]
PLANS = 4096  # contractions remembered
INTEGERS = ascii_uppercase + ascii_lowercase  # what the integers 0 to 51 of NumPy's other notation stand for


# --- reading subscripts --------------------------------------------------------------------------------------------


def written_out(args: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return einsum's subscripts, written out, and its operands, in either of NumPy's notations.

    >>> written_out(("...j,j", 1.0 * np.ones((2, 3)), np.ones(3)))[0]
    'Aj,j->A'
    """
    if not args or (len(args) == 1 and not isinstance(args[0], str)):
        raise ValueError("einsum: expected subscripts and operands, as in np.einsum('ij,jk->ik', a, b).")
    if isinstance(args[0], str):
        text, operands = args[0], tuple(args[1:])
    else:
        pairs = len(args) // 2
        operands = tuple(args[0 : 2 * pairs : 2])
        text = ",".join(map(_spelled, args[1 : 2 * pairs : 2]))
        text += "->" + _spelled(args[-1]) if len(args) % 2 else ""
    return _explicit(text, tuple(map(np.ndim, operands))), operands


def _spelled(integers: Any) -> str:
    """Write a list of integers (and an Ellipsis) as letters."""
    try:
        return "".join("..." if i is Ellipsis else INTEGERS[range(len(INTEGERS))[i.__index__()]] for i in integers)
    except (AttributeError, IndexError, TypeError):
        raise ValueError(
            f"einsum: {integers!r} are no subscripts; expected integers from 0 to 51 or an Ellipsis, as in "
            "np.einsum(a, [0, 1], b, [1, 2], [0, 2])."
        ) from None


@functools.lru_cache(PLANS)
def _explicit(text: str, ranks: tuple[int, ...]) -> str:
    """Write out the ellipses and the implied output, and refuse subscripts that mean nothing."""
    inputs, arrow, output = text.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: {text!r} names {len(terms)} operands; {len(ranks)} were given.")
    for term in (*terms, output):
        strange = set(term.replace("...", "", 1)).difference(ascii_letters)
        if strange:
            raise ValueError(
                f"einsum: {text!r} holds {min(strange)!r}; expected letters, one '...' a term, commas and one '->'."
            )
    named = [len(term.replace("...", "")) for term in terms]
    for i, (term, rank, count) in enumerate(zip(terms, ranks, named, strict=True)):
        if rank != count and (rank < count or "..." not in term):
            raise ValueError(f"einsum: {term!r} of {text!r} names {count} axes; operand {i} has {rank}.")
    hidden = [rank - count for rank, count in zip(ranks, named, strict=True)]
    spare = [c for c in INTEGERS if c not in text]
    dots = "".join(spare[: max(hidden)])
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, hidden, strict=True)]
    letters = "".join(terms)
    if not arrow:
        output = dots + "".join(sorted(c for c in set(letters).difference(dots) if letters.count(c) == 1))
    elif dots and "..." not in output:
        raise ValueError(f"einsum: an operand of {text!r} has axes under '...', but the output names none; add '...'.")
    output = output.replace("...", dots)
    for c in output:
        if c not in letters:
            raise ValueError(f"einsum: the output of {text!r} names {c!r}, which no operand has.")
        if output.count(c) > 1:
            raise ValueError(f"einsum: the output of {text!r} names {c!r} twice.")
    return f"{','.join(terms)}->{output}"


def _parts(subscripts: str) -> tuple[list[str], str]:
    inputs, output = subscripts.split("->")
    return inputs.split(","), output


def _lengths(terms: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the length of every index; an axis of length 1 is broadcast against another operand's."""
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for c, n in zip(term, shape, strict=True):
            before = own.setdefault(c, n), lengths.get(c, 1)
            if n != before[0] or (n != before[1] and 1 not in (n, before[1])):
                raise ValueError(f"index {c!r} of {','.join(terms)!r} has lengths {max(before)} and {n}")
        lengths |= {c: n for c, n in own.items() if n != 1 or c not in lengths}
    return lengths


# --- the contraction -----------------------------------------------------------------------------------------------


@sequence(lambda g, xs, needs, subscripts, optimize: _gradients(g, xs, needs, subscripts, optimize),
          kernel=lambda *xs, subscripts, optimize: _contracted(subscripts, xs, optimize),
          bind=lambda subscripts, *xs, optimize=True: (xs, {"subscripts": subscripts, "optimize": optimize}),
          kind="multilinear", name="einsum")  # fmt: skip
def contract(subscripts: str, *xs: Any, optimize: Any = True) -> Any:
    """Return the sum of products that written-out subscripts ask for; float16 is accumulated in float32.

    `optimize` orders the contraction of more than two operands as in np.einsum; False takes them from left to right.

    >>> contract("ij,kj->ik", np.ones((2, 3)), np.ones((2, 3)))
    array([[3., 3.],
           [3., 3.]])
    """
    return _contracted(subscripts, xs, optimize)


def _contracted(subscripts: str, xs: tuple[Any, ...], optimize: Any) -> Any:
    dtype = np.result_type(*xs)
    wide = np.dtype(np.float32) if dtype == np.float16 else dtype
    arrays = [x if getattr(x, "dtype", None) is wide else np.asarray(x, wide) for x in xs]
    for places, run in _steps(subscripts, tuple([x.shape for x in arrays]), optimize):
        arrays.append(run(*[arrays[i] for i in places]))
        for i in places:
            arrays[i] = None  # an intermediate product is freed where it is used
    return arrays[-1] if wide is dtype else arrays[-1].astype(dtype)


@functools.lru_cache(PLANS)
def _steps(subscripts: str, shapes: tuple[Shape, ...], optimize: Any) -> list[tuple[Shape, Callable[..., Any]]]:
    """Return the numbers of one or two arrays and the function to run on them, in turn; each product is a new array."""
    terms, output = _parts(subscripts)
    sizes, left = [*shapes], dict(enumerate(terms))
    _lengths(terms, shapes)  # refuses what does not fit
    steps: list[tuple[Shape, Callable[..., Any]]] = []
    for places in _order(subscripts, shapes, optimize):
        taken = [left.pop(i) for i in places]
        given = [sizes[i] for i in places]
        needed = set(output).union(*left.values())
        made = "".join(dict.fromkeys(c for c in "".join(taken) if c in needed)) if left else output
        lengths = _lengths(taken, given)
        steps.append((places, (_single if len(places) == 1 else _pair)(taken, given, [*made], lengths)))
        left[len(sizes)] = made
        sizes.append(tuple([lengths[c] for c in made]))
    return steps


def _order(subscripts: str, shapes: tuple[Shape, ...], optimize: Any) -> list[Shape]:
    """Return which arrays are contracted in turn, one or two at a time; each product gets the next number."""
    count = len(shapes)
    path: Any = [tuple(range(count))]
    if count > 2 and optimize is not False:
        fixed = isinstance(optimize, tuple) and optimize[:1] == ("einsum_path",)
        shown = [np.broadcast_to(0.0, shape) for shape in shapes]
        try:
            path = np.einsum_path(subscripts, *shown, optimize=list(optimize) if fixed else optimize)[0][1:]
        except (KeyError, IndexError, TypeError, RuntimeError) as error:
            raise ValueError(
                f"optimize={optimize!r} orders no contraction of {count} operands; expected True, False, 'greedy', "
                "'optimal' or a path as np.einsum_path returns it"
            ) from error
    waiting = list(range(count))
    order: list[Shape] = []
    for step in path if count > 1 else ():
        first, *others = [waiting[i] for i in sorted(step)]
        for second in others:
            order.append((first, second))
            waiting = [i for i in waiting if i not in (first, second)]
            first = count
            count += 1
        waiting = [i for i in waiting if i != first] + [first]
    return order or [(0,)]


def _reader(term: str, shape: Shape, order: list[str]) -> Callable[[Any], Any]:
    """Return a function that brings axes in order: it reads diagonals, and sums over the axes that are not named."""
    letters = list(dict.fromkeys(term))
    places = [[i for i, c in enumerate(term) if c == letter] for letter in letters]
    size = [shape[group[0]] for group in places]
    summed = tuple([i for i, c in enumerate(letters) if c not in order])
    rest = [c for c in letters if c in order]
    axes = None if rest == order else [rest.index(c) for c in order]

    def read(x: Any) -> Any:
        if len(size) < len(shape):
            x = as_strided(x, size, [sum(x.strides[i] for i in group) for group in places])
        if summed:
            x = np.add.reduce(x, summed, x.dtype)
        return x if axes is None else x.transpose(axes)

    return read


def _single(terms: list[str], shapes: list[Shape], made: list[str], lengths: dict[str, int]) -> Callable[..., Any]:
    read = _reader(terms[0], shapes[0], made)
    return lambda x: read(x)[...]  # never the operand itself


def _pair(terms: list[str], shapes: list[Shape], made: list[str], lengths: dict[str, int]) -> Callable[..., Any]:
    """Plan the product of two arrays: of matrices where an index is summed over, else of elements.

    An index of both operands numbers the matrices of a stack if the result has it, and is summed over if not; an index
    of the first alone numbers rows, one of the second alone columns. Any other is summed over beforehand.
    """
    own = [
        [c for c, n in dict(zip(term, shape, strict=True)).items() if n == lengths[c]]
        for term, shape in zip(terms, shapes, strict=True)
    ]
    common = [c for c in own[math.prod(shapes[0]) < math.prod(shapes[1])] if c in own[0] and c in own[1]]
    stack, inner = [c for c in made if c in common], [c for c in common if c not in made]
    rows, columns = ([c for c in made if c in kept and c not in stack] for kept in own)
    if not inner:
        reads = [_reader(t, shape, [c for c in made if c in o]) for t, shape, o in zip(terms, shapes, own, strict=True)]
        opened = [tuple([slice(None) if c in o else None for c in made]) for o in own]
        return lambda a, b: np.multiply(reads[0](a)[opened[0]], reads[1](b)[opened[1]])
    if rows and made[-1] == rows[-1]:  # what varies fastest in the result is to be a column
        turned = _pair(terms[::-1], shapes[::-1], made, lengths)
        return lambda a, b: turned(b, a)
    first = _reader(terms[0], shapes[0], stack + rows + inner)
    second = _reader(terms[1], shapes[1], stack + inner + columns)
    sides = [math.prod([lengths[c] for c in group]) for group in (rows, inner, columns)]
    lead, size = [lengths[c] for c in stack], [lengths[c] for c in made]
    left, right, matrices = [*lead, sides[0], sides[1]], [*lead, sides[1], sides[2]], [*lead, sides[0], sides[2]]
    order = stack + rows + columns
    axes, back = [made.index(c) for c in order], [order.index(c) for c in made]

    def product(a: Any, b: Any) -> Any:
        y = np.empty(size, a.dtype)
        np.matmul(first(a).reshape(left), second(b).reshape(right), out=y.transpose(axes).reshape(matrices))
        return y

    def rearranged(a: Any, b: Any) -> Any:
        y = np.matmul(first(a).reshape(left), second(b).reshape(right))
        return y.reshape([lengths[c] for c in order]).transpose(back)

    blank = np.empty(size, bool)  # can the matrices be written where they belong, row by row?
    target = blank.transpose(axes).reshape(matrices)
    return product if np.may_share_memory(blank, target) and target.strides[-1] == 1 else rearranged


# --- the gradient --------------------------------------------------------------------------------------------------


def _gradients(g: Any, xs: tuple[Any, ...], needs: list[bool], subscripts: str, optimize: Any) -> list[Any]:
    return [_gradient(g, xs, i, subscripts, optimize) if need else None for i, need in enumerate(needs)]


def _gradient(g: Any, xs: tuple[Any, ...], i: int, subscripts: str, optimize: Any) -> Any:
    """Contract the gradient with all other operands."""
    given, opened, full, doubled = _gradient_plan(subscripts, tuple([np.shape(x) for x in xs]), i)
    if isinstance(optimize, tuple) and optimize[:1] == ("einsum_path",):
        optimize = True  # a path for other operands
    h = contract(given, g, *xs[:i], *xs[i + 1 :], optimize=optimize)
    h = np.reshape(h, opened) if h.shape != opened else h
    h = np.broadcast_to(h, full) if opened != full else h
    for place, first in doubled:  # a repeated index reads a diagonal: put the gradient back on it
        number = np.arange(h.shape[first])
        diagonal = np.equal(number[:, None], number)
        rest = [axis for axis in range(h.ndim + 1) if axis not in (first, place)]
        h = np.where(np.expand_dims(diagonal, rest), np.expand_dims(h, place), 0)
    return h


@functools.lru_cache(PLANS)
def _gradient_plan(subscripts: str, shapes: tuple[Shape, ...], i: int) -> tuple[str, Shape, Shape, list[Shape]]:
    """Say how operand i's gradient is made.

    By a contraction; reshaped with axes of length 1 for the indices that no other operand has; broadcast to a shape;
    and put on a diagonal for each repeated index, of which the place and that of the first are given.
    """
    terms, output = _parts(subscripts)
    others, given = [output, *terms[:i], *terms[i + 1 :]], [*shapes[:i], *shapes[i + 1 :]]
    lengths = _lengths(terms, shapes)
    known = _lengths(others, [tuple([lengths[c] for c in output]), *given])
    full = dict(zip(terms[i], shapes[i], strict=True))
    reached = [c for c in full if c in known and full[c] != 1]
    opened = tuple([known[c] if c in reached else 1 for c in full])
    doubled: list[Shape] = [
        (place, terms[i].index(c)) for place, c in enumerate(terms[i]) if terms[i].index(c) != place
    ]
    return f"{','.join(others)}->{''.join(reached)}", opened, tuple(full.values()), doubled
