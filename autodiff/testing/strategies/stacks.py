"""Stacks of matrices for linear algebra: clear of singular ones, of equal eigenvalues and of equal singular values."""

from __future__ import annotations

from typing import Any

import numpy

from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.testing.strategies.drawing import Arguments, Draw, Shape
from autodiff.testing.strategies.matrices import distinct_eigenvalues, distinct_singular_values, spd_matrices
from autodiff.testing.strategies.matrices import well_conditioned as well_conditioned_matrices

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def finished(d: Draw, x: Any) -> Any:
    """Lay a matrix out in memory."""
    return laid_out(x, d.choice(*LAYOUTS))


def batch(d: Draw) -> Shape:
    """Draw the shape of a stack of matrices."""
    return d.shape(max_dims=2) if d.chance() else ()


def square(d: Draw, least: int = 0, stack: Shape | None = None) -> Any:
    """Draw a stack of matrices far from singular."""
    x = d(well_conditioned_matrices(d.integer(least, 3), 8.0, batch=batch(d) if stack is None else stack))
    return finished(d, x * (1 + 0.5j) + (0.25j * x.mT if d.chance() else 0) if d.complex else x)


def invertible(d: Draw) -> Arguments:
    """Draw a stack of matrices far from singular."""
    return [square(d)], {}


def positive_definite(d: Draw, least: int = 0) -> Any:
    """Draw a stack of positive definite matrices, Hermitian where complex ones are asked for."""
    x = d(spd_matrices(d.integer(least, 3), 6.0, batch=batch(d)))
    return finished(d, turned(d, x))


def symmetric(d: Draw) -> Any:
    """Draw a stack of symmetric (Hermitian) matrices with eigenvalues far from one another and from 0."""
    x = d(distinct_eigenvalues(d.integer(0, 3), 1.0, batch=batch(d)))
    x = x + 0.25 * np.eye(x.shape[-1])
    return finished(d, turned(d, x))


def turned(d: Draw, x: Any) -> Any:
    """Return a Hermitian matrix with a symmetric one's eigenvalues, clear of diagonal ones."""
    basis = rotation(d, x.shape[-1])
    return np.matmul(np.matmul(basis, x), np.conjugate(basis.mT))


def rotation(d: Draw, n: int) -> Any:
    """Return a matrix that turns drawn ones away from where LAPACK's choice of a sign or of an order jumps."""
    places = np.arange(n)
    skew = np.sin(places[:, None] + 2.0 * places + 1) / 2
    skew = skew - skew.mT
    turn = np.matmul(np.eye(n) - skew, np.linalg.inv(np.eye(n) + skew))
    return turn * np.exp(1j * (places[:, None] + 0.3)) if d.complex else turn


def rectangular(d: Draw, least: int = 0, square: bool = False) -> Any:
    """Draw a stack of matrices whose singular values are far from one another and from 0."""
    m = d.integer(least, 3)
    x = d(distinct_singular_values(m, m if square else d.integer(least, 3), 0.75, batch=batch(d)))
    return finished(d, np.matmul(np.matmul(rotation(d, x.shape[-2]), x), rotation(d, x.shape[-1])))


def gapped(d: Draw) -> Any:
    """Draw a stack of matrices whose eigenvalues are far from one another: similar to a symmetric one."""
    n, stack = d.integer(0, 3), batch(d)
    x, basis = d(distinct_eigenvalues(n, 1.0, batch=stack)), d(well_conditioned_matrices(n, 2.0, batch=stack))
    basis = np.matmul(rotation(d, n), basis)
    return finished(d, np.matmul(np.matmul(basis, x * (1 + 0.5j) if d.complex else x), np.linalg.inv(basis)))


def hermitian(x: Any) -> Any:
    """Return a matrix's symmetric (Hermitian) part."""
    return (x + np.conjugate(x.mT)) / 2


def squared(x: Any) -> Any:
    """Return squared moduli, which no phase changes."""
    return np.real(x * np.conjugate(x))
