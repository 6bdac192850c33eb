"""Normalization as single operations: of channels (over the batch, or in groups) and of rows (the last axes).

Each returns its result with the mean and the variance it took out, and saves these and its input alone. The backward
passes are operations themselves. With d = (x - mean) / sqrt(var + eps) and E the mean over what is normalized together,

    dx = (h - E(h) - d E(h d)) / sqrt(var + eps),   h = g weight,

a map that is its own transpose in h; without centering (RMS) there is no term E(h).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autodiff.kernels import compiled, images, normalization_loops
from autodiff.primitive import outputs
from autodiff.summation import ones

ROW = 512  # NumPy's loops over rows of 16 channels take 5 times as long as over rows of 512


# --- channels along axis 1 -------------------------------------------------------------------------------------------


class _Planes:
    """Images (N, C, ...) as views (N, C, S), or (N, S, C) where the channels are last in memory.

    `together` makes all images one. Of few channels last, several pixels make a row. Sums of a channel, and numbers
    of one, have the shape (N or 1, C).
    """

    def __init__(self, x: Any, together: bool) -> None:
        n, c = x.shape[:2]
        self.last = images.channels_last(x)
        self.images = 1 if together and self.last else n
        self.together, self.channels, pixels = together, c, x.size // max(self.images * c, 1)
        self.per_row = 1
        while self.last and self.per_row * c < ROW and pixels and pixels % (2 * self.per_row) == 0:
            self.per_row *= 2
        self.rows = (pixels // self.per_row, c * self.per_row) if self.last else (c, pixels)
        self.count = x.size // max(c, 1) if together else math.prod(x.shape[2:])
        self.fast = self.last and x.dtype == np.float32 and compiled.available()

    def view(self, x: Any) -> Any:
        """Return images in this layout, copied only if they have another."""
        return images.in_memory(x, self.last).reshape(self.images, *self.rows)

    def new(self, like: Any) -> tuple[Any, Any]:
        """Return new images in this layout, and their view."""
        y = images.empty(like.shape, like.dtype, self.last)
        return y, self.view(y)

    def folded(self, sums: Any) -> Any:
        """Return sums of columns (or of images) as sums of channels."""
        if self.per_row > 1:
            sums = sums.reshape(len(sums), self.per_row, self.channels).sum(1)
        return sums.sum(0, keepdims=True) if self.together and len(sums) > 1 else sums

    def spread(self, p: Any, dtype: Any) -> Any:
        """Return numbers of channels so that they broadcast with a view."""
        p = np.asarray(p, dtype)
        return np.tile(p, self.per_row)[:, None, :] if self.last else p[:, :, None]

    def total(self, a: Any) -> Any:
        """Return the sum of each channel: a product with ones, 50 against 232 us of np.sum for 16384x64."""
        if self.last:
            return self.folded(np.matmul(ones(a.shape[1], a.dtype), a))
        return self.folded(np.matmul(a, ones(a.shape[2], a.dtype)))

    def dot(self, a: Any, b: Any) -> Any:
        """Return the sum of each channel of a product."""
        return self.folded(np.einsum("nsc,nsc->nc" if self.last else "ncs,ncs->nc", a, b))

    def of_channels(self, p: Any, groups: int | None) -> Any:
        """Return numbers of groups (N, groups), or of channels (C), as numbers of channels (N or 1, C)."""
        return p[None] if groups is None else np.repeat(p, self.channels // max(groups, 1), axis=1)


def _of_groups(p: Any, groups: int | None) -> Any:
    """Return sums of channels (N, C) as sums of groups (N, groups); (1, C) as (C), each channel being its own."""
    return p[0] if groups is None else p.reshape(len(p), groups, p.shape[1] // max(groups, 1)).sum(2)


def _common(*operands: Any) -> tuple[Any, Any]:
    """Return the dtype that operands have together, and the one to compute in: float32 for float16."""
    dtypes = {p.dtype for p in operands if p is not None}
    dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
    return dtype, np.dtype(np.float32) if dtype == np.float16 else dtype


def _flat(p: Any, count: int, default: float, dtype: Any) -> Any:
    """Return a weight or a bias as a vector of a dtype."""
    return np.full(count, default, dtype) if p is None else np.ascontiguousarray(p, dtype).reshape(count)


def _channel_rule(g: Any, x: Any, weight: Any, y1: Any, y2: Any, groups: Any, eps: Any) -> list[Any]:
    view = partial(_channel_view, x, groups)
    return _first(g, channel_norm_backward, x, y1, y2, weight, view, groups=groups, eps=eps)


@outputs(_channel_rule, together=True, analytic=True)
def channel_norm(x: Any, weight: Any = None, bias: Any = None, *, groups: int | None, eps: float) -> Any:
    """Normalize the channels (axis 1) of images (N, C, ...); return the result, the means and the variances.

    With `groups` each image's groups of channels are normalized, without it each channel over all images. The means
    and variances, (N, groups) or (C), divide by the number of elements. Channels may lie last in memory, and stay so.
    """
    given, dtype = _common(x, weight, bias)
    x = x.astype(dtype, copy=False)
    planes = _Planes(x, together=groups is None)
    a, (y, out) = planes.view(x), planes.new(x)
    if planes.fast and a.size:
        mean, var = np.empty((2, planes.images, groups or planes.channels), dtype)
        w, b = _flat(weight, planes.channels, 1, dtype), _flat(bias, planes.channels, 0, dtype)
        normalization_loops.normalized_planes(a, w, b, eps, out, mean, var)
        mean, var = (mean, var) if groups is not None else (mean[0], var[0])
    else:
        share = 1 / (planes.count * planes.channels // (groups or planes.channels)) if a.size else 0.0
        mean = _of_groups(planes.total(a), groups) * share
        np.subtract(a, planes.spread(planes.of_channels(mean, groups), dtype), out=out)
        var = _of_groups(planes.dot(out, out), groups) * share
        scale = planes.of_channels(1 / np.sqrt(var + eps), groups)
        np.multiply(out, planes.spread(scale if weight is None else scale * weight, dtype), out=out)
        if bias is not None:
            np.add(out, planes.spread(np.reshape(bias, (1, -1)), dtype), out=out)
    return tuple(t.astype(given, copy=False) for t in (y, mean, var))


def _channel_twice(g: Any, a: Any, x: Any, mean: Any, var: Any, weight: Any, groups: Any, eps: Any) -> list[Any]:
    return _second(g, a, x, mean, var, weight, _channel_view(x, groups), eps)


@outputs(_channel_twice, together=True, analytic=True)
def channel_norm_backward(
    grad: Any, x: Any, mean: Any, var: Any, weight: Any = None, *, groups: int | None, eps: float
) -> Any:
    """Return the gradients of channel_norm's input, weight and bias, given that of its result and what it took out."""
    given, dtype = _common(grad, x, mean, var, weight)
    grad, x, mean, var = (p.astype(dtype, copy=False) for p in (grad, x, mean, var))
    planes = _Planes(x, together=groups is None)
    a, h, (dx, out) = planes.view(x), planes.view(grad), planes.new(x)
    if planes.fast:
        dweight, dbias = np.zeros((2, planes.channels), dtype)
        w, shape = _flat(weight, planes.channels, 1, dtype), (planes.images, groups or planes.channels)
        mean, var = np.ascontiguousarray(mean).reshape(shape), np.ascontiguousarray(var).reshape(shape)
        normalization_loops.planes_backward(h, a, w, mean, var, eps, out, dweight, dbias)
    else:
        mean, r = (planes.of_channels(p, groups) for p in (mean, 1 / np.sqrt(var + eps)))
        np.subtract(a, planes.spread(mean, dtype), out=out)
        first, second, scale = planes.total(h), planes.dot(h, out) * r, r
        dweight, dbias = second.sum(0), first.sum(0)
        share = 1 / max(planes.count * planes.channels // max(groups or planes.channels, 1), 1)
        if groups is None:  # the weight of a channel is a factor of all
            scale = r if weight is None else r * weight
        elif weight is not None:
            first, second = first * weight, second * weight
            h = h * planes.spread(np.reshape(weight, (1, -1)), dtype)
        if groups is not None:
            first, second = (planes.of_channels(_of_groups(s, groups), groups) for s in (first, second))
        np.multiply(out, planes.spread(second * r * -share, dtype), out=out)
        np.add(out, h, out=out)
        np.subtract(out, planes.spread(first * share, dtype), out=out)
        np.multiply(out, planes.spread(scale, dtype), out=out)
    return tuple(t.astype(given, copy=False) for t in (dx, dweight, dbias))


# --- rows: the last axes ---------------------------------------------------------------------------------------------


def _row_rule(g: Any, x: Any, weight: Any, y1: Any, y2: Any, dims: Any, eps: Any, center: Any) -> list[Any]:
    view = partial(_row_view, x, dims, center)
    return _first(g, layer_norm_backward, x, y1, y2, weight, view, dims=dims, eps=eps, center=center)


@outputs(_row_rule, together=True, analytic=True)
def layer_norm(x: Any, weight: Any = None, bias: Any = None, *, dims: int, eps: float, center: bool = True) -> Any:
    """Normalize over the last `dims` axes, the weight's and the bias'; return the result, the means, the variances.

    Without `center` nothing is subtracted: the means are 0 and the variances those about 0 (RMS normalization).
    """
    given, dtype = _common(x, weight, bias)
    rows, shape = _rows(x, dims, dtype), x.shape[: x.ndim - dims]
    y = np.empty(x.shape, dtype)
    out, columns = y.reshape(rows.shape), rows.shape[1]
    if _in_loops(dtype):
        mean, var = np.empty((2, len(rows)), dtype)
        w, b = _flat(weight, columns, 1, dtype), _flat(bias, columns, 0, dtype)
        normalization_loops.normalized_rows(rows, w, b, dtype.type(eps), center, out, mean, var)
    else:
        ones = np.full(columns, 1 / max(columns, 1), dtype)
        mean = np.matmul(rows, ones) if center else np.zeros(len(rows), dtype)
        np.subtract(rows, mean[:, None], out=out)
        var = np.einsum("ij,ij->i", out, out) / max(columns, 1)
        np.multiply(out, (1 / np.sqrt(var + dtype.type(eps)))[:, None], out=out)
        if weight is not None:
            np.multiply(out, _flat(weight, columns, 1, dtype), out=out)
        if bias is not None:
            np.add(out, _flat(bias, columns, 0, dtype), out=out)
    mean, var = mean.reshape(shape), var.reshape(shape)
    return tuple(t.astype(given, copy=False) for t in (y, mean, var))


def _row_twice(g: Any, a: Any, x: Any, mean: Any, var: Any, weight: Any, dims: Any, eps: Any, center: Any) -> list[Any]:
    return _second(g, a, x, mean, var, weight, _row_view(x, dims, center), eps)


@outputs(_row_twice, together=True, analytic=True)
def layer_norm_backward(
    grad: Any, x: Any, mean: Any, var: Any, weight: Any = None, *, dims: int, eps: float, center: bool = True
) -> Any:
    """Return the gradients of layer_norm's input, weight and bias, given that of its result and what it took out."""
    given, dtype = _common(grad, x, mean, var, weight)
    rows = _rows(x, dims, dtype)
    g = np.ascontiguousarray(grad, dtype).reshape(rows.shape)
    columns, mean = rows.shape[1], _flat(mean, len(rows), 0, dtype)
    r = 1 / np.sqrt(_flat(var, len(rows), 0, dtype) + dtype.type(eps))
    dx = np.empty(x.shape, dtype)
    out, w = dx.reshape(rows.shape), _flat(weight, columns, 1, dtype)
    if _in_loops(dtype):
        dweight, dbias = np.zeros((2, columns), dtype)
        normalization_loops.rows_backward(g, rows, w, mean, r, center, out, dweight, dbias)
    else:
        np.subtract(rows, mean[:, None], out=out)
        np.multiply(out, r[:, None], out=out)
        dweight, dbias = np.einsum("ij,ij->j", g, out), np.matmul(np.ones(len(g), dtype), g)
        h = g if weight is None else g * w
        np.multiply(out, np.einsum("ij,ij->i", h, out)[:, None] / -max(columns, 1), out=out)
        np.add(out, h, out=out)
        if center:
            np.subtract(out, np.matmul(g, w / max(columns, 1))[:, None], out=out)
        np.multiply(out, r[:, None], out=out)
    shape = x.shape[x.ndim - dims :]
    return tuple(t.astype(given, copy=False) for t in (dx, dweight.reshape(shape), dbias.reshape(shape)))


def _rows(x: Any, dims: int, dtype: Any) -> Any:
    if x.ndim < dims:
        raise ValueError(
            f"an array of shape {x.shape} has no {dims} axes to normalize over; expected at least as many."
        )
    columns = math.prod(x.shape[x.ndim - dims :])
    return np.ascontiguousarray(x, dtype).reshape(math.prod(x.shape[: x.ndim - dims]), columns)


def _in_loops(dtype: Any) -> bool:
    return compiled.available() and dtype in (np.float32, np.float64)


# --- the derivatives of both, in NumPy -------------------------------------------------------------------------------


class _View(NamedTuple):
    """How images or rows are looked at by a rule: their shape, what is normalized together, and where weights lie."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]  # normalized together
    weight: tuple[int, ...]  # the shape of a weight that broadcasts
    free: tuple[int, ...]  # the axes along which it does
    center: bool = True

    def kept(self, p: Any) -> Any:
        """Return numbers of what is normalized together so that they broadcast."""
        return np.expand_dims(p, self.axes)

    def mean(self, t: Any) -> Any:
        """Return the mean of what is normalized together."""
        return np.mean(t, axis=self.axes, keepdims=True)


def _channel_view(x: Any, groups: int | None) -> _View:
    n, c, *pixels = x.shape
    ones = (1,) * len(pixels)
    if groups is None:
        axes = (0, *range(2, x.ndim))
        return _View(x.shape, axes, (c, *ones), axes)
    spatial = tuple(range(3, x.ndim + 1))
    return _View((n, groups, c // groups, *pixels), (2, *spatial), (groups, c // groups, *ones), (0, *spatial))


def _row_view(x: Any, dims: int, center: bool) -> _View:
    lead = x.ndim - dims
    return _View(x.shape, tuple(range(lead, x.ndim)), x.shape[lead:], tuple(range(lead)), center)


def _first(g: Any, backward: Any, x: Any, mean: Any, var: Any, weight: Any, look: Any, **keywords: Any) -> list[Any]:
    """Return the gradients by input, weight and bias; those of the means and variances are used when asked for."""
    dx = dw = db = None
    if g[0] is not None:
        dx, dw, db = backward(g[0], x, mean, var, weight, **keywords)
    if g[1] is not None or g[2] is not None:
        view: _View = look()
        size = max(math.prod(view.shape[i] for i in view.axes), 1)
        by_mean = 0.0 if g[1] is None or not view.center else view.kept(g[1])
        by_var = 0.0 if g[2] is None else view.kept(g[2])
        h = ((np.reshape(x, view.shape) - view.kept(mean)) * (by_var * 2) + by_mean) * (1 / size)
        dx = np.reshape(h, x.shape) if dx is None else dx + np.reshape(h, x.shape)
    return [dx, dw, db]


def _second(g: Any, a: Any, x: Any, mean: Any, var: Any, weight: Any, view: _View, eps: float) -> list[Any]:
    """Return the gradients of a backward pass by its operands; u, p, q are those of its three results."""
    u, p, q = g.filled()
    a, c, u = np.reshape(a, view.shape), np.reshape(x, view.shape) - view.kept(mean), np.reshape(u, view.shape)
    w = 1.0 if weight is None else np.reshape(weight, view.weight)
    p, q, r = np.reshape(p, view.weight), np.reshape(q, view.weight), 1 / np.sqrt(view.kept(var) + eps)
    d, h = c * r, a * w
    across, along = view.mean(h * d), view.mean(u * d)
    back, through = u - d * along, h - d * across
    if view.center:
        back, through = back - view.mean(u), through - view.mean(h)
    s = a * p - r * (u * across + h * along)  # by d
    dc = s * r
    dvar = np.sum(u * through + s * c, axis=view.axes, keepdims=True) * (r * r * r * -0.5)
    dweight = None if weight is None else np.reshape(np.sum(a * r * back, axis=view.free), weight.shape)
    return [
        np.reshape(w * r * back + p * d + q, x.shape),
        np.reshape(dc, x.shape),
        -np.sum(dc, axis=view.axes),
        np.reshape(dvar, var.shape),
        dweight,
    ]
