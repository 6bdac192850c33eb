"""Pooling over one, two or three axes of images (N, C, ...) or of a single image (C, ...)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.kernels import pooling
from nn import _checks

Size = int | tuple[int, ...]
P = ParamSpec("P")


def images(name: str, input: Tensor, dims: int) -> Tensor:
    """Return the input as a batch; demand one, with channels and pixels."""
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[input.ndim - dims - 1 :]:
        kinds = f"(N, C{', L' * dims}) or (C{', L' * dims})"
        raise ArgumentError(f"{name}: expected an input of shape {kinds} that is not empty, got {input.shape}")
    return input if input.ndim == dims + 2 else input[None]


def _windows(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> pooling.Windows:
    dims = input.ndim - 2
    kernel = _checks.sizes(f"{name}: kernel_size", kernel_size, dims, 1)
    strides = kernel if stride is None else _checks.sizes(f"{name}: stride", stride, dims, 1)
    paddings = _checks.sizes(f"{name}: padding", padding, dims, 0)
    dilations = _checks.sizes(f"{name}: dilation", dilation, dims, 1)
    for k, p, d in zip(kernel, paddings, dilations, strict=True):
        if p > ((k - 1) * d + 1) // 2:
            raise ArgumentError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}"
            )
    windows = pooling.windows(input.shape[2:], kernel, strides, paddings, dilations, ceil_mode)
    if min(w[0] for w in windows) < 1:
        raise ArgumentError(
            f"{name}: the output of an input of size {tuple(input.shape[2:])} would have size "
            f"{tuple(w[0] for w in windows)}, which is too small; use a smaller kernel_size or pad the input"
        )
    return windows


def _max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    name = f"max_pool{dims}d"
    batch = images(name, input, dims)
    windows = _windows(name, batch, kernel_size, stride, padding, dilation, ceil_mode)
    output, which = pooling.max_pool(batch, windows=windows)
    single = input.ndim == dims + 1
    output = output[0] if single else output
    if not return_indices:
        return output
    places = pooling.places(which, windows, batch.shape[2:])
    return output, places[0] if single else places


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest elements of windows; with `return_indices` also their places. Strides default to the kernel's.

    >>> max_pool1d(ad.tensor([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True)
    (tensor([[3., 5.]]), tensor([[1, 3]]))
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest elements of windows; the places of `return_indices` count the pixels row by row."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest elements of windows; with `return_indices` also their places."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


# --- averages --------------------------------------------------------------------------------------------------------


def _avg_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    name = f"avg_pool{dims}d"
    _checks.floating(name, input)
    batch = images(name, input, dims)
    if divisor_override == 0:
        raise ArgumentError(f"{name}: divisor_override must not be 0")
    windows = _windows(name, batch, kernel_size, stride, padding, 1, ceil_mode)
    counts = [_sizes_of_windows(w, n, count_include_pad) for w, n in zip(windows, batch.shape[2:], strict=True)]
    if divisor_override is not None or all((c == c[0]).all() for c in counts):
        divisor = divisor_override if divisor_override is not None else math.prod(int(c[0]) for c in counts)
        output: Tensor = pooling.sum_pool(batch, windows=windows, scale=1 / divisor)
    else:
        each = math.prod(c.reshape(-1, *[1] * (dims - 1 - i)) for i, c in enumerate(counts))
        output = pooling.sum_pool(batch, windows=windows) * (1 / each).astype(batch.dtype)
    return output[0] if input.ndim == dims + 1 else output


def _sizes_of_windows(window: tuple[int, ...], n: int, padded: bool) -> Any:
    """Return how many elements the windows along an axis have; those beyond the end of the padding never count."""
    count, kernel, stride, padding, _ = window
    begin = np.arange(count) * stride - padding
    end = np.minimum(begin + kernel, n + padding)
    return end - begin if padded else np.minimum(end, n) - np.maximum(begin, 0)


def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the means of windows; padding counts as zeros unless `count_include_pad` is False."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the means of windows, or their sums divided by `divisor_override`."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the means of windows, or their sums divided by `divisor_override`."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# --- norms -----------------------------------------------------------------------------------------------------------


def _lp_pool(dims: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    if norm_type == 0:
        raise ArgumentError(f"lp_pool{dims}d: norm_type must not be 0")
    if input.dtype == np.float16:
        return _lp_pool(dims, input.float(), norm_type, kernel_size, stride, ceil_mode).half()
    if math.isinf(norm_type):
        signed: Any = np.abs(input) * math.copysign(1, norm_type)
        return _max_pool(dims, signed, kernel_size, stride, 0, 1, ceil_mode, False) * math.copysign(1, norm_type)
    size = math.prod(_checks.sizes(f"lp_pool{dims}d: kernel_size", kernel_size, dims, 1))
    total = _avg_pool(dims, input**norm_type, kernel_size, stride, 0, ceil_mode, True, None) * size
    nothing = total == 0  # where the norm has no gradient, it is 0
    return np.where(nothing, 0, np.where(nothing, 1, total) ** (1 / norm_type))


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-th roots of the sums of p-th powers over windows, p being `norm_type`.

    Powers are not of absolute values: an odd sum that is negative has no root (NaN). A window that hangs over the end
    (`ceil_mode`) counts as if it had as many elements as the others.

    >>> lp_pool1d(ad.tensor([[3.0, 4.0, 0.0, 0.0]]), 2, 2)
    tensor([[5., 0.]])
    """
    output: Tensor = _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)
    return output


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-th roots of the sums of p-th powers over windows; see `lp_pool1d`."""
    output: Tensor = _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)
    return output


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-th roots of the sums of p-th powers over windows; see `lp_pool1d`."""
    output: Tensor = _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
    return output


# --- windows that divide the input into a given number of parts ------------------------------------------------------


def _targets(name: str, input: Tensor, output_size: Any) -> tuple[int, ...]:
    """Return the size of the output; None stands for the input's own."""
    dims = input.ndim - 2
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,)
    given = given * dims if len(given) == 1 else given
    if len(given) == dims:
        given = tuple(n if size is None else size for n, size in zip(input.shape[2:], given, strict=True))
    return _checks.sizes(f"{name}: output_size", given, dims, 0)


def _parts(n: int, count: int) -> tuple[Any, Any]:
    """Return where `count` parts of n elements begin and end: they overlap where they are not of one size."""
    numbers = np.arange(count)
    return numbers * n // max(count, 1), -((numbers + 1) * -n // max(count, 1))


def _even(n: int, count: int) -> bool:
    return count > 0 and n % count == 0


def _equal_windows(lengths: tuple[int, ...], targets: tuple[int, ...]) -> pooling.Windows:
    sizes = [max(n // max(m, 1), 1) for n, m in zip(lengths, targets, strict=True)]
    return tuple((m, size, size, 0, 1) for m, size in zip(targets, sizes, strict=True))


def _adaptive_avg_pool(dims: int, input: Tensor, output_size: Any) -> Tensor:
    name = f"adaptive_avg_pool{dims}d"
    _checks.floating(name, input)
    output = batch = images(name, input, dims)
    targets = _targets(name, batch, output_size)
    for axis, m in enumerate(targets, start=2):
        n = batch.shape[axis]
        if not _even(n, m):  # a product with the weights of each part
            (begin, end), at = _parts(n, m), np.arange(n)
            inside = (at >= begin[:, None]) & (at < end[:, None])
            weights = (inside / (end - begin)[:, None]).astype(batch.dtype)
            output = output.swapaxes(axis, -1).matmul(weights.T).swapaxes(axis, -1)
    left = tuple(m if _even(n, m) else n for n, m in zip(output.shape[2:], targets, strict=True))
    if left != output.shape[2:]:
        windows = _equal_windows(output.shape[2:], left)
        output = pooling.sum_pool(output, windows=windows, scale=1 / math.prod(w[1] for w in windows))
    return output[0] if input.ndim == dims + 1 else output


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of `output_size` parts.

    >>> adaptive_avg_pool1d(ad.tensor([[1.0, 2.0, 3.0]]), 2)
    tensor([[1.5, 2.5]])
    """
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of as many parts along each axis as `output_size` says; None keeps an axis as it is."""
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of as many parts along each axis as `output_size` says; None keeps an axis as it is."""
    return _adaptive_avg_pool(3, input, output_size)


def _adaptive_max_pool(dims: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    name = f"adaptive_max_pool{dims}d"
    expanded = batch = images(name, input, dims)
    targets = _targets(name, batch, output_size)
    axes: list[Any] = [np.arange(n) for n in batch.shape[2:]]  # where the elements of the expanded image come from
    for i, (n, m) in enumerate(zip(batch.shape[2:], targets, strict=True)):
        if not _even(n, m):  # parts of different sizes are made equal: their last elements stand twice
            begin, end = _parts(n, m)
            longest = int((end - begin).max(initial=1))
            axes[i] = np.minimum(begin[:, None] + np.arange(longest), end[:, None] - 1).reshape(-1)
            expanded = np.take(expanded, axes[i], axis=i + 2)
    windows = _equal_windows(tuple(map(len, axes)), targets)
    output, which = pooling.max_pool(expanded, windows=windows)
    single = input.ndim == dims + 1
    output = output[0] if single else output
    if not return_indices:
        return output
    places = pooling.places(which, windows, expanded.shape[2:])
    grid = np.zeros((), np.int64)
    for n, at in zip(batch.shape[2:], axes, strict=True):
        grid = grid[..., None] * n + at
    places = ad.as_tensor(grid.reshape(-1))[places]
    return output, places[0] if single else places


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest elements of `output_size` parts; with `return_indices` also their places."""
    return _adaptive_max_pool(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest elements of as many parts along each axis as `output_size` says."""
    return _adaptive_max_pool(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest elements of as many parts along each axis as `output_size` says."""
    return _adaptive_max_pool(3, input, output_size, return_indices)


# --- under the names that always return places -----------------------------------------------------------------------


def with_indices(pool: Callable[P, Any]) -> Callable[P, tuple[Tensor, Tensor]]:
    """Return a pooling function of the same arguments that returns places, whatever `return_indices` is."""
    signature = inspect.signature(pool)

    def pooled(*args: P.args, **kwargs: P.kwargs) -> tuple[Tensor, Tensor]:
        given = signature.bind(*args, **kwargs)
        given.arguments["return_indices"] = True
        both: tuple[Tensor, Tensor] = pool(*given.args, **given.kwargs)
        return both

    given = [p.replace(default=True) if p.name == "return_indices" else p for p in signature.parameters.values()]
    pooled.__signature__ = signature.replace(parameters=given)  # type: ignore[attr-defined]
    pooled.__name__ = pooled.__qualname__ = f"{pool.__name__}_with_indices"
    pooled.__doc__ = f"Return `{pool.__name__}` and the places of its elements."
    pooled.__module__ = pool.__module__
    return pooled


max_pool1d_with_indices = with_indices(max_pool1d)
max_pool2d_with_indices = with_indices(max_pool2d)
max_pool3d_with_indices = with_indices(max_pool3d)
adaptive_max_pool1d_with_indices = with_indices(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = with_indices(adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = with_indices(adaptive_max_pool3d)
