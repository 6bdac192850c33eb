"""Registered functions with wrong rules: each must fail, at first or at second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import gradcheck

RNG = np.random.default_rng(3)
VECTOR, OTHER = RNG.normal(size=3), RNG.normal(size=3)
MATRIX, SQUARE = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 3))


def entry(kernel: Callable[..., Any], *rules: Any, register: Any = ad.primitive) -> Any:
    """Register a function of our own, as a third party would."""
    operands = ", ".join("xyz"[: len(rules)]).replace("y", "b") if len(rules) > 1 else "x"
    return register(*rules, name="mutant", sig=f"{operands};")(kernel)


WRONG_AT_FIRST_ORDER: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sign": (entry(lambda x: np.sin(x), lambda g, x: -g * np.cos(x)), (VECTOR,)),
    "missing factor": (entry(lambda x: x * x, lambda g, x: g * x), (VECTOR,)),
    "missing term": (entry(lambda x: x * np.exp(x), lambda g, x: g * np.exp(x)), (VECTOR,)),
    "ignores its gradient": (entry(lambda x: np.sin(x), lambda g, x: np.cos(x)), (VECTOR,)),
    "operands exchanged": (entry(lambda x, b: x * b, lambda g, x: g * x, lambda g, b: g * b), (VECTOR, OTHER)),
    "missing transpose": (
        entry(lambda x, b: x @ b, lambda g, b: g @ b, lambda g, x: np.swapaxes(x, -1, -2) @ g),
        (MATRIX, SQUARE),
    ),
    "missing minus of one operand": (entry(lambda x, b: x - b, lambda g: g, lambda g: g), (VECTOR, OTHER)),
    "missing inverse permutation": (
        entry(lambda x: np.transpose(x, (1, 2, 0)), lambda g: np.transpose(g, (1, 2, 0))),
        (RNG.normal(size=(3, 3, 3)),),
    ),
    "missing division by n": (entry(lambda x: np.mean(x), lambda g, s: np.broadcast_to(g, s.shape)), (VECTOR,)),
    "detached term": (entry(lambda x: x * np.mean(x), lambda g, x: g * np.mean(x)), (VECTOR,)),
    "off by a little": (entry(lambda x: np.sin(x), lambda g, x: g * np.cos(x) * 1.00001), (VECTOR,)),
    "wrong at one element": (entry(lambda x: np.sin(x), lambda g, x: g * np.cos(x) * np.array([1, 1, 1.1])), (VECTOR,)),
    "accumulates only once": (
        entry(lambda x: x[np.array([0, 0])], lambda g, s: np.where(np.arange(3) == 0, g[0], 0.0)),
        (VECTOR,),
    ),
    "conjugate forgotten": (entry(lambda x: x * 1j, lambda g: g * -1j), (VECTOR + 1j,)),
    "declared constant": (lambda x: x * x.detach(), (VECTOR,)),
}


def _frozen(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute a rule's factor on bare arrays, so that it is right once and never again."""
    return lambda g, x: g * function(getattr(x, "data", x) if isinstance(x, ad.Tensor) else x)


WRONG_AT_SECOND_ORDER: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "factor detached": (entry(lambda x: np.sin(x), _frozen(np.cos)), (VECTOR,)),
    "gradient's history lost": (
        entry(lambda x: np.sin(x), lambda g, x: (g.detach() if isinstance(g, ad.Tensor) else g) * np.cos(x)),
        (VECTOR,),
    ),
    "rule uses a wrong rule": (
        entry(lambda x: x**3, lambda g, x: g * 3 * WRONG_AT_FIRST_ORDER["missing factor"][0](x)),
        (VECTOR,),
    ),
}


@pytest.mark.parametrize("name", WRONG_AT_FIRST_ORDER)
def test_a_wrong_rule_fails(name: str) -> None:
    f, operands = WRONG_AT_FIRST_ORDER[name]
    assert gradcheck(f, *operands).verdict == "fail"


@pytest.mark.parametrize("name", WRONG_AT_SECOND_ORDER)
def test_a_rule_that_is_wrong_only_when_differentiated_fails_at_second_order(name: str) -> None:
    f, operands = WRONG_AT_SECOND_ORDER[name]
    if name != "rule uses a wrong rule":
        assert gradcheck(f, *operands)
    assert gradcheck(f, *operands, order=2).verdict == "fail"


def test_a_missing_sum_over_broadcast_axes_is_done_by_the_sweep() -> None:
    scaled = entry(lambda x, b: x * b, lambda g, b: g * b, lambda g, x: g * x)
    assert gradcheck(scaled, np.ones((1, 3)), RNG.normal(size=(4, 1)), order=2)


def test_a_rule_of_an_impossible_shape_is_named_with_both_shapes() -> None:
    report = gradcheck(entry(lambda x: x[:2], lambda g: g), VECTOR)
    assert report.verdict == "fail"
    assert "shape (2,)" in report.detail
    assert "operand of shape (3,)" in report.detail
