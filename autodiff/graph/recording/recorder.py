"""The recorder that the engine reports to while a function is traced: it keeps a log, and `building.py` reads it.

What the engine does is written down as it comes, so that tracing costs little; the Graph is made at the first look.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import errors, sweep, tape
from autodiff.errors import AutodiffError
from autodiff.graph.record import Graph
from autodiff.graph.recording.building import Builder, End, given
from autodiff.graph.recording.failing import failing
from autodiff.tape import Mode, Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves, map_leaves


def traced(f: Callable[..., Any], *, backward: bool = False, timed: bool = False) -> Callable[..., Graph]:
    """Return a function that runs f and answers with its Graph.

    With `backward`, the gradients of what f returns are computed as well, if f itself does not; no `.grad` changes.
    With `timed`, the operations have their times.
    """

    @functools.wraps(f, updated=())
    def run(*args: Any, **kwargs: Any) -> Graph:
        graph, recorder = _run(f, args, kwargs, timed, backward)
        if not backward or recorder.swept:
            return graph
        with tape.enable_grad():  # nothing requires a gradient: the arguments do
            args, kwargs = map_leaves(_variable, [list(args), kwargs])
            graph, recorder = _run(f, tuple(args), kwargs, timed, backward)
        if not recorder.swept:
            raise AutodiffError(
                f"backward=True: what {title(f)} returns does not depend on a floating argument or parameter, so that "
                "there is no gradient to show; leave backward=True out."
            )
        return graph

    return run


def _run(f: Callable[..., Any], args: Any, kwargs: Any, timed: bool, backward: bool) -> tuple[Graph, Recorder]:
    recorder = Recorder(title(f), timed)
    for name, x in _named(f, args, kwargs):
        recorder.name(x, name)
    try:
        with tape.Switch(graph=recorder, phase="forward", scope=(), order=0):
            result = f(*args, **kwargs)
            if backward and not recorder.swept:
                recorder.sweep([t for t in leaves(result) if isinstance(t, Tensor) and t._node is not None])
    except Exception as error:
        recorder.fail(error)
        graph = recorder.finish(None)
        graph.error = f"{type(error).__name__}: {error}"
        error.graph = graph  # type: ignore[attr-defined]
        error.add_note(f"what was traced until then is this exception's .graph: {graph!r}")
        raise
    return recorder.finish(result), recorder


def title(f: Callable[..., Any]) -> str:
    """Return what to call a function or module in a picture."""
    name = getattr(f, "__name__", None) or type(f).__name__
    return "lambda" if name == "<lambda>" else str(name)


def seed(shape: tuple[int, ...], dtype: Any) -> Tensor:
    """Return the ones that a backward pass starts from."""
    ones = Tensor(np.ones(shape, dtype))
    ones.name = "seed"
    return ones


def _variable(x: Any) -> Any:
    """Return a floating tensor or array as a leaf that requires a gradient; what else there is stays."""
    data = x._data if isinstance(x, Tensor) else x
    floating = isinstance(data, np.ndarray) and data.dtype.kind in "fc"
    return Tensor(data).requires_grad_() if floating else x


class Recorder:
    """Keeps the log of a trace: what ran on which arrays, and where, in order.

    Arrays are noted as they are met, for a tensor may hold another one later. Before memory is written, what the log
    holds is read, so that the graph keeps what was there.
    """

    def __init__(self, title: str, timed: bool = False) -> None:
        self.swept = False
        self.builder = Builder(keep=not timed)  # what is kept cannot be used again: fresh memory takes its time
        self.title = title
        self.log: list[tuple[Any, ...]] = []
        self.timed, self._start = timed, perf_counter()
        self._time: tuple[float, float] | None = None  # when the last kernel began, and how long it ran
        self._orders: dict[Node, int] = {}  # of derivatives that have a history
        self._found: dict[Node, Tensor] = {}  # the gradients of a sweep of our own
        self._end: End | None = None

    # --- what the engine reports ---

    def note(
        self,
        primitive: Any,
        operands: Any,
        arrays: list[Any],
        nodes: list[Node | None],
        params: dict[str, Any],
        result: Any,
        node: Node | None,
        mode: Mode,
    ) -> None:
        """Hear of an operation that was run."""
        if node is not None and (mode.order or self._orders):
            order = mode.order or max(map(self._order, nodes))
            if order:
                self._orders[node] = order
        if type(result) is Tensor:
            made: Any = result._data
            for array in arrays:
                if array is made:  # it answered with its operand itself
                    made = result._data = made.view()
                    break
        else:
            made = [(t._data, t._node) for t in result] if isinstance(result, (tuple, list)) else result._data
        frame = errors.user_frame(3)
        saved = node.saved if node is not None else None
        code, place = frame.f_code, frame.f_lasti
        self.log.append((primitive, operands, arrays, nodes, params, made, node, saved, mode, code, place, self._time))
        if self.timed:
            self.flush()

    def drew(self, t: Tensor, name: str) -> None:
        """Hear of a random draw."""
        self.log.append(("draw", given(t), name))

    def grouped(self, name: str, kind: str, function: Any, args: Any, kwargs: Any) -> Running:
        """Hear that a composite or a custom Function begins: return a context in which it runs."""
        frame = errors.user_frame(2)
        operands = tuple([given(x) for x in args])
        params = {key: given(x) for key, x in kwargs.items()}
        at = frame.f_code, frame.f_lasti
        self.log.append(("open", name, kind, function, operands, params, tape.mode.get(), at))
        return Running(self)

    def answered(self, outputs: list[Tensor], constant: list[bool]) -> None:
        """Hear what the group that ended last returned, and which outputs carry no gradient."""
        self.log.append(("answer", [given(t) for t in outputs], constant))

    def recorded(self, node: Node, results: list[Tensor]) -> None:
        """Hear of the node that stands for a custom Function."""
        self.log.append(("record", node, node.saved, [(t._data, t._node) for t in results]))
        if self._orders and (order := max(map(self._order, node.parents))):
            self._orders[node] = order

    def losing(self, t: Tensor) -> None:
        """Hear that the gradients of a tensor are about to be added to those of its leaves."""
        self.log.append(("lose", given(t)))

    def pulling(self, node: Node, g: Any) -> None:
        """Hear that the sweep has the gradient of a node and is about to run its rules."""
        self.log.append(("pull", node, g._data if isinstance(g, Tensor) else None))

    def order(self, tensors: list[Tensor]) -> int:
        """Return the order of derivative of a sweep from some tensors: one more than theirs."""
        self.swept = True
        return 1 + max([self._order(t._node) for t in tensors])

    def _order(self, node: Node | None) -> int:
        if node is None or not self._orders:
            return 0
        return self._orders.get(node.parents[0] if node.plan is engine.PICK else node, 0)

    def write(self, target: Tensor, y: Tensor) -> None:
        """Hear that a tensor's memory is about to take the value of y."""
        self.flush()
        self.builder.write(given(target), given(y))

    def clocked(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Return a kernel, which is about to run, with a clock."""

        def run(*operands: Any, **params: Any) -> Any:
            began = perf_counter()
            y = kernel(*operands, **params)
            self._time = began - self._start, perf_counter() - began
            return y

        return run

    # --- beginning and end ---

    def name(self, x: Any, name: str) -> None:
        """Name an argument of the function."""
        if isinstance(x, (Tensor, np.ndarray)):
            self.builder.argument(given(x), name)

    def sweep(self, outputs: list[Tensor]) -> None:
        """Compute the gradients of some results, from ones, without a change to any `.grad`."""
        if outputs:
            seeds = [seed(t.shape, t.dtype) for t in outputs]
            with tape.enable_grad():
                self._found = sweep._run(outputs, seeds, None, True, False)

    def fail(self, error: Exception) -> None:
        """Hear that the function ended with an error: the operation that raised it is the last one."""
        call = failing(error)
        if call is not None:
            primitive, operands, params, mode, at = call
            last = self.log[-1] if self.log else ("",)
            ran = type(last[0]) is not str and last[1] is operands  # and its result was refused
            frame = errors.user_frame(3)
            at = at or (frame.f_code, frame.f_lasti)
            arrays = {key: x for key, x in params.items() if isinstance(x, (Tensor, np.ndarray))}
            operands = tuple(map(given, (*operands, *arrays.values())))
            params = {key: x for key, x in params.items() if key not in arrays}
            self.log.append(("fail", ran, primitive, operands, params, mode, at))

    def finish(self, result: Any) -> Graph:
        """Note what the function returned and what the tensors hold now, and return the graph."""
        graph = Graph(self.title, self.build)  # which holds this, and not the other way round: a trace leaves no cycle
        graph.result = result
        answers = [given(t) for t in leaves(result) if isinstance(t, Tensor)]
        owners: dict[int, Any] = {id(t): t for t in self.builder.owners.values()}
        scalars = True
        for event in self.log:
            if type(event[0]) is not str:
                scalars = scalars and getattr(event[5], "size", 1) == 1
                operands = event[1]
                for i, node in enumerate(event[3]):
                    if node is None or node.plan is None:
                        owners[id(operands[i])] = operands[i]
        self._end = End(answers, [x for x in owners.values() if isinstance(x, Tensor)], self._found)
        if scalars:
            self.build()  # with the gradients of every value: they may be lost later
        return graph

    def flush(self) -> None:
        """Read the log."""
        builder, log = self.builder, self.log
        self.log = []
        for event in log:
            if type(event[0]) is str:
                getattr(builder, event[0])(*event[1:])
            else:
                builder.op(*event)

    def build(self) -> dict[str, Any]:
        """Return the fields of the graph."""
        if self._end is not None:
            self.flush()
            self._fields = self.builder.finish(self._end)
            self.builder = self._end = None  # type: ignore[assignment]
        return self._fields


class Running:
    """The context in which a group's operations run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        """Nothing to do: the group is open."""

    def __exit__(self, *error: object) -> None:
        self._recorder.log.append(("close",))


def _named(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a function's arguments with their names: `x`, `batch.0`, `state.h`."""
    called = f if inspect.isroutine(f) else getattr(f, "forward", f)
    try:
        bound = inspect.signature(called).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # no signature to read, or not one that fits: f itself will say so
        bound = {f"arg{i}": x for i, x in enumerate(args)} | kwargs
    for name, x in bound.items():
        yield from _paths(name, x)


def _paths(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, x in tree.items():
            yield from _paths(f"{name}.{key}", x)
    elif isinstance(tree, (list, tuple)):
        for i, x in enumerate(tree):
            yield from _paths(f"{name}.{i}", x)
    else:
        yield name, tree
