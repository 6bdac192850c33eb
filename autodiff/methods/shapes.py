"""Methods that rearrange, join and split, and those that pick elements and put them."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy
from numpy.lib.array_utils import normalize_axis_index

from autodiff.kernels.indexing import getitem, parse, put, scatter_add
from autodiff.methods.attributes import Attributes
from autodiff.methods.entries import np
from autodiff.rules.indexing import along


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape given as one tuple or as several integers."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(operator.index(n) for n in sizes)


class Shapes(Attributes):
    """The part of a Tensor's methods that is about places, not values."""

    __slots__ = ()

    # --- shapes ---

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        return np.reshape(self, _shape(shape), order)

    def view(self, *shape: Any) -> Any:
        """Return the tensor in another shape (PyTorch's view; reinterpreting the bytes is t.numpy().view(dtype))."""
        return np.reshape(self, _shape(shape))

    def view_as(self, other: Any) -> Any:
        return np.reshape(self, other.shape)

    reshape_as = view_as

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes, as ndarray does: `x.transpose(1, 0, 2)`; of more than two, PyTorch's two are exchanged."""
        if len(axes) == 2 and all(isinstance(n, int) for n in axes):
            if self.ndim > 2:
                return np.swapaxes(self, *axes)
            if self.ndim == 2 and axes[0] % 2 == 0:
                warnings.warn(
                    f"transpose{axes} of a matrix lists its axes, as in NumPy, and changes nothing; x.T, or "
                    f"x.swapaxes{axes}, exchanges them.",
                    UserWarning,
                    stacklevel=2,
                )
        return np.transpose(self, None if not axes or axes == (None,) else _shape(axes))

    def permute(self, *dims: Any) -> Any:
        return np.transpose(self, _shape(dims))

    def t(self) -> Any:
        """Transpose a matrix (a vector stays as it is)."""
        if self.ndim > 2:
            raise ValueError(f"t() takes at most two axes; this Tensor has shape {self.shape}. Use .mT or permute().")
        return np.transpose(self)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return np.swapaxes(self, axis1, axis2)

    swapdims = swapaxes

    def squeeze(self, axis: Any = None, *, dim: Any = None) -> Any:
        """Drop axes of length 1; PyTorch's rule holds for a given `dim`: one of another length stays."""
        if dim is not None:
            dims = dim if isinstance(dim, tuple) else (dim,)
            axis = tuple(d for d in dims if self.shape[d] == 1)
        return np.squeeze(self, axis)

    def unsqueeze(self, dim: int) -> Any:
        return np.expand_dims(self, dim)

    def ravel(self, order: str = "C") -> Any:
        return np.ravel(self, order)

    def flatten(self, start_dim: Any = 0, end_dim: int = -1) -> Any:
        """Join axes start_dim to end_dim into one."""
        if isinstance(start_dim, str):
            return np.ravel(self, start_dim)
        if not self.ndim:
            return np.reshape(self, (1,))
        start, end = normalize_axis_index(start_dim, self.ndim), normalize_axis_index(end_dim, self.ndim) + 1
        if start >= end:
            raise ValueError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}.")
        joined = math.prod(self.shape[start:end])
        return np.reshape(self, (*self.shape[:start], joined, *self.shape[end:]))

    def expand(self, *sizes: Any) -> Any:
        """Broadcast to a shape; -1 keeps an axis."""
        sizes = _shape(sizes)
        lead = len(sizes) - self.ndim
        if -1 in sizes[: max(lead, 0)]:
            raise ValueError(f"expand: {sizes} has -1 at an axis that shape {self.shape} does not have.")
        return np.broadcast_to(self, tuple(self.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)))

    def expand_as(self, other: Any) -> Any:
        return np.broadcast_to(self, other.shape)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Repeat elements, as ndarray does (PyTorch's repeat is `tile`)."""
        return np.repeat(self, repeats, axis)

    def repeat_interleave(self, repeats: Any, dim: int | None = None) -> Any:
        return np.repeat(self, repeats, dim)

    def tile(self, *reps: Any) -> Any:
        return np.tile(self, _shape(reps))

    def split(self, size: Any, dim: int = 0) -> Any:
        """Split into pieces of a size (PyTorch's meaning; np.split counts the pieces)."""
        if not isinstance(size, int) and sum(size) != self.shape[dim]:
            raise ValueError(f"split: sizes {size} sum to {sum(size)}; axis {dim} has length {self.shape[dim]}.")
        stops = range(size, self.shape[dim], size) if isinstance(size, int) else numpy.cumsum(size)[:-1]
        return tuple(np.split(self, list(stops), dim))

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        size = -(-self.shape[dim] // chunks)
        return self.split(size or 1, dim)

    def unbind(self, dim: int = 0) -> Any:
        return tuple(np.unstack(self, axis=dim))

    def unflatten(self, dim: int, sizes: Any) -> Any:
        """Split one axis into several; one of their sizes may be -1."""
        dim = normalize_axis_index(dim, self.ndim)
        return np.reshape(self, (*self.shape[:dim], *_shape((sizes,)), *self.shape[dim + 1 :]))

    def flip(self, *dims: Any) -> Any:
        """Reverse the order along some axes, or along all."""
        return np.flip(self, _shape(dims) if dims else None)

    def roll(self, shifts: Any, dims: Any = None) -> Any:
        return np.roll(self, shifts, dims)

    def narrow(self, dim: int, start: int, length: int) -> Any:
        """Return `length` slices along an axis, from `start` on."""
        if not 0 <= start <= start + length <= self.shape[dim]:
            raise ValueError(f"narrow: {length} from {start} on leave axis {dim}, which has length {self.shape[dim]}.")
        return np.moveaxis(np.moveaxis(self, dim, 0)[start : start + length], 0, dim)

    def select(self, dim: int, index: int) -> Any:
        """Return one slice along an axis."""
        return np.moveaxis(self, dim, 0)[index]

    def contiguous(self) -> Any:
        """Return the tensor itself: every operation takes any memory layout."""
        return self

    # --- indexing ---

    def take(self, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
        return np.take(self, indices, axis, mode=mode)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Write values at places of the flattened tensor, in place, as ndarray does."""
        np.put(self, indices, values, mode)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the slices along an axis (or the elements) where a condition holds."""
        return np.compress(condition, self, axis)

    def index_select(self, dim: int, index: Any) -> Any:
        return np.take(self, index, dim)

    def gather(self, dim: int, index: Any) -> Any:
        """Pick elements along one axis: `out[i][j] = x[index[i][j]][j]` for dim 0."""
        template, arrays = parse(self._along("gather", dim, index))
        return getitem(self, *arrays, index=template)

    def scatter(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with elements of src written along one axis; the adjoint pattern of gather."""
        template, arrays = parse(self._along("scatter", dim, index))
        cut = tuple(slice(n) for n in index.shape)
        return put(self, src[cut] if np.ndim(src) else float(src), *arrays, index=template)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """Return the tensor plus elements of src added along one axis."""
        template, arrays = parse(self._along("scatter_add", dim, index))
        cut = tuple(slice(n) for n in index.shape)
        return np.add(self, scatter_add(src[cut], *arrays, index=template, shape=self.shape))

    def _along(self, name: str, dim: int, index: Any) -> tuple[Any, ...]:
        if index.ndim != self.ndim:
            raise ValueError(f"{name}: an index of shape {index.shape} for shape {self.shape}; expected as many axes.")
        return along(index.shape, index, dim)

    def masked_fill(self, mask: Any, value: Any) -> Any:
        return np.where(mask, value, self)

    def masked_select(self, mask: Any) -> Any:
        return self[mask]  # type: ignore[index]

    def where(self, condition: Any, other: Any) -> Any:
        """Return self where the condition holds, other elsewhere."""
        return np.where(condition, self, other)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return np.trace(self, offset, axis1, axis2)

    def tril(self, diagonal: int = 0) -> Any:
        return np.tril(self, diagonal)

    def triu(self, diagonal: int = 0) -> Any:
        return np.triu(self, diagonal)
