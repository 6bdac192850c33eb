"""Elementwise operations and selection; the ufuncs come from the registry itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

import autodiff as ad
from autodiff import kernels
from autodiff.kernels.activation import gelu_backward, gelu_tanh_backward, relu_backward, silu_backward
from autodiff.kernels.bessel import bessel_i, scaled_bessel_i
from autodiff.kernels.division import cosine, product
from autodiff.kernels.quotients import sine_quotient
from autodiff.primitive import registry
from tests.ops.row import op, t

MASK, POWERS = np.array([True, False, True]), np.array([-2, 0, 3])


def torchs(fun: Any) -> Any:
    name = TORCH_NAMES.get(fun.__name__, fun.__name__)
    return t(name) if name else None


def domains(entry: Any) -> tuple[str, ...]:
    """Name the domains of an entry's operands as the rows do."""
    if "quotient" in entry.kinks:
        return ("dividend", "divisor")
    names = entry.domain if isinstance(entry.domain, tuple) else (entry.domain,)
    return tuple(name or "real" for name in names)


TORCH_NAMES = {
    "absolute": "abs",
    "fabs": "abs",
    "conjugate": "conj_physical",
    "power": "pow",
    "cbrt": None,
    "ratio": "div",
    "nextafter": None,
    "heaviside": None,
    "sign": None,
}
BY_HAND = {np.ldexp}  # whose second operand is whole

# every ufunc of the registry, with the domain its entry names
UFUNCS = [
    op(fun, fun, ", ".join(["..."] * fun.nin), *domains(entry), torch=torchs(fun))
    for fun, entry in registry.items()
    if isinstance(fun, np.ufunc)
    and getattr(np, fun.__name__, None) is fun
    and entry.fun is fun
    and entry.differentiable
    and entry.kind != "zero"
    and entry.form == "operands"
    and fun not in BY_HAND
    and not getattr(fun, "signature", None)
]

SELECTION = [
    op(np.where, lambda a, b: np.where(MASK, a, b), "n3, 3", label="mask"),
    op(np.where, lambda a, b: np.where(True, a, b), "..., ...", label="python condition"),
    op(np.where, lambda a: np.where(MASK, a, 2.0), "n3", label="constant branch"),
    op(np.clip, lambda x: np.clip(x, -0.8, 0.8), "...", "clear of 0.8", torch=t("clip", -0.8, 0.8)),
    op(np.clip, lambda x: np.clip(x, None, 0.8), "...", "clear of 0.8", label="max", torch=t("clip", None, 0.8)),
    op(np.clip, lambda x: np.clip(x, min=-0.8), "...", "clear of 0.8", label="min keyword"),
    op(
        np.clip,
        lambda x, a, b: np.clip(x, a * 0.2 - 0.8, b * 0.2 + 0.8),
        "..., ..., ...",
        "clear of 0.8",
        "small",
        "small",
        label="bounds are tensors",
        torch=lambda torch: lambda x, a, b: torch.clip(x, a * 0.2 - 0.8, b * 0.2 + 0.8),
    ),
    op(np.divmod, np.divmod, "..., ...", "dividend", "divisor"),
    op(np.divmod, lambda a, b: np.divmod(a, b)[1], "..., ...", "dividend", "divisor", label="remainder"),
    op(np.modf, np.modf, "...", "unit"),
    op(np.modf, lambda x: np.modf(x)[0], "...", "unit", label="fraction"),
    op(np.round, lambda x: np.round(x, 0), "...", "small"),
    op(np.real, np.real, "...", "complex", torch=lambda torch: lambda x: x.real),
    op(np.real, np.real, "...", label="of real"),
    op(np.imag, np.imag, "...", "complex", torch=lambda torch: lambda x: x.imag),
    op(np.angle, np.angle, "...", "complex", torch=t("angle")),
    op(np.copy, np.copy, "...", torch=t("clone")),
    op(np.astype, lambda x: np.astype(x, np.float64), "..."),
    op(kernels.relu, kernels.relu, "...", torch=t("relu"), reference=lambda x: np.maximum(x, 0)),
    op(kernels.sigmoid, kernels.sigmoid, "...", torch=t("sigmoid"), reference=lambda x: 1 / (1 + np.exp(-x))),
    op(kernels.gelu, kernels.gelu, "...", torch=t("nn.functional.gelu"), reference=lambda x: x * scipy.special.ndtr(x)),
    op(
        kernels.gelu_tanh,
        kernels.gelu_tanh,
        "...",
        torch=t("nn.functional.gelu", approximate="tanh"),
        reference=lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    op(kernels.silu, kernels.silu, "...", torch=t("nn.functional.silu"), reference=lambda x: x / (1 + np.exp(-x))),
    op(relu_backward, relu_backward, "..., ...", "nonzero", "real", reference=lambda a, b: np.where(a > 0, b, 0)),
    *[op(fun, fun, "..., ...") for fun in (gelu_backward, gelu_tanh_backward, silu_backward)],
    op(
        kernels.softplus,
        kernels.softplus,
        "...",
        torch=t("nn.functional.softplus"),
        reference=lambda x: np.log1p(np.exp(x)),
    ),
    op(
        kernels.softplus,
        lambda x: kernels.softplus(x, beta=2.0, threshold=3.0),
        "...",
        label="beta, threshold",
        torch=t("nn.functional.softplus", 2.0, 3.0),
    ),
    op(
        kernels.logsigmoid,
        kernels.logsigmoid,
        "...",
        torch=t("nn.functional.logsigmoid"),
        reference=lambda x: -np.log1p(np.exp(-x)),
    ),
    op(
        kernels.leaky_relu,
        kernels.leaky_relu,
        "...",
        "nonzero",
        torch=t("nn.functional.leaky_relu"),
        reference=lambda x: np.where(x > 0, x, 0.01 * x),
    ),
    op(
        kernels.leaky_relu,
        lambda x: kernels.leaky_relu(x, negative_slope=2.0),
        "...",
        "nonzero",
        label="slope",
        torch=t("nn.functional.leaky_relu", 2.0),
        reference=lambda x: np.where(x > 0, x, 2 * x),
    ),
    op(
        kernels.elu,
        lambda x: kernels.elu(x, alpha=1.5),
        "...",
        "nonzero",
        torch=t("nn.functional.elu", 1.5),
        reference=lambda x: np.where(x > 0, x, 1.5 * np.expm1(x)),
    ),
    op(
        kernels.hardtanh,
        lambda x: kernels.hardtanh(x, min_val=-0.8, max_val=0.8),
        "...",
        "clear of 0.8",
        torch=t("nn.functional.hardtanh", -0.8, 0.8),
        reference=lambda x: np.clip(x, -0.8, 0.8),
    ),
    op(kernels.ratio, kernels.ratio, "..., ...", "nonzero", reference=np.divide),
    op(product, product, "..., ...", reference=np.multiply),
    op(cosine, cosine, "..., ...", reference=lambda a, b: a / np.hypot(a, b)),
    op(np.heaviside, lambda b: np.heaviside(0.0, b), "...", label="at 0"),
    op(
        np.ldexp,
        lambda x: np.ldexp(x, POWERS),
        "n3",
        torch=lambda torch: lambda x: torch.ldexp(x, torch.tensor(POWERS * 1.0)),
    ),
    op(
        np.ldexp,
        lambda x: np.ldexp(x, ad.tensor(POWERS)),
        "3",
        label="by a tensor",
        reference=lambda x: np.ldexp(x, POWERS),
    ),
    op(
        np.frexp,
        lambda x: np.frexp(x)[0],
        "...",
        "quarters",
        label="mantissa",
        torch=lambda torch: lambda x: torch.frexp(x)[0],
    ),
    op(np.frexp, np.frexp, "...", "quarters"),
    op(np.sinc, np.sinc, "...", torch=t("sinc")),
    op(np.sinc, lambda x: np.sinc(x * 1e-3), "...", label="near 0", torch=lambda torch: lambda x: torch.sinc(x * 1e-3)),
    op(sine_quotient, lambda x: sine_quotient(x, order=0), "...", reference=lambda x: np.sin(x) / x),
    op(np.i0, np.i0, "...", label="of NumPy", torch=t("i0")),
    op(bessel_i, lambda x: bessel_i(x, order=1), "...", torch=t("special.i1"), reference=scipy.special.i1),
    op(scaled_bessel_i, lambda x: scaled_bessel_i(x, order=2), "...", reference=lambda x: scipy.special.ive(2, x)),
    op(np.nan_to_num, np.nan_to_num, "...", torch=t("nan_to_num")),
    op(
        np.nan_to_num,
        lambda x: np.nan_to_num(x, nan=0.5, posinf=1.0, neginf=-2.0),
        "...",
        label="by values",
        torch=t("nan_to_num", 0.5, 1.0, -2.0),
    ),
    op(np.real_if_close, np.real_if_close, "..."),
]
