"""Division by the gaps between eigenvalues (or singular values), and what is asked of a gradient where a gap is 0.

Vectors of a repeated value are any basis of their space. A gradient that depends on which basis was returned belongs to
no function of the matrix, and is refused by name; one that does not has nothing to divide at such a gap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import AutodiffError
from autodiff.primitive import primitive


def gaps(values: Any) -> Any:
    """Return values[j] - values[i] at [i, j]."""
    return values[..., None, :] - values[..., :, None]


@primitive(
    lambda g, b, values, name: quotient(g, b, values, name=name),  # type: ignore[has-type]
    lambda g, y, b, values, name: -quotient(g * y, b, values, name=name),  # type: ignore[has-type]
    lambda g, values: np.zeros_like(values),
    lambda g, like: np.zeros_like(like),
    sig="a, b, values, like=None; name=''",
)
def quotient(a: Any, b: Any, values: Any, like: Any = None, name: str = "") -> Any:
    """Return a / b for gaps b between values, 0 where a gap is 0; there a must be 0 too, on the scale of `like`.

    In derivatives of this, which give no `like`, a is a turn of the vectors: that of each by its own phase is free.
    """
    small = _small(b, values)
    live = small & (np.abs(a) > _noise(a if like is None else like))
    if like is None and b.shape[-1] == b.shape[-2]:
        live = live & ~np.eye(b.shape[-1], dtype=bool)
    if np.any(live):
        _refuse(name, live, values)
    return np.where(small, 0, np.divide(a, np.where(small, 1, b)))


@primitive(
    lambda g: g,
    lambda g, values: np.zeros_like(values),
    lambda g, weights: np.zeros_like(weights),
    lambda g, like: np.zeros_like(like),
    sig="a, values, weights, like; name='', unitary=True",
)
def determined(a: Any, values: Any, weights: Any, like: Any, name: str = "", unitary: bool = True) -> Any:
    """Return a, the gradient by the vectors in their own basis, where `weights`, that by the values, is given as well.

    Both determine that by the matrix only if, at equal values, a is 0 on the scale of `like` and the weights are equal;
    and never if the vectors are not orthonormal.
    """
    equal = _small(gaps(values), values) & ~np.eye(values.shape[-1], dtype=bool)
    apart = np.abs(gaps(weights)) > _noise(weights[..., None])
    if np.any(live := equal & (apart | (np.abs(a) > _noise(like)) | (not unitary))):
        _refuse(name, live, values)
    return a


@primitive(lambda g: g, lambda g, turn: np.zeros_like(turn), sig="a, turn; name=''", analytic=True)
def unturned(a: Any, turn: Any, name: str = "") -> Any:
    """Return a, the gradient by further columns of a basis, if `turn`, that by the choice of them, is Hermitian."""
    if np.any(np.abs(turn - np.conjugate(turn.mT)) > _noise(a)):
        raise AutodiffError(
            f"{name}: the gradient depends on the columns that complete the basis, and any that are orthonormal do. "
            "Use the reduced form, or only what they span (their projection)."
        )
    return a


def _small(gap: Any, values: Any) -> Any:
    """Say which gaps are 0 up to the round-off of the values."""
    scale = np.max(np.abs(values), axis=-1, initial=0)[..., None, None]
    return np.abs(gap) <= 10 * values.shape[-1] * np.finfo(values.dtype).eps * scale


def _noise(like: Any) -> Any:
    """Return what counts as 0 beside the largest element of each matrix, which may itself be round-off of ones."""
    eps = np.finfo(like.dtype).eps
    return np.max(np.abs(like), axis=(-2, -1), keepdims=True, initial=0) * eps**0.5 + 10 * eps


def _refuse(name: str, live: Any, values: Any) -> None:
    *batch, i, j = np.argwhere(live)[0]
    i = i if live.shape[-2] == live.shape[-1] else j  # else a column is divided by its own value
    found = values[tuple(batch)]
    kind = "singular value" if name == "svd" else "eigenvalue"
    if i == j and found[i] and live.shape[-2] == live.shape[-1]:
        raise AutodiffError(
            f"{name}: the gradient depends on the phase of a vector (that of {kind} {i}, {found[i]:.6g}), and any "
            "phase does. Use what does not depend on it, such as np.abs(vectors) or vectors @ vectors.conj().mT."
        )
    which = f"{kind} {i} is 0" if i == j else f"{kind}s {min(i, j)} and {max(i, j)} are equal ({found[i]:.6g})"
    raise AutodiffError(
        f"{name}: {which}, and the gradient depends on the vectors chosen there, which the matrix does not determine. "
        "Use the values alone or the whole space of the vectors; or tell the values apart, e.g. by adding a small "
        "diagonal matrix of distinct numbers."
    )
