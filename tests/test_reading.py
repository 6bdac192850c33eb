"""What the registry tells: rules as source and as formulas, help, and what the refusals of a Tensor say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.special

import autodiff as ad
from autodiff.coverage import DIFFERENTIABLE, status
from autodiff.primitive import registry, unsupported
from autodiff.protocols import unknown

OWN = [e for e in dict.fromkeys(registry.values()) if status(e.fun).kind == DIFFERENTIABLE]


# --- formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fun", "formula"),
    [
        (np.exp, r"\bar{x} = \bar{y} y"),
        (np.tanh, r"\bar{x} = \bar{y} - \bar{y} y^{2}"),
        (np.sin, r"\bar{x} = \bar{y} \cos\left(x\right)"),
        (np.sqrt, r"\bar{x} = \frac{\bar{y}}{2 y}"),
        (np.square, r"\bar{x} = 2 \bar{y} x"),
        (np.arcsinh, r"\bar{x} = \frac{\bar{y}}{\sqrt{x^{2} + 1}}"),
        (np.subtract, "\\bar{a} &= \\bar{y} \\\\\n\\bar{b} &= -\\bar{y}"),
        (np.multiply, "\\bar{a} &= \\bar{y} b \\\\\n\\bar{b} &= \\bar{y} a"),
        (np.divide, "\\bar{a} &= \\frac{\\bar{y}}{b} \\\\\n\\bar{b} &= -\\frac{\\bar{y} y}{b}"),
        (np.conjugate, r"\bar{x} = \overline{\bar{y}}"),
        (np.sort, ""),
        (np.floor, ""),
        (np.argmax, ""),
    ],
)
def test_a_rule_as_a_formula(fun: Any, formula: str) -> None:
    assert ad.latex(fun) == formula


@ad.primitive(lambda g, a, b: _slope(g, b) @ b.mT, lambda g, a, b, s: np.where(np.greater(a, 0), g, g.shape[0] * 1j))
def both(a: Any, b: Any) -> Any:
    return a @ b


def _slope(g: Any, b: Any) -> Any:
    """Return the gradient by the first."""
    return np.conj(g) / np.abs(b) ** 2


def test_helpers_of_one_line_are_read_through_and_choices_become_cases() -> None:
    first, second = ad.latex(both).splitlines()
    assert first == r"\bar{a} &= \frac{\overline{\bar{y}}}{\left(\left|b\right|\right)^{2}} b^{\top} \\"
    assert second.startswith(r"\bar{b} &= \begin{cases} \bar{y} & \text{if } a > 0 \\ ")
    assert second.endswith(r"& \text{else} \end{cases}")


def test_every_rule_has_a_formula_with_balanced_brackets() -> None:
    for entry in OWN:
        formula = ad.latex(entry)
        assert formula or entry.kind == "composite", entry.path
        bare = formula.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}"), entry.path
        assert formula.count(r"\left") == formula.count(r"\right"), entry.path
        assert formula.count(r"\begin{cases}") == formula.count(r"\end{cases}"), entry.path
        assert not re.search(r"(?<!\\)[#%]", formula), entry.path


def test_a_notebook_typesets_formulas_below_a_rule() -> None:
    assert ad.latex(np.exp)._repr_latex_() == r"$\displaystyle \bar{x} = \bar{y} y$"
    assert ad.latex(np.add)._repr_latex_().startswith(r"$$\begin{aligned}\bar{a} &= ")
    shown = ad.rule(np.exp)._repr_markdown_()
    assert "```python\nelementwise(np.exp" in shown
    assert r"$$\begin{aligned}\bar{x} = \bar{y} y\end{aligned}$$" in shown


# --- help ------------------------------------------------------------------------------------------------------------


def test_help_tells_all_that_is_known_of_a_function() -> None:
    lines = dict(line.strip().split(None, 1) for line in ad.help(np.divide).splitlines()[1:])
    assert lines["also"] == "np.true_divide"
    assert lines["rule"].startswith("elementwise(np.divide, lambda g, b: ratio(g, b)")
    assert lines["domain"] == "all reals, nonzero"
    assert (lines["kinks"], lines["singular"], lines["keywords"]) == ("none", "0", "out, dtype")
    assert lines["see"] == "https://numpy.org/doc/stable/reference/generated/numpy.divide.html"


def test_help_of_what_has_no_gradient_says_why_and_what_else_there_is() -> None:
    assert ad.help(np.argmax).startswith("np.argmax: no gradient\n  why ")
    assert "instead   ad.tensor" in ad.help(np.zeros)
    assert "https://docs.scipy.org/doc/scipy/reference/generated/scipy.special.erf.html" in ad.help(scipy.special.erf)
    assert ad.help(ad.relu).startswith("ad.relu: differentiable, elementwise")


def test_help_of_an_unsupported_function_names_its_reason_and_the_alternative() -> None:
    def imaginary(x: Any) -> Any:
        return x

    unsupported(imaginary, reason="nobody needs it", instead="np.real")
    try:
        page = ad.help(imaginary)
        assert "unsupported\n  why       nobody needs it\n  instead   np.real" in page
        assert unknown(imaginary).endswith("is not supported: nobody needs it. Use np.real.")
    finally:
        from autodiff.primitive import refused

        del refused[imaginary]


@pytest.mark.parametrize("read", [ad.rule, ad.latex, ad.help])
def test_what_is_not_known_is_refused_alike(read: Any) -> None:
    with pytest.raises(KeyError, match=r"builtins\.sorted has no derivative rule"):
        read(sorted)


def test_help_can_be_shown_of_every_operation() -> None:
    for entry in OWN:
        page = ad.help(entry)
        assert page.splitlines()[0].startswith(f"{entry.path}: differentiable")
        assert "\n  keywords" in page, entry.path


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_function_that_is_no_tensors_says_what_it_is_and_what_to_call() -> None:
    t = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.zeros has .* \(array creation: .*\)\. Use ad\.tensor"):
        np.zeros(3, like=t)
    with pytest.raises(TypeError, match=r"scipy\.special\.obl_cv has no derivative rule.*\(wave function"):
        scipy.special.obl_cv(1.0, 2.0, t)


def test_entries_know_their_names() -> None:
    assert registry[np.abs].path == "np.absolute"
    assert registry[np.abs].aliases == ["np.abs"]
    assert registry[np.linalg.inv].path == "np.linalg.inv"
    assert registry[np.sum].keywords == ("axis", "dtype", "out", "keepdims", "initial", "where")
    assert registry[np.exp].keywords == ("out", "dtype")
