"""The adjoint of a convolution by its images, as convolutions of the outputs with the kernel turned around.

A stride takes it apart: elements of the image that lie a stride apart meet the same elements of the kernel, so that
each phase is a convolution of its own, without stride, and no zeros are multiplied.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.kernels.convolution.geometry import Geometry


class Phase(NamedTuple):
    """Every so many elements of one axis of an image, and the convolution along that axis that makes them."""

    place: slice
    taps: slice
    kernel: int
    dilation: int
    padding: tuple[int, int]


def transpose(forward: Callable[..., None], y: Any, w: Any, x: Any, sizes: Geometry) -> None:
    """Write the adjoint for y (n, *out, f) and w (f, c, *kernel) into x (n, *size, c), by convolutions `forward`."""
    for residues in itertools.product(*map(range, sizes.stride)):
        axes = [_phase(sizes, axis, r) for axis, r in enumerate(residues)]
        part = x[(slice(None), *[a.place for a in axes])]
        if not part.size:
            continue
        if not all(a.kernel for a in axes):  # between the elements that the windows meet
            part[...] = 0
            continue
        turned = np.flip(w[(slice(None), slice(None), *[a.taps for a in axes])], tuple(range(2, w.ndim)))
        forward(y, np.swapaxes(turned, 0, 1), None, part, Geometry(
            sizes.batch, sizes.features, sizes.channels, sizes.out, tuple([a.kernel for a in axes]), part.shape[1:-1],
            (1,) * len(axes), tuple([a.padding for a in axes]), tuple([a.dilation for a in axes]), sizes.groups,
        ))  # fmt: skip


def _phase(sizes: Geometry, axis: int, residue: int) -> Phase:
    """Return the phase of the padded places p = residue + stride * q.

    A tap k meets them where (p - dilation * k) / stride, the output it belongs to, is whole. Such taps lie
    stride / gcd apart, and their outputs dilation / gcd.
    """
    s, d, low = sizes.stride[axis], sizes.dilation[axis], sizes.padding[axis][0]
    common = math.gcd(s, d)
    start = -((residue - low) // s)  # the first q inside the image
    place = slice(residue + s * start - low, None, s)
    first = next((k for k in range(s // common) if (residue - d * k) % s == 0), sizes.kernel[axis])
    taps = slice(first, None, s // common)
    kernel = len(range(sizes.kernel[axis])[taps])
    before = d // common * (kernel - 1) - (residue - d * first) // s - start
    length = len(range(sizes.size[axis])[place])
    after = length + d // common * (kernel - 1) - sizes.out[axis] - before
    return Phase(place, taps, kernel, d // common, (before, after))
