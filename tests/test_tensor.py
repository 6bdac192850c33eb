"""Tensor itself: making one, operators, dtypes, indexing, and Python's protocols."""

from __future__ import annotations

import copy
import operator
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check

RNG = np.random.default_rng(2)
A, B = RNG.uniform(0.5, 2.0, (2, 3)), RNG.uniform(0.5, 2.0, (2, 3))
I, J = np.array([1, 2, 12]), np.array([3, 5, 2])


def t(x: Any, requires_grad: bool = False) -> ad.Tensor:
    return ad.tensor(x, requires_grad=requires_grad)


def same(given: Any, expected: Any) -> None:
    assert isinstance(given, ad.Tensor)
    assert given.dtype == expected.dtype
    np.testing.assert_array_equal(given.detach().numpy(), expected)


# --- making one ---


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.0, "f4"),
        ([1.0, 2.0], "f4"),
        (1, "i8"),
        ([1, 2], "i8"),
        (True, "?"),
        (1j, "c8"),
        ([], "f4"),
        ([[1, 2.5]], "f4"),
        (np.float64(1.0), "f8"),
        (np.array([1.0]), "f8"),
        (np.array([1], "i2"), "i2"),
        (np.array([1], "f2"), "f2"),
        (range(3), "i8"),
    ],
)
def test_dtypes_of_new_tensors(data: Any, dtype: str) -> None:
    assert ad.tensor(data).dtype == np.dtype(dtype)
    assert ad.as_tensor(data).dtype == np.dtype(dtype)


def test_the_default_dtype_can_be_set() -> None:
    ad.set_default_dtype(np.float64)
    assert ad.tensor(1.0).dtype == ad.zeros(2).dtype == ad.linspace(0, 1).dtype == np.float64
    assert ad.tensor(1j).dtype == np.complex128
    assert ad.get_default_dtype() == np.float64


def test_a_dtype_can_be_asked_for() -> None:
    assert ad.tensor([1, 2], dtype=np.float16).dtype == np.float16
    assert ad.tensor(np.ones(2), ad.float32).dtype == np.float32
    assert ad.as_tensor(ad.tensor([1.0]), np.float64).dtype == np.float64


def test_tensor_copies_and_as_tensor_shares() -> None:
    array = np.zeros(2)
    copied, shared, wrapped = ad.tensor(array), ad.as_tensor(array), ad.Tensor(array)
    array[0] = 1
    assert copied.tolist() == [0.0, 0.0]
    assert shared.tolist() == wrapped.tolist() == [1.0, 0.0]
    assert ad.as_tensor(shared) is shared
    again = ad.tensor(shared)
    array[1] = 1
    assert again.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: ad.zeros(2, 3), np.zeros((2, 3), "f4")),
        (lambda: ad.zeros((2, 3)), np.zeros((2, 3), "f4")),
        (lambda: ad.zeros(), np.zeros((), "f4")),
        (lambda: ad.ones(2, dtype=np.int64), np.ones(2, "i8")),
        (lambda: ad.full((2,), 3.0), np.full(2, 3, "f4")),
        (lambda: ad.full(2, 3), np.full(2, 3)),
        (lambda: ad.arange(4), np.arange(4)),
        (lambda: ad.arange(1, 4, 2), np.arange(1, 4, 2)),
        (lambda: ad.arange(0, 1, 0.25), np.arange(0, 1, 0.25, "f4")),
        (lambda: ad.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype="f4")),
        (lambda: ad.eye(2), np.eye(2, dtype="f4")),
        (lambda: ad.eye(2, 3), np.eye(2, 3, dtype="f4")),
        (lambda: ad.zeros_like(t(A)), np.zeros((2, 3))),
        (lambda: ad.ones_like(t(I)), np.ones(3, "i8")),
        (lambda: ad.full_like(t(A), 2), np.full((2, 3), 2.0)),
        (lambda: ad.zeros_like(t(I), dtype=np.float32), np.zeros(3, "f4")),
    ],
)
def test_creation_functions(made: Any, expected: Any) -> None:
    same(made(), expected)


def test_empty_has_its_shape_and_creation_may_require_gradients() -> None:
    assert ad.empty(2, 0).shape == (2, 0)
    assert ad.empty_like(t(A)).shape == (2, 3)
    for made in (
        ad.zeros(2, requires_grad=True),
        ad.ones_like(t(A), requires_grad=True),
        ad.eye(2, requires_grad=True),
    ):
        assert made.requires_grad
        assert made.is_leaf


# --- operators ---

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
    same(f(t(I), t(J)), f(I, J))
    same(f(t(I), 2), f(I, 2))


@pytest.mark.parametrize("name", INTEGER)
def test_operators_of_integers_and_booleans(name: str) -> None:
    f = INTEGER[name]
    same(f(t(I), t(J)), f(I, J))
    same(f(t(I), 3), f(I, 3))
    same(f(3, t(I)), f(3, I))
    same(f(J, t(I)), f(J, I))
    if name in "&|^":
        same(f(t(A > 1), t(B > 1)), f(A > 1, B > 1))


@pytest.mark.parametrize("name", UNARY)
def test_unary_operators(name: str) -> None:
    same(UNARY[name](t(-A)), UNARY[name](-A))
    same(UNARY[name](t(I)), UNARY[name](I))


def test_invert_and_divmod() -> None:
    same(~t(A > 1), ~(A > 1))
    same(~t(I), ~I)
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
    same(t(I).sum(), np.asarray(I.sum()))
    same(t(I).mean(), np.asarray(I.mean()))
    same(t(A > 1).sum(), np.asarray((A > 1).sum()))


def test_results_are_plain_tensors_whatever_the_subclass() -> None:
    class Parameter(ad.Tensor):
        pass

    p = Parameter(np.ones(2), requires_grad=True)
    assert type(p * 2) is ad.Tensor
    assert type(np.exp(p)) is ad.Tensor
    (p * 2).sum().backward()
    assert p.grad.tolist() == [2.0, 2.0]


# --- indexing ---

CUBE = np.arange(24.0).reshape(2, 3, 4)
INDICES = [
    0,
    -1,
    np.int64(1),
    slice(None),
    slice(None, None, -1),
    slice(5, None),
    (0, 1),
    (0, 1, 2),
    (..., 0),
    (0, ...),
    ...,
    None,
    (None, 0),
    (0, None, slice(1, 3)),
    (slice(None), slice(None, None, 2)),
    (slice(None, None, -1), slice(2, 0, -1)),
    [0, 1],
    [1, 0, 1],
    np.array([[0, 1], [1, 1]]),
    ([0, 1], [2, 0]),
    ([0, 1], slice(None), [3, 0]),
    (slice(None), [2, 0]),
    ([[0], [1]], [0, 2]),
    (0, [1, 2]),
    ([1, 0], None, 2),
    (..., [0, 3]),
    (None, [1], ..., None),
    [True, False],
    CUBE > 10,
    (CUBE > 10)[0] if False else (0, CUBE[0] > 3),
    (slice(None), np.array([True, False, True])),
    (np.array([True, False]), 1),
    ([True, True], ..., 0),
    [],
    np.zeros(0, int),
    (),
    True,
    False,
    np.zeros((2, 3, 4), bool),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_is_numpys(index: Any) -> None:
    same(t(CUBE)[index], np.asarray(CUBE[index]))
    check(lambda x: x[index], CUBE, order=2)


@pytest.mark.parametrize("index", [i for i in INDICES if isinstance(i, (list, np.ndarray)) and np.size(i)], ids=repr)
def test_a_tensor_is_an_index(index: Any) -> None:
    same(t(CUBE)[ad.tensor(index)], CUBE[np.asarray(index)])
    same(ad.as_tensor(CUBE)[ad.tensor(index)], CUBE[np.asarray(index)])
    check(lambda x: x[ad.tensor(index)], CUBE)


def test_a_scalar_tensor_is_an_index_of_tensors_lists_and_ranges() -> None:
    i = ad.tensor(1)
    same(t(CUBE)[i, ..., i], CUBE[1, ..., 1])
    assert [10, 20, 30][i] == 20
    assert list(range(3))[i] == 1
    assert CUBE[i].shape == (3, 4)


def test_comparison_masks_select() -> None:
    x = ad.tensor([1.0, -2.0, 3.0], requires_grad=True)
    x[x > 0].sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_repeated_indices_add_up_their_gradients() -> None:
    x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2]].sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 1.0]


# --- Python's protocols ---


def test_len_iter_unpack_contains() -> None:
    x = t(A, requires_grad=True)
    assert len(x) == 2
    first, second = x
    same(first, A[0])
    (first.sum() + second[0]).backward()
    assert x.grad.tolist() == [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    assert [i.item() for i in t(I)] == [1, 2, 12]
    assert 12 in t(I)
    assert 13 not in t(I)
    with pytest.raises(TypeError, match="0-d"):
        iter(t(1.0))


def test_bool_int_float_complex_index_of_values() -> None:
    assert t(1.0)
    assert not t([0])
    assert (int(t(2.7)), float(t([2.5])), complex(t(1j)), operator.index(t(3))) == (2, 2.5, 1j, 3)


def test_hash_is_by_identity() -> None:
    a, b = t(1.0), t(1.0)
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (lambda: t([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: t(1.5), "tensor(1.5)"),
        (lambda: t([1, 2]), "tensor([1, 2])"),
        (lambda: t(True), "tensor(True)"),
        (lambda: t(np.array([1.0])), "tensor([1.], dtype=float64)"),
        (lambda: t([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: np.exp(t([0.0], requires_grad=True)), "tensor([1.], grad_fn=<exp>)"),
        (lambda: ad.zeros(0), "tensor([])"),
        (lambda: ad.zeros(2, 0), "tensor([], shape=(2, 0))"),
        (lambda: t([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
        (lambda: t(np.array([1j], "c8")), "tensor([0.+1.j], dtype=complex64)"),
    ],
)
def test_repr_shows_values_dtype_and_history(x: Any, text: str) -> None:
    assert repr(x()) == str(x()) == text


def test_repr_of_many_elements_is_short() -> None:
    assert len(repr(ad.zeros(100, 100))) < 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lambda: f"{t(3.14159):.2f}", "3.14"),
        (lambda: f"{t([2.5], requires_grad=True):6.1f}", "   2.5"),
        (lambda: f"{t(7):03d}", "007"),
        (lambda: f"{t(0.5):.0%}", "50%"),
        (lambda: f"{t([1, 2])}", "tensor([1, 2])"),
        (lambda: f"{np.exp(t(0.0, requires_grad=True)).sum():.4f}", "1.0000"),
        (lambda: f"{t([1, 2])!r:>16}", "  tensor([1, 2])"),
    ],
)
def test_format(text: Any, expected: str) -> None:
    assert text() == expected


def test_format_of_several_elements_with_a_number_format_is_a_clear_error() -> None:
    with pytest.raises((TypeError, ValueError), match="format"):
        f"{t([1.0, 2.0]):.2f}"


def test_html() -> None:
    html = t(A, requires_grad=True)._repr_html_()
    assert "f64[2,3], requires_grad=True" in html
    assert f"{A[1, 2]:.4f}" in html


def test_copies_of_leaves() -> None:
    x = t(A, requires_grad=True)
    x.name = "x"
    (x * x).sum().backward()
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    assert np.shares_memory(shallow.detach().numpy(), x.detach().numpy())
    assert not np.shares_memory(deep.detach().numpy(), x.detach().numpy())
    for made in (shallow, deep, pickle.loads(pickle.dumps(x))):
        assert type(made) is ad.Tensor
        assert made.requires_grad
        assert made.is_leaf
        assert made.name == "x"
        same(made, A)
        np.testing.assert_array_equal(made.grad.numpy(), 2 * A)


def test_deepcopy_keeps_sharing_and_subclasses() -> None:
    class Parameter(ad.Tensor):
        pass

    p = Parameter(A.copy(), requires_grad=True)
    first, second = copy.deepcopy([p, p])
    assert first is second
    assert type(first) is Parameter


def test_save_and_load(tmp_path: Any) -> None:
    path = tmp_path / "tensors.npz"
    state = {"w": t(A), "n": t(3), "layer.bias": t([1.0], requires_grad=True)}
    ad.save(state, path)
    loaded = ad.load(path)
    assert list(loaded) == list(state)
    for key in state:
        same(loaded[key], state[key].detach().numpy())
    ad.save(t(A), path)
    same(ad.load(path), A)
    with pytest.raises(TypeError, match="save: 'x' is a str"):
        ad.save({"x": "text"}, path)


# --- what autograd adds ---


def test_leaves_and_inner_tensors() -> None:
    x, c = t(A, requires_grad=True), t(A)
    y = x * c
    assert (x.is_leaf, c.is_leaf, y.is_leaf) == (True, True, False)
    assert (x.grad_fn, c.grad_fn) == (None, None)
    assert y.grad_fn.name == "multiply"
    assert y.requires_grad
    assert not (c * 2).requires_grad


def test_detach_shares_memory_and_forgets() -> None:
    x = t(A, requires_grad=True)
    y = (x * 2).detach()
    assert y.is_leaf
    assert not y.requires_grad
    assert np.shares_memory(x.detach().numpy(), x.numpy())
    z = x * 2
    assert z.detach_() is z
    assert z.is_leaf


def test_requires_grad_can_be_switched_on_a_leaf() -> None:
    x = t([1.0])
    assert x.requires_grad_() is x
    (x * 2).backward()
    x.requires_grad = False
    assert not (x * 2).requires_grad
    assert x.grad.tolist() == [2.0]


def test_names() -> None:
    x = t([1.0], requires_grad=True)
    assert x.name is None
    x.name = "weights"
    assert (x * 2).grad_fn.next_functions[0][0].name == "weights"


def test_torchs_words_for_dtypes() -> None:
    x = ad.tensor([1.0, 2.0])
    assert (x.double().dtype, x.half().dtype, x.long().dtype, x.int().dtype, x.bool().dtype) == (
        ad.float64,
        ad.float16,
        ad.int64,
        ad.int32,
        ad.bool_,
    )
    assert ad.long == np.int64


# --- complex numbers, in PyTorch's convention ---

Z = RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))
COMPLEX = {
    "abs": (lambda x: abs(x), lambda x: x.abs()),
    "square of abs": (lambda x: abs(x) ** 2, lambda x: x.abs() ** 2),
    "real": (lambda x: x.real, lambda x: x.real),
    "imag": (lambda x: x.imag * 2, lambda x: x.imag * 2),
    "conj": (lambda x: (x.conj() * x).real, lambda x: (x.conj() * x).real),
    "exp": (np.exp, lambda x: x.exp()),
    "power": (lambda x: x**3, lambda x: x**3),
    "quotient": (lambda x: 1 / x, lambda x: 1 / x),
    "angle": (np.angle, lambda x: x.angle()),
    "product": (lambda x: x @ x.T, lambda x: x @ x.T),
    "hermitian": (lambda x: x @ x.H, lambda x: x @ x.mH),
    "log": (np.log, lambda x: x.log()),
    "sum of real and imag": (lambda x: np.sin(x.real) * x.imag, lambda x: x.real.sin() * x.imag),
    "mixed with real": (lambda x: x * np.abs(x), lambda x: x * x.abs()),
    "mean": (np.mean, lambda x: x.mean()),
    "tanh": (np.tanh, lambda x: x.tanh()),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients_of_first_and_second_order_equal_torchs(name: str, torch: ModuleType) -> None:
    ours, theirs = COMPLEX[name]
    x, u = ad.tensor(Z, requires_grad=True), torch.tensor(Z, requires_grad=True)
    y, w = ours(x), theirs(u)
    v = RNG.normal(size=y.shape) + (1j * RNG.normal(size=y.shape) if y.dtype.kind == "c" else 0)
    (g,) = ad.grad(y, x, v, create_graph=True)
    (h,) = torch.autograd.grad(w, u, torch.tensor(v), create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), h.detach().resolve_conj().numpy(), rtol=1e-10, atol=1e-12)
    if h.requires_grad and g.requires_grad:
        (g2,), (h2,) = ad.grad(abs(g).sum(), x), torch.autograd.grad(h.abs().sum(), u)
        np.testing.assert_allclose(g2.numpy(), h2.resolve_conj().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_derivatives_against_differences(name: str) -> None:
    check(COMPLEX[name][0], Z, order=2)
