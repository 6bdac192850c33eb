"""Derivatives along a line by extrapolated differences, each with an error bar and its one-sided limits.

Central differences at steps 1, 1/2, 1/4, ... form a tableau whose columns cancel one more power of the step each
(Richardson 1911; Ridders 1982). Of all its entries the one with the smallest error bar is taken, for every output on
its own: the distance to its neighbours in the tableau, and the round-off of the function over the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Along = Callable[[float], Array]  # the outputs of a function at a place on a line

LEVELS = 6
GOOD = 1e-6  # an error bar, beside the largest derivative or value, with which a slope is simply taken
ROUNDOFF = 4.0  # units in the last place that a value of the function is trusted to
SPACINGS = (2.0**-18, 2.0**-9)  # of the values whose scatter is measured


@dataclass
class Slope:
    """The derivative of each output along a line, its error bar, the step it was taken at, and the one-sided ones.

    `height` is the largest value of each output on the line, NaN where none was finite.
    """

    value: Array
    error: Array
    step: Array
    left: Array
    right: Array
    sides_error: Array
    height: Array
    jumping: Array  # where the difference across the point does not shrink with the step

    @property
    def kinked(self) -> Array:
        """Where the one-sided derivatives exist and differ by far more than their error bars."""
        gap = np.abs(self.right - self.left)
        size = np.maximum(np.abs(self.right), np.abs(self.left))
        return np.asarray((gap > 16 * self.sides_error) & (gap > 1e-5 * size))


def slope(along: Along, here: Array, noise: Array | None = None, levels: int = LEVELS) -> Slope:
    """Return the derivative at 0 of `along`, whose value there is `here`; `noise` is the scatter of its values."""
    steps = 2.0 ** -np.arange(levels)
    ahead = np.stack([along(h) for h in steps])
    behind = np.stack([along(-h) for h in steps])
    with np.errstate(all="ignore"):
        samples = np.abs(np.concatenate([ahead, behind, here[None]]))
        height = np.max(np.where(np.isfinite(samples), samples, 0), axis=0)
        scatter = ROUNDOFF * np.finfo(here.dtype).eps * height
        if noise is not None:
            scatter = np.maximum(scatter, noise)
        column = steps[:, None]
        value, error, step = _extrapolated((ahead - behind) / (2 * column), steps, scatter, power=2)
        across = np.abs(ahead - behind)
        jumping = (across[-1] > across[0] / 4) & (across[-1] > 8 * scatter)
        bends = np.abs(ahead + behind - 2 * here) / column
        smooth = np.all(bends[-1] <= bends[0] / 4 + 4 * scatter / steps[-1])  # they vanish with the step: no kink
        if smooth and np.all(error <= GOOD * np.maximum(np.max(np.abs(value), initial=0), height)):
            return Slope(value, error, step, value, value, 2 * error, height, jumping)
        right, right_error, _ = _extrapolated((ahead - here) / column, steps, 2 * scatter, power=1)
        left, left_error, _ = _extrapolated((here - behind) / column, steps, 2 * scatter, power=1)
        sides_error = left_error + right_error
        gap = np.abs(right - left)
        agree = (gap <= sides_error) & (2 * sides_error < error)  # the slope goes on, the curvature jumps: as in x|x|
        value, error = np.where(agree, (left + right) / 2, value), np.where(agree, 2 * sides_error, error)
    return Slope(value, error, step, left, right, sides_error, height, jumping)


def _extrapolated(quotients: Array, steps: Array, scatter: Array, power: int) -> tuple[Array, Array, Array]:
    """Return the best entry of the tableau for each output, its error bar and its step."""
    best = np.full(quotients.shape[1:], np.nan, quotients.dtype)
    error = np.full(quotients.shape[1:], np.inf, quotients.dtype)
    step = np.full(quotients.shape[1:], np.nan)
    before: list[Array] = []
    for k, quotient in enumerate(quotients):
        row = [quotient]
        roundoff = 1.5 * scatter / steps[k]
        for m, above in enumerate(before, start=1):
            finer, gain = row[-1], 2.0 ** (power * m) - 1
            entry = finer + (finer - above) / gain
            row.append(entry)
            roundoff = roundoff * (1 + 1 / gain)
            bar = np.maximum(np.abs(entry - finer), np.abs(entry - above)) + roundoff
            better = bar < error
            best, error = np.where(better, entry, best), np.where(better, bar, error)
            step = np.where(better, steps[k], step)
        before = row
    return best, error, step


def scatter(along: Along) -> Array:
    """Return how far the function's values scatter about a smooth curve: its noise, whatever makes it.

    Differences of sixth order of equally spaced values leave nothing of a smooth curve (Hamming 1962). Both sides are
    looked at on their own, so that a kink or a jump at the point is not noise, at a spacing that shows values rounded
    to float32, and at one that shows float16.
    """
    noise: Any = 0.0
    with np.errstate(all="ignore"):
        for spacing in SPACINGS:
            for side in (spacing, -spacing):
                values = np.stack([along(k * side) for k in range(1, 9)])
                noise = np.fmax(noise, np.max(np.abs(np.diff(values, n=6, axis=0)), axis=0) / 10)
    return np.asarray(np.nan_to_num(noise, posinf=0.0))
