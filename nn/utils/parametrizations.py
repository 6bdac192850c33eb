"""Weights split into length and direction, held to a spectral norm of 1, or kept orthogonal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad, random
from autodiff.random import Generator
from nn.layers.convolution import ConvTransposeNd
from nn.module import Module
from nn.utils.parametrize import register_parametrization


def lengths(v: Tensor, dim: int | None) -> Any:
    """Return the Euclidean norms over all axes but one, which stay as axes of 1; over all where `dim` is None or -1."""
    if dim is None or dim == -1:
        return np.sqrt(np.sum(v * v))
    axes = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return np.sqrt(np.sum(v * v, axis=axes, keepdims=True))


def of_length(g: Tensor, v: Tensor, dim: int | None) -> Any:
    """Return v with its norms over all axes but one made g."""
    return v * (g / lengths(v, dim))


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Any:
        return of_length(weight_g, weight_v, self.dim)

    def right_inverse(self, weight: Tensor) -> Any:
        return lengths(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int = 0) -> Any:
    """Train a weight's length (`original0`) and direction (`original1`) apart (Salimans & Kingma, 2016).

    There is one length for each index of the axis `dim`; one in all if it is None.

    >>> from nn import Linear
    >>> layer = weight_norm(Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    (40, 1)
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def normalized(x: Any, eps: float) -> Any:
    """Return a vector divided by its norm, or by eps if that is larger."""
    return x / max(float(np.linalg.norm(x)), eps)


def power_iteration(matrix: Any, u: Any, v: Any, steps: int, eps: float) -> None:
    """Move u and v, in place, towards the singular vectors of a matrix's largest singular value; arrays all."""
    for _ in range(steps):
        u[...] = normalized(matrix @ v, eps)
        v[...] = normalized(matrix.T @ u, eps)


def as_matrix(weight: Any, dim: int) -> Any:
    """Return a weight with one axis first and the others joined."""
    moved: Any = np.moveaxis(weight, dim, 0) if dim else weight
    return moved.reshape(moved.shape[0], math.prod(moved.shape[1:]))


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(
        self,
        weight: Tensor,
        n_power_iterations: int = 1,
        dim: int = 0,
        eps: float = 1e-12,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim={dim} is out of range for a weight of shape {weight.shape}")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.data, self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                drawn = random.normal(size=(size,), dtype=weight.dtype, generator=generator)
                self.register_buffer(name, as_tensor(normalized(drawn.data, eps)))
            power_iteration(matrix, self._u.data, self._v.data, 15, eps)

    def forward(self, weight: Tensor) -> Any:
        if weight.ndim == 1:
            return weight / np.maximum(np.sqrt(np.sum(weight * weight)), self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            with no_grad():
                u, v = self._u.data.copy(), self._v.data.copy()
                power_iteration(matrix.data, u, v, self.n_power_iterations, self.eps)
                self._u[...], self._v[...] = u, v
        u, v = self._u.detach().clone(), self._v.detach().clone()  # the next call moves the buffers
        return weight / np.einsum("i,ij,j->", u, matrix, v)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    generator: Generator | None = None,
) -> Any:
    """Divide a weight by its largest singular value, as power iteration knows it (Miyato et al., 2018).

    Each call while training takes `n_power_iterations` steps. `dim` is the axis of the outputs, 1 for transposed
    convolutions and 0 for other layers if it is None.

    >>> from nn import Linear
    >>> layer = spectral_norm(Linear(20, 40))
    >>> bool(abs(np.linalg.norm(layer.weight.detach(), 2) - 1) < 0.2)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    axis = (1 if isinstance(module, ConvTransposeNd) else 0) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis, eps, generator))


# --- orthogonal matrices ---------------------------------------------------------------------------------------------


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, where it is wide), as a function of a matrix of its shape.

    The exponential and Cayley's map take the antisymmetric part of the lower triangle; Householder's reflects by what
    is below the diagonal, which holds the signs of the columns.
    """

    def __init__(self, shape: tuple[int, ...], orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        Q = _reflected(X) if self.orthogonal_map == "householder" else self._rotated(X)
        if "base" in self._buffers:
            Q = vars(self)["base"] @ Q
        return Q.mT if wide else Q

    def _rotated(self, X: Any) -> Any:
        from autodiff import linalg

        n, k = X.shape[-2:]
        lower: Any = np.tril(X)
        if n != k:
            lower = np.concatenate([lower, np.zeros((*lower.shape[:-1], n - k), lower.dtype)], axis=-1)
        A, eye = lower - lower.mT.conj(), np.eye(n, dtype=X.dtype)
        Q: Any = linalg.expm(A) if self.orthogonal_map == "matrix_exp" else np.linalg.solve(eye - A / 2, eye + A / 2)
        return Q[..., :k]

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got {Q.shape}.")
        wide = Q.shape[-2] < Q.shape[-1]
        matrix = np.swapaxes(Q.data, -1, -2) if wide else Q.data
        if "base" in self._buffers:
            self.base = as_tensor(_basis(matrix))
            start = np.broadcast_to(-np.eye(*matrix.shape[-2:], dtype=matrix.dtype), matrix.shape).copy()
        elif self.orthogonal_map == "householder":
            start = _reflectors(matrix)
        else:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        return as_tensor(np.ascontiguousarray(np.swapaxes(start, -1, -2) if wide else start))


def _reflected(X: Any) -> Any:
    """Return the first columns of a product of reflections: one for each column of X, by what is below its diagonal."""
    n, k = X.shape[-2:]
    V: Any = np.tril(X, -1) + np.eye(n, k, dtype=X.dtype)
    tau: Any = 2 / np.sum(V * V, axis=-2)
    Q: Any = as_tensor(np.broadcast_to(np.eye(n, k, dtype=X.dtype), X.shape).copy())
    for i in reversed(range(k)):
        v = V[..., :, i, None]
        Q = Q - tau[..., i, None, None] * v * (v.mT @ Q)
    signs: Any = np.sign(np.diagonal(X.data, axis1=-2, axis2=-1)).astype(X.dtype)
    return Q * signs[..., None, :]


def _reflectors(matrix: Any) -> Any:
    """Return the matrix of which `_reflected` makes the orthogonal factor of another."""
    transposed, tau = np.linalg.qr(matrix, mode="raw")
    start = np.swapaxes(transposed, -1, -2).copy()
    diagonal = np.arange(matrix.shape[-1])
    signs = np.sign(start[..., diagonal, diagonal])
    start[..., diagonal, diagonal] = np.where(tau == 0, -signs, signs)
    return start


def _basis(matrix: Any) -> Any:
    """Return an orthogonal matrix whose first columns are those of a matrix, made orthonormal if they are not."""
    k = matrix.shape[-1]
    q, r = np.linalg.qr(matrix, mode="complete")
    signs = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1, 1).astype(matrix.dtype)
    q[..., :k] *= signs[..., None, :]
    return q


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep a matrix orthogonal, or its rows or columns orthonormal: a product of reflections or a rotation.

    `orthogonal_map` is "matrix_exp", "cayley" or "householder"; left out, it is the first for a square matrix and the
    last for others. `use_trivialization` trains a rotation of the matrix that was there (Lezcano-Casado, 2019).

    >>> from nn import Linear
    >>> Q = orthogonal(Linear(20, 40)).weight.detach()
    >>> bool(np.allclose(Q.mT @ Q, np.eye(20), atol=1e-5))
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if weight.dtype.kind != "f":
        raise ValueError(f"orthogonal takes a matrix of floats; {name} holds {weight.dtype}")
    maps = ("matrix_exp", "cayley", "householder")
    chosen = orthogonal_map or ("matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder")
    if chosen not in maps:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    return register_parametrization(module, name, _Orthogonal(weight.shape, chosen, use_trivialization), unsafe=True)
