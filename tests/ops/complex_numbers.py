"""Operations on complex numbers, whose derivatives follow PyTorch's convention."""

from __future__ import annotations

import numpy as np

from autodiff.kernels import indexing
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
    )
] + [
    op(np.matmul, np.matmul, "nm, mk", "complex", label="complex", torch=t("matmul")),
    op(np.matmul, np.matmul, "nm, mk", "complex", "real", label="complex with real"),
    op(np.multiply, np.multiply, "..., ...", "complex", "real", label="complex with real", torch=t("mul")),
    op(np.sum, np.sum, "...", "complex", label="complex", torch=t("sum")),
    op(np.mean, np.mean, "NM", "complex", label="complex", torch=t("mean")),
    op(np.prod, np.prod, "NM", "complex", label="complex", torch=t("prod")),
    op(np.cumprod, np.cumprod, "n", "complex", label="complex", torch=t("cumprod", 0)),
    op(np.var, np.var, "NM", "complex", label="complex"),
    op(np.std, np.std, "N3", "complex", label="complex"),
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
