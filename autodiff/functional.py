"""Derivatives as functions of functions, over nested lists, tuples and dicts of tensors.

A result stays differentiable where it can matter: if the function used a tensor that requires a gradient beside its
arguments (an outer variable, a model's parameters), or was itself called inside another of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import creation, errors, forward, sweep, tape
from autodiff.errors import AutodiffError
from autodiff.tape import Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves, map_leaves, rebuild

Argnums = int | tuple[int, ...]


def _floating(x: Any) -> Tensor:
    x = creation.as_tensor(x)
    return x if x.dtype.kind in "fc" else Tensor(x.data.astype(creation.get_default_dtype()))


def _argument(x: Any) -> Any:
    """Return an argument as a variable of its own: a fresh leaf, or a new node on top of its history."""
    x = _floating(x)
    return np.positive(x) if forward.recorded(x) and tape.is_grad_enabled() else forward.leaf(x)


def _called(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Call f with the chosen arguments made variables; return them and what f answers."""
    chosen = _numbers(argnums, args)
    variables = [map_leaves(_argument, args[i]) for i in chosen]
    given = list(args)
    for i, variable in zip(chosen, variables, strict=True):
        given[i] = variable
    with tape.enable_grad():
        y = f(*given, **kwargs)
    return variables[0] if isinstance(argnums, int) else tuple(variables), y


def _numbers(argnums: Argnums, args: Any) -> tuple[int, ...]:
    """Return the chosen arguments' numbers, checked."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    for i in chosen:
        if not isinstance(i, int) or not -len(args) <= i < len(args):
            raise ValueError(
                f"argnums={argnums!r} for {len(args)} positional arguments; expected their numbers, from 0."
            )
    return tuple(chosen)


def _matched(given: list[Any], expected: list[Any], what: str) -> zip[tuple[Any, Any]]:
    """Pair tangents (or cotangents) with the values they belong to."""
    if len(given) != len(expected):
        raise ValueError(f"{len(given)} {what} were given for {len(expected)} values; expected one for each.")
    return zip(given, expected, strict=True)


def _outer(outputs: list[Tensor], variables: list[Tensor]) -> bool:
    """Say whether outputs depend on anything that requires a gradient and is not among the variables."""
    if not tape.is_grad_enabled():
        return False
    own, seen = {v._node for v in variables}, set()
    waiting: list[Node | None] = [y._node for y in outputs]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen or node in own:
            continue
        if node.plan is None:
            return True
        seen.add(node)
        waiting.extend(node.parents)
    # a variable made on top of a history continues it
    return any(v._node is not None and v._node.plan is not None for v in variables)


def _gradients(outputs: list[Tensor], variables: Any, seeds: Any, retain: bool, create: bool) -> Any:
    """Return the gradients in the variables' structure, zeros for a variable that was not used."""
    inputs, given = leaves(variables), [(y, s) for y, s in zip(outputs, seeds, strict=True) if y._node is not None]
    if not given:
        return map_leaves(lambda x: engine.wrap(np.zeros_like(x._data), None), variables)
    found = sweep.grad(
        [y for y, _ in given], inputs, [s for _, s in given], retain or create, create, allow_unused=True
    )
    zeros = (
        g if g is not None else engine.wrap(np.zeros_like(x._data), None) for g, x in zip(found, inputs, strict=True)
    )
    return rebuild(variables, iter(list(zeros)))


def _scalar(y: Any) -> Tensor:
    if not isinstance(y, Tensor) or y._data.size != 1:
        given = errors.describe(y._data) if isinstance(y, Tensor) else type(y).__name__
        raise AutodiffError(f"grad needs a function that returns a scalar Tensor; got {given}. See vjp or jacobian.")
    return y


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives f's scalar value and its gradient with respect to the arguments `argnums`.

    With `has_aux`, f returns (value, more) and the result is ((value, more), gradient).

    >>> from autodiff import functional
    >>> functional.value_and_grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    (tensor(6.), {'a': tensor(3.), 'b': tensor(2.)})
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        variables, answer = _called(f, args, argnums, kwargs)
        value, aux = answer if has_aux else (answer, None)
        y = _scalar(value)
        keep = _outer([y], leaves(variables))
        gradient = _gradients([y], variables, [engine.wrap(np.ones_like(y._data), None)], False, keep)
        y = y if keep else forward.plain(y)
        return ((y, aux) if has_aux else y), gradient

    return function


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives the gradient of f, which returns a scalar; nest it for higher orders.

    >>> from autodiff import functional
    >>> functional.grad(functional.grad(lambda x: x**3))(2.0)
    tensor(12.)
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        value, gradient = value_and_grad(f, argnums, has_aux)(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return function


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f(*primals) and the function that pulls a cotangent of it back to the primals.

    >>> from autodiff import functional
    >>> y, pull = functional.vjp(lambda x: x * x, 3.0)
    >>> pull(1.0)
    (tensor(6.),)
    """
    variables, y = _called(f, primals, tuple(range(len(primals))), {})
    y = map_leaves(creation.as_tensor, y)
    outputs = leaves(y)
    keep = _outer(outputs, leaves(variables))

    def pull(cotangents: Any) -> tuple[Any, ...]:
        seeds = [_like(c, o) for c, o in _matched(leaves(cotangents), outputs, "cotangents")]
        return tuple(_gradients(outputs, variables, seeds, True, keep or any(s.requires_grad for s in seeds)))

    return (y if keep else map_leaves(forward.plain, y)), pull


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return f(*primals) and its derivative along the tangents, in f's own structure.

    In forward mode: f runs once, and nothing of it is kept. See docs/forward.md for what that costs.

    >>> from autodiff import functional
    >>> functional.jvp(lambda x: x * x, (3.0,), (2.0,))
    (tensor(9.), tensor(12.))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("jvp takes tuples, one entry an argument of f: jvp(f, (x,), (v,)).")
    points = [map_leaves(_floating, p) for p in primals]
    directions = [_like(t, x) for t, x in _matched(leaves(list(tangents)), leaves(points), "tangents")]
    y, pushed = _pushed(f, points, {}, directions, range(len(points)), None)
    return y, rebuild(y, iter(pushed))


def _pushed(
    f: Callable[..., Any], args: Any, kwargs: Any, directions: list[Tensor], chosen: Any, rows: int | None
) -> tuple[Any, list[Tensor]]:
    """Call f in forward mode with tangents (or `rows` of them) for the chosen arguments; return its own tangents."""

    def variable(x: Tensor) -> Any:
        return np.positive(x) if forward.recorded(x) and tape.is_grad_enabled() else forward.dual(x)

    given = [map_leaves(variable, x) if i in chosen else x for i, x in enumerate(args)]
    level = forward.Level(rows)  # younger than its variables, whose history is an older one
    for x, t in zip([x for i in chosen for x in leaves(given[i])], directions, strict=True):
        level.give(x, t)
    with tape.Switch(levels=(*forward.levels(), level)):
        y = map_leaves(creation.as_tensor, f(*given, **kwargs))
    lead = () if rows is None else (rows,)
    pushed = [
        engine.wrap(np.zeros(lead + o.shape, o.dtype), None) if (t := level.tangent(o)) is None else t
        for o in leaves(y)
    ]
    return map_leaves(forward.closed, y), pushed


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto", chunk_size: int | None = None
) -> Callable[..., Any]:
    """Return a function that gives all first derivatives of f: an output's shape followed by an input's.

    `mode` "reverse" runs f once and one sweep for each element of its outputs; "forward" runs f once with the
    directions of all elements of its inputs side by side (`chunk_size` of them at a time, if that takes too much
    memory); "auto" takes the side with fewer elements. For containers the result has f's structure, with the argument's
    structure inside. Complex outputs of real arguments are taken forwards; of complex arguments, real outputs have
    gradients in PyTorch's convention, and complex ones no one matrix: that is refused.

    >>> from autodiff import functional
    >>> functional.jacobian(lambda x: x * x)(2.0)
    tensor(4.)
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f'jacobian: mode={mode!r}; expected "auto", "forward" or "reverse".')
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"jacobian: chunk_size={chunk_size}; expected at least 1, or None for all directions at once.")

    def function(*args: Any, **kwargs: Any) -> Any:
        inputs = _chosen(args, argnums)
        given, real = sum(int(np.size(x)) for x in inputs), not any(np.iscomplexobj(x) for x in inputs)
        if mode == "forward" or (mode == "auto" and given <= 1 and real):
            return _columns(f, argnums, args, kwargs, chunk_size)
        variables, y = _called(f, args, argnums, kwargs)
        y = map_leaves(creation.as_tensor, y)
        outputs = _varying(leaves(y))
        several = any(np.iscomplexobj(o) for o in outputs)
        if mode == "auto" and real and (several or given <= sum(o._data.size for o in outputs)):
            return _columns(f, argnums, args, kwargs, chunk_size)
        if several:
            raise AutodiffError(
                "jacobian: the outputs are complex, and sweeps would give the real part alone; expected real outputs, "
                'or real arguments and mode="forward". Differentiate real and imaginary parts apart, or see jvp.'
            )
        return _rows(variables, y)

    return function


def _chosen(args: Any, argnums: Argnums) -> list[Any]:
    """Return the leaves of the arguments to differentiate by."""
    return [x for i in _numbers(argnums, args) for x in leaves(args[i])]


def _varying(outputs: list[Tensor]) -> list[Tensor]:
    """Demand outputs that can have derivatives."""
    if not outputs:
        raise TypeError("jacobian: the function returned no numbers; expected a tensor, or a container of tensors.")
    for y in outputs:
        if y.dtype.kind not in "fc":
            raise TypeError(
                f"jacobian: the function returned {errors.describe(y._data)}, which has no derivatives; expected "
                "floating outputs. Leave it out of what the function returns."
            )
    return outputs


def _rows(variables: Any, y: Any) -> Any:
    """Return a Jacobian row by row: a sweep for each element of the outputs."""
    inputs = leaves(variables)
    keep = _outer(leaves(y), inputs)

    def rows(output: Tensor) -> Any:
        listed: list[list[Any]] = []
        for k in range(output._data.size):
            seed = np.zeros(output._data.size, dtype=output.dtype)
            seed[k] = 1
            seeds = [engine.wrap(seed.reshape(output.shape), None)]
            listed.append(leaves(_gradients([output], variables, seeds, True, keep)))
        columns = [
            np.reshape(np.stack([row[i] for row in listed]), output.shape + x.shape)
            if listed
            else engine.wrap(np.zeros(output.shape + x.shape, x.dtype), None)
            for i, x in enumerate(inputs)
        ]
        return rebuild(variables, iter(columns))

    return map_leaves(rows, y)


def _columns(f: Callable[..., Any], argnums: Argnums, args: Any, kwargs: Any, chunk_size: int | None) -> Any:
    """Return a Jacobian column by column: the directions of all elements of the inputs, side by side."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    given = list(args)
    for i in chosen:
        given[i] = map_leaves(_floating, given[i])
    variables = given[argnums] if isinstance(argnums, int) else tuple(given[i] for i in chosen)
    inputs = leaves(variables)
    for x in inputs:
        if x.dtype.kind == "c":
            raise AutodiffError(
                f"jacobian in forward mode: a complex argument, {errors.describe(x._data)}, moves in two directions; "
                'expected real ones. Use mode="reverse" for real outputs, or jvp along the direction that is meant.'
            )
    total = sum(x._data.size for x in inputs)
    pieces: list[list[Any]] = []
    y: Any = None
    for start in range(0, max(total, 1), chunk_size or max(total, 1)):
        rows = min(total - start, chunk_size or total)
        y, pushed = _pushed(f, given, kwargs, _unit_directions(inputs, start, rows), chosen, rows)
        pieces.append(pushed)
    stops = list(np.cumsum([x._data.size for x in inputs]))[:-1]

    def split(output: Tensor, columns: Any) -> Any:
        whole = np.moveaxis(np.concatenate(list(columns)), 0, -1)
        parts = np.split(whole, stops, axis=-1)
        return rebuild(
            variables, iter([np.reshape(p, output.shape + x.shape) for p, x in zip(parts, inputs, strict=True)])
        )

    outputs = _varying(leaves(y))
    return rebuild(y, iter([split(o, c) for o, c in zip(outputs, zip(*pieces, strict=True), strict=True)]))


def _unit_directions(inputs: list[Tensor], start: int, rows: int) -> list[Tensor]:
    """Return rows of the identity over all elements of the inputs, cut up into the inputs' shapes."""
    directions = []
    for x in inputs:
        size = x._data.size
        eye = np.eye(rows, size, start, dtype=x.dtype)
        directions.append(engine.wrap(eye.reshape(rows, *x.shape), None))
        start -= size
    return directions


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that gives all second derivatives of f, which returns a scalar.

    >>> import autodiff as ad
    >>> ad.functional.hessian(lambda x: (x * x).sum())(ad.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 2.]])
    """
    return jacobian(grad(f, argnums), argnums, mode="forward")


def hvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return f(*primals), a scalar, and its Hessian times the tangents, without forming the Hessian.

    Forward over reverse: the gradient is computed in forward mode, so only f itself is recorded.

    >>> import autodiff as ad
    >>> x, v = ad.tensor([1.0, 2.0]), ad.tensor([1.0, 0.0])
    >>> ad.functional.hvp(lambda x: (x**3).sum(), (x,), (v,))
    (tensor(9.), (tensor([6., 0.]),))
    """
    numbers = tuple(range(len(primals)))
    (value, _), (_, product) = jvp(value_and_grad(f, numbers), primals, tangents)
    return value, product


def _like(value: Any, x: Tensor) -> Tensor:
    t = creation.as_tensor(value)
    if t.shape != x.shape:
        raise ValueError(f"a tangent or cotangent of shape {t.shape} was given for a value of shape {x.shape}.")
    return t if t.dtype == x.dtype else t.to(x.dtype)
