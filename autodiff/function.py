"""Custom operations as PyTorch writes them: a class with `forward` and `backward` on Tensors."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import tape
from autodiff.errors import AutodiffError
from autodiff.sweep import conjugate
from autodiff.tape import Node
from autodiff.tensor import Tensor


class Context:
    """What `forward` leaves for `backward`; attributes may be set freely (shapes and numbers, not tensors)."""

    needs_input_grad: tuple[bool, ...] = ()
    saved_tensors: tuple[Tensor, ...] = ()

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep tensors for `backward`, where they are `ctx.saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward takes Tensors; got {type(t).__name__}. Set it as ctx.name instead.")
        self._to_save = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say that some outputs carry no gradient."""
        self._constant = outputs


class Function:
    """A custom operation: subclass with static `forward(ctx, *args)` and `backward(ctx, *grads)`, call `apply`.

    `backward` returns one gradient (or None) for each argument of `forward`. Written in Tensor operations, it is
    differentiable itself.

    >>> import autodiff as ad
    >>> class Cube(ad.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = ad.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function defines a static method forward(ctx, *args).")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("a Function defines a static method backward(ctx, *grads).")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and record the operation."""
        ctx = Context()
        nodes = [x._node if isinstance(x, Tensor) else None for x in args]
        ctx.needs_input_grad = tuple(node is not None for node in nodes)
        recording = tape.is_grad_enabled() and any(ctx.needs_input_grad)
        now = tape.mode.get()
        graph = now.graph if now is not None else None
        grouped = nullcontext() if graph is None else graph.grouped(cls.__name__, "function", cls, args, kwargs)
        with tape.Switch(record=False, levels=()), grouped:
            answer = cls.forward(ctx, *args, **kwargs)
        several = isinstance(answer, (tuple, list))
        outputs: list[Any] = list(answer) if several else [answer]
        for y in outputs:
            if not isinstance(y, Tensor):
                raise TypeError(
                    f"{cls.__name__}.forward returned a {type(y).__name__}; expected a Tensor or a tuple of them."
                )
        constant = [any(y is c for c in ctx._constant) or y._data.dtype.kind not in "fc" for y in outputs]
        if graph is not None:
            graph.answered(outputs, constant)
        pushing = now is not None and now.levels and any(ctx.needs_input_grad)
        if not recording and not pushing:
            return answer
        plan = _Plan(cls, ctx, _origins(ctx, args, outputs), len(args), several)
        node = _record(plan, args, nodes, ctx, outputs) if recording else None
        if node is not None and now is not None and now.segment is not None:
            now.segment.note(node)
        ctx._to_save = ctx._constant = ()
        results = (
            engine.wrap(tuple(y._data for y in outputs), node) if several else (engine.wrap(outputs[0]._data, node),)
        )
        results = [r.detach() if c else r for r, c in zip(results, constant, strict=True)]
        if node is not None and graph is not None:
            graph.recorded(node, results)
        if now is not None and now.levels:
            now.levels[-1].push(now, plan, args, nodes, {}, tuple(results) if several else results[0])
        return type(answer)(results) if several else results[0]


class _Plan:
    """A node's plan whose rule is a Function's `backward`."""

    kind, joint, foreign = "other", True, True

    def __init__(self, cls: type[Function], ctx: Context, origins: list[Any], count: int, several: bool) -> None:
        self.cls, self.ctx, self.origins, self.count, self.several = cls, ctx, origins, count, several
        self.name, self.primitive = cls.__name__, self
        self.form, self.plans = "outputs" if several else "operands", {0: self}
        # what is neither an operand nor an output
        pairs = zip(origins, ctx._to_save, strict=True)
        self.kept = [t.detach() if origin is None and t is not None else None for origin, t in pairs]

    def carries(self, operand: int) -> bool:
        return self.ctx.needs_input_grad[operand]

    def save(self, y: Any, *operands: Any) -> tuple[Any, ...]:
        """Return what `forward` saved, out of the outputs and the operands given here."""

        def found(origin: Any, kept: Any) -> Any:
            if isinstance(origin, tuple):
                return y[origin[1]] if self.several else y
            return kept if origin is None else operands[origin]

        return tuple(map(found, self.origins, self.kept))

    def parent(self, node: Node, operand: Any) -> Node | None:
        return node.parents[operand] if isinstance(operand, int) else None

    def lift(self, node: Node, wrap: Any) -> tuple[Any, ...]:
        def lifted(origin: Any, value: Any) -> Any:
            if isinstance(origin, tuple):  # ("y", k): an output
                return engine.picked(value, node, origin[1]) if self.several else wrap(value, node)
            return wrap(value, self.parent(node, origin))

        return tuple(lifted(origin, v) for origin, v in zip(self.origins, node.saved, strict=True))

    def pull(self, g: Any, values: Any, parents: Any, params: Any) -> list[Any]:
        gradients = g.filled() if self.several else [g]
        lifted = any(isinstance(h, Tensor) for h in gradients)
        seeds = [conjugate(h if isinstance(h, Tensor) else engine.wrap(np.asarray(h), None)) for h in gradients]
        self.ctx.saved_tensors = tuple([v if isinstance(v, Tensor) else engine.wrap(v, None) for v in values])
        try:
            answer = self.cls.backward(self.ctx, *seeds)
        finally:
            self.ctx.saved_tensors = ()
        answers = answer if isinstance(answer, (tuple, list)) else (answer,)
        if len(answers) != self.count:
            raise AutodiffError(
                f"{self.name}.backward returned {len(answers)} gradients; forward took {self.count} arguments: "
                "return one for each, None where there is none."
            )
        pairs = []
        for i, (parent, h) in enumerate(zip(parents, answers, strict=True)):
            if parent is None or h is None:
                continue
            if not isinstance(h, Tensor):
                raise TypeError(
                    f"{self.name}.backward: gradient {i} is a {type(h).__name__}; expected a Tensor or None."
                )
            pairs.append((parent, conjugate(h) if lifted else conjugate(h)._data))
        return pairs


def _origins(ctx: Context, args: tuple[Any, ...], outputs: list[Tensor]) -> list[Any]:
    """Say where each saved tensor came from: an operand's number, or ("y", k) for output k."""
    origins: list[Any] = []
    for t in ctx._to_save:
        operand = next((i for i, x in enumerate(args) if x is t), None)
        output = next((("y", k) for k, y in enumerate(outputs) if y is t), None)
        origins.append(output if operand is None else operand)
    return origins


def _record(plan: _Plan, args: tuple[Any, ...], nodes: list[Any], ctx: Context, outputs: list[Tensor]) -> Node:
    node = Node()
    node.plan, node.params, node.meta = plan, None, None
    node.parents = tuple(nodes)
    node.saved = tuple(None if t is None else t._data for t in ctx._to_save)
    node.stamp = next(tape.stamps)
    node.shape = tuple(y.shape for y in outputs) if plan.several else outputs[0].shape
    node.dtype = tuple(y.dtype for y in outputs) if plan.several else outputs[0].dtype
    return node
