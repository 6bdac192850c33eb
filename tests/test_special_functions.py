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


THIRD: dict[str, tuple[Any, Any]] = {
    "sinc": (np.sinc, np.append(REAL, [0.0, 1e-3])),
    "i0": (np.i0, np.append(REAL, 0.0)),
    "erf": (special.erf, REAL),
    "erfcx": (special.erfcx, REAL),
    "dawsn": (special.dawsn, REAL),
    "erfinv": (special.erfinv, UNIT - 0.5),
    "log_ndtr": (special.log_ndtr, REAL * 4),
    "gammaln": (special.gammaln, POSITIVE),
    "rgamma": (special.rgamma, REAL),
    "gammainc": (lambda x: special.gammainc(1.5, x), POSITIVE),
    "betainc": (lambda x: special.betainc(1.5, 2.5, x), UNIT),
    "exprel": (special.exprel, np.append(REAL, 0.0)),
    "spence": (special.spence, np.append(POSITIVE, 1.0)),
    "ellipk": (special.ellipk, UNIT),
    "kv": (lambda x: special.kv(0.5, x), POSITIVE),
    "eval_legendre": (lambda x: special.eval_legendre(4, x), REAL),
    "kl_div": (lambda x: special.kl_div(x, 0.5), POSITIVE),
}


@pytest.mark.parametrize("name", THIRD)
def test_third_derivatives(name: str) -> None:
    call, x = THIRD[name]
    check(call, x, order=3, exhaustive=False, directions=1)


FAR: dict[str, tuple[Any, float, float, float]] = {  # a function, a point, and what both derivatives are there
    "log_ndtr, far down": (special.log_ndtr, -1e6, 1e6, -1.0),
    "log_ndtr, as far as can be": (special.log_ndtr, -1e300, 1e300, -1.0),
    "log_ndtr, far up": (special.log_ndtr, 50.0, 0.0, 0.0),
    "erfcx, far up": (special.erfcx, 1e6, -1e-12 / np.sqrt(np.pi), 2e-18 / np.sqrt(np.pi)),
    "dawsn, far up": (special.dawsn, 1e6, -0.5e-12, 1e-18),
    "erf, at infinity": (special.erf, np.inf, 0.0, 0.0),
    "exprel, at 0": (special.exprel, 0.0, 1 / 2, 1 / 3),
    "spence, at 1": (special.spence, 1.0, -1.0, 1 / 2),
    "i1, at 0": (special.i1, 0.0, 0.5, 0.0),
    "j1, at 0": (special.j1, 0.0, 0.5, 0.0),
    "i0e, far up": (special.i0e, 1e300, 0.0, 0.0),
    "ellipk, at 0": (special.ellipk, 0.0, np.pi / 8, 9 * np.pi / 64),
    "boxcox by lambda, at 0": (lambda x: special.boxcox(2.0, x), 0.0, np.log(2) ** 2 / 2, np.log(2) ** 3 / 3),
    "rgamma, at a pole of gamma": (special.rgamma, -2.0, 2.0, -8 * (1.5 - np.euler_gamma) / 2),
    "sici, at 0": (lambda x: special.sici(x)[0], 0.0, 1.0, 0.0),
}


@pytest.mark.parametrize("name", FAR)
def test_derivatives_keep_their_digits_where_terms_cancel(name: str) -> None:
    call, at, first, second = FAR[name]
    x = ad.tensor(np.array(at), requires_grad=True)
    with np.errstate(all="ignore"):
        (g,) = ad.grad(call(x), x, create_graph=True)
        (h,) = ad.grad(g, x)
    np.testing.assert_allclose([g.item(), h.item()], [first, second], rtol=1e-9, atol=1e-20)
