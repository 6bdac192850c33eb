"""Padding in all modes, an axis after the other: what is put around the last one runs over the corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels.indexing import getitem
from autodiff.primitive import composite, linear, values
from autodiff.summation import total

Pair = tuple[int, int]  # widths before and after


@linear(
    lambda g, s, widths: getitem(g, index=tuple(slice(w, w + n) for n, (w, _) in zip(s.shape, widths, strict=True))),
    lambda g, widths: _sides(g, widths),
    analytic=False,
    complex=True,  # a border of real numbers has no room for a complex value
)
def pad_constant(x: Any, value: Any = 0.0, *, widths: tuple[Pair, ...]) -> Any:
    """Return x within a border: of one value, of one for each side, or of two for each axis."""
    return np.pad(x, widths or 0, constant_values=value)


def _sides(g: Any, widths: tuple[Pair, ...]) -> Any:
    """Add up what each side of each axis was given; what broadcasts against that is summed by the sweep."""
    sides: list[Any] = []
    for axis in reversed(range(g.ndim)):
        end = g.shape[axis] - widths[axis][1]
        cut = (_cut(g, axis, 0, widths[axis][0]), _cut(g, axis, end, g.shape[axis]))
        sides.insert(0, np.stack([total(border) for border in cut]))
        g = _cut(g, axis, widths[axis][0], end)
    return np.stack(sides) if sides else np.zeros_like(g, shape=(0, 2))


def _cut(x: Any, axis: int, start: int, stop: int) -> Any:
    return getitem(x, index=(slice(None),) * axis + (slice(start, stop),))


@composite(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    widths = _widths(pad_width, array.ndim)
    if callable(mode):
        return _applied(array, widths, mode, kwargs)
    if mode not in MODES:
        raise ValueError(f"pad: mode is {mode!r}; expected {', '.join(MODES)}, or a function.")
    pad_axis, keyword = MODES[mode]
    if extra := kwargs.keys() - {keyword}:
        raise ValueError(f"pad: mode {mode!r} does not take {', '.join(extra)}=; it takes {keyword or 'no keyword'}.")
    if pad_axis is None:
        return pad_constant(array, _operand(kwargs.get("constant_values", 0)), widths=widths)
    option = _OPTIONS[keyword](kwargs[keyword], array.ndim) if keyword and kwargs else None
    for axis, pair in enumerate(widths):
        if any(pair):
            if not array.shape[axis]:
                raise ValueError(f"pad: axis {axis} is empty, and mode {mode!r} has nothing to extend; use 'constant'.")
            array = pad_axis(array, axis, pair, mode, option)
    return array if any(map(any, widths)) else np.copy(array)


def _widths(given: Any, ndim: int) -> tuple[Pair, ...]:
    if isinstance(given, dict):
        every: list[Any] = [0] * ndim
        for axis, width in given.items():
            every[axis] = width
        given = [(w, w) if np.ndim(w) == 0 else w for w in every]
    return _whole("pad_width", given, ndim) if ndim else ()


def _whole(name: str, given: Any, ndim: int) -> tuple[Pair, ...]:
    """Return whole numbers as a pair for each axis."""
    numbers = np.asarray(values(given))
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"pad: {name} is {given!r}; expected whole numbers: one, a pair, or a pair for each axis.")
    pairs = tuple(map(tuple, np.broadcast_to(numbers, (ndim, 2)).tolist()))
    if min(map(min, pairs)) < 0:
        raise ValueError(f"pad: {name} is {given!r}; expected numbers that are not negative.")
    return pairs


def _operand(nested: Any) -> Any:
    """Return values, among which tensors may stand, as one operand."""
    return np.stack([_operand(part) for part in nested]) if isinstance(nested, (list, tuple)) else nested


# --- the modes, along one axis ---------------------------------------------------------------------------------------


def _copied(x: Any, axis: int, pair: Pair, mode: str, odd: Any) -> Any:
    """Copy what is inside: an even border, or one mirrored in its edge value as well (reflect_type="odd")."""
    n = x.shape[axis]
    if not odd or n == 1:
        places = np.pad(np.arange(n), pair, mode=mode)  # type: ignore[call-overload]
        return np.take(x, places, axis)
    # two mirrorings, one in each end, move by a period, and add twice what lies between the ends
    period, far = (2 * n, 2 * n - 1) if mode == "symmetric" else (2 * n - 2, 2 * n - 2)
    turns, places = np.divmod(np.arange(-pair[0], n + pair[1]), period)
    mirrored = places >= n
    places = np.where(mirrored, far - places, places)
    column = (-1,) + (1,) * (x.ndim - axis - 1)
    sign, firsts, lasts = (np.reshape(k, column) for k in (1 - 2 * mirrored, -2 * turns, 2 * turns + 2 * mirrored))
    first, last = _cut(x, axis, 0, 1), _cut(x, axis, n - 1, n)
    return sign * np.take(x, places, axis) + firsts * first + lasts * last


def _ramp(x: Any, axis: int, pair: Pair, mode: str, ends: Any) -> Any:
    """Lead evenly from each end's value to the edge; the values of all ends lie in rows, one for each axis."""
    n, ends = x.shape[axis], np.broadcast_to(0 if ends is None else ends, (x.ndim, 2))[axis]
    edges = _cut(x, axis, 0, 1), _cut(x, axis, n - 1, n)
    before, after = (
        np.linspace(end, np.squeeze(edge, axis), width, endpoint=False, dtype=x.dtype, axis=axis)
        for end, edge, width in zip(ends, edges, pair, strict=True)
    )
    return np.concatenate((before, x, np.flip(after, axis)), axis)


def _statistic(x: Any, axis: int, pair: Pair, mode: str, lengths: Any) -> Any:
    """Spread a statistic of so many elements next to the edge."""
    n, fun = x.shape[axis], STATISTICS[mode]
    left, right = (min(length, n) for length in lengths[axis]) if lengths else (n, n)
    if not min(left, right) and fun in (np.max, np.min):
        raise ValueError(f"pad: stat_length is 0, and {mode} of nothing has no value; expected 1 or more.")
    before = fun(_cut(x, axis, 0, left), axis=axis, keepdims=True)
    after = before if left == right == n else fun(_cut(x, axis, n - right, n), axis=axis, keepdims=True)
    if x.dtype.kind not in "fc":
        before, after = (np.round(border).astype(x.dtype) for border in (before, after))
    wide = [np.broadcast_to(border, (*x.shape[:axis], width, *x.shape[axis + 1 :]))
            for border, width in zip((before, after), pair, strict=True)]  # fmt: skip
    return np.concatenate((wide[0], x, wide[1]), axis)


STATISTICS: dict[str, Any] = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}

# what pads an axis (None: all at once, with constants), and the keyword it takes
MODES: dict[str, tuple[Callable[..., Any] | None, str | None]] = {
    "constant": (None, "constant_values"),
    "edge": (_copied, None),
    "linear_ramp": (_ramp, "end_values"),
    **dict.fromkeys(STATISTICS, (_statistic, "stat_length")),
    "reflect": (_copied, "reflect_type"),
    "symmetric": (_copied, "reflect_type"),
    "wrap": (_copied, None),
    "empty": (None, None),  # zeros, for a value that nobody set must not differ from run to run
}


def _is_odd(kind: Any) -> bool:
    if kind not in ("even", "odd"):
        raise ValueError(f"pad: reflect_type is {kind!r}; expected 'even' or 'odd'.")
    return bool(kind == "odd")


_OPTIONS: dict[Any, Callable[[Any, int], Any]] = {
    "end_values": lambda ends, ndim: _operand(ends),
    "reflect_type": lambda kind, ndim: _is_odd(kind),
    "stat_length": lambda lengths, ndim: None if lengths is None else _whole("stat_length", lengths, ndim),
}


def _applied(x: Any, widths: tuple[Pair, ...], function: Callable[..., Any], kwargs: dict[str, Any]) -> Any:
    """Let a function write the border of every line, one axis after the other, into zeros."""
    x = pad_constant(x, widths=widths)
    for axis, pair in enumerate(widths):
        lines = np.moveaxis(x, axis, -1)
        written = [lines[place] for place in np.ndindex(lines.shape[:-1])]
        for line in written:
            function(line, pair, axis, kwargs)
        if written:
            x = np.moveaxis(np.reshape(np.stack(written), lines.shape), -1, axis)
    return x
