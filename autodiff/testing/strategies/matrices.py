"""Strategies for square matrices whose inverse, logarithm or eigenvectors are far from trouble.

Each is put together from orthogonal matrices and drawn singular values or eigenvalues; all shrink to the identity or to
a diagonal matrix.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.testing.strategies.arrays import GRID, drawn

Size = int | st.SearchStrategy[int]


def _orthogonal(draw: st.DrawFn, n: int, batch: tuple[int, ...]) -> Any:
    """Draw rotations: Cayley's transform (I - A)(I + A)^-1 of skew-symmetric matrices."""
    upper = np.triu(drawn(draw, (*batch, n, n), GRID / 2), 1)
    skew, eye = upper - np.swapaxes(upper, -1, -2), np.eye(n)
    return np.matmul(eye - skew, np.linalg.inv(eye + skew))


def _between(draw: st.DrawFn, low: float, high: float, shape: tuple[int, ...]) -> Any:
    """Draw numbers evenly spread on the logarithmic scale, `low` the simplest."""
    return low * (high / low) ** drawn(draw, shape, np.linspace(0, 1, 64))


def _size(draw: st.DrawFn, n: Size) -> int:
    return draw(n) if isinstance(n, st.SearchStrategy) else n


def _transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


@st.composite
def well_conditioned(draw: st.DrawFn, n: Size = 3, cond: float = 10.0, *, batch: tuple[int, ...] = ()) -> Any:
    """Square matrices (..., n, n) whose singular values lie between 1 and `cond`, of either determinant's sign.

    >>> from hypothesis import given
    >>> @given(well_conditioned(3, cond=5.0))
    ... def test(m):
    ...     assert np.linalg.cond(m) < 5.001
    >>> test()
    """
    if cond < 1:
        raise ValueError(f"well_conditioned: cond={cond}; expected at least 1, the identity's.")
    n = _size(draw, n)
    left, right = _orthogonal(draw, n, batch), _orthogonal(draw, n, batch)
    values = _between(draw, 1.0, cond, (*batch, n))
    if n and draw(st.booleans()):
        values[..., 0] *= -1
    return np.matmul(left * values[..., None, :], right)


@st.composite
def spd_matrices(draw: st.DrawFn, n: Size = 3, cond: float = 10.0, *, batch: tuple[int, ...] = ()) -> Any:
    """Symmetric positive definite matrices (..., n, n) with eigenvalues between 1 and `cond`.

    >>> from hypothesis import given
    >>> @given(spd_matrices(3))
    ... def test(m):
    ...     assert (m == m.T).all() and np.linalg.eigvalsh(m).min() > 0.99
    >>> test()
    """
    if cond < 1:
        raise ValueError(f"spd_matrices: cond={cond}; expected at least 1, the identity's.")
    n = _size(draw, n)
    return _symmetric(_orthogonal(draw, n, batch), _between(draw, 1.0, cond, (*batch, n)))


@st.composite
def distinct_eigenvalues(draw: st.DrawFn, n: Size = 3, gap: float = 0.5, *, batch: tuple[int, ...] = ()) -> Any:
    """Symmetric matrices (..., n, n) no two eigenvalues of which are nearer than `gap`, of both signs.

    >>> from hypothesis import given
    >>> @given(distinct_eigenvalues(4, gap=0.5))
    ... def test(m):
    ...     assert np.diff(np.linalg.eigvalsh(m)).min() > 0.499
    >>> test()
    """
    if gap <= 0:
        raise ValueError(f"distinct_eigenvalues: gap={gap}; expected more than 0.")
    n = _size(draw, n)
    steps = gap * (1 + drawn(draw, (*batch, n), np.linspace(0, 1, 64)))
    values = np.cumsum(steps, axis=-1) - gap * (n + 1) / 2
    return _symmetric(_orthogonal(draw, n, batch), values)


@st.composite
def distinct_singular_values(
    draw: st.DrawFn, m: Size = 3, n: Size = 3, gap: float = 0.5, *, batch: tuple[int, ...] = ()
) -> Any:
    """Matrices (..., m, n) no two singular values of which are nearer than `gap`, nor any to 0.

    >>> from hypothesis import given
    >>> @given(distinct_singular_values(3, 2, gap=0.5))
    ... def test(m):
    ...     assert np.diff(np.linalg.svd(m)[1], append=0).max() < -0.499
    >>> test()
    """
    if gap <= 0:
        raise ValueError(f"distinct_singular_values: gap={gap}; expected more than 0.")
    m, n = _size(draw, m), _size(draw, n)
    values = np.cumsum(gap * (1 + drawn(draw, (*batch, min(m, n)), np.linspace(0, 1, 64))), axis=-1)
    left, right = _orthogonal(draw, m, batch), _orthogonal(draw, n, batch)
    return np.matmul(left[..., : min(m, n)] * values[..., None, :], right[..., : min(m, n), :])


def _symmetric(vectors: Any, values: Any) -> Any:
    m = np.matmul(vectors * values[..., None, :], _transposed(vectors))
    return (m + _transposed(m)) / 2
