"""Strategies for arrays, operands that broadcast, axes, indices and cotangents.

Values are drawn as bytes, each the number of a *level* in a table of values ordered from simple to less simple. That is
one cheap draw an array, it shrinks value by value towards the table's first, and the values are exact in every dtype.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np

from autodiff.creation import as_tensor
from autodiff.primitive import DOMAINS, Domain
from autodiff.tensor import Tensor
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.tree import map_leaves

Shape = tuple[int, ...]

SCALE = 3.0  # values lie between -SCALE and SCALE
CLEAR = 0.25  # this far from kinks and singular points is smooth
GAP = 1 / 32  # between two levels


def _simplest_first(values: Any) -> Any:
    """Sort by the number of binary digits after the point, by size, positive before negative."""
    digits = sum((values * 2**k % 1 != 0).astype(int) for k in range(6))
    return values[np.lexsort((values < 0, np.abs(values), digits))]


GRID = _simplest_first(np.arange(-SCALE, SCALE + GAP, GAP))

# named kinks that a single value can be at: the distance to the nearest such place
DISTANCES = {
    "integers": lambda x: np.abs(x - np.rint(x)),
    "halves": lambda x: 0.5 - np.abs(x - np.rint(x)),
}


def levels(
    domain: Domain = DOMAINS[None],
    *,
    away_from: Iterable[float | str] = (),
    clear: float = CLEAR,
    at: Iterable[float | str] = (),
) -> Any:
    """Return the values within a domain that keep clear of some points; a fifth of them are those in `at`."""
    grid = GRID[np.logical_and(domain.low <= GRID, domain.high >= GRID)]
    for point in away_from:
        grid = grid[_distance(grid, point) >= clear]
    points = [p for place in at for p in ([place] if not isinstance(place, str) else GRID[_distance(GRID, place) == 0])]
    points += [-0.0] * (0.0 in points)
    if not len(grid) and not points:
        raise ValueError(f"no value of {domain} is {clear} away from {list(away_from)}; take a smaller distance.")
    return np.concatenate([grid[:1], np.resize(points, max(len(grid) // 4, 1) if points else 0), grid[1:]])


def _distance(x: Any, place: float | str) -> Any:
    return DISTANCES[place](x) if isinstance(place, str) else np.abs(x - place)


def drawn(draw: st.DrawFn, shape: Shape, values: Any) -> Any:
    """Draw an array of a shape whose elements are among some values (at most 256)."""
    size = math.prod(shape)
    numbers = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8).astype(np.intp)
    return values[numbers % len(values)].reshape(shape)


def distinct(draw: st.DrawFn, shapes: list[Shape]) -> list[Any]:
    """Draw arrays no two elements of which are close, of one array or of two: equally spaced numbers, shuffled."""
    sizes = [math.prod(shape) for shape in shapes]
    keys = np.frombuffer(draw(st.binary(min_size=sum(sizes), max_size=sum(sizes))), np.uint8)
    pool = np.linspace(-SCALE, SCALE, sum(sizes) + 2)[1:-1][np.argsort(keys, kind="stable")]
    parts = np.split(pool, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def shapes(min_dims: int = 0, min_side: int = 0, max_dims: int = 3, max_side: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes of few elements: 0-d and empty ones too, unless refused."""
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


@st.composite
def tensors(
    draw: st.DrawFn,
    dtype: Any = np.float64,
    shape: int | Shape | st.SearchStrategy[Shape] | None = None,
    elements: st.SearchStrategy[Any] | None = None,
    kinks: Iterable[float] = (),
    *,
    away_from: Iterable[float] = (),
    clear: float = CLEAR,
    layouts: Iterable[str] = LAYOUTS,
    requires_grad: bool = False,
) -> Tensor:
    """Tensors of a dtype and shape, between -3 and 3: 0-d and empty ones, exact zeros, any layout in memory.

    Some elements are drawn from `kinks`; the others keep a distance `clear` from the values in `away_from`. `elements`
    draws them all instead.

    >>> from hypothesis import given
    >>> @given(tensors(shape=(2, 3), away_from=[0.0]))
    ... def test(t):
    ...     assert t.shape == (2, 3) and (abs(t) >= 0.25).all()
    >>> test()
    """
    dtype = np.dtype(dtype)
    size = draw(_shape(shape))
    if elements is not None:
        array = draw(hnp.arrays(dtype, size, elements=elements, fill=st.nothing()))
    else:
        values = levels(away_from=away_from, clear=clear, at=kinks)
        if dtype.kind in "biu":  # whole numbers; False and True
            low = -SCALE if dtype.kind == "i" else 0
            values = _simplest_first(np.unique(values[(values % 1 == 0) & (values >= low)]))
        array = drawn(draw, size, values)
        if dtype.kind == "c":
            array = array + 1j * drawn(draw, size, GRID)
        array = array.astype(dtype)
    array = laid_out(array, draw(st.sampled_from(list(layouts))))
    return as_tensor(array).requires_grad_(requires_grad)


def _shape(shape: int | Shape | st.SearchStrategy[Shape] | None) -> st.SearchStrategy[Shape]:
    if shape is None:
        return shapes()
    if isinstance(shape, st.SearchStrategy):
        return shape
    return st.just((shape,) if isinstance(shape, int) else tuple(shape))


@st.composite
def broadcastable_operands(
    draw: st.DrawFn, /, n: int = 2, dtype: Any = np.float64, *, signature: str | None = None, **options: Any
) -> tuple[Tensor, ...]:
    """`n` tensors whose shapes broadcast together; with `signature`, that fit as NumPy's gufuncs' operands do.

    >>> from hypothesis import given
    >>> @given(broadcastable_operands(2), broadcastable_operands(signature=np.matmul.signature))
    ... def test(pair, matrices):
    ...     np.add(*pair), np.matmul(*matrices)
    >>> test()
    """
    sizes = draw(operand_shapes(n, signature))
    return tuple(draw(tensors(dtype, size, **options)) for size in sizes)


def operand_shapes(n: int, signature: str | None = None, min_side: int = 0) -> st.SearchStrategy[list[Shape]]:
    """Shapes that broadcast together or fit a signature."""
    given: dict[str, Any] = {"num_shapes": n} if signature is None else {"signature": signature}
    dims = 3 if signature is None else 1
    fit = hnp.mutually_broadcastable_shapes(**given, min_dims=0, max_dims=dims, min_side=min_side, max_side=3)
    return fit.map(lambda drawn: list(drawn.input_shapes))


def axes(ndim: int, *, none: bool = True, several: bool = True) -> st.SearchStrategy[Any]:
    """Values of `axis=` for an array: None, one axis or a tuple of them, counted from either end.

    >>> from hypothesis import given
    >>> @given(axes(2))
    ... def test(axis):
    ...     np.sum(np.ones((2, 3)), axis=axis)
    >>> test()
    """
    choices: list[st.SearchStrategy[Any]] = [st.none()] if none else []
    if ndim:
        choices.append(st.integers(-ndim, ndim - 1))
    if several:
        choices.append(hnp.valid_tuple_axes(ndim, min_size=0))
    return st.one_of(choices)


# --- indices ---------------------------------------------------------------------------------------------------------


@st.composite
def index_expressions(draw: st.DrawFn, shape: Shape) -> Any:
    """Indices of an array: slices, integers, new axes, an ellipsis, index arrays, lists, masks, mixed; empty ones too.

    >>> from hypothesis import given
    >>> @given(index_expressions((2, 3)))
    ... def test(index):
    ...     np.ones((2, 3))[index]
    >>> test()
    """
    kind = draw(st.sampled_from(["basic", "advanced", "mask"]))
    alone = draw(st.booleans())
    if kind == "basic":
        return draw(hnp.basic_indices(shape, allow_newaxis=True))
    if kind == "mask":
        count = draw(st.integers(0, len(shape)))
        mask = drawn(draw, shape[:count], np.array([True, False]))
        rest = draw(_parts(shape[count:], arrays=False))
        return mask if alone and not rest else (mask, *rest)
    parts = draw(_parts(shape[: draw(st.integers(0, len(shape)))], arrays=True))
    return parts[0] if alone and len(parts) == 1 else parts


@st.composite
def _parts(draw: st.DrawFn, shape: Shape, arrays: bool) -> tuple[Any, ...]:
    """Draw an index for each of the axes, with new axes and an ellipsis among them."""
    together = draw(shapes(min_dims=1, max_dims=2))  # of all index arrays; 0 makes them empty
    kinds = ["slice", "integer", "new", *(["array", "list", "number", "ellipsis"] if arrays else [])]
    parts: list[Any] = []
    for n in shape:
        kind = draw(st.sampled_from(kinds))
        if kind == "ellipsis":
            parts.append(Ellipsis)
            break
        if kind == "new":
            parts.append(None)
        if n == 0 and 0 not in together:
            kind = "slice"
        if kind in ("slice", "new") or (n == 0 and kind == "integer"):
            parts.append(draw(st.slices(n)))
        elif kind == "integer":
            parts.append(draw(st.integers(-n, n - 1)))
        else:
            size = (1,) * len(together) if kind == "number" and n else together
            places = drawn(draw, size, np.arange(-n, max(n, 1 - n)))
            parts.append(places.tolist() if kind == "list" and places.size else places)
    return tuple(parts)


# --- cotangents ------------------------------------------------------------------------------------------------------


@st.composite
def cotangents_for(draw: st.DrawFn, y: Any) -> Any:
    """Cotangents for a value or a nested container of them, in its structure: dense, with zeros, one-hot or all zero.

    An array gets an array, a tensor a tensor; what holds no floating numbers gets None.

    >>> from hypothesis import given
    >>> @given(cotangents_for({"a": np.ones(2), "b": np.float32(1)}))
    ... def test(v):
    ...     assert v["a"].shape == (2,) and v["b"].dtype == np.float32
    >>> test()
    """
    kind = draw(st.sampled_from(["dense", "zeros among them", "one-hot", "zero"]))
    values = {
        "dense": levels(away_from=[0.0]),
        "zeros among them": levels(at=[0.0]),
        "one-hot": np.zeros(1),
        "zero": np.zeros(1),
    }[kind]
    seeds: list[Any] = []

    def cotangent(leaf: Any) -> Any:
        like = leaf.detach().numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)
        if like.dtype.kind not in "fc":
            return None
        seed = drawn(draw, like.shape, values).astype(like.dtype)
        if like.dtype.kind == "c" and kind != "zero":
            seed += (1j * drawn(draw, like.shape, values)).astype(like.dtype)
        seeds.append(seed)
        return as_tensor(seed) if isinstance(leaf, Tensor) else seed

    given = map_leaves(cotangent, y)
    total = sum(seed.size for seed in seeds)
    if kind == "one-hot" and total:
        place = draw(st.integers(0, total - 1))
        for seed in seeds:
            if 0 <= place < seed.size:
                seed[np.unravel_index(place, seed.shape)] = 1.0
            place -= seed.size
    return given
