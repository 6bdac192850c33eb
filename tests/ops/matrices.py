"""Matrices for the rows of linear algebra, and rows of functions of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.row import Op, op, t

Prepared = Callable[[Any, Any], Any]
REAL = ("real",)


def regular(x: Any, eye: Any) -> Any:
    """Make a matrix far from singular."""
    return x * 0.25 + 2 * eye


def adjoint(x: Any) -> Any:
    return x.mT.conj()


def hermitian(x: Any, eye: Any) -> Any:
    """Make a symmetric (Hermitian) matrix with eigenvalues of both signs, far from one another and from 0."""
    return (x + adjoint(x)) * 0.1 + spread(eye) - 3 * eye


def spd(x: Any, eye: Any) -> Any:
    """Make a positive definite matrix."""
    return x @ adjoint(x) * 0.25 + eye


def distinct(x: Any, eye: Any) -> Any:
    """Make a matrix whose eigenvalues or singular values are far apart."""
    return x * 0.1 + spread(eye)


def spread(eye: Any) -> Any:
    """Return the diagonal matrix of 2, 4, 6, ..."""
    return 2 * eye.cumsum(-2).cumsum(-1) * eye


def given(x: Any, eye: Any) -> Any:
    return x


def eye(x: Any) -> Any:
    return np.eye(*x.shape[-2:], dtype=x.dtype)


def torch_eye(torch: Any, x: Any) -> Any:
    return torch.eye(*x.shape[-2:], dtype=x.dtype)


def rows(
    fun: Any,
    call: Callable[..., Any] | None = None,
    theirs: Any = None,
    prepared: Prepared = regular,
    shapes: tuple[str, ...] = ("mm", "nmm"),
    label: str = "",
    domains: tuple[str, ...] = ("real", "complex"),
    after: Callable[..., Any] = lambda y: y,
) -> list[Op]:
    """Make a row for each shape, real and complex: the first operand prepared, outputs read by `after`."""
    called = call or fun

    def torchs(torch: Any) -> Any:
        return lambda x, *rest: after(theirs(torch)(prepared(x, torch_eye(torch, x)), *rest))

    return [
        op(
            fun,
            lambda x, *rest: after(called(prepared(x, eye(x)), *rest)),
            shape,
            domain,
            label=" ".join([label, shape, *["complex"] * (domain == "complex")]).strip(),
            torch=torchs if theirs else None,
        )
        for shape in shapes
        for domain in domains
    ]


def eigen(ys: Any) -> Any:
    values, vectors = ys
    return values, abs(vectors) ** 2


def singular(ys: Any) -> Any:
    u, s, vh = ys
    return abs(u) ** 2, s, abs(vh) ** 2


def linalg(name: str, *args: Any, **kwargs: Any) -> Any:
    """Return a function that calls torch.linalg's function of a name."""
    return t(f"linalg.{name}", *args, **kwargs)
