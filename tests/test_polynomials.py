"""Polynomials, convolutions and cross products beyond the table: equal roots, vectors in a plane, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check, gradient, same, t


def test_roots_move_against_the_slope() -> None:
    p = t([1.0, 0.0, -4.0], requires_grad=True)  # the roots are 2 and -2
    r = np.roots(p)
    (g,) = ad.grad(r[np.argmax(r.detach().numpy())], p)
    np.testing.assert_allclose(g.numpy(), [-1.0, -0.5, -0.25])


def test_coefficients_and_roots_may_be_lists_of_tensors() -> None:
    a = t(2.0, requires_grad=True)
    r = np.roots([1.0, 0.0, -a * a])
    assert sorted(r.tolist()) == [-2.0, 2.0]
    assert ad.grad(np.max(r), a)[0].item() == 1.0
    p = np.poly([a, -a, 1.0])
    assert (p.tolist(), p.dtype) == ([1.0, -1.0, -4.0, 4.0], np.float32)
    np.testing.assert_allclose(np.polyint(p[:2], 2, [a, 1.0]).tolist(), [1 / 6, -0.5, 2.0, 1.0], rtol=1e-6)


def test_the_product_of_roots_that_come_in_pairs_is_real_again() -> None:
    check(lambda p: np.prod(np.roots(p)).real, np.array([2.0, 1.0, 3.0, 1.0, 5.0]), order=2)


def test_equal_roots_are_refused_where_their_gradient_is_wanted() -> None:
    p = t([1.0, -5.0, 8.0, -4.0], requires_grad=True)  # 1 and 2, twice
    r = np.roots(p)
    (g,) = ad.grad(r[np.argmin(r.detach().numpy().real)].real, p, retain_graph=True)
    np.testing.assert_allclose(g.numpy(), [-1.0] * 4, rtol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="two roots are equal"):
        ad.grad(r.sum().real, p)


@pytest.mark.parametrize(
    ("roots", "dtype"), [([2, 2, 2, 1], np.float64), ([0, 0, 3], np.float64), ([2, 2, -1], np.float32)]
)
def test_roots_of_any_multiplicity_are_told(roots: Any, dtype: Any) -> None:
    p = t(np.poly(roots).astype(dtype), requires_grad=True)
    with pytest.raises(np.linalg.LinAlgError, match="two roots are equal"):
        ad.grad(((np.roots(p) + 1) ** 2).sum().real, p)


def test_many_roots_side_by_side_are_not_taken_for_equal() -> None:
    p = t(np.poly(np.arange(1.0, 13)), requires_grad=True)
    (g,) = ad.grad(np.prod(np.roots(p)), p)  # the last coefficient over the first
    np.testing.assert_allclose(g.numpy()[-1], 1.0, rtol=1e-3)


def test_coefficients_of_equal_roots_are_differentiable() -> None:
    check(np.poly, np.array([2.0, 2.0, -1.0]), order=2)
    x = ad.tensor(np.diag([2.0, 2.0, 2.0]), requires_grad=True)
    p, one = np.poly(x), np.eye(3)
    for k, expected in ((1, -one), (2, 4 * one), (3, -4 * one)):  # of the trace, the sum of minors, the determinant
        np.testing.assert_allclose(ad.grad(p[k], x, retain_graph=True)[0].numpy(), expected, atol=1e-12)
    x = t([2.0, 2.0], requires_grad=True)
    assert ad.grad(np.poly(x)[2], x)[0].tolist() == [2.0, 2.0]


def test_the_characteristic_polynomial_to_order_three() -> None:
    x = np.array([[1.0, 2.0, 0.5], [-1.0, 0.5, 1.0], [0.25, 1.0, -2.0]])
    check(gradient(lambda z: np.sum(np.poly(z) ** 2)), x, order=2)


def test_convolution_to_order_three() -> None:
    a, v = np.array([1.0, -0.5, 2.0]), np.array([0.5, 1.5])
    for mode in ("full", "same", "valid"):
        check(gradient(lambda x, y, mode=mode: np.sum(np.convolve(x, y, mode) ** 3)), a, v, order=2)


def test_a_power_of_0_is_exact() -> None:
    x = t([0.0], requires_grad=True)
    (g,) = ad.grad(np.vander(x, 4).sum(), x, create_graph=True)
    (h,) = ad.grad(g, x)
    assert (g.tolist(), h.tolist()) == ([1.0], [2.0])


def test_float16_is_accumulated_in_float32() -> None:
    a, v = t(np.full(4096, 1.0, np.float16), requires_grad=True), t(np.ones(4096, np.float16), requires_grad=True)
    y = np.convolve(a, v, "valid")
    assert (y.dtype, y.tolist()) == (np.float16, [4096.0])
    (g,) = ad.grad(np.convolve(a, t(np.ones(1, np.float16), requires_grad=True)).sum(), a)
    assert g.dtype == np.float16
    one = t(np.ones(1, np.float16), requires_grad=True)
    assert ad.grad(np.convolve(a, one).sum(), one)[0].tolist() == [4096.0]


@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 3), (3, 2)])
def test_vectors_of_two_elements_lie_in_a_plane(m: int, n: int) -> None:
    """Which NumPy takes no longer from 2.5 on."""
    a, b = np.arange(1.0, m + 1), np.arange(2.0, n + 2) ** 2
    third = np.cross(*(np.pad(v, (0, 3 - v.size)) for v in (a, b)))
    same(np.cross(t(a), t(b)), np.asarray(third[2] if m == n == 2 else third))
    check(np.cross, a, b, order=2)


def test_a_leading_coefficient_of_0_is_left_out_as_numpy_does() -> None:
    p = t([0.0, 1.0, 2.0], requires_grad=True)
    y = np.polymul(p, p)
    assert y.tolist() == [1.0, 4.0, 4.0]
    assert ad.grad(y.sum(), p)[0].tolist() == [0.0, 6.0, 6.0]
    zeros, line = np.zeros(2), np.array([1.0, 2.0])
    same(np.polymul(t(zeros), t(line)), np.polymul(zeros, line))


def test_a_remainder_of_0_is_one_0() -> None:
    quotient, rest = np.polydiv(t([1.0, 3.0, 2.0]), t([1.0, 1.0]))
    assert (quotient.tolist(), rest.tolist()) == ([1.0, 2.0], [0.0])


def test_division_by_a_polynomial_that_begins_with_0_is_nan_as_numpys() -> None:
    with np.errstate(all="ignore"):
        found, expected = (np.polydiv(u, [0.0, 1.0]) for u in (t([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)


def test_a_fit_tells_all_that_numpys_does() -> None:
    x, y = np.linspace(-1, 1, 6), np.array([1.0, 2.0, 0.5, -1.0, 0.0, 1.0])
    given, expected = np.polyfit(t(x), t(y), 2, full=True), np.polyfit(x, y, 2, full=True)
    for ours, theirs in zip(given, expected, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs)
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(t([1.0, 1.0, 2.0], requires_grad=True), t([1.0, 2.0, 3.0]), 2)


ONE, TWO = t([1.0, 2.0], requires_grad=True), t([[1.0, 2.0]], requires_grad=True)
BAD: dict[str, Any] = {
    "convolution of a matrix": (lambda: np.convolve(TWO, ONE), ValueError, "shapes .1, 2. and .2,.; expected two seq"),
    "convolution of nothing": (lambda: np.correlate(ONE, ONE[:0]), ValueError, "not empty"),
    "another mode": (lambda: np.convolve(ONE, ONE, "half"), ValueError, "half"),
    "cross product of numbers": (lambda: np.cross(ONE, 2.0), ValueError, "expected vectors, not numbers"),
    "cross product of long vectors": (lambda: np.cross(t(np.ones(4)), t(np.ones(3))), ValueError, "4 and 3 elements"),
    "a derivative of negative order": (lambda: np.polyder(ONE, -1), ValueError, "m is -1"),
    "an integral of negative order": (lambda: np.polyint(ONE, -1), ValueError, "m is -1"),
    "too few constants": (lambda: np.polyint(ONE, 3, [1.0, 2.0]), ValueError, "2 constants k are given for m = 3"),
    "a product of matrices": (lambda: np.polymul(TWO, ONE), ValueError, "coefficients of shape .1, 2."),
    "roots of a matrix": (lambda: np.roots(TWO), ValueError, "rank-1"),
    "a polynomial of a rectangle": (lambda: np.poly(TWO), ValueError, "shape is .1, 2.; expected a sequence of roots"),
    "a fit of negative degree": (lambda: np.polyfit(ONE, ONE, -1), ValueError, "deg is -1"),
    "a fit of unequal lengths": (lambda: np.polyfit(ONE, t([1.0]), 1), TypeError, "x .2,. and y .1,."),
    "weights of another length": (lambda: np.polyfit(ONE, ONE, 1, w=t([1.0])), TypeError, "weights w .1,."),
    "a covariance of too few points": (lambda: np.polyfit(ONE, ONE, 1, cov=True), ValueError, "2 points cannot scale"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()
