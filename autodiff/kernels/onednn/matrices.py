"""Matrix products by oneDNN, for float32."""

from __future__ import annotations

import numpy as np

from autodiff.kernels.onednn.library import OneDNNError, address, available
from autodiff.kernels.onednn.primitives import state

# Multiplications from which on OpenBLAS, too, takes more than one thread. Below, it is as fast or faster: 64x120x84 in
# 7 us, oneDNN in 8; above, 64x400x120 in 35 and 23, 64x784x128 in 63 and 41, 768x128x512 and 512^3 as long in both.
WORTH = 1 << 18


def gemm(
    a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None, *, alpha: float = 1.0, beta: float = 0.0
) -> np.ndarray | None:
    """Return alpha * a @ b + beta * out, in `out` if it is given; its values count only where beta is not 0.

    a (m, k) and b (k, n) may be transposes, and blocks of larger arrays; `out` has its columns side by side.
    None, and nothing is done, where another way is better: other dtypes or layouts, small products, no oneDNN.

    A step that convolves by oneDNN does well to multiply by it too: its threads and OpenBLAS's, both waiting for their
    next task on the same cores, take from each other (a convolution and a product of 512x512, in turn, 1.1 ms so and
    1.5-1.8 with OpenBLAS).
    """
    if a.ndim != 2 or b.ndim != 2 or not a.dtype == b.dtype == np.float32:
        return None
    (m, k), n = a.shape, b.shape[1]
    if m * n * k < WORTH or not available():
        return None
    if out is None:
        out, beta = np.empty((m, n), np.float32), 0.0
    left, right, result = _layout(a), _layout(b), _layout(out)
    fits = b.shape[0] == k and out.shape == (m, n) and out.dtype == np.float32
    if not fits or left is None or right is None or result is None or result[0] != b"N":
        return None
    sides = address(a), left[1], address(b), right[1]
    status = state().library.sgemm(left[0], right[0], m, n, k, alpha, *sides, beta, address(out), result[1])
    if status:
        raise OneDNNError("sgemm", status)
    return out


def _layout(a: np.ndarray) -> tuple[bytes, int] | None:
    """Return "N" for rows, "T" for columns that are side by side in memory, and the elements from one to the next."""
    (rows, columns), (down, right) = a.shape, a.strides
    right = 4 if columns == 1 else right  # a stride along one element says nothing
    if rows == 1:
        down = 4 * columns if right == 4 else 4
    if right == 4 and down >= 4 * columns and down % 4 == 0:
        return b"N", down // 4
    if down == 4 and right >= 4 * rows and right % 4 == 0:
        return b"T", right // 4
    return None
