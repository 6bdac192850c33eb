"""Convolution by oneDNN's shared library, where it is installed (the extra `onednn`); every function may decline."""

from __future__ import annotations

from typing import Any


def available() -> bool:
    """Say whether the library is there and wanted."""
    return False


def convolution(
    x: Any, w: Any, bias: Any, stride: tuple[int, ...], padding: Any, dilation: tuple[int, ...], groups: int
) -> Any:
    """Return the convolution of x with w plus the bias, if any; None where it is better done elsewhere."""
    return None


def backward_data(
    g: Any, w: Any, x_shape: tuple[int, ...], stride: tuple[int, ...], padding: Any, dilation: Any, groups: int
) -> Any:
    """Return the gradient of a convolution by its input; None where it is better done elsewhere."""
    return None


def backward_weights(
    x: Any, g: Any, w_shape: tuple[int, ...], stride: tuple[int, ...], padding: Any, dilation: Any, groups: int
) -> Any:
    """Return the gradient of a convolution by its weight; None where it is better done elsewhere."""
    return None
