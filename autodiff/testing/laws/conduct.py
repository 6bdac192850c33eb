"""Laws of conduct: what a derivative must not do to memory, dtypes, shapes and the graph, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.testing.laws.trial import Arrays, Trial, gradients, quiet
from autodiff.testing.layouts import laid_out
from autodiff.testing.report import Report
from autodiff.testing.space import Array
from autodiff.testing.subject import Subject


def determinism(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """The same point gives the same values and the same gradients, bit for bit.

    >>> bool(determinism(np.sin, 1.0))
    True
    """
    trial = Trial("determinism", f, inputs, params, seed)
    trial.oracle = "the same bits twice"
    ys, pull = trial.linearize(trial.inputs())
    again, pull_again = trial.linearize(trial.inputs())
    vs = trial.cotangents(ys)
    trial.same(again, ys, trial.subject.outputs, "the second evaluation differs")
    trial.same(pull_again(vs), pull(vs), gradients(trial.subject), "the second gradient differs")
    return trial.report()


def no_mutation(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """Neither pass changes the inputs; the backward pass changes neither cotangents nor outputs.

    >>> bool(no_mutation(np.sin, 1.0))
    True
    """
    trial = Trial("no_mutation", f, inputs, params, seed)
    trial.oracle = "the same bits before and after"
    xs, subject = trial.inputs(), trial.subject
    ys, pull = trial.linearize(xs)
    trial.same(xs, trial.inputs(), subject.names, "the forward pass changed an input")
    before, vs = [y.copy() for y in ys], trial.cotangents(ys)
    given = [v.copy() for v in vs]
    pull(vs)
    trial.same(xs, trial.inputs(), subject.names, "the backward pass changed an input")
    trial.same(vs, given, [f"cotangent of {n}" for n in subject.outputs], "the backward pass changed a cotangent")
    trial.same(ys, before, subject.outputs, "the backward pass changed an output")
    return trial.report()


def no_aliasing(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """Every gradient is its own: writable, in memory that no other gradient, input, cotangent or output has.

    >>> bool(no_aliasing(np.add, np.ones(2), np.ones(2)))
    True
    """
    trial = Trial("no_aliasing", f, inputs, params, seed)
    trial.oracle = "no memory in common"
    xs, subject = trial.inputs(), trial.subject
    ys, pull = trial.linearize(xs)
    vs = trial.cotangents(ys)
    found = list(zip(gradients(subject), pull(vs), strict=True))
    others = [
        *zip(subject.names, xs, strict=True),
        *((f"the cotangent of {n}", v) for n, v in zip(subject.outputs, vs, strict=True)),
        *zip(subject.outputs, ys, strict=True),
    ]
    for (name, g), (other, x) in [*combinations(found, 2), *((a, b) for a in found for b in others)]:
        if np.shares_memory(g, x):
            trial.broken(f"the {name} shares memory with {other}: adding to one in place would change the other.")
    for name, g in found:
        trial.checked += g.size
        if not g.flags.writeable:
            trial.broken(f"the {name} is read-only, so that nothing can be added to it in place.")
    return trial.report()


def repeat_backward(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """A graph that is kept gives the same gradients again, and `.backward()` twice adds up to the double.

    >>> bool(repeat_backward(np.sin, 1.0))
    True
    """
    trial = Trial("repeat_backward", f, inputs, params, seed)
    trial.oracle = "the same bits from the same graph twice; .grad after two backward passes is the double of one"
    subject = trial.subject
    ys, pull = trial.linearize(trial.inputs())
    vs = trial.cotangents(ys)
    first = [g.copy() for g in pull(vs)]
    trial.same(pull(vs), first, gradients(subject), "pulled back again from the same graph")
    if type(subject) is Subject:
        with quiet():
            once, twice = _accumulated(subject, trial.inputs(), vs)
        doubled = [2 * g for g in once]
        if len(vs) == 1:
            trial.same(twice, doubled, gradients(subject), ".backward() twice")
        else:  # the gradients of several outputs are added in another order
            trial.balance(lambda *_: (twice, doubled), [], [], gradients(subject))
    return trial.report()


def _accumulated(subject: Subject, xs: Arrays, vs: Arrays) -> tuple[Arrays, Arrays]:
    """Return what `.grad` holds after one and after two backward passes from the outputs."""
    leaves = [as_tensor(x).requires_grad_() for x in xs]
    ys = subject.call(leaves)
    held: list[Arrays] = []
    for _ in range(2):
        for y, v in zip(ys, vs, strict=True):
            if y.requires_grad:
                y.backward(as_tensor(v), retain_graph=True)
        held.append(
            [np.zeros_like(x) if t.grad is None else t.grad.data.copy() for t, x in zip(leaves, xs, strict=True)]
        )
    return held[0], held[1]


# --- what inputs look like ---


def dtype(
    f: Any, *inputs: Any, dtypes: Sequence[Any] = (np.float32, np.float16), params: Any = None, seed: int = 0
) -> Report:
    """float32 and float16 inputs give outputs and gradients of their own dtype, close to those of float64.

    Where a smaller dtype is not supported, or overflows, a note says so. A function that means to return float64 for
    them (`np.float_power`, a `dtype=` keyword, most of SciPy in float16) breaks this law.

    >>> bool(dtype(np.sin, np.linspace(0, 1, 5)))
    True
    """
    trial = Trial("dtype", f, inputs, params, seed)
    trial.oracle = "the same function in float64, up to measured round-off of the smaller dtype"
    for small in dtypes:
        _in_dtype(trial, np.dtype(small))
    return trial.report()


def _in_dtype(trial: Trial, small: Any) -> None:
    subject = trial.subject
    if small == np.float16 and any(x.dtype.kind == "c" for x in subject.inputs):
        trial.notes.append("NumPy has no complex numbers of float16's size.")
        return
    with np.errstate(all="ignore"):
        xs = [x.astype(_of_kind(small, x)) for x in subject.inputs]
    try:
        ys, pull = trial.linearize([x.copy() for x in xs])
        vs = trial.cotangents(ys)
        gs = pull([v.copy() for v in vs])
    except (TypeError, NotImplementedError) as error:
        trial.notes.append(f"{small} is not supported: {error}")
        return
    if not all(np.all(np.isfinite(a)) for a in (*xs, *ys, *gs)):
        trial.notes.append(f"{small} overflows here.")
        return
    for name, a in [*zip(subject.outputs, ys, strict=True), *zip(gradients(subject), gs, strict=True)]:
        if a.dtype != _of_kind(small, a):
            trial.broken(f"{small} inputs give {name} the dtype {a.dtype} (a float64 constant inside f would do that).")
            return

    def sides(xs: Arrays, vs: Arrays) -> tuple[Arrays, Arrays]:
        results = []
        for wide in (small, np.dtype(np.float64)):
            points, weights = ([a.astype(_of_kind(wide, a)) for a in part] for part in (xs, vs))
            values, pulled = trial.linearize(points)
            results.append([*values, *pulled(weights)])
        return results[0], results[1]

    trial.balance(sides, xs, vs, [f"{n} in {small}" for n in (*subject.outputs, *gradients(subject))])


def _of_kind(real: Any, x: Array) -> Any:
    """Return a real dtype, or its complex counterpart for complex x."""
    return np.result_type(real, np.complex64) if x.dtype.kind == "c" else real


PLACED = {"Fortran order": "F", "every second element": "strided", "backwards": "negative", "read-only": "readonly"}


def contiguity(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """Values and gradients do not depend on how inputs and cotangents lie in memory, or on whether it is read-only.

    >>> bool(contiguity(np.matmul, np.ones((2, 3)), np.ones((3, 2))))
    True
    """
    trial = Trial("contiguity", f, inputs, params, seed)
    trial.oracle = "the same numbers in contiguous arrays, up to measured round-off"
    subject = trial.subject
    xs = trial.inputs()
    vs = trial.cotangents(trial.linearize(xs)[0])
    names = [*subject.outputs, *gradients(subject)]

    for layout, key in PLACED.items():

        def sides(xs: Arrays, vs: Arrays, key: str = key) -> tuple[Arrays, Arrays]:
            results = []
            for place in (lambda x: laid_out(x, key), np.array):
                values, pull = trial.linearize([place(x) for x in xs])
                results.append([*values, *pull([place(v) for v in vs])])
            return results[0], results[1]

        try:
            trial.balance(sides, xs, vs, [f"{n}, inputs {layout}," for n in names])
        except ValueError as error:
            trial.broken(f"inputs and cotangents {layout}: {error}")
    return trial.report()


CUTS: dict[str, Callable[[Array], Array]] = {
    "0-d": lambda x: x.reshape(-1)[:1].reshape(()) if x.size else x,
    "size-0": lambda x: x[:0] if x.ndim else x,
}


def zero_d_and_empty(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """Where f takes inputs without axes, or without elements, the gradients have their shapes and dtypes.

    A note says which of them f itself refuses.

    >>> zero_d_and_empty(np.matmul, np.ones((2, 3)), np.ones((3, 2))).notes
    ['matmul does not take 0-d inputs.', 'matmul does not take size-0 inputs.']
    """
    trial = Trial("zero_d_and_empty", f, inputs, params, seed)
    trial.oracle = "the shapes and dtypes of the inputs"
    subject = trial.subject
    given = sum(subject._chosen)  # a module's parameters keep their shapes
    for what, cut in CUTS.items():
        xs = [np.array(cut(x)) if i < given else x.copy() for i, x in enumerate(subject.inputs)]
        try:
            ys, pull = trial.linearize(xs)
        except Exception:  # not every function is defined there
            trial.notes.append(f"{subject.name} does not take {what} inputs.")
            continue
        try:
            gs = pull(trial.cotangents(ys))
        except Exception as error:
            trial.broken(f"{what} inputs pass forward, but backward raises {type(error).__name__}: {error}")
            continue
        for name, g, x in zip(gradients(subject), gs, xs, strict=True):
            trial.checked += 1
            if (g.shape, g.dtype) != (x.shape, x.dtype):
                trial.broken(f"{what} inputs: {name} is {g.dtype}{list(g.shape)}; expected {x.dtype}{list(x.shape)}.")
    return trial.report()
