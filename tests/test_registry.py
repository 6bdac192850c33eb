"""The registry: its four forms of entries, open to third parties; readable; and closed to what it does not know."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.special

import autodiff as ad
from autodiff.primitive import registry
from tests.numeric import check

RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))


# --- the four forms, registered from outside ---


@ad.elementwise(lambda g, x, y: g * y * (1 + np.log(x)))
def self_power(x: Any) -> Any:
    """Return x**x."""
    return np.power(x, x)


@ad.bilinear(lambda g, b: np.matmul(g, b.mT), lambda g, a: np.matmul(a.mT, g))
def product(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@ad.primitive(lambda g, x, power: g * power * x ** (power - 1))
def raised(x: Any, *, power: int = 2) -> Any:
    return x**power


@ad.sequence(
    lambda g, xs, needs: [g * np.cos(x) if need else None for x, need in zip(xs, needs, strict=True)], sig="*xs;"
)
def sum_of_sines(*xs: Any) -> Any:
    return sum(np.sin(x) for x in xs)


@ad.joint(lambda g, x, b: [g * b, g * x])
def multiplied(x: Any, b: Any) -> Any:
    return x * b


def _halves_rule(g: Any, x: Any) -> Any:
    parts = [h * f for h, f in zip(g, (np.cos(x), -np.sin(x)), strict=True) if h is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@ad.outputs(_halves_rule)
def sine_cosine(x: Any) -> Any:
    return np.sin(x), np.cos(x)


@ad.composite
def softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


FORMS = {
    "operands, elementwise": (self_power, (np.abs(A) + 0.5,)),
    "operands, bilinear": (product, (A, B.T)),
    "operands, with a keyword": (lambda x: raised(x, power=3), (A,)),
    "operands, default keyword": (raised, (A,)),
    "sequence": (lambda a, b: sum_of_sines([a, b, a]), (A, B)),
    "sequence, with a constant": (lambda a: sum_of_sines([a, B]), (A,)),
    "joint": (multiplied, (A, B)),
    "outputs": (sine_cosine, (A,)),
    "outputs, one used": (lambda x: sine_cosine(x)[1], (A,)),
    "composite": (softplus, (A,)),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_third_partys_function_of_any_form_has_derivatives_of_any_order(name: str) -> None:
    f, operands = FORMS[name]
    check(f, *operands, order=3)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (self_power, 4.0),
        (softplus, np.log1p(np.exp(2.0))),
        (lambda x: raised(x, power=3), 8.0),
        (lambda x: sine_cosine(x)[0], np.sin(2.0)),
    ],
)
def test_the_same_function_takes_arrays_and_answers_with_arrays(f: Any, expected: float) -> None:
    y = f(np.array([2.0]))
    assert type(y) is np.ndarray
    np.testing.assert_allclose(y, [expected])


def test_a_first_operand_may_be_without_a_rule() -> None:
    @ad.primitive(None, lambda g, condition: np.where(condition, g, 0))
    def masked(condition: Any, values: Any) -> Any:
        return np.where(condition, values, 0)

    check(lambda x: masked(A > 0, x), B)
    check(lambda x: masked(ad.tensor(A > 0), x), B)


def test_a_registered_function_keeps_its_name_and_text() -> None:
    assert self_power.__name__ == "self_power"
    assert self_power.__doc__ == "Return x**x."


def test_numpys_own_functions_can_be_registered_too() -> None:
    assert np.heaviside not in registry
    ad.elementwise(np.heaviside, lambda g: np.zeros_like(g), lambda g, a: np.where(np.equal(a, 0), g, 0))
    try:
        x = ad.tensor([0.5, 0.0], requires_grad=True)
        (g,) = ad.grad(np.heaviside(ad.tensor([0.0, 0.0]), x).sum(), x)
        np.testing.assert_array_equal(g.numpy(), [1.0, 1.0])
    finally:
        del registry[np.heaviside]


def test_grad_fn_names_the_function_its_parents_and_what_it_saved() -> None:
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    x.name = "x"
    y = self_power(x)
    z = y + 1.0
    assert z.grad_fn.name == "add"
    ((parent, number),) = z.grad_fn.next_functions
    assert (parent, number) == (y.grad_fn, 0)
    assert parent.name == "self_power"
    assert parent.saved_shapes == ((2, 3), (2, 3))
    assert [p.name for p, _ in parent.next_functions] == ["x"]
    assert repr(z.grad_fn) == "<add>"


# --- what registration refuses ---


def test_a_rule_that_does_not_begin_with_g_is_refused() -> None:
    with pytest.raises(TypeError, match="first parameter is g"):
        ad.primitive(lambda x: x)(lambda y: y)
    with pytest.raises(TypeError, match="wrong: a rule's first parameter is g"):
        ad.elementwise(np.spacing, lambda x: x, name="wrong")


def test_an_operand_with_a_rules_word_for_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match="y means something else in a rule"):
        ad.primitive(lambda g: g)(lambda y: y)


def test_a_function_of_any_number_of_operands_must_write_its_signature() -> None:
    with pytest.raises(TypeError, match="any number of operands"):
        ad.primitive(lambda g: g)(lambda *arrays: arrays[0])


# --- reading ---


@pytest.mark.parametrize(
    ("fun", "line"),
    [
        (np.tanh, "elementwise(np.tanh, lambda g, y: g - g * (y * y))"),
        (np.exp, "elementwise(np.exp, lambda g, y: g * y)"),
        (np.add, "linear(np.add, lambda g: g, lambda g: g)"),
    ],
)
def test_rule_prints_the_line_of_the_table(fun: Any, line: str) -> None:
    assert repr(ad.rule(fun)) == line


@pytest.mark.parametrize("fun", list(registry))
def test_every_entry_can_be_read(fun: Any) -> None:
    text = str(ad.rule(fun))
    assert text
    assert len(text) < 2000


def test_rule_of_a_third_partys_function_is_its_source() -> None:
    assert "lambda g, x, y: g * y * (1 + np.log(x))" in ad.rule(self_power)
    assert "def softplus" in ad.rule(softplus)


def test_rule_of_an_unknown_function_names_its_relatives() -> None:
    with pytest.raises(KeyError, match="nanmedian.*no derivative rule"):
        ad.rule(np.nanmedian)


def test_entries_state_their_facts() -> None:
    entry = registry[np.multiply]
    assert (entry.name, entry.kind, entry.form) == ("multiply", "bilinear", "operands")
    assert registry[np.absolute].kinks == (0.0,)
    assert registry[np.log].domain == "positive"
    assert registry[np.amax] is registry[np.max]


# --- what it does not know ---

UNKNOWN = [
    f
    for module in (np, np.linalg, np.fft)
    for name, f in sorted(vars(module).items())
    if not name.startswith("_") and (isinstance(f, np.ufunc) or hasattr(f, "_implementation")) and f not in registry
]


@pytest.mark.parametrize(
    "fun", UNKNOWN, ids=lambda f: f"{f.__module__ or 'numpy'}.{f.__name__}" if callable(f) else str(f)
)
def test_a_numpy_function_without_a_rule_refuses_a_tensor_by_name(fun: Any) -> None:
    t = ad.tensor([1.0, 2.0], requires_grad=True)
    message = rf"np\..*{fun.__name__} has no derivative rule.*t\.numpy\(\)"
    if isinstance(fun, np.ufunc):
        call = partial(t.__array_ufunc__, fun, "__call__", *[t] * fun.nin)
    else:
        call = partial(t.__array_function__, fun, (ad.Tensor,), (t,), {})
    with pytest.raises(TypeError, match=message):
        call()


def test_the_refusal_names_the_nearest_relative() -> None:
    with pytest.raises(TypeError, match=r"np\.nancumprod has no derivative rule.*np\.cumprod"):
        np.nancumprod(ad.tensor([1.0]))


def test_the_first_miss_of_a_foreign_ufunc_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"scipy\.special\.gdtr has no derivative rule"):
        scipy.special.gdtr(ad.tensor([1.0]), 1.0, 1.0)
