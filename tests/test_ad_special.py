"""ad.special: SciPy's functions without a dispatch protocol, and SciPy's ufuncs under the same name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import autodiff as ad
from tests.numeric import check

special: Any = ad.special
RNG = np.random.default_rng(3)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
POSITIVE = np.abs(A) + 4.0

CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "softmax": (lambda f, x: f.softmax(x), (A,)),
    "softmax, axis": (lambda f, x: f.softmax(x, axis=0), (A,)),
    "softmax, axes": (lambda f, x: f.softmax(x, axis=(0, 1)), (A,)),
    "log_softmax": (lambda f, x: f.log_softmax(x), (A,)),
    "log_softmax, axis": (lambda f, x: f.log_softmax(x, axis=-1), (A,)),
    "logsumexp": (lambda f, x: f.logsumexp(x), (A,)),
    "logsumexp, axes": (lambda f, x: f.logsumexp(x, axis=(0, -1), keepdims=True), (A,)),
    "logsumexp, b": (lambda f, x, b: f.logsumexp(x, b=b), (A, np.abs(B))),
    "logsumexp, b broadcast": (lambda f, x, b: f.logsumexp(x, axis=1, b=b), (A, np.abs(B[0]))),
    "logsumexp, sign": (lambda f, x, b: f.logsumexp(x, axis=1, b=b, return_sign=True)[0], (A, B)),
    "logsumexp, sign kept": (lambda f, x, b: f.logsumexp(x, b=b, keepdims=True, return_sign=True)[0], (A, -np.abs(B))),
    "polygamma": (lambda f, x: f.polygamma(2, x), (POSITIVE,)),
    "polygamma of orders": (lambda f, x: f.polygamma(np.array([0, 1, 2, 3]), x), (POSITIVE,)),
    "multigammaln": (lambda f, x: f.multigammaln(x, 3), (POSITIVE * 3,)),
    "comb": (lambda f, n, k: f.comb(n, k), (POSITIVE, np.abs(B[0]))),
    "comb, repetition": (lambda f, n, k: f.comb(n, k, repetition=True), (POSITIVE, np.abs(B[0]))),
    "perm": (lambda f, n, k: f.perm(n, k), (POSITIVE, np.abs(B[0]))),
    "factorial": (lambda f, n: f.factorial(n), (POSITIVE,)),
    "factorial, extended": (lambda f, n: f.factorial(n, extend="complex"), (POSITIVE,)),
    "lambertw": (lambda f, z: f.lambertw(z), (POSITIVE,)),
    "lambertw, branch": (lambda f, z: f.lambertw(z, k=-1), (A + 0.5j,)),
    "zeta": (lambda f, q: f.zeta(3.0, q), (POSITIVE,)),
    "softplus": (lambda f, x: f.softplus(x), (A,)),
    "jvp": (lambda f, x: f.jvp(1, x, 2), (POSITIVE,)),
    "erf": (lambda f, x: f.erf(x), (A,)),
    "sinc": (lambda f, x: f.sinc(x), (A,)),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_are_scipys_and_derivatives_are_right_to_second_order(name: str) -> None:
    call, operands = CALLS[name]
    ours, theirs = call(special, *[ad.as_tensor(x) for x in operands]), call(scipy.special, *operands)
    assert isinstance(ours, ad.Tensor)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-11)
    np.testing.assert_allclose(call(special, *operands), theirs, rtol=1e-11)  # of plain arrays too
    check(lambda *xs: call(special, *xs), *operands, order=2)


@pytest.mark.parametrize(
    "name", ["softmax", "log_softmax", "logsumexp", "logsumexp, sign", "polygamma", "multigammaln"]
)
def test_float32_stays(name: str) -> None:
    call, operands = CALLS[name]
    xs = [ad.tensor(x.astype(np.float32), requires_grad=True) for x in operands]
    y = call(special, *xs)
    assert y.dtype == np.float32
    assert {g.dtype for g in ad.grad(y.sum(), xs)} == {np.dtype(np.float32)}


def test_the_sign_of_a_weighted_sum_and_the_logarithm_of_a_negative_one() -> None:
    x = ad.tensor([0.0, 0.0], requires_grad=True)
    y, sign = special.logsumexp(x, b=np.array([1.0, -3.0]), return_sign=True)
    assert (y.item(), sign.item()) == (pytest.approx(np.log(2)), -1)
    np.testing.assert_allclose(ad.grad(y, x)[0].numpy(), [-0.5, 1.5])
    assert np.isnan(special.logsumexp(x, b=np.array([1.0, -3.0])).item())


@pytest.mark.parametrize("b", [None, np.array([1.0, 2.0]), np.array([0.0, 0.0])], ids=["plain", "weighted", "by zeros"])
def test_logsumexp_of_nothing_has_gradient_zero(b: Any) -> None:
    x = ad.tensor([-np.inf, -np.inf], requires_grad=True)
    y = special.logsumexp(x, b=b)
    assert y.item() == -np.inf
    assert ad.grad(y, x)[0].tolist() == [0, 0]


def test_what_has_the_factor_0_counts_not() -> None:
    x = ad.tensor([1.0, np.inf, 2000.0], requires_grad=True)
    y = special.logsumexp(x, b=np.array([1.0, 0.0, 0.0]))
    assert y.item() == 1
    assert ad.grad(y, x)[0].tolist() == [1, 0, 0]


def test_counts_of_what_cannot_be_chosen_are_0_with_gradient_0() -> None:
    n = ad.tensor([2.0, -1.0], requires_grad=True)
    for fun in (special.comb, special.perm):
        assert fun(n, 3.0).tolist() == [0, 0]
        assert ad.grad(fun(n, 3.0).sum(), n)[0].tolist() == [0, 0]
    assert special.factorial(ad.tensor([-1.0, 3.0])).tolist() == [0, 6]


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "polygamma": (lambda t: special.polygamma(-1, t), ValueError, "n must be 0, 1, 2, ...; got -1"),
    "polygamma of half an order": (lambda t: special.polygamma(0.5, t), ValueError, "got 0.5"),
    "multigammaln, d": (lambda t: special.multigammaln(t, 0), ValueError, "d must be 1, 2, 3, ...; got 0"),
    "multigammaln, a": (lambda t: special.multigammaln(t, 5), ValueError, "a must be above .d - 1. / 2 = 2"),
    "comb": (lambda t: special.comb(t, 1, exact=True), TypeError, "comb: exact=True"),
    "perm": (lambda t: special.perm(t, 1, exact=True), TypeError, "perm: exact=True"),
    "factorial": (lambda t: special.factorial(t, exact=True), TypeError, "factorial: exact=True"),
    "factorial, extend": (lambda t: special.factorial(t, extend="no"), ValueError, "got 'no'"),
    "logsumexp": (lambda t: special.logsumexp(t * 1j, b=t), TypeError, "complex numbers supports neither b="),
    "the order of jv": (lambda t: scipy.special.jv(t, t), TypeError, "operand 0.*t.detach"),
    "the shape of gammainc": (lambda t: scipy.special.gammainc(t, 1.0), TypeError, "gammainc: operand 0.*t.detach"),
    "the argument of zeta": (lambda t: scipy.special.zeta(t, 1.0), TypeError, "zeta: operand 0.*t.detach"),
    "Riemann's zeta": (lambda t: scipy.special.zeta(t), TypeError, "scipy.special.zeta .*not supported"),
    "SciPy's lambertw": (lambda t: scipy.special.lambertw(t), TypeError, "Use ad.special.lambertw"),
    "a keyword": (lambda t: scipy.special.erf(t, where=True), TypeError, "does not support where="),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call(ad.tensor([1.0, 2.0], requires_grad=True))


@pytest.mark.parametrize("mode", ["requires a gradient", "is being traced"])
@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (scipy.special.softmax, "scipy.special.softmax takes no tensors. Use ad.special.softmax"),
        (scipy.special.log_softmax, "Use ad.special.log_softmax"),
        (scipy.special.logsumexp, "Use ad.special.logsumexp"),
        (lambda t: scipy.special.polygamma(1, t), "Use ad.special.polygamma"),
        (lambda t: scipy.special.multigammaln(t, 1), "Use ad.special.multigammaln"),
        (lambda t: scipy.special.comb(t, 1), "Use ad.special.comb"),
        (lambda t: scipy.special.diric(t, 3), "scipy.special.diric takes no tensors. See ad.special"),
        (lambda t: scipy.linalg.expm(np.outer([1.0, 2.0], [1.0, 2.0]) * t), "Use ad.linalg.expm"),
    ],
)
def test_scipys_own_function_names_what_takes_tensors(call: Any, instead: str, mode: str) -> None:
    def run(t: ad.Tensor) -> Any:
        with pytest.raises(TypeError, match=instead) as caught:
            call(t)
        assert mode in str(caught.value)
        return t * 2

    if mode == "is being traced":
        ad.trace(run)(ad.tensor([1.0, 2.0]))
    else:
        run(ad.tensor([1.0, 2.0], requires_grad=True))


def test_scipys_own_function_takes_the_values_of_what_has_no_history() -> None:
    np.testing.assert_allclose(scipy.special.softmax(ad.tensor([0.0, 0.0])), [0.5, 0.5])


def test_names_are_scipys_and_others_are_refused() -> None:
    assert special.gammaln is scipy.special.gammaln
    assert {"softmax", "erf", "jv"} <= set(dir(special))
    with pytest.raises(AttributeError, match="no stirling2: it has no derivative rule"):
        _ = special.stirling2
    with pytest.raises(AttributeError, match="is no function of scipy.special"):
        _ = special.no_such_function


def test_the_module_loads_scipy_when_it_is_asked_for() -> None:
    program = "import sys, autodiff as ad; a = 'scipy' in sys.modules; ad.special.erf; print(a, 'scipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]
