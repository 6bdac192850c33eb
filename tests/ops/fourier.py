"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.row import Op, op, t

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
ONLY_REAL = ("rfft", "ihfft", "rfft2", "rfftn")
AXIS: list[dict[str, Any]] = [
    {},
    {"axis": 0},
    {"n": 2},
    {"n": 5},
    {"n": 6},
    {"n": 3, "axis": 0},
    {"norm": "backward"},
    {"norm": "ortho"},
    {"norm": "forward"},
    {"n": 5, "norm": "ortho"},
    {"n": 4, "norm": "forward"},
]
AXES: list[dict[str, Any]] = [
    {},
    {"axes": (0, 2)},
    {"axes": (-1,)},
    {"s": (2, 5), "axes": (-1, 0)},
    {"s": (4, 4), "axes": (1, 2)},
    {"norm": "ortho"},
    {"s": (2, 3), "axes": (0, 1), "norm": "forward"},
]


def _rows(names: tuple[str, ...], keywords: list[dict[str, Any]], shapes: str) -> Iterator[Op]:
    for name in names:
        fun = getattr(np.fft, name)
        for domain in ("real",) if name in ONLY_REAL else ("real", "complex"):
            for given in keywords:
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
]
