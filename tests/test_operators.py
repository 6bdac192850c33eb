"""Operators with tensors, arrays and numbers on either side: values, derivatives, dtypes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check, same, t

RNG = np.random.default_rng(2)
A, B = RNG.uniform(0.5, 2.0, (2, 3)), RNG.uniform(0.5, 2.0, (2, 3))
N, J = np.array([1, 2, 12]), np.array([3, 5, 2])

FLOAT = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
INTEGER = {"&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift}
UNARY = {"-": operator.neg, "+": operator.pos, "abs": abs}


@pytest.mark.parametrize("name", FLOAT)
def test_an_operator_is_numpys_with_a_tensor_an_array_or_a_number_on_either_side(name: str) -> None:
    f = FLOAT[name]
    same(f(t(A), t(B)), f(A, B))
    same(f(t(A), B), f(A, B))
    same(f(A, t(B)), f(A, B))
    same(f(t(A), 2.0), f(A, 2.0))
    same(f(2.0, t(B)), f(2.0, B))
    same(f(t(A), 2), f(A, 2))
    same(f(np.float64(2.0), t(B)), f(2.0, B))
    same(f(t(A), [1.0, 2.0, 3.0]), f(A, np.array([1.0, 2.0, 3.0])))
    same(f([1.0, 2.0, 3.0], t(A)), f(np.array([1.0, 2.0, 3.0]), A))
    same(f(t(N), t(J)), f(N, J))
    same(f(t(N), 2), f(N, 2))


@pytest.mark.parametrize("name", INTEGER)
def test_operators_of_integers_and_booleans(name: str) -> None:
    f = INTEGER[name]
    same(f(t(N), t(J)), f(N, J))
    same(f(t(N), 3), f(N, 3))
    same(f(3, t(N)), f(3, N))
    same(f(J, t(N)), f(J, N))
    if name in "&|^":
        same(f(t(A > 1), t(B > 1)), f(A > 1, B > 1))


@pytest.mark.parametrize("name", UNARY)
def test_unary_operators(name: str) -> None:
    same(UNARY[name](t(-A)), UNARY[name](-A))
    same(UNARY[name](t(N)), UNARY[name](N))


def test_invert_and_divmod() -> None:
    same(~t(A > 1), ~(A > 1))
    same(~t(N), ~N)
    for given, expected in zip(divmod(t(A), t(B)), divmod(A, B), strict=True):
        same(given, expected)
    for given, expected in zip(divmod(7.0, t(B)), divmod(7.0, B), strict=True):
        same(given, expected)


@pytest.mark.parametrize("name", ["+", "-", "*", "/", "%", "**"])
@pytest.mark.parametrize(("left", "right"), [(A, B), (A, None), (None, B)], ids=["both", "left", "right"])
def test_operators_have_derivatives_with_a_constant_on_either_side(name: str, left: Any, right: Any) -> None:
    f = FLOAT[name]
    if left is None:
        check(lambda b: f(2.5, b), right, order=2)
        check(lambda b: f(A, b), right)
    elif right is None:
        check(lambda a: f(a, 2.5), left, order=2)
        check(lambda a: f(a, 2), left, order=2)
        check(lambda a: f(a, B), left)
    else:
        check(f, left, right, order=2)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((7, 1, 2, 3), (5, 3, 4)),
    ],
)
def test_matmul_of_every_pair_of_ranks(left: Any, right: Any) -> None:
    a, b = RNG.normal(size=left), RNG.normal(size=right)
    same(t(a) @ t(b), np.asarray(a @ b))
    same(a @ t(b), np.asarray(a @ b))
    same(t(a) @ b, np.asarray(a @ b))
    check(lambda x, y: x @ y, a, b, order=2)


def test_power_of_every_kind_of_exponent() -> None:
    x = t([2.0, 3.0], requires_grad=True)
    for exponent, slope in (
        (2, [4.0, 6.0]),
        (2.0, [4.0, 6.0]),
        (3, [12.0, 27.0]),
        (0, [0.0, 0.0]),
        (1, [1.0, 1.0]),
        (-1, [-0.25, -1 / 9]),
        (0.5, [0.5 / np.sqrt(2), 0.5 / np.sqrt(3)]),
        (np.int64(2), [4.0, 6.0]),
        (t([2, 2]), [4.0, 6.0]),
        (True, [1.0, 1.0]),
    ):
        (g,) = ad.grad((x**exponent).sum(), x)
        assert g.dtype == np.float32
        np.testing.assert_allclose(g.numpy(), slope, rtol=1e-6)


def test_an_unknown_type_may_answer_for_itself() -> None:
    class Money:
        def __radd__(self, other: Any) -> str:
            return "money"

        __rmul__ = __rmatmul__ = __rsub__ = __radd__

    assert t(A) + Money() == t(A) * Money() == t(A) - Money() == t(A) @ Money() == "money"


@pytest.mark.parametrize("f", [operator.add, operator.matmul, operator.pow, operator.lt, operator.and_])
def test_an_operand_of_no_known_type_is_a_type_error(f: Any) -> None:
    with pytest.raises(TypeError):
        f(t(A), object())
    with pytest.raises(TypeError):
        f(object(), t(A))


def test_equality_with_what_is_no_number() -> None:
    assert (t(A) == "text") is False
    assert (t(A) != "text") is True


# --- dtypes under operators ---


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.complex64])
@pytest.mark.parametrize(
    "other",
    [
        2,
        2.5,
        True,
        np.float64(2.5),
        np.float32(2),
        np.int64(2),
        np.bool_(True),
        np.array([1, 2, 3]),
        np.array(3),
        np.array([True, True, True]),
        [1, 2, 3],
        [1.5, 2.5, 3.5],
        ad.tensor([1, 2, 3]),
        ad.tensor(2),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["+", "-", "*", "/"])
def test_a_floating_tensor_keeps_its_dtype_beside_numbers_and_integers(name: str, dtype: Any, other: Any) -> None:
    x, f = ad.tensor([1.0, 2.0, 3.0], dtype=dtype, requires_grad=True), FLOAT[name]
    assert f(x, other).dtype == dtype
    assert f(other, x).dtype == dtype


def test_scores_over_the_root_of_a_dimension_stay_float32() -> None:
    assert (ad.ones(2, 2) / np.sqrt(64)).dtype == np.float32
    assert np.multiply(ad.ones(2), np.float64(2)).dtype == np.float32
    assert np.maximum(ad.ones(2), np.float64(0)).dtype == np.float32
    assert np.where(np.array([True, False]), ad.ones(2), np.float64(0)).dtype == np.float32
    assert np.clip(ad.ones(2), np.float64(0), np.float64(2)).dtype == np.float32


def test_joins_and_products_with_integers_stay_float32() -> None:
    x, n = ad.ones(2), np.array([1, 2])
    for y in (
        np.concatenate([x, n]),
        np.stack([n, x]),
        np.where([True, False], x, n),
        np.matmul(x, n),
        np.einsum("i,i", n, x),
    ):
        assert y.dtype == np.float32


def test_two_floating_arrays_promote_as_numpy_does() -> None:
    single, double = ad.ones(2), ad.ones(2, dtype=np.float64)
    assert (single + double).dtype == (single + np.ones(2)).dtype == np.float64
    assert (ad.ones(2, dtype=np.float16) + single).dtype == np.float32
    assert (single + 1j).dtype == np.complex64


def test_mixed_precision_gradients_have_the_dtype_of_their_operand() -> None:
    single, double = ad.ones(2, requires_grad=True), ad.ones(2, dtype=np.float64, requires_grad=True)
    g, h = ad.grad((single * double).sum(), [single, double])
    assert (g.dtype, h.dtype) == (np.float32, np.float64)


def test_float16_accumulates_in_float32() -> None:
    x = ad.ones(4096, dtype=np.float16)
    assert x.sum().item() == 4096.0
    assert x.mean().item() == 1.0
    assert (x * 300).mean().item() == 300.0  # the sum would overflow


def test_reductions_of_integers_and_booleans_are_numpys() -> None:
    same(t(N).sum(), np.asarray(N.sum()))
    same(t(N).mean(), np.asarray(N.mean()))
    same(t(A > 1).sum(), np.asarray((A > 1).sum()))


def test_results_are_plain_tensors_whatever_the_subclass() -> None:
    class Parameter(ad.Tensor):
        pass

    p = Parameter(np.ones(2), requires_grad=True)
    assert type(p * 2) is ad.Tensor
    assert type(np.exp(p)) is ad.Tensor
    (p * 2).sum().backward()
    assert p.grad.tolist() == [2.0, 2.0]
