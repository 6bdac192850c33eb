"""Convolution and its two gradients by oneDNN, for float32.

Activations are channels-last: of shape (N, C, *spatial), with the channels side by side in memory; others are brought
into that layout first. Weights change at every step, so every call brings them into the layout that oneDNN chose for
them, or brings their gradient back from it.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autodiff.kernels.onednn.library import UNIMPLEMENTED, Dims, OneDNNError, address, available
from autodiff.kernels.onednn.primitives import LINE, Maker, Primitive, State, state

TRAINING, DIRECT = 64, 1  # dnnl_forward_training, dnnl_convolution_direct
FROM, TO, SRC, DST, WEIGHTS, BIAS, DIFF_SRC, DIFF_DST, DIFF_WEIGHTS = 1, 17, 1, 17, 33, 41, 129, 145, 161  # DNNL_ARG_*

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Window = tuple[Ints, Pairs, Ints, int]  # stride, padding, dilation, groups


class Product:
    """One of the products of a convolution at given shapes; its kind, "y", "x" or "w", is what it computes."""

    def __init__(self, make: Maker, kind: str, x: Ints, w: Ints, laid: Ints, window: Window, bias: bool) -> None:
        lib = make.library
        stride, padding, dilation, groups = window
        y = output_shape(x, w, window)
        weights, apart = w, [n // 4 for n in laid]  # laid: the strides of the weights that are given, in bytes
        if groups > 1:
            weights, apart = (groups, w[0] // groups, *w[1:]), [w[0] // groups * apart[0], *apart]
        src, dst = (make.memory(shape, [n // 4 for n in side_by_side(shape)]) for shape in (x, y))
        given, chosen = make.memory(weights, apart), make.memory(weights, None)
        offset = make.memory((w[0],), (1,)) if bias else None
        steps = [Dims(*stride), Dims(*(d - 1 for d in dilation)), *(Dims(*ends) for ends in zip(*padding, strict=True))]
        made = make.description(
            "convolution_forward", lib.engine, TRAINING, DIRECT, src, chosen, offset, dst, *steps, lib.attributes
        )
        numbers: Ints = (SRC, DST, BIAS, WEIGHTS) if bias else (SRC, DST, WEIGHTS)
        rest = (dst, *steps, made, lib.attributes)
        if kind == "x":
            numbers = (DIFF_SRC, DIFF_DST, WEIGHTS)
            made = make.description("convolution_backward_data", lib.engine, DIRECT, src, chosen, *rest)
        elif kind == "w":
            numbers = (SRC, DIFF_DST, DIFF_WEIGHTS)
            made = make.description("convolution_backward_weights", lib.engine, DIRECT, src, chosen, None, *rest)
        self.implementation = make.implementation(made)
        self._product = product = make.primitive(made, *numbers)
        theirs = make.argument(made, numbers[-1])
        self._weights = 0  # bytes of the weights in a layout of oneDNN's own
        self._need = product.scratch
        self._before = self._after = None  # what brings the weights there, and back
        if not lib.equal(given, theirs):
            ends = (theirs, given) if kind == "w" else (given, theirs)
            reorder = make.reorder(*ends, *((TO, FROM) if kind == "w" else (FROM, TO)))
            self._before, self._after = (None, reorder) if kind == "w" else (reorder, None)
            self._weights = -(-lib.size_of(theirs) // LINE) * LINE
            self._need = self._weights + max(product.scratch, reorder.scratch)
        self._base = -1
        self.x, self.y = side_by_side(x), side_by_side(y)
        shape, strides = {"y": (y, self.y), "x": (x, self.x), "w": (w, laid)}[kind]
        self.result = as_strided(np.empty(1, np.float32), shape, strides)  # real in shape and layout alone

    def __call__(self, here: State, x: np.ndarray, w: np.ndarray, y: np.ndarray, *bias: np.ndarray) -> None:
        """Compute the one that `kind` named from the others."""
        if (base := here.room(self._need)) != self._base:
            self._move(base)
        product, offset = self._product, [address(b) for b in bias]
        if not self._weights:
            product(address(x), address(y), *offset, address(w))
            return
        if self._before:
            self._before(address(w))
        product(address(x), address(y), *offset)
        if self._after:
            self._after(address(w))

    def _move(self, base: int) -> None:
        """Work in the room at this address: the weights first, then the scratchpad."""
        self._base = base
        for primitive in (self._product, self._before, self._after):
            if primitive:
                primitive.aim(-1, base + self._weights)
                if self._weights:
                    primitive.aim(-2, base)


def in_order(shape: Ints) -> Ints:
    """Return the strides, in bytes, of a float32 array in C order."""
    strides, step = [], 4
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def side_by_side(shape: Ints) -> Ints:
    """Return the strides, in bytes, of a channels-last float32 array."""
    first, *rest = in_order((shape[0], *shape[2:], shape[1]))
    return first, rest[-1], *rest[:-1]


def output_shape(x: Ints, w: Ints, window: Window) -> Ints:
    """Return the shape of the convolution of an input and weights of these shapes."""
    stride, padding, dilation, _ = window
    fit = zip(x[2:], w[2:], stride, padding, dilation, strict=True)
    return (x[0], w[0], *((n + sum(ends) - d * (k - 1) - 1) // s + 1 for n, k, s, ends, d in fit))


def dense(w: np.ndarray) -> np.ndarray:
    """Return weights in C order, themselves if they are or if their channels are side by side."""
    if w.flags.c_contiguous or w.transpose(0, *range(2, w.ndim), 1).flags.c_contiguous:
        return w
    return np.ascontiguousarray(w)


def channels_last(here: State, x: np.ndarray, strides: Ints) -> np.ndarray:
    """Return the array with its channels side by side in memory, itself if they are; so they have these strides."""
    if x.strides == strides:
        return x
    turned = x.transpose(0, *range(2, x.ndim), 1)
    if turned.flags.c_contiguous:
        return x
    copy = np.empty(turned.shape, np.float32)
    # 30 us for 32x3x32x32, by NumPy 90; 54 and 300 for 32x16x32x32, both on one thread
    reorder: Primitive | None = here.ready(_turn, x.shape, x.strides, strides)
    if reorder is None:
        copy[...] = turned
    else:
        reorder(address(x), address(copy), here.room(reorder.scratch))
    return np.moveaxis(copy, -1, 1)


def _turn(make: Maker, shape: Ints, before: Ints, after: Ints) -> Primitive | None:
    """Make the copy from one layout into another, unless oneDNN cannot describe it: turned around, overlapping."""
    if any(n <= 0 or n % 4 for n in before):
        return None
    try:
        given, wanted = (make.memory(shape, [n // 4 for n in strides]) for strides in (before, after))
    except OneDNNError:
        return None
    return make.reorder(given, wanted, FROM, TO)


def _product(
    make: Maker, kind: str, x: Ints, w: Ints, laid: Ints, window: Window, bias: bool = False
) -> Product | None:
    """Make a product, unless there is nothing to compute or oneDNN is no good at it."""
    stride, padding, dilation, groups = window
    # where the stride leaves the last elements out, the windows may end before them
    fitted = stride, tuple([(low, max(high, 0)) for low, high in padding]), dilation, groups
    y = output_shape(x, w, window)
    if len(x) > 5 or min(*x, *w, *y) < 1 or min(padding)[0] < 0 or y != output_shape(x, w, fitted):
        return None
    # Images of few channels from strided gradients, ms on one thread, by oneDNN and by NumPy: 3x64x64 from 64 features,
    # 4x4 4.3, 0.9; 3x112x112 from 32, 7x7 6.8, 2.4; 3x64x64 from 32, 3x3 0.54, 0.28. Nearly all else measured is
    # oneDNN's, most by 2 to 3 times, from 1x1x4x4 (9 us, 30) on.
    if kind == "x" and groups == 1 and x[1] < 8 and max(stride) > 1:
        return None
    try:
        product = Product(make, kind, x, w, laid, fitted, bias)
    except OneDNNError as error:
        if error.status == UNIMPLEMENTED:
            return None
        raise
    return None if product.implementation.startswith("ref") else product


def convolution(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> np.ndarray | None:
    """Return the convolution of x (N, C, *spatial) with w (O, C / groups, *kernel), channels-last.

    `padding` holds a pair (before, after) for each axis of space, `dilation` is 1 for a dense kernel. None where oneDNN
    does not compute it: other dtypes than float32, nothing to sum, no fast implementation. So it is for the gradients.
    """
    if x.dtype != np.float32 or w.dtype != np.float32 or not available():
        return None
    w = dense(w)
    product: Product | None = (here := state()).ready(
        _product, "y", x.shape, w.shape, w.strides, (stride, padding, dilation, groups), bias is not None
    )
    if product is None:
        return None
    y = np.empty_like(product.result)
    offset = () if bias is None else (np.ascontiguousarray(bias, np.float32),)
    product(here, channels_last(here, x, product.x), w, y, *offset)
    return y


def backward_data(
    g: np.ndarray, w: np.ndarray, x_shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> np.ndarray | None:
    """Return the gradient by x, channels-last: the transposed convolution of g with w."""
    if g.dtype != np.float32 or w.dtype != np.float32 or not available():
        return None
    w = dense(w)
    product: Product | None = (here := state()).ready(
        _product, "x", x_shape, w.shape, w.strides, (stride, padding, dilation, groups)
    )
    if product is None:
        return None
    x = np.empty_like(product.result)
    product(here, x, w, channels_last(here, g, product.y))
    return x


def backward_weights(
    x: np.ndarray, g: np.ndarray, w_shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> np.ndarray | None:
    """Return the gradient by w, in C order."""
    if x.dtype != np.float32 or g.dtype != np.float32 or not available():
        return None
    product: Product | None = (here := state()).ready(
        _product, "w", x.shape, w_shape, in_order(w_shape), (stride, padding, dilation, groups)
    )
    if product is None:
        return None
    w = np.empty_like(product.result)
    product(here, channels_last(here, x, product.x), w, channels_last(here, g, product.y))
    return w
