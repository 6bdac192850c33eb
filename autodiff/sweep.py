"""The reverse sweep, and `grad` and `backward`, its two faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy import ndarray

from autodiff import apply as engine
from autodiff import errors, tape
from autodiff.apply import Placed
from autodiff.errors import AutodiffError
from autodiff.summation import by_columns, columns, total
from autodiff.tape import Node, mode

if TYPE_CHECKING:
    from autodiff.tensor import Tensor


def sweep(grads: dict[Node, Any], wanted: set[Node] | None, retain: bool, lift: bool) -> dict[Node, Any]:
    """Carry gradients from some outputs back to the leaves (or to the `wanted` nodes), newest node first.

    A node waits until all its users are done: in `b = a + a; c = b + b`, b's gradient must be complete before it is
    split over the two a's. Users are newer than what they use, so going by age is enough. A gradient is an ndarray or,
    lifted, a Tensor: then the same rules record themselves, which is all there is to higher derivatives and tracing.
    """
    shared = set(grads)  # nodes whose gradient may be another node's array as well: not to be added to in place
    found: dict[Node, Any] = {}
    last = max((node.stamp for node in wanted), default=1) if wanted is not None else 1
    leading = _leading(grads, wanted, last) if wanted is not None else None
    anomaly = (now := mode.get()) is not None and now.anomaly
    roots = grads if leading is None else leading.intersection(grads)
    heap = sorted((node.stamp, node) for node in roots if node.plan is not None)
    node = heappop(heap)[1] if heap else None
    g = grads.pop(node) if node is not None else None
    while node is not None and node.stamp < last:
        if node.meta is not None:
            g = _hooked(node, g)
        if wanted is not None and node in wanted:
            found[node] = g if node not in shared else _own(g)
        values = node.saved
        if values is None:
            values = _recalled(node)
        if node.stamp > tape.last_write:
            _refuse_stale(node)
        plan = node.plan
        following: Any = None  # one parent is carried on to be next; the heap and the dict hold the others
        carried: Any = None
        try:
            if lift:
                if now is not None and now.graph is not None:
                    now.graph.pulling(node, g)
                values = plan.lift(node, engine.wrap)
            for parent, h in plan.pull(g, values, node.parents, node.params):
                if leading is not None and parent not in leading:
                    continue
                if h.shape != parent.shape or h.dtype is not parent.dtype:
                    if type(h) is not Placed:
                        h = fit(h, parent)
                    elif parent is not following and parent not in grads:
                        h = h.whole(parent.dtype)
                if parent is following:
                    carried = _sum(carried, h, parent, shared)
                elif parent in grads:
                    grads[parent] = _sum(grads[parent], h, parent, shared)
                else:
                    if h is g or plan.foreign:
                        shared.add(parent)
                    if following is None and parent.plan is not None:
                        following, carried = parent, h
                    else:
                        grads[parent] = h
                        if parent.plan is not None:  # a leaf only collects
                            heappush(heap, (parent.stamp, parent))
                if anomaly:
                    _refuse_nan(node, g, h)
        except Exception as error:
            line = f" ({node.meta.line})" if node.meta is not None and node.meta.line else ""
            error.add_note(f"raised by the rule of {node.name}{line}, saved shapes {node.saved_shapes}")
            raise
        if not retain and node.saved:
            node.saved = None
        if heap and (following is None or heap[0][0] < following.stamp):
            if following is not None:
                grads[following] = carried
                heappush(heap, (following.stamp, following))
            following = heappop(heap)[1]
            carried = grads.pop(following)
        node, g = following, carried
    if node is not None:
        grads[node] = g
    for node, g in grads.items():
        if node.plan is None if wanted is None else node in wanted:
            if node.meta is not None and (node.meta.hooks or node.meta.retains):
                g = _hooked(node, g)
            found[node] = g if node not in shared else _own(g)
    for node, g in found.items():
        if type(g) is not ndarray or g.base is not None:
            array = getattr(g, "_data", g)
            if type(array) is not ndarray or array.base is not None:
                found[node] = _own(g)
    return found


def _leading(roots: Iterable[Node], wanted: set[Node], last: int) -> set[Node]:
    """Return the nodes on a way from the roots to a wanted node: a branch that leads nowhere is not run, nor freed."""
    seen = set(roots)
    waiting = list(seen)
    while waiting:
        for parent in waiting.pop().parents:
            if parent is not None and parent.stamp < last and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    leading = set(wanted)
    for node in sorted(seen, key=lambda node: node.stamp, reverse=True):  # oldest first: parents before users
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    return leading


def _sum(before: Any, h: Any, parent: Node, shared: set[Node]) -> Any:
    """Add to a parent's gradient, in place where the sweep alone holds that array."""
    if type(before) is ndarray and before.base is None and parent not in shared:
        return np.add(before, h, before) if type(h) is not Placed else h.added_to(before)
    shared.discard(parent)
    return before + h if type(h) is not Placed else h.added_to(np.array(before))


def _own(g: Any) -> Any:
    """Return a gradient as an array, or a Tensor, whose memory nothing else holds."""
    return np.copy(g)


def fit(g: Any, to: Node) -> Any:
    """Give a gradient the shape and dtype of its operand: sum over broadcast axes, drop an imaginary part, cast."""
    if g.dtype is to.dtype and g.shape[1:] == to.shape and by_columns(g):  # of a bias: the case that counts
        return columns(g, 1)
    if g.dtype.kind == "c" and to.dtype.kind != "c":
        g = np.real(g)
    if g.shape != to.shape:
        lead = len(g.shape) - len(to.shape)
        if g.shape[max(lead, 0) :] == to.shape:
            axes = tuple(range(lead))
        else:
            axes = tuple([i for i, m in enumerate(g.shape) if i < lead or to.shape[i - lead] != m])
        if lead < 0 or any(to.shape[i - lead] != 1 for i in axes if i >= lead):
            raise AutodiffError(
                f"a gradient of shape {g.shape} was returned for an operand of shape {to.shape}: "
                "a rule returns the operand's shape, or one that the operand broadcasts to."
            )
        if g.dtype == np.float16:
            g = g.astype(np.float32)
        g = total(g, axes)  # recorded where g is a Tensor: the sum of its rule is a broadcast
        if g.shape != to.shape:
            g = np.reshape(g, to.shape)
    return g if g.dtype == to.dtype else g.astype(to.dtype)


def _hooked(node: Node, g: Any) -> Any:
    """Show a gradient to the tensor that retains it and to its hooks, which may replace it."""
    facts = node.meta
    assert facts is not None
    for hook in list(facts.hooks.values()):
        answer = hook(_shown(g))
        if answer is not None:
            if tuple(answer.shape) != tuple(node.shape):
                raise AutodiffError(
                    f"a hook on {node.name} returned shape {tuple(answer.shape)}; the gradient has {node.shape}."
                )
            answer = conjugate(answer)
            g = answer if isinstance(g, engine.Tensor) else np.array(getattr(answer, "_data", answer))
    if facts.retains and (owner := facts.owner()) is not None:
        owner._grad = _shown(g)
    return g


def _shown(g: Any) -> Any:
    """Return a gradient as the user sees it: a Tensor of its own, in PyTorch's convention."""
    own = np.copy(g)
    return conjugate(own if isinstance(own, engine.Tensor) else engine.wrap(own, None))


def conjugate(t: Any) -> Any:
    """Turn a complex gradient between the rules' convention (the transpose) and PyTorch's (conjugate Wirtinger)."""
    return np.conjugate(t) if t.dtype.kind == "c" else t


# --- what a sweep refuses ------------------------------------------------------------------------------------------


def _recalled(node: Node) -> Any:
    """Return what a checkpoint dropped of a node, computed again."""
    while node.saved is None:  # a checkpoint inside may have dropped it once more
        if node not in tape.dropped:
            _refuse_freed(node)
        tape.dropped[node][0].recall()
    return node.saved


def _refuse_freed(node: Node) -> NoReturn:
    raise AutodiffError(
        f"the graph was swept before, at {node.name} {errors.short(node.dtype, node.shape)}: its saved values are "
        "freed. Pass retain_graph=True to the first backward() or grad() to go through it again."
    )


def _refuse_stale(node: Node) -> None:
    """Refuse to use a saved value that was written in place after the operation that saved it."""
    for origin, value in zip(node.plan.origins, node.saved, strict=True):
        values = enumerate(value, start=origin == "rest") if isinstance(value, tuple) else [(origin, value)]
        for place, array in values:
            array = getattr(array, "_data", array)
            if isinstance(array, ndarray) and tape.written_since(array, node.stamp):
                what = "its output" if place == "y" else f"operand {place}"
                parent = node.plan.parent(node, place)
                while parent is not None and parent.plan is not None and len(parent.parents) == 1:
                    parent = parent.parents[0]  # through views to the tensor itself
                name = f" '{parent.name}'" if parent is not None and parent.plan is None else ""
                raise AutodiffError(
                    f"{node.name} saved {what}{name} {errors.describe(array)} for its backward pass, and that memory "
                    "was changed in place since (perhaps through a view). Update in place only after backward(), or "
                    "make a new tensor: w = w * 2 instead of w *= 2."
                )


def _refuse_nan(node: Node, g: Any, h: Any) -> None:
    before, after = (getattr(x, "_data", x) for x in (g, h))
    if engine.finite(before) and not engine.finite(after):
        line = node.meta.line if node.meta is not None and node.meta.line else "an unknown line (recorded earlier)"
        raise FloatingPointError(
            f"the rule of {node.name} made the first NaN or infinity of the backward pass; "
            f"the operation was recorded at {line}. ad.explain(ad.trace(f)(...)) shows the way to it."
        )


# --- the two faces -------------------------------------------------------------------------------------------------


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of `outputs` (weighted by `grad_outputs`) with respect to `inputs`, one for each input.

    >>> import autodiff as ad
    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> (slope,) = ad.grad(x**3, x, create_graph=True)
    >>> ad.grad(slope, x)
    (tensor(18.),)
    """
    given, asked = _listed(outputs, "outputs"), _listed(inputs, "inputs")
    for i, x in enumerate(asked):
        if x._node is None:
            raise AutodiffError(
                f"grad: input {i} {errors.describe(x._data)} does not require a gradient; "
                "call x.requires_grad_() before the forward pass."
            )
    seeds = _seeds(given, grad_outputs)
    wanted = {x._node for x in asked}
    found = _run(given, seeds, wanted, retain_graph, create_graph)
    for i, x in enumerate(asked):
        if x._node not in found and not allow_unused:
            raise AutodiffError(
                f"grad: input {i} {x.name or ''} {errors.describe(x._data)} was not used to compute the outputs. "
                "Pass allow_unused=True to get None for it."
            )
    return tuple(found.get(x._node) for x in asked)


def backward(
    tensor: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add the gradient of `tensor` with respect to every leaf that requires one to that leaf's `.grad`."""
    seeds = _seeds([tensor], None if gradient is None else [gradient])
    if (now := mode.get()) is not None and now.graph is not None:
        now.graph.losing(tensor)
    for node, g in _run([tensor], seeds, None, retain_graph, create_graph).items():
        owner = node.meta.owner() if node.meta is not None else None
        if owner is None:
            continue
        before = owner._grad
        if before is None:
            owner._grad = g
        elif before._node is None and g._node is None and not engine.tracing() and before._data.flags.writeable:
            np.add(before._data, g._data, out=before._data, casting="same_kind")
            tape.touch(before._data)
        else:
            owner._grad = before + g


def _run(
    outputs: list[Tensor], seeds: list[Tensor], wanted: Any, retain_graph: bool | None, create_graph: bool
) -> dict[Node, Any]:
    """Run the sweep on the tensors' nodes and return the gradients as tensors."""
    before = mode.get()
    lift = create_graph or engine.tracing() or (before is not None and bool(before.levels))
    plain = before is None and not create_graph
    order = before.graph.order(outputs) if before is not None and before.graph is not None else 0
    mode.set(tape.QUIET if plain else tape.changed(record=create_graph, phase="backward", scope=(), order=order))
    try:
        with np.errstate(all="ignore"):
            grads: dict[Node, Any] = {}
            for y, seed in zip(outputs, seeds, strict=True):
                g = conjugate(seed) if lift else conjugate(seed)._data
                node: Any = y._node
                grads[node] = grads[node] + g if node in grads else g
            found = sweep(grads, wanted, create_graph if retain_graph is None else retain_graph, lift)
            for n, g in found.items():
                found[n] = conjugate(g if lift else engine.wrap(g, None))
            return found
    finally:
        mode.set(before)


def _listed(tensors: Any, what: str) -> list[Any]:
    listed = [tensors] if isinstance(tensors, engine.Tensor) else list(tensors)
    for i, t in enumerate(listed):
        if not isinstance(t, engine.Tensor):
            raise TypeError(f"grad: {what}[{i}] is a {type(t).__name__}; expected a Tensor.")
    return listed


def _seeds(outputs: list[Any], gradients: Any) -> list[Any]:
    """Return the gradient each output starts with: the one given, or 1 for a scalar."""
    given = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    if gradients is not None and len(given) != len(outputs):
        raise AutodiffError(
            f"{len(given)} gradients were given for {len(outputs)} outputs; expected one each, or None."
        )
    seeds = []
    for y, g in zip(outputs, given if gradients is not None else [None] * len(outputs), strict=True):
        if y._node is None:
            raise AutodiffError(
                f"the output {errors.describe(y._data)} has no history: nothing it was computed from requires a "
                "gradient (or it was computed under no_grad, from integers, or through detach())."
            )
        if g is None:
            if y._data.size != 1:
                raise AutodiffError(
                    f"backward from an output of shape {y.shape} needs its gradient: pass gradient= of that shape, or "
                    "reduce it to a scalar, e.g. y.sum().backward()."
                )
            if y._data.dtype.kind == "c":
                raise AutodiffError(
                    f"backward from a complex output {errors.describe(y._data)} needs its gradient: pass gradient=, or "
                    "take a real number from it, e.g. abs(y).backward()."
                )
            g = engine.wrap(np.ones(y._data.shape, y._data.dtype), None)
        elif not isinstance(g, engine.Tensor):
            g = engine.wrap(np.asarray(g, dtype=y._data.dtype), None)
        if g.shape != y.shape:
            raise AutodiffError(f"the gradient given has shape {g.shape}; the output has {y.shape}.")
        seeds.append(g if g._data.dtype == y._data.dtype else g.astype(y._data.dtype))
    return seeds
