"""Calls at the edges of NumPy's functions: axes that are not there, keywords that exclude each other, sizes 0 and 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))
V = RNG.normal(size=6)
ONES = ad.tensor(np.ones((2, 2), int))


def tensor(x: Any) -> Any:
    return ad.tensor(np.array(x), requires_grad=True)


# --- refused, as NumPy refuses them --------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "diff along no axis": (lambda t: np.diff(t, axis=7), ValueError, "axis 7 is out of bounds"),
    "trapezoid along no axis": (lambda t: np.trapezoid(t, axis=7), ValueError, "axis 7 is out of bounds"),
    "trapezoid of a number": (lambda t: np.trapezoid(t[0, 0]), ValueError, "trapezoid: .* one dimension"),
    "norm along no axis": (lambda t: np.linalg.norm(t, axis=(5, 0)), ValueError, "axis 5 is out of bounds"),
    "tensorsolve of no axis": (lambda t: np.linalg.tensorsolve(t, [1.0, 2, 3], (9,)), ValueError, "axis 9 is out of"),
    "flatten of no dimension": (lambda t: t.flatten(5), IndexError, "axis 5 is out of bounds"),
    "flatten backwards": (lambda t: t.flatten(1, 0), ValueError, "start_dim=1 lies behind end_dim=0"),
    "gather along no dimension": (lambda t: t.gather(2, ONES), ValueError, "axis 2 is out of bounds"),
    "scatter along no dimension": (lambda t: t.scatter(2, ONES, t), ValueError, "axis 2 is out of bounds"),
    "gather by a vector": (lambda t: t.gather(0, ONES[0]), ValueError, "expected as many axes"),
    "split into sizes that leave a rest": (lambda t: t.split([1, 1]), ValueError, "sum to 2; .* 3"),
    "expand a new axis by -1": (lambda t: t.expand(-1, 3, 4), ValueError, "does not have"),
    "clip with two lower bounds": (lambda t: np.clip(t, 0, 1, min=2), ValueError, "min= and max= are the same bounds"),
    "delete along no axis": (lambda t: np.delete(t, 0, 7), ValueError, "axis 7 is out of bounds"),
    "insert along no axis": (lambda t: np.insert(t, 0, 1.0, 7), ValueError, "axis 7 is out of bounds"),
    "var with two corrections": (lambda t: np.var(t, ddof=1, correction=1), ValueError, "ddof and correction"),
    "std with two corrections": (lambda t: np.std(t, ddof=1, correction=1), ValueError, "ddof and correction"),
    "nanvar with two corrections": (lambda t: np.nanvar(t, ddof=1, correction=1), ValueError, "ddof and correction"),
    "nanstd with two corrections": (lambda t: np.nanstd(t, ddof=1, correction=1), ValueError, "ddof and correction"),
    "quantile of complex numbers": (lambda t: np.quantile(t + 1j, 0.3), TypeError, "quantile: .*complex128.*real"),
    "nanpercentile of complex numbers": (lambda t: np.nanpercentile(t * 1j, 3), TypeError, "nanpercentile: .*real"),
    "a cast to objects": (lambda t: t.astype(object), TypeError, "dtype object is not supported"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call(tensor(X))


# --- taken, as NumPy takes them ------------------------------------------------------------------------------------

TAKEN: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "cumprod of a number along axis 0": (lambda t: np.cumprod(t, axis=0), 3.0),
    "cumsum of a number along axis 0": (lambda t: np.cumsum(t, axis=-1), 3.0),
    "repeat a number along axis 0": (lambda t: np.repeat(t, 3, axis=0), 3.0),
    "clip without bounds": (lambda t: np.clip(t, None, None), V),
    "split at places out of order": (lambda t: np.concatenate(np.split(t, [1, 9, 2])), V),
    "array_split at places out of order": (lambda t: np.array_split(t, [4, 2], axis=1)[2], X),
    "interp to an infinite value": (lambda t: np.interp(t, [0.0, 1.0, 2.0], [1.0, np.inf, 5.0]), np.array([0.0, 1.0])),
    "trapezoid over places in a matrix": (lambda t: np.trapezoid(t[None] * np.ones((2, 1, 1)), X), X),
    "copyto from a matrix of one row": (lambda t: np.copyto(y := t * 1, t[None, ::-1]) or y, V),
    "intersect1d of integers and floats": (lambda t: np.intersect1d([1, 2], t), np.array([2.0, 3.0])),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    call, x = TAKEN[name]
    t = tensor(x)
    y, wanted = call(t), np.asarray(call(np.array(x)))
    np.testing.assert_array_equal(y.numpy(), wanted)
    assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
    if np.isfinite(wanted).all() and not name.startswith("intersect1d"):  # whose result changes its shape
        assert ad.testing.gradcheck(call, np.array(x, float), order=1)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_the_largest_norm_of_nothing_is_0(shape: tuple[int, ...]) -> None:
    for ord in (np.inf, 1, 2):
        assert np.linalg.norm(tensor(np.zeros(shape)), ord).item() == 0


WHOLE: dict[str, Callable[[Any], Any]] = {
    "append": lambda x: np.append(x, 300),
    "vander": lambda x: np.vander(x, 3),
    "poly": np.poly,
    "median of truths": lambda x: np.median(x > 5),
}


@pytest.mark.parametrize("name", WHOLE)
def test_small_integers_do_not_overflow_where_numpys_do_not(name: str) -> None:
    x = np.array([1, 20, 30], np.uint8)
    y, wanted = WHOLE[name](ad.tensor(x)), np.asarray(WHOLE[name](x))
    np.testing.assert_array_equal(y.numpy(), wanted)
    assert y.dtype == wanted.dtype


def test_a_row_written_from_a_row_of_a_matrix() -> None:
    a, v = tensor(X), tensor(V[None, :4])
    y = a * 1
    y[0] = v
    (y * X).sum().backward()
    np.testing.assert_array_equal(v.grad.numpy(), X[:1])
    (jacobian,) = functional.jacobian(lambda v: written(ad.tensor(X), v), (0,), mode="forward")(v.detach())
    assert jacobian.shape == (3, 4, 1, 4)


def written(y: Any, v: Any) -> Any:
    y[0] = v
    return y


def test_what_is_padded_by_nothing_is_a_copy() -> None:
    t = ad.tensor(V)
    y = np.pad(t, 0, "edge")
    y *= 2
    np.testing.assert_array_equal(t.numpy(), V)


def test_constants_among_several_results_are_tensors() -> None:
    t = tensor(V)
    for results in (np.broadcast_arrays(t, 1.0), np.meshgrid(t, [1.0, 2.0]), np.atleast_1d(t, 3.0)):
        assert all(isinstance(y, ad.Tensor) for y in results)
    (y, _), (dy, _) = functional.jvp(lambda x: np.broadcast_arrays(x, [[1.0], [2.0]]), (V,), (V,))
    np.testing.assert_array_equal(y.numpy(), dy.numpy())


# --- what varies is traced -----------------------------------------------------------------------------------------

VARIES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "delete by a mask": (lambda x: np.delete(x, x > 0), (np.array([1.0, -1, 2]),), (np.array([-1.0, 1, 2]),)),
    "delete by indices": (np.delete, (V, np.array([1, 2])), (V * 2, np.array([0, 5]))),
    "insert at indices": (lambda x, i: np.insert(x, i, 9.0), (V, np.array([1, 2])), (V * 2, np.array([5, 0]))),
    "quantile": (np.quantile, (V, np.array([0.3, 0.4])), (V[::-1] * 2, np.array([0.9, 0.0]))),
    "histogram of equal numbers": (lambda x: np.histogram_bin_edges(x, 4), (np.ones(3),), (V,)),
    "piecewise where a condition never holds": (
        lambda x: np.piecewise(x, [x > 0, x <= 0], [np.exp, np.square]),
        (np.abs(V),),
        (V,),
    ),
    "piecewise of a number": (lambda x: np.piecewise(x, [x > 0], [np.exp, np.square]), (V[0] ** 2,), (-(V[0] ** 2),)),
}


@pytest.mark.parametrize("name", VARIES)
def test_a_replay_on_other_values_is_the_call_on_them(name: str) -> None:
    f, at, other = VARIES[name]
    graph = ad.trace(f)(*map(ad.tensor, at))
    inputs = [s for s in graph.sources if s.role == "input"]
    again = graph.replay(dict(zip(inputs, map(np.asarray, other), strict=True)))
    np.testing.assert_array_equal(again[graph.outputs[0]], f(*map(ad.tensor, other)).numpy())
