"""Laws of derivatives: what calculus says of every differentiable function, and of functions with a symmetry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.testing.checks.comparison import Comparison, Directions
from autodiff.testing.laws.trial import Arrays, Trial, gradients
from autodiff.testing.report import Report
from autodiff.testing.space import Array
from autodiff.testing.subject import Subject, _data
from autodiff.tree import map_leaves


def vjp_linearity(f: Any, *inputs: Any, params: Any = None, seed: int = 0) -> Report:
    """Pulling back is linear: the gradient for 2v - 3w is twice that for v less three times that for w.

    >>> bool(vjp_linearity(np.exp, np.ones(3)))
    True
    """
    trial = Trial("vjp_linearity", f, inputs, params, seed)
    trial.oracle = "pull(2v - 3w) = 2 pull(v) - 3 pull(w), up to measured round-off"
    ys, pull = trial.linearize(trial.inputs())
    count = len(ys)

    def sides(_: Arrays, vs: Arrays) -> tuple[Arrays, Arrays]:
        v, w = vs[:count], vs[count:]
        whole = pull([_as(2 * a - 3 * b, a) for a, b in zip(v, w, strict=True)])
        return whole, [_as(2 * a - 3 * b, a) for a, b in zip(pull(v), pull(w), strict=True)]

    trial.balance(sides, [], [*trial.cotangents(ys), *trial.cotangents(ys)], gradients(trial.subject))
    return trial.report()


def adjointness(f: Any, *inputs: Any, against: str = "numeric", params: Any = None, seed: int = 0) -> Report:
    """Pulling back is the transpose of pushing forward: <Jv, w> = <v, Jᵀw>.

    `against` says where Jv comes from: "numeric" (extrapolated differences with error bars, as in gradcheck along one
    random direction) or "jvp" (the library's own forward mode).

    >>> adjointness(np.tanh, np.ones(3), against="jvp").oracle
    "<Jv, w> = <v, Jᵀw>, Jv from the library's own jvp"
    """
    sources = {"numeric": "measured", "jvp": "from the library's own jvp"}
    if against not in sources:
        raise ValueError(f"adjointness: against={against!r}; expected one of {', '.join(sources)}.")
    trial = Trial("adjointness", f, inputs, params, seed)
    trial.oracle = f"<Jv, w> = <v, Jᵀw>, Jv {sources[against]}"
    if against == "numeric":
        trial.adopt(
            Comparison(trial.subject, trial.rng, "differences", Directions(exhaustive=False, random=1)).report()
        )
        return trial.report()
    ys, pull = trial.linearize(trial.inputs())
    vs = trial.cotangents(trial.inputs())
    pushed = trial.subject.jvp(trial.inputs(), vs)

    def sides(_: Arrays, ws: Arrays) -> tuple[Arrays, Arrays]:
        return [_pairing(vs, pull(ws))], [_pairing(pushed, ws)]

    trial.balance(sides, [], trial.cotangents(ys), ["<v, Jᵀw>"])
    return trial.report()


# --- rules of composition: f and g are functions of Tensors ---


def chain_rule(f: Any, g: Any, *inputs: Any, seed: int = 0) -> Report:
    """The gradient of g(f(x)) is f's pull-back of g's gradient.

    >>> bool(chain_rule(np.sin, np.exp, np.ones(3)))
    True
    """
    inner, outer = _plain(f, inputs), _plain(g, (_values(f, inputs),))
    trial = Trial("chain_rule", lambda *xs: g(f(*xs)), inputs, None, seed, f"{outer.name} of {inner.name}")
    trial.oracle = "pull of g(f(x)) = pull of f after pull of g, up to measured round-off"
    zs, whole = trial.linearize(trial.inputs())
    ys, pull_f = trial.linearize(trial.inputs(), inner)
    _, pull_g = trial.linearize([y.copy() for y in ys], outer)
    trial.balance(lambda _, ws: (whole(ws), pull_f(pull_g(ws))), [], trial.cotangents(zs), gradients(inner))
    return trial.report()


def sum_rule(f: Any, g: Any, *inputs: Any, seed: int = 0) -> Report:
    """The gradient of f + g is the sum of theirs.

    >>> bool(sum_rule(np.sin, np.exp, np.ones(3)))
    True
    """
    one, other = _plain(f, inputs), _plain(g, inputs)
    name = f"{one.name} + {other.name}"
    trial = Trial("sum_rule", lambda *xs: map_leaves(np.add, f(*xs), g(*xs)), inputs, None, seed, name)
    trial.oracle = "pull of f + g = pull of f + pull of g, up to measured round-off"
    zs, whole = trial.linearize(trial.inputs())
    ys, pull_f = trial.linearize(trial.inputs(), one)
    us, pull_g = trial.linearize(trial.inputs(), other)
    _alike(trial, ys, us)

    def sides(_: Arrays, ws: Arrays) -> tuple[Arrays, Arrays]:
        return whole(ws), [a + b for a, b in zip(pull_f(ws), pull_g(ws), strict=True)]

    trial.balance(sides, [], trial.cotangents(zs), gradients(one))
    return trial.report()


def product_rule(f: Any, g: Any, *inputs: Any, seed: int = 0) -> Report:
    """The gradient of f * g is that of f weighted by g plus that of g weighted by f.

    >>> bool(product_rule(np.sin, np.exp, np.ones(3)))
    True
    """
    one, other = _plain(f, inputs), _plain(g, inputs)
    name = f"{one.name} * {other.name}"
    trial = Trial("product_rule", lambda *xs: map_leaves(np.multiply, f(*xs), g(*xs)), inputs, None, seed, name)
    trial.oracle = "pull of f * g at w = pull of f at w g + pull of g at w f, up to measured round-off"
    zs, whole = trial.linearize(trial.inputs())
    ys, pull_f = trial.linearize(trial.inputs(), one)
    us, pull_g = trial.linearize(trial.inputs(), other)
    _alike(trial, ys, us)

    def sides(_: Arrays, ws: Arrays) -> tuple[Arrays, Arrays]:
        by_f = pull_f([w * np.conjugate(u) for w, u in zip(ws, us, strict=True)])
        by_g = pull_g([w * np.conjugate(y) for w, y in zip(ws, ys, strict=True)])
        return whole(ws), [a + b for a, b in zip(by_f, by_g, strict=True)]

    trial.balance(sides, [], trial.cotangents(zs), gradients(one))
    return trial.report()


def broadcast_reduce_duality(f: Any, *inputs: Any, copies: int = 3, seed: int = 0) -> Report:
    """Broadcasting before f is summing after its gradient.

    Every floating input x is broadcast to (copies, *x.shape); f must take that.

    >>> bool(broadcast_reduce_duality(np.multiply, np.ones((2, 3)), np.ones((2, 3))))
    True
    """

    def spread(x: Any) -> Any:
        return np.broadcast_to(x, (copies, *x.shape)) if x.dtype.kind in "fc" else x

    arrays = map_leaves(lambda x: np.asarray(_data(x)), inputs)
    wide = _plain(f, map_leaves(spread, arrays))
    law = "broadcast_reduce_duality"
    trial = Trial(law, lambda *xs: f(*map_leaves(spread, xs)), arrays, None, seed, wide.name)
    trial.oracle = "pull of f(broadcast_to(x)) = the sum of pull of f over the new axis, up to measured round-off"
    zs, whole = trial.linearize(trial.inputs())
    _, pull = trial.linearize([x.copy() for x in wide.inputs], wide)

    def sides(_: Arrays, ws: Arrays) -> tuple[Arrays, Arrays]:
        return whole(ws), [np.sum(g, axis=0, dtype=g.dtype) for g in pull(ws)]

    trial.balance(sides, [], trial.cotangents(zs), gradients(wide))
    return trial.report()


# --- symmetries ---


def euler_homogeneity(f: Any, *inputs: Any, degree: float, params: Any = None, seed: int = 0) -> Report:
    """For f of a degree, f(cx) = c**degree f(x), Euler's theorem holds: <x, Jᵀw> = degree <f(x), w>.

    >>> bool(euler_homogeneity(np.prod, np.array([2.0, 3.0]), degree=2))
    True
    """
    trial = Trial("euler_homogeneity", f, inputs, params, seed)
    trial.oracle = f"<x, Jᵀw> = {degree:g} <f(x), w>, up to measured round-off"

    def sides(xs: Arrays, ws: Arrays) -> tuple[Arrays, Arrays]:
        ys, pull = trial.linearize(xs)
        return [_pairing(xs, pull(ws))], [degree * _pairing(ys, ws)]

    xs = trial.inputs()
    trial.balance(sides, xs, trial.cotangents(trial.linearize(xs)[0]), ["<x, Jᵀw>"])
    return trial.report()


def batch_equivariance(f: Any, batch: Any, *rest: Any, axis: int = 0, params: Any = None, seed: int = 0) -> Report:
    """Examples do not see each other: f of a batch is f of each example, and so are the gradients.

    `batch` holds the examples along `axis`, as every output does; the gradients of the other inputs (and of a module's
    parameters) are the sums of those that the examples give.

    >>> bool(batch_equivariance(np.matmul, np.ones((4, 3)), np.ones((3, 2))))
    True
    """
    trial = Trial("batch_equivariance", f, (batch, *rest), params, seed)
    trial.oracle = "f(batch) = f(example by example), values and gradients, up to measured round-off"
    size = trial.subject.inputs[0].shape[axis]
    ys, _ = trial.linearize(trial.inputs())
    _along(trial, ys, axis, size)

    def sides(xs: Arrays, vs: Arrays) -> tuple[Arrays, Arrays]:
        examples, *others = xs
        outputs, pull = trial.linearize(xs)
        parts = [trial.linearize([np.take(examples, [i], axis), *others]) for i in range(size)]
        pulled = [pull_one([np.take(v, [i], axis) for v in vs]) for i, (_, pull_one) in enumerate(parts)]
        joined = [np.concatenate(column, axis) for column in zip(*[values for values, _ in parts], strict=True)]
        by_batch = np.concatenate([gs[0] for gs in pulled], axis)
        by_others = [np.sum(np.stack(column), axis=0) for column in list(zip(*pulled, strict=True))[1:]]
        return [*outputs, *pull(vs)], [*joined, by_batch, *by_others]

    names = [*trial.subject.outputs, *gradients(trial.subject)]
    trial.balance(sides, trial.inputs(), trial.cotangents(ys), names)
    return trial.report()


def permutation_equivariance(
    f: Any, x: Any, *rest: Any, axis: int = 0, invariant: bool = False, params: Any = None, seed: int = 0
) -> Report:
    """Permuting x along an axis permutes f(x) and the gradient (`invariant`: it leaves f(x) as it is).

    >>> bool(permutation_equivariance(np.sin, np.linspace(0, 1, 4)))
    True
    >>> bool(permutation_equivariance(np.sum, np.ones((3, 2)), invariant=True))
    True
    """
    trial = Trial("permutation_equivariance", f, (x, *rest), params, seed)
    trial.oracle = "f(Px) = Pf(x), values and gradients, up to measured round-off"
    size = trial.subject.inputs[0].shape[axis]
    order = _moving(trial.rng, size)
    ys, _ = trial.linearize(trial.inputs())
    if not invariant:
        _along(trial, ys, axis, size)

    def permuted(arrays: Arrays) -> Arrays:
        return arrays if invariant else [np.take(a, order, axis) for a in arrays]

    def sides(xs: Arrays, vs: Arrays) -> tuple[Arrays, Arrays]:
        moved, pull_moved = trial.linearize([np.take(xs[0], order, axis), *xs[1:]])
        still, pull = trial.linearize(xs)
        first, *others = pull(vs)
        return [*moved, *pull_moved(permuted(vs))], [*permuted(still), np.take(first, order, axis), *others]

    names = [*trial.subject.outputs, *gradients(trial.subject)]
    trial.balance(sides, trial.inputs(), trial.cotangents(ys), names)
    return trial.report()


# --- helpers ---


def _as(x: Any, like: Array) -> Array:
    return np.asarray(x, dtype=like.dtype)


def _pairing(xs: Arrays, gs: Arrays) -> Array:
    return np.asarray(sum(np.vdot(x, g).real for x, g in zip(xs, gs, strict=True)))


def _plain(f: Any, inputs: Any) -> Subject:
    if hasattr(f, "bind"):
        raise TypeError("this law composes functions of Tensors; an adapted function cannot be composed.")
    return Subject(f, inputs)


def _values(f: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """Return f(*inputs) in its own containers, as arrays."""
    from autodiff import as_tensor, no_grad

    with no_grad():
        ys = f(*map_leaves(as_tensor, inputs))
    return map_leaves(_data, ys)


def _alike(trial: Trial, ys: Arrays, us: Arrays) -> None:
    if [y.shape for y in ys] != [u.shape for u in us]:
        raise ValueError(
            f"{trial.law}: f returns shapes {[y.shape for y in ys]}, g {[u.shape for u in us]}; expected the same."
        )


def _along(trial: Trial, ys: Arrays, axis: int, size: int) -> None:
    for name, y in zip(trial.subject.outputs, ys, strict=True):
        if y.ndim <= axis or y.shape[axis] != size:
            raise ValueError(f"{trial.law}: {name} has shape {y.shape}; expected length {size} along axis {axis}.")


def _moving(rng: np.random.Generator, size: int) -> Array:
    """Return an order that moves something."""
    order = rng.permutation(size)
    return order if np.any(order != np.arange(size)) else order[::-1]
