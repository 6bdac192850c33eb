"""Operations on complex numbers, whose derivatives follow PyTorch's convention."""

from __future__ import annotations

import numpy as np

from autodiff.kernels import indexing
from autodiff.kernels.bessel import bessel_i
from autodiff.kernels.quotients import sine_quotient
from tests.ops.elementwise import MASK, torchs
from tests.ops.indexing import PLACES
from tests.ops.row import op, t

COMPLEX = [
    op(fun, fun, ", ".join(["..."] * fun.nin), "complex", label="complex", torch=torchs(fun))
    for fun in (
        np.add,
        np.subtract,
        np.multiply,
        np.divide,
        np.negative,
        np.conjugate,
        np.absolute,
        np.square,
        np.sqrt,
        np.exp,
        np.log,
        np.sin,
        np.cos,
        np.tan,
        np.sinh,
        np.cosh,
        np.tanh,
        np.reciprocal,
        np.power,
        np.arctan,
        np.arcsin,
        np.arccos,
        np.arcsinh,
        np.arccosh,
        np.arctanh,
        np.exp2,
        np.expm1,
        np.log2,
        np.log10,
        np.log1p,
        np.float_power,
    )
] + [
    op(np.sign, np.sign, "...", "complex", label="complex", torch=t("sgn")),
    op(np.angle, lambda x: np.angle(x, deg=True), "...", "complex", label="complex, degrees"),
    op(np.sinc, np.sinc, "...", "complex", label="complex", torch=t("sinc")),
    op(np.nan_to_num, np.nan_to_num, "...", "complex", label="complex"),
    op(np.real_if_close, np.real_if_close, "...", "complex", label="complex"),
    op(np.real_if_close, lambda x: np.real_if_close(np.conj(x) * x), "...", "complex", label="of what is real"),
    op(np.power, lambda x: np.power(x, 3), "...", "complex", label="complex to a whole power", torch=t("pow", 3)),
    op(
        np.power,
        lambda x: 2.0**x,
        "...",
        "complex",
        label="of a number to a complex power",
        torch=lambda torch: lambda x: torch.pow(2.0, x),
    ),
    op(np.power, np.power, "..., ...", "complex", "real", label="complex to a real power", torch=t("pow")),
    op(np.power, np.power, "..., ...", "positive", "complex", label="real to a complex power", torch=t("pow")),
    op(bessel_i, lambda x: bessel_i(x, order=2), "...", "complex", label="complex"),
    op(sine_quotient, lambda x: sine_quotient(x, order=1), "...", "complex", label="complex"),
    op(np.matmul, np.matmul, "nm, mk", "complex", label="complex", torch=t("matmul")),
    op(np.matmul, np.matmul, "nm, mk", "complex", "real", label="complex with real"),
    op(np.multiply, np.multiply, "..., ...", "complex", "real", label="complex with real", torch=t("mul")),
    op(np.sum, np.sum, "...", "complex", label="complex", torch=t("sum")),
    op(np.mean, np.mean, "NM", "complex", label="complex", torch=t("mean")),
    op(np.prod, np.prod, "NM", "complex", label="complex", torch=t("prod")),
    op(np.cumprod, np.cumprod, "n", "complex", label="complex", torch=t("cumprod", 0)),
    op(np.var, np.var, "NM", "complex", label="complex", torch=t("var", correction=0)),
    op(np.std, np.std, "N3", "complex", label="complex", torch=t("std", correction=0)),
    op(
        np.einsum,
        lambda a, b: np.einsum("ij,jk->ki", a, b),
        "nm, mk",
        "complex",
        label="complex",
        torch=lambda torch: lambda a, b: torch.einsum("ij,jk->ki", a, b),
    ),
    op(np.vdot, np.vdot, "n, n", "complex", label="complex", torch=t("vdot")),
    op(indexing.getitem, lambda x: x[PLACES], "3n", "complex", label="complex"),
    op(np.where, lambda a, b: np.where(MASK, a, b), "n3, 3", "complex", "real", label="complex with real"),
]
