"""SciPy's special functions; the ufuncs come from the registry itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

import autodiff as ad
from autodiff.kernels import logits
from autodiff.kernels import special as kernels
from autodiff.kernels.quotients import exp_quotient
from autodiff.primitive import registry
from tests.ops.elementwise import domains
from tests.ops.row import op, t

special: Any = ad.special

# where torch has the function: in torch.special, under SciPy's name or another
SAME = ("erf", "erfc", "erfcx", "erfinv", "expit", "logit", "ndtr", "ndtri", "log_ndtr", "i0", "i0e", "i1", "i1e",
        "gammaln", "entr", "xlogy", "xlog1py", "zeta", "gammainc", "gammaincc")  # fmt: skip
TORCH = {name: f"special.{name}" for name in SAME} | {"psi": "special.digamma"}

NUMBERS: dict[Any, tuple[float, ...]] = {  # for the operands without a rule
    scipy.special.eval_hermite: (3,),
    scipy.special.eval_hermitenorm: (3,),
    scipy.special.yn: (1,),
    scipy.special.kn: (2,),
    scipy.special.expn: (2,),
    scipy.special._ufuncs._zeta: (3.0,),
    scipy.special.gdtr: (1.5,),
    scipy.special.gdtrc: (1.5,),
    scipy.special.ellipkinc: (0.5,),
    scipy.special.ellipeinc: (0.5,),
    scipy.special.ellipj: (0.5,),
}

SMALL = {scipy.special.wofz: "", scipy.special.radian: "f"}  # its results are complex; a second is 5e-6


def row(fun: Any) -> Any:
    """Make the row of a ufunc of SciPy's: numbers stand where no gradient can flow to."""
    entry = registry[fun]
    free = [i for i in range(fun.nin) if entry.carries(i)]
    fixed = NUMBERS.get(fun, (2.5, 1.5, 2.0))

    def call(*xs: Any) -> Any:
        given, numbers = iter(xs), iter(fixed)
        return fun(*[next(given) if i in free else next(numbers) for i in range(fun.nin)])

    names = domains(entry) * (1 if isinstance(entry.domain, tuple) else fun.nin)
    torch = TORCH.get(entry.name)
    theirs = None if torch is None else _with_numbers(torch, free, fixed, fun.nin)
    return op(
        fun, call, ", ".join(["..."] * len(free)), *[names[i] for i in free], torch=theirs, small=SMALL.get(fun, "fe")
    )


def _with_numbers(name: str, free: list[int], fixed: Any, count: int) -> Any:
    def theirs(torch: Any) -> Any:
        def call(*xs: Any) -> Any:
            given, numbers = iter(xs), iter(fixed)
            every = [next(given) if i in free else next(numbers) for i in range(count)]
            return t(name)(torch)(*[x if torch.is_tensor(x) else torch.full_like(xs[0], x) for x in every])

        return call

    return theirs


SPECIAL = [
    row(fun)
    for fun, entry in registry.items()
    if isinstance(fun, np.ufunc)
    and getattr(np, fun.__name__, None) is not fun
    and entry.fun is fun
    and entry.differentiable
    and entry.kind != "zero"
] + [
    op(kernels.bell, lambda x: kernels.bell(x, order=1), "...", reference=lambda x: -2 * x * np.exp(-x * x)),
    op(kernels.faddeeva, lambda x: np.imag(kernels.faddeeva(x, order=0)), "...",
       reference=lambda x: scipy.special.wofz(x).imag, small="f"),
    op(kernels.faddeeva, lambda x: kernels.faddeeva(x, order=1), "...", "complex", label="complex", small="f"),
    op(kernels.hazard, lambda x: kernels.hazard(x, order=1), "...",
       reference=lambda x: -kernels.hazard(x, order=0) * (x + kernels.hazard(x, order=0)), small="f"),
    op(kernels.hazard, lambda x: kernels.hazard(x, order=1), "...", "complex", label="complex", small="f"),
    op(kernels.erfinv_slope, kernels.erfinv_slope, "...", "unit", small="f"),
    op(kernels.erfcinv_slope, kernels.erfcinv_slope, "...", "double unit", small="f"),
    op(kernels.ndtri_slope, kernels.ndtri_slope, "...", "open unit", small="f"),
    op(kernels.gamma_kernel, kernels.gamma_kernel, "..., ..., ...", "positive", "real", "real", small="f"),
    op(kernels.beta_kernel, lambda x, a, b: kernels.beta_kernel(x, a, b, a), "..., ..., ...",
       "open unit", "real", "real", small="f"),
    op(kernels.exponential_integral, lambda x: kernels.exponential_integral(0, x), "...", "positive", small=""),
    op(exp_quotient, lambda x: exp_quotient(x, order=0), "...", reference=lambda x: np.expm1(x) / x),
    op(kernels.polygamma, lambda x: special.polygamma(1, x), "...", "positive",
       torch=lambda torch: lambda x: torch.polygamma(1, x),       reference=lambda x: scipy.special.polygamma(1, x)),
    op(kernels.polygamma, lambda x: special.polygamma(np.array([0, 1, 2]), x), "3", "positive",
       label="of several orders",       reference=lambda x: scipy.special.polygamma(np.array([0, 1, 2]), x)),
    op(special.lambertw, special.lambertw, "...", "positive", reference=scipy.special.lambertw, small=""),
    op(special.lambertw, lambda x: special.lambertw(x, k=-1), "...", "complex", label="complex",
       reference=lambda x: scipy.special.lambertw(x, k=-1)),
    op(logits.softmax, lambda x: special.softmax(x), "NM", label="of all", reference=scipy.special.softmax),
    op(logits.softmax, lambda x: special.softmax(x, axis=(0, -1)), "NMK", label="over two axes",
       reference=lambda x: scipy.special.softmax(x, axis=(0, -1))),
    op(logits.log_softmax, lambda x: special.log_softmax(x), "NM", label="of all", reference=scipy.special.log_softmax),
    op(logits.logsumexp, lambda x: special.logsumexp(x, axis=1, keepdims=True), "NM", label="keepdims",
       torch=lambda torch: lambda x: torch.logsumexp(x, 1, keepdim=True),
       reference=lambda x: scipy.special.logsumexp(x, axis=1, keepdims=True)),
    op(logits.logsumexp, lambda x: special.logsumexp(x, return_sign=True)[0], "NM", label="with its sign",
       reference=lambda x: scipy.special.logsumexp(x, return_sign=True)[0]),
    op(logits.weighted_logsumexp, lambda x, b: special.logsumexp(x, axis=1, b=b), "NM, M", "real", "positive",
       reference=lambda x, b: scipy.special.logsumexp(x, axis=1, b=b)),
    op(logits.weighted_logsumexp, lambda x, b: special.logsumexp(x, b=b, return_sign=True, keepdims=True), "NM, NM",
       label="with its sign", reference=lambda x, b: scipy.special.logsumexp(x, b=b, return_sign=True, keepdims=True)),
]  # fmt: skip

COMPLEX_SPECIAL = [
    op(fun, fun, "...", "complex", label="complex")
    for fun in (
        scipy.special.erf, scipy.special.erfc, scipy.special.erfi, scipy.special.erfcx, scipy.special.dawsn,
        scipy.special.wofz, scipy.special.ndtr, scipy.special.log_ndtr, scipy.special.gamma, scipy.special.rgamma,
        scipy.special.loggamma, scipy.special.digamma, scipy.special.expi, scipy.special.exp1, scipy.special.spence,
        scipy.special.fresnel, scipy.special.sici, scipy.special.shichi, scipy.special.wrightomega, scipy.special.airy,
    )
] + [
    op(fun, lambda x, fun=fun: fun(1.5, x), "...", "complex", label="complex")
    for fun in (
        scipy.special.jv, scipy.special.yv, scipy.special.iv, scipy.special.kv, scipy.special.kve,
        scipy.special.hankel1, scipy.special.hankel2, scipy.special.hankel1e, scipy.special.hankel2e,
        scipy.special.hyp0f1,
    )
] + [
    op(fun, lambda x, fun=fun: fun(3, x), "...", "complex", label="complex")
    for fun in (
        scipy.special.eval_legendre, scipy.special.eval_chebyt, scipy.special.eval_chebyu, scipy.special.eval_laguerre,
    )
] + [
    op(scipy.special.xlogy, scipy.special.xlogy, "..., ...", "complex", label="complex"),
    op(scipy.special.xlog1py, scipy.special.xlog1py, "..., ...", "complex", label="complex"),
    op(scipy.special.hyp1f1, lambda x: scipy.special.hyp1f1(0.5, 1.5, x), "...", "complex", label="complex"),
    op(scipy.special.hyp2f1, lambda x: scipy.special.hyp2f1(0.5, 1.0, 1.5, x * 0.3), "...", "complex", label="complex"),
]  # fmt: skip
SPECIAL += COMPLEX_SPECIAL
