"""An update's functional form run as passes of NumPy over flat memory, in place and without temporaries."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from nn.optim.flat import Array, Buffer, Flat

Form = Callable[..., tuple[Any, ...]]
Step = tuple[np.ufunc, tuple[int, ...], int]  # what is computed, of which places, and where to


class Value(np.lib.mixins.NDArrayOperatorsMixin):
    """What a form is called with to see what it does."""

    def __init__(self, record: list[tuple[np.ufunc, tuple[Value, ...], Value]]) -> None:
        self.record = record

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Value:
        if method != "__call__" or kwargs or not all(isinstance(x, Value) for x in inputs):
            raise TypeError(
                f"{ufunc.__name__}: an update is made of plain operations on what it is given, no constants"
            )
        result = Value(self.record)
        self.record.append((ufunc, inputs, result))
        return result


@cache
def program(form: Form, given: tuple[Any, ...]) -> tuple[list[Step], list[tuple[int, int]], int]:
    """Return a form's operations, what is to be copied at last, and how many scratch places there are.

    Places are those of the operands, one each, then scratch. `given` holds None and booleans as they are, and "" for
    what has a place of its own. The result of an operation lies where one of its operands was that is not used again,
    and the new parameter and state lie in the old ones' places if these are not used after.
    """
    record: list[tuple[np.ufunc, tuple[Value, ...], Value]] = []
    operands = [Value(record) if x == "" else x for x in given]
    results = form(*operands)
    used = {id(x): i for i, (_, inputs, _) in enumerate(record) for x in inputs}
    places = {id(x): i for i, x in enumerate(operands)}
    targets = [i for i in range(len(results) + 1) if i != 1]  # all but the gradient
    wanted = {id(y): i for y, i in zip(results, targets, strict=True) if y is not None}
    free, count, steps = list[int](), len(operands), list[Step]()
    for i, (ufunc, inputs, result) in enumerate(record):
        last = {places[id(x)] for x in inputs if used[id(x)] == i and id(x) not in wanted}
        free += [place for place in last if place == 1 or place >= len(operands)]  # the gradient's is a copy
        target = wanted.get(id(result))
        if target is not None and used.get(id(operands[target]), -1) <= i:
            place = target
        elif free:
            place = free.pop()
        else:
            place, count = count, count + 1
        places[id(result)] = place
        steps.append((ufunc, tuple(places[id(x)] for x in inputs), place))
    copies = [(places[value], target) for value, target in wanted.items() if places[value] != target]
    return steps, copies, count - len(operands)


def passes(form: Form) -> Callable[..., None]:
    """Return the kernel `(flat, grads, *state, *numbers)` that takes the step of `form` in place."""

    def kernel(flat: Flat, grads: list[Array], *operands: Any) -> None:
        given = ("", "", *(x if x is None or type(x) is bool else "" for x in operands))
        steps, copies, count = program(form, given)
        gradient, parameter = flat.scratch(0), flat.scratch(1)
        for g, s in zip(grads, gradient.shaped, strict=True):
            np.copyto(s, g)
        outside = not flat.plain or flat.homes[0].shape != parameter.whole.shape
        if outside:
            for home, s in flat.pairs(parameter):
                np.copyto(s, home)
        places: list[Any] = [parameter.whole if outside else flat.homes[0], gradient.whole]
        places += [x.whole if isinstance(x, Buffer) else x for x in operands]
        places += [flat.scratch(2 + i).whole for i in range(count)]
        for ufunc, inputs, place in steps:
            ufunc(*[places[i] for i in inputs], out=places[place])
        for source, target in copies:
            np.copyto(places[target], places[source])
        if outside:
            for home, s in flat.pairs(parameter):
                np.copyto(home, s, casting="same_kind")

    kernel.__name__, kernel.__doc__ = form.__name__ + "_", f"Take the step of `{form.__name__}` in place."
    return kernel
