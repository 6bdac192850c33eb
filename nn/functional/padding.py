"""Padding with a constant, or with values of the input itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # torch's and NumPy's
CROPPED_FIRST = ("constant", "circular")  # the others mirror and repeat what may be cropped after it


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad the last axes: `pad` is (before, after) of the last, then of the one before it, ...; below 0 it crops.

    `constant` fills with `value`, or 0, along any number of axes. `reflect` mirrors at the outermost element,
    `replicate` repeats it, `circular` goes on at the other end: along one to three axes of (n, c, ...) or (c, ...).

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 2.0, 3.0]])
    >>> [pad(x, (2, 1), mode).tolist()[0] for mode in ("constant", "reflect")]
    [[0.0, 0.0, 1.0, 2.0, 3.0, 0.0], [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]
    >>> pad(x, (2, 1), "circular").tolist(), pad(x, (-1, 0)).tolist()
    ([[2.0, 3.0, 1.0, 2.0, 3.0, 1.0]], [[2.0, 3.0]])
    """
    pairs = _pairs(input, tuple(pad), mode, value)
    cropped = [(max(-low, 0), max(-high, 0)) for low, high in pairs]
    added = [(max(low, 0), max(high, 0)) for low, high in pairs]
    if mode in CROPPED_FIRST:
        input = _crop(input, cropped)
    for axis, (low, high) in enumerate(added):
        _check(input, axis, low, high, mode)
    if any(low or high for low, high in added):
        fill = {"constant_values": 0.0 if value is None else value} if mode == "constant" else {}
        input = np.pad(input, added, mode=MODES[mode], **fill)  # type: ignore[call-overload]
    return input if mode in CROPPED_FIRST else _crop(input, cropped)


def _pairs(input: Tensor, pad: tuple[int, ...], mode: str, value: float | None) -> list[tuple[int, int]]:
    """Return before and after of every axis; demand a length that belongs to the input."""
    given, count = f"pad {pad} for shape {input.shape}", len(pad) // 2
    if mode not in MODES:
        raise NotImplementedError(f"pad: unknown mode {mode!r}; use one of {list(MODES)}")
    if len(pad) % 2 or count > input.ndim:
        raise ArgumentError(f"{given}: expected two numbers for each of the last axes, of at most {input.ndim}")
    if mode != "constant" and value:
        raise ArgumentError(f"pad: mode {mode!r} takes no value, got {value}")
    if mode != "constant" and (count not in (1, 2, 3) or input.ndim - count not in (1, 2)):
        raise NotImplementedError(
            f"{given}: mode {mode!r} takes 2 numbers for (n, c, l), 4 for (n, c, h, w), 6 for (n, c, d, h, w), "
            "n or none"
        )
    pairs = [(0, 0)] * (input.ndim - count) + [(pad[i], pad[i + 1]) for i in range(2 * count - 2, -1, -2)]
    for n, (low, high) in zip(input.shape, pairs, strict=True):
        if (low or high) and n + low + high < (mode != "constant"):
            raise ArgumentError(f"{given}: nothing would be left of an axis")
        if mode in CROPPED_FIRST and n + min(low, 0) + min(high, 0) < 0:
            raise ArgumentError(f"{given}: more is cropped than there is")
    return pairs


def _check(input: Tensor, axis: int, low: int, high: int, mode: str) -> None:
    """Demand enough elements along an axis to pad it with them."""
    n, most = input.shape[axis], max(low, high)
    if mode == "reflect" and most >= n and most:
        raise ArgumentError(f"pad: to reflect, ({low}, {high}) must be less than the length {n} of axis {axis}")
    if mode == "circular" and most > n:
        raise ArgumentError(f"pad: ({low}, {high}) goes around the length {n} of axis {axis} more than once")
    if mode == "replicate" and most and not n:
        raise ArgumentError(f"pad: axis {axis} of shape {input.shape} has no element to repeat")


def _crop(input: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """Take off elements before and behind, axis by axis."""
    if not any(low or high for low, high in pairs):
        return input
    cut = tuple([slice(low, n - high) for n, (low, high) in zip(input.shape, pairs, strict=True)])
    output: Tensor = input[cut]
    return output
