"""What linear algebra refuses, by name; and what it answers at singular matrices and at equal eigenvalues."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import autodiff as ad
from autodiff.primitive import refused, registry
from tests.numeric import check, listed

L: Any = np.linalg
RNG = np.random.default_rng(7)
TURN = L.qr(RNG.normal(size=(3, 3)))[0]
WEIGHTS = RNG.normal(size=(3, 3))
TWICE = TURN @ np.diag([1.0, 1.0, 2.0]) @ TURN.T  # an eigenvalue (and singular value) that is there twice
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 0.5, 1.0], [3.0, 2.5, 4.0]])  # the last row is the sum of the others
EYE, ZERO = np.eye(3), np.zeros((3, 3))


def slope(f: Callable[..., Any], at: Any) -> Any:
    """Return the gradient of a function that gives a number."""
    x = ad.tensor(at, requires_grad=True)
    return ad.grad(f(x), x)[0].numpy()


# --- determinants --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("factor", [1, 1 + 0.5j])
@pytest.mark.parametrize(
    "matrix",
    [
        SINGULAR,
        np.diag([1.0, 2.0, 0.0]),
        np.diag([3.0, 0.0, 0.0]),
        ZERO,
        np.zeros((2, 2)),
        np.zeros((1, 1)),
    ],
    ids=["sum of rows", "rank 2", "rank 1", "rank 0", "zero 2", "zero 1"],
)
def test_det_has_two_derivatives_at_any_singular_matrix(matrix: Any, factor: complex, batch: Any) -> None:
    check(L.det, np.broadcast_to(matrix * factor, (*batch, *matrix.shape)).copy(), order=2)


def test_det_has_derivatives_of_order_three_at_a_regular_matrix() -> None:
    check(L.det, TWICE + 0.1 * WEIGHTS, order=3)


def test_the_phase_of_a_complex_slogdet_moves() -> None:
    check(lambda x: tuple(L.slogdet(x)), TWICE + 0.3j * WEIGHTS, order=2)


# --- equal eigenvalues and singular values -------------------------------------------------------------------------


def projection(x: Any) -> Any:
    """Return the weighted projection onto the space of the two equal eigenvalues."""
    v = L.eigh(x)[1][:, :2]
    return np.sum(WEIGHTS * (v @ v.mT))


def third(x: Any) -> Any:
    v = L.eigh(x)[1][:, 2:]
    return np.sum(WEIGHTS * (v @ v.mT))


INVARIANT = {
    "sum of eigenvalues": lambda x: np.sum(L.eigvalsh(x)),
    "product of eigenvalues": lambda x: np.prod(L.eigvalsh(x)),
    "sum of eigh's": lambda x: np.sum(L.eigh(x)[0] ** 3),
    "projection onto their space": projection,
    "projection onto the other": third,
    "values and the other vector": lambda x: third(x) + np.sum(L.eigvalsh(x) ** 2),
    "nuclear norm": lambda x: L.norm(x, "nuc"),
    "orthogonal factor": lambda x: np.sum(WEIGHTS * _product(*L.svd(x), power=0)),
    "sum of eig's": lambda x: np.sum(L.eigvals(x) ** 2),
}


@pytest.mark.parametrize("name", INVARIANT)
def test_what_does_not_depend_on_the_vectors_chosen_has_its_derivative_at_equal_values(name: str) -> None:
    f = INVARIANT[name]
    symmetric = lambda x: f((x + x.mT) / 2)  # noqa: E731
    check(symmetric if name not in ("orthogonal factor", "nuclear norm", "sum of eig's") else f, TWICE)


DEPENDENT = {
    "eigh: one vector": (lambda x: np.sum(L.eigh(x)[1][:, 0] * WEIGHTS[0]), "eigh: eigenvalues 0 and 1 are equal (1)"),
    "eigh: values and vectors": (lambda x: _again(L.eigh(x)), "eigh: eigenvalues 0 and 1 are equal"),
    "svd: one vector": (lambda x: L.svd(x)[0][0, 1], "svd: singular values 1 and 2 are equal"),
    "svd: values and vectors": (
        lambda x: np.sum(WEIGHTS * _product(*L.svd(x))),
        "svd: singular values 1 and 2 are equal",
    ),
}


def _product(u: Any, s: Any, vh: Any, power: int = 1) -> Any:
    return (u * s) @ vh if power else u @ vh


def _again(ys: Any) -> Any:
    w, v = ys
    return np.sum(WEIGHTS * ((v * w) @ v.mT))


@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_the_vectors_chosen_is_refused_at_equal_values(name: str) -> None:
    f, message = DEPENDENT[name]
    with pytest.raises(ad.AutodiffError, match=message.replace("(", r"\(").replace(")", r"\)")):
        slope(f, TWICE)


def test_the_matrix_made_of_its_eigenvalues_and_vectors_is_refused_at_the_unit_and_the_zero_matrix() -> None:
    for at in (EYE, ZERO):
        with pytest.raises(ad.AutodiffError, match="eigh: eigenvalues 0 and 1 are equal"):
            slope(lambda x: _again(L.eigh(x)), at)


def test_near_equal_values_are_told_apart() -> None:
    near = TURN @ np.diag([1.0, 1.0 + 1e-6, 2.0]) @ TURN.T
    np.testing.assert_allclose(slope(lambda x: _again(L.eigh(x)), near), (WEIGHTS + WEIGHTS.T) / 2, atol=1e-8)


def test_equal_values_of_one_matrix_of_a_stack_are_found() -> None:
    stack = np.stack([np.diag([1.0, 2.0, 3.0]), TWICE])
    with pytest.raises(ad.AutodiffError, match="eigenvalues 0 and 1 are equal"):
        slope(lambda x: np.sum(L.eigh(x)[1][:, :, 0] * WEIGHTS[0]), stack)


@pytest.mark.parametrize("fun", [L.eigh, L.eig, L.svd])
def test_the_phase_of_a_complex_vector_is_refused(fun: Any) -> None:
    x = TURN @ np.diag([1.0, 2.0, 4.0]) @ TURN.T + 0.1j * (WEIGHTS - WEIGHTS.T)
    t = ad.tensor(x, requires_grad=True)
    vectors = fun(t)[0 if fun is L.svd else 1]
    with pytest.raises(ad.AutodiffError, match="depends on the phase of a vector"):
        ad.grad(np.sum(vectors * (WEIGHTS + 1j * WEIGHTS.T)).real, t)


def test_columns_that_complete_a_basis_are_refused() -> None:
    tall = RNG.normal(size=(4, 2))
    for name, f in {"svd": lambda x: L.svd(x)[0][0, 3], "qr": lambda x: L.qr(x, mode="complete")[0][0, 3]}.items():
        with pytest.raises(ad.AutodiffError, match=f"{name}: the gradient depends on the columns that complete"):
            slope(f, tall)


def test_vectors_of_singular_values_0_are_refused() -> None:
    with pytest.raises(ad.AutodiffError, match="svd: singular values 1 and 2 are equal"):
        slope(lambda x: L.svd(x)[0][0, 2], np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]))
    with pytest.raises(ad.AutodiffError, match="svd: singular value 0 is 0"):
        slope(lambda x: L.svd(x, full_matrices=False)[0][1, 0], np.zeros((2, 1)))


# --- norms at 0 and at ties ----------------------------------------------------------------------------------------

NORMS = [
    ("2 at 0", lambda x: L.norm(x), [0.0, 0.0], [0, 0]),
    ("3 at 0", lambda x: L.norm(x, 3), [0.0, 0.0], [0, 0]),
    ("1.5 at 0", lambda x: L.norm(x, 1.5), [0.0, 0.0], [0, 0]),
    ("1 at 0", lambda x: L.norm(x, 1), [0.0, 2.0], [0, 1]),
    ("0.5 beside 0", lambda x: L.norm(x, 0.5), [0.0, 2.0], [0, 1]),
    ("inf at 0", lambda x: L.norm(x, np.inf), [0.0, 0.0], [0, 0]),
    ("inf at a tie", lambda x: L.norm(x, np.inf), [2.0, -2.0], [0.5, -0.5]),
    ("-inf at a tie", lambda x: L.norm(x, -np.inf), [2.0, -2.0], [0.5, -0.5]),
    ("0", lambda x: L.norm(x, 0), [2.0, 0.0], [0, 0]),
    ("3 beside 0", lambda x: L.norm(x, 3), [0.0, 2.0], [0, 1]),
    ("vector_norm at 0", lambda x: L.vector_norm(x), [0.0, 0.0], [0, 0]),
    *[(f"{o} of 0", lambda x, o=o: L.norm(x, o), ZERO, ZERO) for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    ("2 at a tie", lambda x: L.norm(x, 2), EYE, EYE / 3),
    ("1 at a tie", lambda x: L.norm(x, 1), np.ones((2, 2)), np.full((2, 2), 0.5)),
    ("nuc at rank 1", lambda x: L.norm(x, "nuc"), np.diag([2.0, 0.0]), np.diag([1.0, 0.0])),
    ("matrix_norm at 0", lambda x: L.matrix_norm(x), ZERO, ZERO),
]


@pytest.mark.parametrize(("f", "at", "expected"), [row[1:] for row in NORMS], ids=[row[0] for row in NORMS])
def test_the_gradient_of_a_norm_by_convention(f: Any, at: Any, expected: Any) -> None:
    np.testing.assert_allclose(slope(f, np.array(at)), expected, atol=1e-12)


def test_a_dead_branch_with_a_norm_poisons_nothing() -> None:
    x = ad.tensor(np.array([[0.0, 0.0], [3.0, 4.0]]), requires_grad=True)
    n = L.norm(x, axis=1)
    y = np.sum(np.where(n > 0, n, 0.0))
    (g,) = ad.grad(y, x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), [[0, 0], [0.6, 0.8]])
    (h,) = ad.grad(np.sum(g[1]), x)
    assert np.isfinite(h.numpy()).all()


def test_float16_norms_accumulate_in_float32() -> None:
    x = ad.tensor(np.ones(70000, np.float16), requires_grad=True)
    y = L.norm(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.float16
    assert abs(y.item() - math.sqrt(70000)) < 0.2


# --- bad input -----------------------------------------------------------------------------------------------------

REFUSED: list[tuple[Callable[..., Any], Any, type[Exception], str]] = [
    (L.inv, ZERO, L.LinAlgError, r"inv\(f64\[3,3\]\): Singular matrix"),
    (L.inv, np.ones((2, 3)), L.LinAlgError, r"inv\(f64\[2,3\]\).*square"),
    (L.det, np.ones((2, 3)), L.LinAlgError, r"det\(f64\[2,3\]\).*square"),
    (L.det, np.ones(3), L.LinAlgError, r"det\(f64\[3\]\)"),
    (lambda x: L.solve(x, np.ones(3)), ZERO, L.LinAlgError, r"solve\(f64\[3,3\], f64\[3\]\): Singular matrix"),
    (lambda x: L.solve(x, np.ones(2)), EYE, ValueError, r"solve\(f64\[3,3\], f64\[2\]\)"),
    (L.cholesky, -EYE, L.LinAlgError, r"cholesky\(f64\[3,3\].*not positive definite"),
    (L.slogdet, ZERO, L.LinAlgError, "Singular matrix(.|\n)*slogdet"),
    (
        lambda x: np.real(L.eigvals(x)),
        np.array([[1.0, 1.0], [0.0, 1.0]]),
        L.LinAlgError,
        "eig: the matrix is defective",
    ),
    (L.qr, np.ones((3, 2)), L.LinAlgError, "qr: the columns of the matrix .* depend linearly"),
    (lambda x: L.qr(x, mode="raw"), EYE, TypeError, "qr of a Tensor does not support mode='raw'"),
    (lambda x: L.lstsq(x, np.ones(3))[0], np.ones((3, 2)), L.LinAlgError, r"lstsq: a \(3, 2\) has rank 1"),
    (lambda x: L.pinv(x, rtol=0.5), np.diag([4.0, 1.0]), L.LinAlgError, "pinv: the tolerance cuts off"),
    (lambda x: L.cond(x, 1), ZERO, L.LinAlgError, "Singular matrix(.|\n)*cond"),
    (L.cond, np.diag([2.0, 1.0, 0.0]), L.LinAlgError, "cond: the matrix is singular"),
    (L.cond, np.zeros((0, 0)), L.LinAlgError, "cond: the matrix is empty"),
    (lambda x: L.norm(x, 3), EYE, ValueError, "norm: ord=3 of matrices"),
    (lambda x: L.norm(x, "nuc", axis=0), EYE, ValueError, "ord='nuc'; expected a number"),
    (lambda x: L.norm(x, axis=(0, 0)), EYE, ValueError, "names one axis twice"),
    (lambda x: L.norm(x, 2), np.ones((2, 2, 2)), ValueError, "norm: 3 axes"),
    (lambda x: L.tensorsolve(x, np.ones(3)), np.ones((3, 2)), L.LinAlgError, "tensorsolve: a .* maps 2 unknowns"),
    (lambda x: L.tensorinv(x, ind=0), EYE, ValueError, "tensorinv: ind=0"),
    (lambda x: ad.linalg.solve(x, np.ones(3), assume_a="odd"), EYE, ValueError, "assume_a='odd'"),
    (lambda x: ad.linalg.eigh(x, EYE)[0], EYE, TypeError, "eigh does not support b="),
    (lambda x: ad.linalg.eig(x, left=True)[0], EYE, TypeError, "eig does not support left="),
    (lambda x: ad.linalg.qr(x, pivoting=True)[0], EYE, TypeError, "qr does not support pivoting="),
    (lambda x: ad.linalg.qr(x, mode="raw")[0], EYE, TypeError, "does not support mode='raw'"),
    (ad.linalg.inv, EYE * np.nan, ValueError, "infs or NaNs"),
    (lambda x: ad.linalg.polar(x)[0], np.ones((2, 3)), L.LinAlgError, "polar: a .2, 3. is wide"),
]


@pytest.mark.parametrize(("f", "at", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_ill_posed_input_is_refused_by_name(f: Any, at: Any, error: type[Exception], message: str) -> None:
    x = ad.tensor(at, requires_grad=True)

    def gradient() -> Any:
        parts = [y for y in listed(f(x)) if y.requires_grad]
        return ad.grad(sum(y.sum() for y in parts), x)

    with pytest.raises(error, match=message):
        gradient()


def test_the_value_of_a_condition_number_at_a_singular_matrix_is_numpys() -> None:
    stack = np.stack([EYE, ZERO])
    for p in (1, "fro", np.inf):
        np.testing.assert_array_equal(L.cond(ad.tensor(stack), p).numpy(), L.cond(stack, p))


def test_a_rank_is_a_tensor_without_a_gradient() -> None:
    rank = L.matrix_rank(ad.tensor(SINGULAR, requires_grad=True))
    assert isinstance(rank, ad.Tensor)
    assert rank.item() == 2
    assert not rank.requires_grad


# --- real matrices with complex eigenvalues, order three -----------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_a_real_matrix_with_complex_eigenvalues(order: int) -> None:
    x = np.array([[1.0, 2.0, 0.3], [-1.0, 0.5, 0.2], [0.1, 0.4, 3.0]])
    assert np.iscomplexobj(L.eigvals(x))
    check(lambda x: (L.eig(x)[0], np.abs(L.eig(x)[1])), x, order=order)


# --- ad.linalg -----------------------------------------------------------------------------------------------------


def test_every_function_of_scipy_linalg_is_there_or_is_refused_with_a_reason() -> None:
    of_no_array = {
        *("dft", "hadamard", "helmert", "hilbert", "invhilbert", "invpascal", "pascal"),
        *("find_best_blas_type", "get_blas_funcs", "get_lapack_funcs"),
    }
    functions = {
        n: f for n in scipy.linalg.__all__ if callable(f := getattr(scipy.linalg, n)) and not isinstance(f, type)
    }
    unknown = {n for n, f in functions.items() if n not in ad.linalg.__all__ and f not in refused}
    assert unknown <= of_no_array


def test_an_entry_of_scipys_function_is_ours() -> None:
    assert registry[scipy.linalg.expm] is registry[ad.linalg.expm]


def test_what_is_refused_says_why() -> None:
    with pytest.raises(AttributeError, match=r"scipy\.linalg\.schur is not supported: no rule.*Use ad\.linalg\.eig"):
        _ = ad.linalg.schur
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ad.linalg.nothing


@pytest.mark.parametrize("name", ["expm", "inv", "toeplitz", "norm"])
def test_scipys_own_function_names_ours(name: str) -> None:
    with pytest.raises(TypeError, match=rf"scipy\.linalg\.{name} takes no tensors. Use ad\.linalg\.{name}"):
        getattr(scipy.linalg, name)(ad.tensor(EYE, requires_grad=True))


def test_functions_of_arrays_answer_with_arrays() -> None:
    assert type(ad.linalg.expm(EYE)) is np.ndarray
    assert type(ad.linalg.solve(EYE, np.ones(3), assume_a="pos")) is np.ndarray
    assert ad.linalg.issymmetric(EYE)
    assert ad.linalg.bandwidth(ad.tensor(EYE)) == (0, 0)


@pytest.mark.parametrize("name", ["pinvh", "polar", "lu_factor", "lu", "expm", "sqrtm"])
def test_a_vector_is_no_matrix(name: str) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=r"expected .*matrices .*got an array of shape \(3,\)"):
        getattr(ad.linalg, name)(ad.tensor([1.0, 2.0, 3.0]))


def test_a_companion_matrix_has_one_polynomial() -> None:
    with pytest.raises(ValueError, match="coefficients of one polynomial"):
        ad.linalg.companion(ad.ones(2, 2))
