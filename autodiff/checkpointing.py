"""`checkpoint`: what operations save for the backward pass is dropped, and computed again when it is asked for."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from autodiff import errors, tape
from autodiff.errors import AutodiffError
from autodiff.tape import Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves


class Segment:
    """One call of a function whose operations keep nothing; it is called again when the sweep reaches one of them.

    The nodes stay as they are, so that gradients flow to all that the function uses, at any order; only `saved` is
    empty until then. Nodes hold the segment (through `tape.dropped`), and it holds them weakly.
    """

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any, preserve: bool, outer: Any) -> None:
        self.f, self.args, self.kwargs, self.preserve, self.outer = f, args, kwargs, preserve, outer
        self.nodes: list[weakref.ref[Node]] = []
        self.states: dict[Any, Any] = {}  # of the generators drawn from, before the first draw
        self.began = next(tape.stamps)

    def note(self, node: Node) -> None:
        """Drop what a node saved; the segment around this one, which is being computed again, hears of it too."""
        tape.dropped[node] = self, len(self.nodes)
        self.nodes.append(weakref.ref(node))
        node.saved = None
        if self.outer is not None:
            self.outer.note(node)

    def drew(self, generator: Any) -> None:
        """Remember where a generator stands before the function first draws from it."""
        if self.preserve and generator not in self.states:
            self.states[generator] = generator.get_state()

    def run(self) -> Any:
        """Call the function for the first time."""
        with tape.Switch(segment=self):
            answer = self.f(*self.args, **self.kwargs)
        self.outer = None
        return answer

    def recall(self) -> None:
        """Call the function again, and give each of its nodes what it saves."""
        nodes = [reference() for reference in self.nodes]
        self._refuse_changed(nodes)
        again = _Again()
        now = {generator: generator.get_state() for generator in self.states}
        for generator, state in self.states.items():
            generator.set_state(state)
        try:
            with tape.Switch(record=True, graph=None, levels=(), phase="forward", scope=(), segment=again):
                self.f(*self.args, **self.kwargs)
        finally:
            for generator, state in now.items():
                generator.set_state(state)
        if len(again.nodes) != len(nodes):
            _refuse_other(self.f, f"recorded {len(nodes)} operations, and now {len(again.nodes)}")
        for node, new in zip(nodes, again.nodes, strict=True):
            if node is not None:
                if (node.plan.name, node.shape, node.dtype) != (new.plan.name, new.shape, new.dtype):
                    was, now_ = (f"{n.plan.name} {errors.short(n.dtype, n.shape)}" for n in (node, new))
                    _refuse_other(self.f, f"recorded {was}, and now {now_}")
                _hand_over(new, node)

    def _refuse_changed(self, nodes: list[Node | None]) -> None:
        """Refuse to compute with what was written in place since: the values would not be those of the first call."""
        parents = [parent for node in nodes if node is not None for parent in node.parents]
        owners = [p.meta.owner() for p in parents if p is not None and p.plan is None and p.meta is not None]
        for x in [*leaves([self.args, self.kwargs]), *owners]:
            if isinstance(x, Tensor) and tape.written_since(x._data, self.began):
                name = f" '{x.name}'" if x.name else ""
                raise AutodiffError(
                    f"checkpoint: {_name(self.f)} is to be computed again, and the tensor{name} "
                    f"{errors.describe(x._data)} that it uses was changed in place since. Update in place only after "
                    "backward()."
                )


class _Again:
    """Collects the nodes of a function that is called again; they live until what they saved is handed over."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def note(self, node: Node) -> None:
        self.nodes.append(node)

    def drew(self, generator: Any) -> None:
        """Nothing to do: the state is the one remembered."""


def _hand_over(new: Node, node: Node) -> None:
    """Give a node what its second self saved, or, where a checkpoint inside dropped that, the place in its segment."""
    tape.dropped.pop(node, None)
    node.saved = new.saved
    if (place := tape.dropped.pop(new, None)) is not None:
        segment, index = place
        tape.dropped[node] = place
        segment.nodes[index] = weakref.ref(node)


def _refuse_other(f: Callable[..., Any], what: str) -> None:
    raise AutodiffError(
        f"checkpoint: {_name(f)} {what}. It must do the same at every call: depend on nothing that changes but "
        "generators of ad.random."
    )


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def checkpoint(
    f: Callable[..., Any],
    *args: Any,
    preserve_rng_state: bool = True,
    use_reentrant: bool = False,
    **kwargs: Any,
) -> Any:
    """Return f(*args, **kwargs), keeping nothing of it for the backward pass but the arguments: f is then run again.

    It trades time for memory: the arrays between f's arguments and its results are freed at once, and made anew when
    the backward pass comes there. f may use other tensors, such as a module's parameters, which get their gradients;
    it may return any containers, call `checkpoint` itself, and be differentiated any number of times. Numbers that it
    draws from generators of `ad.random` are the same the second time, unless `preserve_rng_state` is False. It must do
    the same at every call. While a graph is traced, and without gradients, it is just called.

    Without arguments, `checkpoint(f)` is a function that does so: use it as a decorator, or in place of a layer.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> def block(x):
    ...     return (x * x * x).sum()
    >>> ad.checkpoint(block, x).backward()
    >>> x.grad
    tensor([ 3., 12.])
    >>> ad.checkpoint(block)(x).item()
    9.0
    """
    if not callable(f):
        raise TypeError(f"checkpoint: expected a function and its arguments; got {type(f).__name__}.")
    if use_reentrant:
        raise ValueError("checkpoint: use_reentrant=True is not supported; leave it out, gradients are the same.")
    if not args and not kwargs:

        @functools.wraps(f, updated=())
        def function(*args: Any, **kwargs: Any) -> Any:
            return _called(f, args, kwargs, preserve_rng_state)

        return function
    return _called(f, args, kwargs, preserve_rng_state)


def _called(f: Callable[..., Any], args: Any, kwargs: Any, preserve: bool) -> Any:
    now = tape.mode.get()
    around = None if now is None else now.segment
    plain = now is not None and (now.graph is not None or bool(now.levels) or not now.record)
    if plain or isinstance(around, Segment):  # what is around drops everything already
        return f(*args, **kwargs)
    return Segment(f, args, kwargs, preserve, around).run()
