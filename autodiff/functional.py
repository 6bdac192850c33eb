"""Derivatives as functions of functions, over nested lists, tuples and dicts of tensors.

A result stays differentiable where it can matter: if the function used a tensor that requires a gradient beside its
arguments (an outer variable, a model's parameters), or was itself called inside another of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import creation, errors, sweep, tape
from autodiff.errors import AutodiffError
from autodiff.tape import Node
from autodiff.tensor import Tensor
from autodiff.tree import leaves, map_leaves, rebuild

Argnums = int | tuple[int, ...]


def _argument(x: Any) -> Any:
    """Return an argument as a variable of its own: a fresh leaf, or a new node on top of its history."""
    x = creation.as_tensor(x)
    if x.dtype.kind not in "fc":
        x = Tensor(x.data.astype(creation.get_default_dtype()))
    if x.requires_grad and tape.is_grad_enabled():
        return np.positive(x)
    return x.detach().requires_grad_()


def _called(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Call f with the chosen arguments made variables; return them and what f answers."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    variables = [map_leaves(_argument, args[i]) for i in chosen]
    given = list(args)
    for i, variable in zip(chosen, variables, strict=True):
        given[i] = variable
    with tape.enable_grad():
        y = f(*given, **kwargs)
    return variables[0] if isinstance(argnums, int) else tuple(variables), y


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
        y = y if keep else y.detach()
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
    outputs = leaves(y)
    keep = _outer(outputs, leaves(variables))

    def pull(cotangents: Any) -> tuple[Any, ...]:
        seeds = [_like(c, o) for c, o in zip(leaves(cotangents), outputs, strict=True)]
        return tuple(_gradients(outputs, variables, seeds, True, keep or any(s.requires_grad for s in seeds)))

    return (y if keep else map_leaves(lambda t: t.detach(), y)), pull


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return f(*primals) and its derivative along the tangents, in f's own structure.

    The vjp is linear in its cotangent; differentiating it in that direction gives the jvp.

    >>> from autodiff import functional
    >>> functional.jvp(lambda x: x * x, (3.0,), (2.0,))
    (tensor(9.), tensor(12.))
    """
    variables, y = _called(f, tuple(primals), tuple(range(len(primals))), {})
    outputs, inputs = leaves(y), leaves(variables)
    keep = _outer(outputs, inputs)
    live = [o for o in outputs if o._node is not None]
    with tape.enable_grad():
        dummies = [engine.wrap(np.ones_like(o._data), None).requires_grad_() for o in live]
        pulled = leaves(_gradients(live, variables, dummies, True, True))
    directions = [_like(t, x) for t, x in zip(leaves(list(tangents)), inputs, strict=True)]
    pushed = iter(_gradients(pulled, dummies, directions, True, keep or any(d.requires_grad for d in directions)))
    tangent = [engine.wrap(np.zeros_like(o._data), None) if o._node is None else next(pushed) for o in outputs]
    return (y if keep else map_leaves(lambda t: t.detach(), y)), rebuild(y, iter(tangent))


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that gives all first derivatives of f: an output's shape followed by an input's.

    For containers the result has f's structure, with the argument's structure inside.

    >>> from autodiff import functional
    >>> functional.jacobian(lambda x: x * x)(2.0)
    tensor(4.)
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        variables, y = _called(f, args, argnums, kwargs)
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

    return function


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that gives all second derivatives of f, which returns a scalar.

    >>> import autodiff as ad
    >>> ad.functional.hessian(lambda x: (x * x).sum())(ad.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 2.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return f(*primals), a scalar, and its Hessian times the tangents, without forming the Hessian."""
    numbers = tuple(range(len(primals)))
    (value, _), (_, product) = jvp(value_and_grad(f, numbers), primals, tangents)
    return value, product


def _like(value: Any, x: Tensor) -> Tensor:
    t = creation.as_tensor(value)
    if t.shape != x.shape:
        raise ValueError(f"a tangent or cotangent of shape {t.shape} was given for a value of shape {x.shape}.")
    return t if t.dtype == x.dtype else t.to(x.dtype)
