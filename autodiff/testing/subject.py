"""The function under test as a map from arrays to arrays, with the derivative that is to be checked.

A Subject hides containers, constants, modules and dtypes from the checks: they see a list of floating arrays go in and
a list of floating arrays come out. Adapters for other libraries are subclasses.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from autodiff import creation, forward, functional, sweep, tape
from autodiff.tensor import Tensor
from autodiff.tree import leaves, rebuild

Array = np.ndarray[Any, Any]
Pull = Callable[[list[Any]], list[Any]]


class Subject:
    """A function of Tensors at a point: `inputs` are the leaves that are checked, in the caller's dtype.

    >>> subject = Subject(lambda p: {"y": p["a"] * 3}, ({"a": np.ones(2)},))
    >>> subject.names, subject.values(subject.inputs)
    (["p['a']"], [array([3., 3.])])
    """

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], params: Any = None, name: str | None = None) -> None:
        self.f, self.args = f, tuple(args)
        self.name = name or str(getattr(f, "__name__", None) or getattr(f, "name", None) or type(f).__name__)
        self.module: Any = f if params is None and hasattr(f, "named_parameters") else params
        given = list(zip(_paths(self.args, _argument_names(f, len(self.args))), leaves(self.args), strict=True))
        wanted = any(isinstance(x, Tensor) and x.requires_grad for _, x in given)
        self._chosen = [_checked(x, wanted) for _, x in given]
        self._leaves = [x for _, x in given]
        self._parameters = [(n, p) for n, p in self.module.named_parameters() if p.requires_grad] if self.module else []
        chosen = [(n, x) for (n, x), c in zip(given, self._chosen, strict=True) if c] + self._parameters
        self.names = [n for n, _ in chosen]
        self.inputs: list[Array] = [np.array(x.data if isinstance(x, Tensor) else x) for _, x in chosen]
        self.outputs: list[str] = []

    def bind(self, args: Sequence[Any], params: Any = None, name: str | None = None) -> Self:
        """Return the subject itself: it already stands at a point."""
        if args:
            raise TypeError("this function was given its inputs already; pass no others.")
        return self

    # --- what the checks use ---

    def values(self, xs: list[Any]) -> list[Any]:
        """Return the floating outputs at a point; nothing is recorded."""
        with tape.no_grad():
            return [y.data for y in self.call([creation.as_tensor(x) for x in xs])]

    def linearize(self, xs: list[Any]) -> tuple[list[Any], Pull]:
        """Return the outputs at a point and the function that pulls cotangents of them back to the inputs."""
        with tape.enable_grad():
            variables = [creation.as_tensor(x).requires_grad_() for x in xs]
            ys = self.call(variables)

        def pull(cotangents: list[Any]) -> list[Any]:
            pairs = [(y, creation.as_tensor(v)) for y, v in zip(ys, cotangents, strict=True) if y.requires_grad]
            if not pairs:
                return [np.zeros_like(x) for x in xs]
            gs = sweep.grad(
                [y for y, _ in pairs], variables, [v for _, v in pairs], retain_graph=True, allow_unused=True
            )
            return [np.zeros_like(x) if g is None else g.data for g, x in zip(gs, xs, strict=True)]

        return [y.data for y in ys], pull

    def derivative(self, cotangents: list[Any]) -> Subject:
        """Return the function of the inputs and of cotangents of the outputs that gives the inputs' gradients."""
        return Derivative(self, cotangents)

    def jvp(self, xs: list[Any], tangents: list[Any]) -> list[Any]:
        """Return the outputs' tangents, by the library's own forward mode."""
        with tape.enable_grad():
            _, pushed = functional.jvp(lambda *ts: self.call(list(ts)), tuple(xs), tuple(tangents))
        return [t.data for t in pushed]

    def call(self, tensors: list[Tensor]) -> list[Tensor]:
        """Run the function on tensors and return its floating outputs."""
        count = sum(self._chosen)
        given = iter(tensors[:count])
        mixed = [next(given) if c else x for x, c in zip(self._leaves, self._chosen, strict=True)]
        with self._substituted(tensors[count:]):
            answer = self.f(*rebuild(self.args, iter(mixed)))
        found = list(zip(_paths(answer, None), leaves(answer), strict=True))
        kept = [(n, y) for n, y in found if np.asarray(_data(y)).dtype.kind in "fc"]
        if not kept:
            raise TypeError(
                f"{self.name} returned {_kinds(answer)}; a check needs at least one Tensor of floating numbers."
            )
        self.outputs = [n for n, _ in kept]
        return [y if isinstance(y, Tensor) else creation.as_tensor(np.asarray(y)) for _, y in kept]

    @contextmanager
    def _substituted(self, tensors: list[Tensor]) -> Iterator[None]:
        """Put tensors in the places of the module's parameters (tied ones in all their places) for a while."""
        changed = {id(old): new for (_, old), new in zip(self._parameters, tensors, strict=True)}
        places = [
            (vars(part), key, old, changed[id(old)])
            for part in (self.module.modules() if changed else ())
            for key, old in vars(part).items()
            if id(old) in changed
        ]
        for attributes, key, _, new in places:
            attributes[key] = new
        try:
            yield
        finally:
            for attributes, key, old, _ in places:
                attributes[key] = old


class Derivative(Subject):
    """The gradients of another subject, as a function of its inputs and cotangents: the next order's function."""

    def __init__(self, of: Subject, cotangents: list[Any]) -> None:
        super().__init__(lambda *xs: self.call(list(xs)), (), name=f"the gradient of {of.name}")
        self.of = of
        self.inputs = [*of.inputs, *cotangents]
        self.names = [*of.names, *[f"gradient of {n}" for n in of.outputs]]

    def call(self, tensors: list[Tensor]) -> list[Tensor]:
        """Return the gradients, recorded if any of the tensors is."""
        count = len(self.of.inputs)
        record = any(map(forward.recorded, tensors))
        with tape.enable_grad():
            xs = [x if forward.recorded(x) else forward.leaf(x) for x in tensors[:count]]
            ys = self.of.call(xs)
            live = [(y, v) for y, v in zip(ys, tensors[count:], strict=True) if y.requires_grad]
            gs: Any = [None] * count
            if live:
                gs = sweep.grad([y for y, _ in live], xs, [v for _, v in live], create_graph=record, allow_unused=True)
        self.outputs = [f"gradient by {n}" for n in self.of.names]
        return [creation.zeros_like(x) if g is None else g for g, x in zip(gs, xs, strict=True)]


def _checked(x: Any, wanted: bool) -> bool:
    """Say whether a leaf is differentiated: every floating one, or only the tensors that ask for it if any does."""
    if wanted:
        return isinstance(x, Tensor) and x.requires_grad
    return np.asarray(_data(x)).dtype.kind in "fc"


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _kinds(answer: Any) -> str:
    return ", ".join(type(x).__name__ for x in leaves(answer)) or repr(answer)


def _argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of a function's first parameters, where they can be read."""
    try:
        parameters = list(inspect.signature(getattr(f, "forward", f)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    if len(names) < count:
        return [f"x{i}" for i in range(count)] if count > 1 else ["x"] * count
    return names


def _paths(tree: Any, names: list[str] | None, here: str = "output") -> list[str]:
    """Return the place of every leaf of nested containers: `params['w'][0]`."""
    if isinstance(tree, dict):
        return [p for key, value in tree.items() for p in _paths(value, None, f"{here}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        parts = names or [f"{here}[{i}]" for i in range(len(tree))]
        return [p for part, value in zip(parts, tree, strict=True) for p in _paths(value, None, part)]
    return [] if tree is None else [here]
