"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels.fourier import doubled, resized
from tests.ops.row import Op, op, t

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
ONLY_REAL = ("rfft", "ihfft", "rfft2", "rfftn")
AXIS: list[dict[str, Any]] = [  # what complex operands are tried with comes first
    {},
    {"n": 5, "norm": "ortho"},
    {"n": 2, "axis": 0},
    {"axis": 0},
    {"n": 2},
    {"n": 6},
    {"norm": "backward"},
    {"norm": "ortho"},
    {"norm": "forward"},
    {"n": 4, "norm": "forward"},
]
AXES: list[dict[str, Any]] = [
    {},
    {"s": (2, 3), "axes": (0, 1), "norm": "forward"},
    {"axes": (0, 2)},
    {"s": (2, 5), "axes": (-1, 0)},
    {"norm": "ortho"},
]


def _rows(names: tuple[str, ...], keywords: list[dict[str, Any]], shapes: str) -> Iterator[Op]:
    for name in names:
        fun = getattr(np.fft, name)
        for domain in ("real",) if name in ONLY_REAL else ("real", "complex"):
            for given in keywords if domain == "real" else keywords[:3]:
                words = ([domain] if domain == "complex" else []) + [f"{k}={v}" for k, v in given.items()]
                theirs = {{"axis": "dim", "axes": "dim"}.get(k, k): v for k, v in given.items()}
                yield op(
                    fun,
                    lambda x, fun=fun, given=given: fun(x, **given),
                    shapes,
                    domain,
                    label=" ".join(words),
                    torch=t(f"fft.{name}", **theirs),
                )


def _shifts() -> Iterator[Op]:
    for fun in (np.fft.fftshift, np.fft.ifftshift):
        theirs = f"fft.{fun.__name__}"
        yield op(fun, fun, "nmk", torch=t(theirs))
        yield op(fun, lambda x, fun=fun: fun(x, 1), "nm", label="axis", torch=t(theirs, 1))
        yield op(fun, lambda x, fun=fun: fun(x, axes=(0, -1)), "nmk", label="axes", torch=t(theirs, (0, -1)))
        yield op(fun, fun, "5", "complex", label="complex", torch=t(theirs))


FOURIER: list[Op] = [
    *_rows(ONE, AXIS, "33"),
    *_rows(ONE, [{"axis": 1, "n": 4}], "n3m"),
    *_rows(SEVERAL, AXES, "323"),
    *_shifts(),
    op(resized, lambda x: resized(x, n=2, axis=0), "nm"),
    op(resized, lambda x: resized(x, n=4, axis=-1), "nm", label="longer"),
    op(resized, lambda x: resized(x, n=4, axis=-1), "nm", "complex", label="complex"),
    op(doubled, lambda x: doubled(x, n=4, axis=0), "3m"),
    op(doubled, lambda x: doubled(x, n=5, axis=-1), "n3", label="odd"),
    op(doubled, lambda x: doubled(x, n=5, axis=-1), "n3", "complex", label="complex"),
]
