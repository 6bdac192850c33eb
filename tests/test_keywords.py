"""Drawn keywords, indices and subscripts: NumPy's values, and derivatives as numeric differences give them."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff import kernels
from tests.numeric import check, values

shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3)


def drawn(data: st.DataObject, *shapes: tuple[int, ...]) -> list[Any]:
    return values(np.random.default_rng(data.draw(st.integers(0, 99))), shapes, ["real"] * len(shapes))


def axes_of(data: st.DataObject, ndim: int) -> Any:
    """Draw None, one axis or several, negative ones too."""
    several = hnp.valid_tuple_axes(ndim, min_size=1)
    return data.draw(st.one_of(st.none(), st.integers(-ndim, ndim - 1), several), label="axis")


def agrees(f: Any, *xs: Any, order: int = 1) -> None:
    expected = f(*xs)
    np.testing.assert_allclose(f(*map(ad.as_tensor, xs)).numpy(), expected, rtol=1e-12, atol=1e-13)
    check(f, *xs, order=order)


@pytest.mark.parametrize("fun", [np.sum, np.mean, np.max, np.min, np.prod, np.var, kernels.logsumexp])
@given(data=st.data())
def test_reductions_over_any_axes(fun: Any, data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(shapes))
    axis, keepdims = axes_of(data, x.ndim), data.draw(st.booleans())
    agrees(lambda x: fun(x, axis=axis, keepdims=keepdims), x, order=2)


@pytest.mark.parametrize("fun", [np.cumsum, np.cumprod, np.sort])
@given(data=st.data())
def test_scans_along_any_axis(fun: Any, data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(shapes))
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    agrees(lambda x: fun(x, axis=axis), x, order=2)


@given(data=st.data())
def test_rearrangements(data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(shapes))
    n, axis = x.ndim, st.integers(-x.ndim, x.ndim - 1)
    order = data.draw(st.permutations(range(n)))
    signed = tuple(a - n if data.draw(st.booleans()) else a for a in order)
    agrees(lambda x: np.transpose(x, signed), x)
    agrees(lambda x: np.moveaxis(x, signed, tuple(range(n))), x)
    a, b, k = data.draw(axis), data.draw(axis), data.draw(st.integers(-4, 4))
    agrees(lambda x: np.swapaxes(x, a, b), x)
    agrees(lambda x: np.roll(x, k, a), x)
    agrees(lambda x: np.flip(x, tuple(order[: k % n + 1])), x)
    agrees(lambda x: np.expand_dims(x, a), x)
    reps = tuple(data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=4)))
    agrees(lambda x: np.tile(x, reps), x)
    counts = data.draw(st.lists(st.integers(0, 2), min_size=x.shape[a], max_size=x.shape[a]))
    agrees(lambda x: np.repeat(x, counts, axis=a), x)
    widths = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=n, max_size=n))
    mode = data.draw(st.sampled_from(["constant", "edge", "symmetric", "wrap"]))
    agrees(lambda x: np.pad(x, widths, mode=mode), x)


@given(data=st.data())
def test_joins_and_splits(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    parts = drawn(data, *[(*shape[:axis], n, *shape[axis:][1:]) for n in lengths])
    agrees(lambda *xs: np.concatenate(xs, axis=axis), *parts)
    same = drawn(data, shape, shape)
    agrees(lambda *xs: np.stack(xs, axis=axis), *same)
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    check(lambda x: np.split(x, cuts, axis), same[0])


@given(data=st.data())
def test_diagonals(data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=4)))
    first, second = data.draw(st.permutations(range(x.ndim)))[:2]
    offset = data.draw(st.integers(-3, 3))
    agrees(lambda x: np.diagonal(x, offset, first, second), x)
    agrees(lambda x: np.trace(x, offset, first, second), x)
    agrees(lambda x: np.tril(x, offset), x)


@given(data=st.data())
def test_basic_indices(data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True))
    agrees(lambda x: x[index], x)


def advanced(data: st.DataObject, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Draw an index that mixes slices, integers, new axes, index arrays (as lists, arrays, Tensors) and one mask."""
    lead = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    parts: list[Any] = []
    for n in shape:
        kind = data.draw(st.sampled_from(["slice", "integer", "array", "Tensor", "list", "new", "all"]))
        places = data.draw(hnp.arrays(np.int64, lead, elements=st.integers(-n, n - 1)))
        if kind == "new":
            parts += [None, slice(None)]
        elif kind == "slice":
            parts.append(data.draw(st.slices(n)))
        elif kind == "integer":
            parts.append(data.draw(st.integers(-n, n - 1)))
        else:
            parts.append(
                {"array": places, "Tensor": ad.tensor(places), "list": places.tolist(), "all": slice(None)}[kind]
            )
    return tuple(parts)


@given(data=st.data())
def test_advanced_indices_and_assignment(data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(shapes))
    index = advanced(data, x.shape)
    bare = tuple(i.numpy() if isinstance(i, ad.Tensor) else i for i in index)
    picked = ad.as_tensor(x)[index]
    np.testing.assert_array_equal(picked.numpy(), x[bare])
    check(lambda x: x[index], x, order=2)
    (v,) = drawn(data, picked.shape)

    def assigned(x: Any, v: Any) -> Any:
        y = x * 1.0
        y[index] = v
        return y

    expected = x.copy()
    expected[bare] = v
    np.testing.assert_array_equal(assigned(ad.as_tensor(x), ad.as_tensor(v)).numpy(), expected)
    check(assigned, x, v, order=2)


@given(data=st.data())
def test_masks(data: st.DataObject) -> None:
    (x,) = drawn(data, data.draw(shapes))
    mask = data.draw(hnp.arrays(bool, x.shape[: data.draw(st.integers(1, x.ndim))]))
    agrees(lambda x: x[mask], x)
    agrees(lambda x: x[mask, ...], x)


@given(data=st.data())
def test_einsum_of_any_subscripts(data: st.DataObject) -> None:
    sizes = {c: data.draw(st.integers(1, 3), label=c) for c in "ijkl"}
    terms = data.draw(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3))
    known = sorted(set("".join(terms)))
    output = "".join(data.draw(st.lists(st.sampled_from(known), unique=True))) if known else ""
    subscripts = ",".join(terms) + data.draw(st.sampled_from(["", "->" + output]))
    xs = drawn(data, *[tuple(sizes[c] for c in term) for term in terms])
    agrees(lambda *xs: np.einsum(subscripts, *xs), *xs, order=2)


@given(data=st.data())
def test_tensordot_over_any_axes(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 2))
    shared = data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    left, right = (data.draw(st.lists(st.integers(1, 3), max_size=2)) for _ in range(2))
    a, b = drawn(data, (*left, *shared), (*shared, *right))
    p, q = data.draw(st.permutations(range(a.ndim))), data.draw(st.permutations(range(b.ndim)))
    axes = ([p.index(i) for i in range(len(left), a.ndim)], [q.index(i) for i in range(count)])
    agrees(lambda a, b: np.tensordot(a, b, axes), np.transpose(a, p), np.transpose(b, q))


@given(shape=shapes, order=st.sampled_from(["C", "F"]), data=st.data())
def test_reshapes(shape: tuple[int, ...], order: str, data: st.DataObject) -> None:
    (x,) = drawn(data, shape)
    x = np.asarray(x, order=order)
    for target in (-1, (x.size, 1), (1, -1), x.shape[::-1]):
        agrees(lambda x, target=target: np.reshape(x, target), x)
    agrees(np.ravel, x)
