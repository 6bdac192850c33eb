"""Loops of normalization: one pass where NumPy takes three to five.

Planes are stacks (N, rows, columns) of images whose channels are last, a few pixels to a row; sums of them are taken in
float64, which is safe for the squares of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.compiled import loop


@loop
def normalized_planes(x: Any, weight: Any, bias: Any, eps: Any, y: Any, mean: Any, var: Any) -> None:
    """Normalize the groups of channels of each image; of as many groups as means."""
    images, rows, columns = x.shape
    channels, groups = len(weight), mean.shape[1]
    size = channels // groups
    count = rows * columns // groups
    first, second = np.empty(columns), np.empty(columns)
    scale, shift = np.empty(columns, x.dtype), np.empty(columns, x.dtype)
    for n in range(images):
        first[:] = 0
        second[:] = 0
        for i in range(rows):
            for j in range(columns):
                value = np.float64(x[n, i, j])
                first[j] += value
                second[j] += value * value
        for j in range(channels, columns):
            first[j % channels] += first[j]
            second[j % channels] += second[j]
        for k in range(groups):
            m, v = 0.0, 0.0
            for c in range(k * size, (k + 1) * size):
                m += first[c]
                v += second[c]
            m /= count
            v = v / count - m * m
            if v < 0:
                v = 0.0
            mean[n, k], var[n, k] = m, v
            r = 1 / np.sqrt(v + eps)
            for c in range(k * size, (k + 1) * size):
                scale[c] = r * weight[c]
                shift[c] = bias[c] - m * r * weight[c]
        for j in range(channels, columns):
            scale[j], shift[j] = scale[j % channels], shift[j % channels]
        for i in range(rows):
            for j in range(columns):
                y[n, i, j] = x[n, i, j] * scale[j] + shift[j]


@loop
def planes_backward(
    grad: Any, x: Any, weight: Any, mean: Any, var: Any, eps: Any, dx: Any, dweight: Any, dbias: Any
) -> None:
    """Write the gradient of normalized planes, and add to those of the weight and the bias."""
    images, rows, columns = x.shape
    channels, groups = len(weight), mean.shape[1]
    size = channels // groups
    count = max(rows * columns // groups, 1)
    first, second = np.empty(columns), np.empty(columns)
    by_g, by_x, rest = np.empty(columns, x.dtype), np.empty(columns, x.dtype), np.empty(columns, x.dtype)
    for n in range(images):
        first[:] = 0
        second[:] = 0
        for i in range(rows):
            for j in range(columns):
                value = np.float64(grad[n, i, j])
                first[j] += value
                second[j] += value * x[n, i, j]
        for j in range(channels, columns):
            first[j % channels] += first[j]
            second[j % channels] += second[j]
        for k in range(groups):
            m, r = np.float64(mean[n, k]), 1 / np.sqrt(np.float64(var[n, k]) + eps)
            a, b = 0.0, 0.0
            for c in range(k * size, (k + 1) * size):
                d = (second[c] - m * first[c]) * r
                dweight[c] += d
                dbias[c] += first[c]
                a += weight[c] * first[c]
                b += weight[c] * d
            a, b = a / count * r, b / count * r * r
            for c in range(k * size, (k + 1) * size):
                by_g[c], by_x[c], rest[c] = weight[c] * r, -b, b * m - a
        for j in range(channels, columns):
            by_g[j], by_x[j], rest[j] = by_g[j % channels], by_x[j % channels], rest[j % channels]
        for i in range(rows):
            for j in range(columns):
                dx[n, i, j] = grad[n, i, j] * by_g[j] + x[n, i, j] * by_x[j] + rest[j]


@loop
def normalized_rows(x: Any, weight: Any, bias: Any, eps: Any, center: bool, y: Any, mean: Any, var: Any) -> None:
    """Normalize rows: while one is in cache it is read three times."""
    rows, columns = x.shape
    zero = x.dtype.type(0)
    for i in range(rows):
        total = zero
        if center:
            for j in range(columns):
                total += x[i, j]
        middle = x.dtype.type(total / columns)
        squares = zero
        for j in range(columns):
            squares += (x[i, j] - middle) * (x[i, j] - middle)
        mean[i], var[i] = middle, squares / columns
        r = x.dtype.type(1 / (var[i] + eps) ** 0.5)
        for j in range(columns):
            y[i, j] = (x[i, j] - middle) * r * weight[j] + bias[j]


@loop
def rows_backward(
    grad: Any, x: Any, weight: Any, mean: Any, r: Any, center: bool, dx: Any, dweight: Any, dbias: Any
) -> None:
    """Write the gradient of normalized rows, and add to those of the weight and the bias."""
    rows, columns = x.shape
    zero = x.dtype.type(0)
    for i in range(rows):
        first, second, middle, scale = zero, zero, mean[i], r[i]
        for j in range(columns):
            d = (x[i, j] - middle) * scale
            h = grad[i, j] * weight[j]
            first += h
            second += h * d
            dweight[j] += grad[i, j] * d
            dbias[j] += grad[i, j]
        first = x.dtype.type(first / columns) if center else zero
        second = x.dtype.type(second / columns)
        for j in range(columns):
            dx[i, j] = (grad[i, j] * weight[j] - first - (x[i, j] - middle) * scale * second) * scale
