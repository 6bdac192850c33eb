"""SciPy's special functions: their chapter loads by itself, and its rules are right to second order."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import special

import autodiff as ad
from tests.numeric import check

REAL, POSITIVE, UNIT = np.linspace(-1.7, 1.6, 6), np.linspace(0.4, 3.1, 6), np.linspace(0.1, 0.9, 6)
ROWS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "erf": (special.erf, (REAL,)),
    "erfc": (special.erfc, (REAL,)),
    "expit": (special.expit, (REAL,)),
    "logit": (special.logit, (UNIT,)),
    "log_expit": (special.log_expit, (REAL,)),
    "gammaln": (special.gammaln, (POSITIVE,)),
    "gamma": (special.gamma, (POSITIVE,)),
    "digamma": (special.digamma, (POSITIVE,)),
    "zeta": (lambda q: special.zeta(3.0, q), (POSITIVE,)),
    "xlogy": (special.xlogy, (REAL, POSITIVE)),
    "xlog1py": (special.xlog1py, (REAL, POSITIVE)),
    "entr": (special.entr, (POSITIVE,)),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ROWS)
def test_derivatives(name: str, order: int) -> None:
    call, operands = ROWS[name]
    check(call, *operands, order=order)


@pytest.mark.parametrize("name", ROWS)
def test_float32_stays(name: str) -> None:
    call, operands = ROWS[name]
    xs = [ad.tensor(x.astype(np.float32), requires_grad=True) for x in operands]
    y = call(*xs)
    assert y.dtype == np.float32
    assert {g.dtype for g in ad.grad(y.sum(), xs)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("fun", [special.xlogy, special.xlog1py], ids=lambda f: f.__name__)
def test_zero_times_log_zero_has_value_and_gradient_zero(fun: Any) -> None:
    at = {special.xlogy: 0.0, special.xlog1py: -1.0}[fun]
    x, y = ad.tensor(0.0, requires_grad=True), ad.tensor(at, requires_grad=True)
    out = fun(x, y)
    assert out.item() == 0
    assert [g.item() for g in ad.grad(out, [x, y])] == [0, 0]


def test_entropy_of_nothing_is_nothing() -> None:
    x = ad.tensor(0.0, requires_grad=True)
    assert ad.grad(special.entr(x), x)[0].item() == 0


def test_the_chapter_loads_with_the_first_of_its_functions() -> None:
    program = (
        "import sys, autodiff as ad\n"
        "assert 'scipy' not in sys.modules\n"
        "from scipy import special\n"
        "assert 'autodiff.rules.special' not in sys.modules\n"
        "print(special.erf(ad.tensor(0.0)).item(), 'autodiff.rules.special' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0.0", "True"]


@pytest.mark.parametrize(("fun", "shift"), [(special.xlogy, 0.0), (special.xlog1py, 1.0)])
def test_x_log_y_at_x_0_has_slope_log_y_but_0_where_that_is_infinite(fun: Any, shift: float) -> None:
    x, y = ad.tensor(np.zeros(3), requires_grad=True), np.array([0.25, 1.0, 0.0]) - shift + np.array([shift, 0, 0])
    fun(x, ad.as_tensor(y)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [np.log(y[0] + shift), 0.0, 0.0])
    check(fun, np.zeros(2), np.array([0.25, 3.0]), order=2)
