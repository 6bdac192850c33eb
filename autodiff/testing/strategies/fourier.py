"""Arguments of Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.kernels.fourier import doubled, resized
from autodiff.testing.strategies.drawing import Arguments, Draw

fft = np.fft
NORMS = (None, "backward", "ortho", "forward")


def line(d: Draw, least: int = 1) -> Arguments:
    """Draw an array with at least some elements along an axis, and a length that crops or pads."""
    shape = list(d.shape(dims=1))
    axis = d.axis(len(shape))
    shape[axis] = max(shape[axis], least)
    keywords = {"n": d.integer(1, 5)} if d.chance() else {}
    return [d.array(tuple(shape))], keywords | {"axis": axis, "norm": d.choice(*NORMS)}


def plane(d: Draw, least: int = 1, dims: int = 2) -> Arguments:
    """Draw an array, some of its axes in any order, and lengths for them."""
    shape = list(d.shape(dims=dims, sides=1))
    given: dict[str, Any] = {"norm": d.choice(*NORMS)}
    chosen = list(range(-2, 0)) if dims == 2 else list(range(len(shape)))
    if d.chance():
        order = d(st.permutations(range(len(shape))))[: d.integer(1, len(shape))]
        chosen = [i - len(shape) if d.chance() else i for i in order]
        given["axes"] = tuple(chosen)
    shape[chosen[-1]] = max(shape[chosen[-1]], least)
    if d.chance():
        given |= {"axes": tuple(chosen), "s": tuple(d.choice(-1, 1, 2, 3, 4) for _ in chosen)}
    return [d.array(tuple(shape))], given


def shifted(d: Draw) -> Arguments:
    """Draw an array and the axes to shift: all, one or several."""
    shape = d.shape(dims=1)
    order = d(st.permutations(range(-len(shape), 0)))
    return [d.array(shape)], d.choice({}, {"axes": order[0]}, {"axes": tuple(order[:2])}, {"axes": None})


def cropped(d: Draw) -> Arguments:
    """Draw a length to crop or pad to."""
    shape = d.shape(dims=1)
    return [d.array(shape)], {"n": d.integer(0, 4), "axis": d.axis(len(shape))}


def halved(d: Draw) -> Arguments:
    """Draw half a spectrum."""
    shape, n = list(d.shape(dims=1)), d.integer(1, 6)
    axis = d.axis(len(shape))
    shape[axis] = n // 2 + 1
    return [d.array(tuple(shape))], {"n": n, "axis": axis}


# what reads half a spectrum needs two elements, or a length
ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = (
    dict.fromkeys((fft.fft, fft.ifft, fft.rfft, fft.ihfft), line)
    | dict.fromkeys((fft.irfft, fft.hfft), partial(line, least=2))
    | dict.fromkeys((fft.fft2, fft.ifft2, fft.rfft2), plane)
    | dict.fromkeys((fft.fftn, fft.ifftn, fft.rfftn), partial(plane, dims=1))
    | {fft.irfft2: partial(plane, least=2), fft.irfftn: partial(plane, least=2, dims=1)}
    | dict.fromkeys((fft.fftshift, fft.ifftshift), shifted)
    | {resized: cropped, doubled: halved}
)
