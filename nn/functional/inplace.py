"""What is written in place: results into inputs, and running averages."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor, no_grad, tape
from autodiff.apply import tracing


def written(input: Tensor, output: Any, inplace: bool) -> Tensor:
    """Return the output, written into the input where that is asked for."""
    if inplace:
        input[...] = output
        return input
    result: Tensor = output
    return result


def tracked(average: Tensor | None, value: Tensor, momentum: float, factor: float = 1.0) -> None:
    """Move a running average towards a new value times a factor, in place."""
    if average is None:
        return
    if tracing():
        with no_grad():
            average *= 1 - momentum
            average += value.detach() * (factor * momentum)
        return
    data = average.data
    data *= 1 - momentum
    data += value.data * (factor * momentum)
    tape.touch(data)


def counted(count: Tensor) -> None:
    """Add one to a count, in place."""
    if tracing():
        with no_grad():
            count += 1
    else:
        number = count.data
        number += 1
