"""SciPy's linear algebra in ad.linalg: values are SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

import autodiff as ad
from tests.ops.matrices import REAL, distinct, eigen, given, hermitian, linalg, regular, singular, spd, spread
from tests.ops.matrices import eye as identity
from tests.ops.row import Op, op


def row(
    name: str,
    shapes: str = "33",
    *args: Any,
    prepared: Any = regular,
    domains: tuple[str, ...] = ("real", "complex"),
    label: str = "",
    after: Any = lambda y: y,
    theirs: Any = None,
    **keywords: Any,
) -> list[Op]:
    """Make rows for a function of ad.linalg whose first operand is prepared, compared with SciPy's."""
    ours, reference = getattr(ad.linalg, name), getattr(scipy.linalg, name)

    def call(fun: Any) -> Any:
        return lambda x, *rest: after(fun(prepared(x, identity(x) if x.ndim > 1 else None), *rest, *args, **keywords))

    def torchs(torch: Any) -> Any:
        return lambda x, *rest: after(theirs(torch)(prepared(x, torch.eye(*x.shape[-2:], dtype=x.dtype)), *rest))

    words = [label, *map(str, args), *[f"{k}={v}" for k, v in keywords.items()]]
    return [
        op(
            ours,
            call(ours),
            shapes,
            domain,
            label=" ".join([*words, shapes, *["complex"] * (domain == "complex")]).strip(),
            reference=call(reference),
            torch=torchs if theirs else None,
            small="f",
        )
        for domain in domains
    ]


def small(x: Any, eye: Any) -> Any:
    return x * 0.25


def positive(x: Any, eye: Any) -> Any:
    """Make a matrix with eigenvalues about 1."""
    return x * 0.1 + eye


def indefinite(x: Any, eye: Any) -> Any:
    """Make a matrix with eigenvalues about -1, 1 and 3."""
    return x * 0.1 + spread(eye) - 3 * eye


def triangle(y: Any) -> Any:
    """Read the triangle that cho_factor gives."""
    c, lower = y
    return np.tril(c) if lower else np.triu(c)


def column(x: Any, eye: Any) -> Any:
    return x


def fitted(y: Any) -> Any:
    """What lstsq answers but the rank; SciPy 1.18's residuals of complex matrices are complex."""
    return y[0], np.real(y[1]), y[3]


SYSTEMS = [
    *[r for trans in (0, 1, 2) for lower in (False, True) for r in row(
        "solve_triangular", "33, 3n", trans=trans, lower=lower)],
    *row("solve_triangular", "33, 3", "T", True, True),
    *row("solve_triangular", "33, 3", unit_diagonal=True, trans="C"),
    *row("solve_triangular", "233, 32", lower=True),
    *row("solve_triangular", "233, 3", lower=True),
    *row("solve_sylvester", "33, 22, 32", prepared=lambda x, e: regular(x, e) + 2 * e),
    *row("lu_factor", after=lambda y: y[0]),
    *row("lu_factor", "24", prepared=distinct, after=lambda y: y[0]),
    *row("lu_factor", "42", prepared=distinct, after=lambda y: y[0]),
    *row("lu_factor", "233", after=lambda y: y[0]),
    *row("lu", prepared=small, after=lambda y: y[1:]),
    *row("lu", "42", prepared=small, permute_l=True),
    *row("lu", "24", prepared=small, p_indices=True, after=lambda y: y[1:]),
    *row("cho_factor", prepared=spd, after=triangle),
    *row("cho_factor", prepared=spd, lower=True, after=triangle),
    *row("cholesky", prepared=spd, theirs=linalg("cholesky", upper=True)),
    *row("cholesky", prepared=spd, lower=True, theirs=linalg("cholesky")),
    *row("solve", "33, 3n", theirs=linalg("solve")),
    *row("solve", "33, 3", transposed=True, domains=REAL),
    *row("solve", "33, 3", prepared=spd, assume_a="pos", lower=True),
    *row("solve", "33, 3n", prepared=hermitian, assume_a="her"),
    *row("solve", "33, 3n", prepared=lambda x, e: regular(x + x.mT, e), assume_a="sym", lower=True),
    *row("solve", "33, 3n", prepared=lambda x, e: regular(x * e, e), assume_a="diagonal"),
    *row("solve", "33, 3n", prepared=lambda x, e: np.tril(regular(x, e)), assume_a="lower triangular"),
    *row("inv", theirs=linalg("inv")),
    *row("inv", prepared=spd, assume_a="pos", lower=True),
    *row("det", theirs=linalg("det")),
    *row("pinv", "32", prepared=distinct, theirs=linalg("pinv")),
    *row("pinv", "33", prepared=distinct, rtol=0.2, theirs=linalg("pinv", rtol=0.2)),
    *row("pinv", "33", prepared=distinct, atol=0.5, theirs=linalg("pinv", atol=0.5, rtol=0.0)),
    *row("pinvh", prepared=hermitian, theirs=linalg("pinv")),
    *row("lstsq", "42, 4", prepared=distinct, after=fitted),
    *row("lstsq", "42, 42", prepared=distinct, after=fitted),
    *row("lstsq", "24, 22", prepared=distinct, after=lambda y: (y[0], y[3])),
    *row("solve_continuous_lyapunov", "33, 33", prepared=lambda x, e: regular(x, e) + 2 * e),
    *row("solve_discrete_lyapunov", "22, 22", prepared=small),
]  # fmt: skip

FACTORS = [
    *row("eigh", prepared=hermitian, after=eigen, theirs=linalg("eigh")),
    *row("eigh", prepared=hermitian, lower=False, eigvals_only=True),
    *row("eigh", prepared=hermitian, subset_by_index=(1, 2), after=eigen),
    *row("eigvalsh", prepared=hermitian, theirs=linalg("eigvalsh")),
    *row("eigvalsh", prepared=hermitian, lower=False),
    *row("eig", prepared=lambda x, e: distinct(x, e) * (1 + 0.5j), after=eigen, domains=("complex",)),
    *row("eigvals", prepared=lambda x, e: distinct(x, e) * (1 + 0.5j), domains=("complex",)),
    *row("svd", prepared=distinct, after=singular, theirs=linalg("svd")),
    *row("svd", "42", prepared=distinct, full_matrices=False, after=singular),
    *row("svd", "24", prepared=distinct, compute_uv=False),
    *row("svdvals", "42", prepared=distinct, theirs=linalg("svdvals")),
    *row("qr", prepared=distinct, after=tuple, theirs=linalg("qr")),
    *row("qr", "42", prepared=distinct, mode="economic", after=tuple),
    *row("qr", "42", prepared=distinct, mode="r", after=lambda y: y[0]),
    *row("polar", prepared=distinct),
    *row("polar", "42", prepared=distinct),
    *row("polar", "24", side="left", prepared=distinct),
    *row("orthogonal_procrustes", "33, 33", prepared=distinct),
    *row("norm", "33", prepared=given, theirs=linalg("norm")),
    *row("norm", "33", "nuc", prepared=given, theirs=linalg("norm", "nuc")),
    *row("norm", "33", 3, 1, True, prepared=given),
]  # fmt: skip

FUNCTIONS = [
    *row("expm", prepared=small, theirs=linalg("matrix_exp")),
    *row("expm", "233", prepared=small, theirs=linalg("matrix_exp")),
    *row("expm_frechet", "33, 33", prepared=small),
    *row("expm_frechet", "33, 33", prepared=small, compute_expm=False),
    *[r for shape in ("33", "233") for r in row("sqrtm", shape, prepared=positive)],
    *row("logm", "22", prepared=positive),
    *row("logm", "222", prepared=positive, domains=("real",)),
    *[r for name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm") for r in row(name, prepared=small)],
    *row("signm", prepared=indefinite),
    *row("fractional_matrix_power", "22", 0.3, prepared=positive, after=np.real),  # SciPy's is complex at times
]  # fmt: skip

FORMS = [
    *row("block_diag", "23, 12, 2", prepared=given),
    *row("toeplitz", "3", prepared=column),
    *row("toeplitz", "3, 2", prepared=column),
    *row("circulant", "4", prepared=column),
    *row("hankel", "3", prepared=column),
    *row("hankel", "3, 4", prepared=column),
    *row("companion", "4", prepared=column),
    *row("leslie", "4, 3", prepared=column),
    *row("fiedler", "4", prepared=column, domains=REAL),
    *[r for n in (4, 2) for mode in ("full", "same", "valid") for r in row("convolution_matrix", "3", n, mode,
                                                                           prepared=column)],
    *row("khatri_rao", "23, 43", prepared=given),
    *row("diagsvd", "2", 3, 2, prepared=column, domains=REAL),
    *row("diagsvd", "2", 2, 4, prepared=column, domains=REAL),
    *row("diagsvd", "2", 2, 2, prepared=column, domains=REAL),
    *[op(ad.linalg.matmul_toeplitz, lambda c, r, x, f=f: f((c, r), x), "3, 4, 42", d, label=d,
         reference=lambda c, r, x: scipy.linalg.matmul_toeplitz((c, r), x), small="f")
      for f in (ad.linalg.matmul_toeplitz,) for d in ("real", "complex")],
    op(ad.linalg.solve_toeplitz, lambda c, x: ad.linalg.solve_toeplitz(c + np.array([5, 0, 0]), x), "3, 32",
       reference=lambda c, x: scipy.linalg.solve_toeplitz(c + np.array([5, 0, 0]), x), small=""),
    op(ad.linalg.solve_circulant, lambda c, x: ad.linalg.solve_circulant(c + np.array([5, 0, 0]), x), "3, 32",
       reference=lambda c, x: scipy.linalg.solve_circulant(c + np.array([5, 0, 0]), x), small=""),
]  # fmt: skip


def _lu(f: Any, trans: int) -> Any:
    return lambda a, b: f.lu_solve(f.lu_factor(regular(a, identity(a))), b, trans=trans)


def _cho(f: Any, lower: bool) -> Any:
    return lambda a, b: f.cho_solve(f.cho_factor(spd(a, identity(a)), lower=lower), b)


SOLVERS = [
    op(
        ad.linalg.cho_solve,
        _cho(ad.linalg, lower=True),
        "n33, 3",
        label="stack and vector",
        reference=lambda a, b: np.linalg.solve(spd(a, identity(a)), b),
        small="f",
    ),
] + [
    op(
        fun,
        call(ad.linalg),
        shapes,
        domain,
        label=f"{shapes} {domain} {extra}".strip(),
        reference=call(scipy.linalg),
        small="f",
    )
    for domain in ("real", "complex")
    for shapes in ("33, 3", "33, 3n")
    for fun, call, extra in (
        (ad.linalg.lu_solve, lambda f: _lu(f, trans=0), ""),
        (ad.linalg.lu_solve, lambda f: _lu(f, trans=1), "trans=1"),
        (ad.linalg.lu_solve, lambda f: _lu(f, trans=2), "trans=2"),
        (ad.linalg.cho_solve, lambda f: _cho(f, lower=False), ""),
        (ad.linalg.cho_solve, lambda f: _cho(f, lower=True), "lower"),
    )
]

SCIPY_LINALG = SYSTEMS + FACTORS + FUNCTIONS + FORMS + SOLVERS
