"""Fourier transforms: each is linear, and its transpose is a transform again.

The matrix of `fft` is symmetric, so its transpose is `fft` with the same `norm`; that of `ifft` likewise. `n=` crops or
pads first, which the transpose undoes last. `rfft` keeps half of the `fft` of real numbers: its transpose pads with
zeros, and the sweep takes the real part. `irfft` reads half a spectrum as if the other half were there: in its
transpose, what stands for two frequencies counts twice. `ihfft` and `hfft` are these two with frequencies negated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autodiff import apply as engine
from autodiff.kernels.fourier import doubled, resized
from autodiff.primitive import composite, linear

_SIG = "a; n=None, axis=-1, norm=None, out=None"
_REAL: dict[str, Any] = {"sig": _SIG, "analytic": False}  # takes real numbers alone
_COMPLEX: dict[str, Any] = {"sig": _SIG, "analytic": False, "complex": True}  # real numbers do not stay real

# fmt: off
linear(np.fft.fft, lambda g, s, axis, norm: _sized(np.fft.fft(g, axis=axis, norm=norm), s, axis), **_COMPLEX)
linear(np.fft.ifft, lambda g, s, axis, norm: _sized(np.fft.ifft(g, axis=axis, norm=norm), s, axis), **_COMPLEX)
linear(np.fft.rfft, lambda g, s, n, axis, norm:
       _sized(np.fft.fft(g, n or s.shape[axis], axis, norm), s, axis), **_REAL)
linear(np.fft.ihfft, lambda g, s, n, axis, norm:
       _sized(np.fft.ifft(g, n or s.shape[axis], axis, norm), s, axis), **_REAL)
linear(np.fft.irfft, lambda g, s, axis, norm:
       _paired(np.fft.ihfft(g, axis=axis, norm=norm), g, s, axis), **_COMPLEX)
linear(np.fft.hfft, lambda g, s, axis, norm:
       _paired(np.fft.rfft(g, axis=axis, norm=norm), g, s, axis), **_COMPLEX)
# fmt: on


def _sized(h: Any, s: Any, axis: int) -> Any:
    """Undo `n=`: zeros for what was cropped, nothing for the zeros that were added."""
    return resized(h, n=s.shape[axis], axis=axis)


def _paired(h: Any, g: Any, s: Any, axis: int) -> Any:
    return _sized(doubled(h, n=g.shape[axis], axis=axis), s, axis)


# --- several axes: one transform after the other -------------------------------------------------------------------


def _lengths(name: str, a: Any, s: Any, axes: Any) -> list[tuple[int | None, int]]:
    """Return the length and the number of each axis to transform, in NumPy's order of axes."""
    if axes is None:
        axes = range(-(np.ndim(a) if s is None else len(s)), 0)
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ValueError(f"{name}: s={s!r} and axes={tuple(axes)} differ in length; expected a length for each axis.")
    numbers = normalize_axis_tuple(axes, np.ndim(a), allow_duplicate=True)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}: axes={tuple(axes)} names an axis twice; transform it again in a second call.")
    if not numbers:
        raise ValueError(f"{name}: shape {np.shape(a)} and axes={tuple(axes)}; expected an axis at least.")
    return [(np.shape(a)[axis] if n == -1 else n, axis) for n, axis in zip(lengths, numbers, strict=True)]


def _several(name: str, each: Callable[..., Any], last: Callable[..., Any], default: Sequence[int] | None) -> Any:
    """Write a transform over several axes: the last axis by its own transform, before the others or after them."""
    real_result = last is np.fft.irfft

    def transform(a: Any, s: Any = None, axes: Any = default, norm: str | None = None, out: Any = None) -> Any:
        *others, (n, axis) = _lengths(name, a, s, axes)
        y = a if real_result else last(a, n, axis, norm)
        for length, other in others if real_result else reversed(others):
            y = each(y, length, other, norm)
        if real_result:
            y = last(y, n, axis, norm)
            y = y.astype(a.dtype) if a.dtype == np.float16 else y  # as irfft does
        return y if out is None else engine.write_out(name, y, out)

    return transform


for _name, _each, _last in (
    ("fft", np.fft.fft, np.fft.fft),
    ("ifft", np.fft.ifft, np.fft.ifft),
    ("rfft", np.fft.fft, np.fft.rfft),
    ("irfft", np.fft.ifft, np.fft.irfft),
):
    for _suffix, _default in (("2", (-2, -1)), ("n", None)):
        composite(getattr(np.fft, _name + _suffix), _several(_name + _suffix, _each, _last, _default),
                  complex=_name != "rfft")  # fmt: skip


# --- the order of frequencies --------------------------------------------------------------------------------------


@composite(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return np.roll(x, *_halves(x, axes, 1))


@composite(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return np.roll(x, *_halves(x, axes, -1))


def _halves(x: Any, axes: Any, sign: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    axes = range(x.ndim) if axes is None else (axes,) if hasattr(axes, "__index__") else axes
    return tuple(sign * (x.shape[axis] // 2) for axis in axes), tuple(axes)
