"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff import Tensor, as_tensor, enable_grad
from autodiff.tape import memory, mode, touch
from nn.optim.flat import Array
from nn.optim.optimizer import Optimizer, Params, non_negative


class Point(NamedTuple):
    """A place on the line of a search: how far, the loss, its gradient and its slope there."""

    t: float
    loss: float
    g: Array
    slope: float


def cubic(ends: list[Point], low: float, high: float) -> float:
    """Return where the cubic through two points with their slopes is least, within bounds (Nocedal & Wright, 3.59)."""
    a, b = sorted(ends, key=lambda point: point.t)
    with np.errstate(all="ignore"):
        mean = a.slope + b.slope - 3 * np.float64(a.loss - b.loss) / (a.t - b.t)
        square = mean * mean - a.slope * b.slope
        if not square >= 0:
            return (low + high) / 2
        root = np.sqrt(square)
        t = float(b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root)))
    return min(max(t, low), high)


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, size: float, change: float, most: int
) -> tuple[Point, int]:
    """Return a point where the loss has fallen enough and its slope too, and how often it was evaluated.

    `at(t)` evaluates; `size` is the largest element of the direction, `change` the least that counts as a move, `most`
    bounds the evaluations. Nocedal & Wright, Numerical Optimization, algorithms 3.5 and 3.6, c1 = 1e-4 and c2 = 0.9.
    """

    def falls(point: Point) -> bool:
        return not point.loss > start.loss + 1e-4 * point.t * start.slope

    before, now, tries = start, at(t), 0
    while tries < most:  # outwards, until a minimum lies between two points
        if not falls(now) or (tries > 1 and now.loss >= before.loss):
            bracket = [before, now]
            break
        if abs(now.slope) <= -0.9 * start.slope:
            return now, tries + 1
        if now.slope >= 0:
            bracket = [before, now]
            break
        further = cubic([before, now], now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, now, tries = now, at(further), tries + 1
    else:
        bracket = [start, now]
    best, near = 0 if bracket[0].loss <= bracket[1].loss else 1, False
    while tries < most:  # inwards
        low, high = sorted(point.t for point in bracket)
        if (high - low) * size < change:
            break
        t, margin = cubic(bracket, low, high), 0.1 * (high - low)
        if min(high - t, t - low) < margin:  # too near to an end, twice: away from it
            if near or t >= high or t <= low:
                t, near = high - margin if abs(t - high) < abs(t - low) else low + margin, False
            else:
                near = True
        else:
            near = False
        now, tries = at(t), tries + 1
        if not falls(now) or now.loss >= bracket[best].loss:
            bracket[1 - best] = now
            best = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        done = abs(now.slope) <= -0.9 * start.slope
        if not done and now.slope * (bracket[1 - best].t - bracket[best].t) >= 0:
            bracket[1 - best] = bracket[best]
        bracket[best] = now
        if done:
            break
    return bracket[best], tries + 1


def _number(loss: Any) -> float:
    return loss.item() if isinstance(loss, Tensor) else float(loss)


class LBFGS(Optimizer):
    """Newton's method with a Hessian from the last `history_size` steps (Liu & Nocedal, 1989).

    `step(closure)` makes up to `max_iter` iterations, and `max_eval` evaluations (1.25 * max_iter), until the largest
    gradient is at most `tolerance_grad` or a change below `tolerance_change`. `line_search_fn` is None, a step of `lr`,
    or 'strong_wolfe'. For losses without noise; all parameters are one group.

    >>> import autodiff as ad
    >>> x = ad.tensor([-1.0, 2.0], requires_grad=True)
    >>> optimizer = LBFGS([x], line_search_fn="strong_wolfe", max_iter=50)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> bool(closure() < 1e-6)
    True
    """

    _real = True

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        non_negative(lr=float(lr))
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported as line_search_fn, got {line_search_fn!r}")
        settings = {"lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval}
        settings |= {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, {**settings, "history_size": history_size, "line_search_fn": line_search_fn})
        self._one_group()

    def _one_group(self) -> dict[str, Any]:
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        return self.param_groups[0]

    # --- the parameters as one vector ---

    def _gather(self, arrays: list[Any]) -> Array:
        params = self.param_groups[0]["params"]
        dtype = np.result_type(np.float32, *[p.dtype for p in params])
        zeros = (np.zeros(p.size, dtype) if a is None else a.reshape(-1) for a, p in zip(arrays, params, strict=True))
        return np.concatenate([*zeros]).astype(dtype, copy=False)

    def _gradient(self) -> Array:
        grads = [p.grad for p in self.param_groups[0]["params"]]
        return self._gather([None if g is None else g.data for g in grads])

    def _put(self, vector: Array) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            p.data[...] = vector[start : start + p.size].reshape(p.shape)
            touch(memory(p.data))
            start += p.size

    # --- the iteration ---

    def step(self, closure: Callable[[], Any]) -> Any:
        """Iterate; `closure` clears the gradients, computes the loss and its gradients, and returns the loss."""
        group, now = self._one_group(), mode.get()
        if now is not None and now.graph is not None:
            raise RuntimeError("a step of LBFGS depends on the values of the loss, so it cannot be traced")
        group = {**group, "lr": float(group["lr"])}
        with enable_grad():
            first = closure()
        state = self.state[group["params"][0]]
        state["func_evals"] = state.get("func_evals", 0) + 1
        g = self._gradient()
        if not np.abs(g).max(initial=0) <= group["tolerance_grad"]:
            self._iterate(closure, group, state, _number(first), g)
        return first

    def _iterate(self, closure: Callable[[], Any], group: Any, state: Any, loss: float, g: Array) -> None:
        def evaluate() -> tuple[float, Array]:
            state["func_evals"] += 1
            with enable_grad():
                return _number(closure()), self._gradient()

        most, search, change = group["max_eval"], group["line_search_fn"], group["tolerance_change"]
        last_eval = state["func_evals"] - 1 + most
        for i in range(1, group["max_iter"] + 1):
            state["n_iter"] = state.get("n_iter", 0) + 1
            d, t = self._direction(state, g, group["history_size"]), group["lr"]
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(np.abs(g).sum()))
            before, slope = loss, float(g @ d)
            state.update(d=as_tensor(d), t=t, prev_flat_grad=as_tensor(g), prev_loss=loss)
            if slope > -change:
                break
            x = self._gather([p.data for p in group["params"]])
            if search:

                def at(t: float, x: Array = x, d: Array = d) -> Point:
                    self._put(x + t * d)
                    loss, g = evaluate()
                    return Point(t, loss, g, float(g @ d))

                size, left = float(np.abs(d).max()), last_eval - state["func_evals"]
                point, _ = strong_wolfe(at, Point(0.0, loss, g, slope), t, size, change, left)
                t, loss, g = point.t, point.loss, point.g
                state["t"] = t
                self._put(x + t * d)
            else:
                self._put(x + t * d)
                if i < group["max_iter"]:  # else the loss there is the next step's to find
                    loss, g = evaluate()
            if (
                state["func_evals"] >= last_eval
                or np.abs(g).max() <= group["tolerance_grad"]
                or np.abs(d * t).max() <= change
                or abs(loss - before) < change
            ):
                break

    def _direction(self, state: dict[str, Any], g: Array, size: int) -> Array:
        """Return minus the gradient times the inverse Hessian of the steps so far, this one's change included."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        changes, moves, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = g - state["prev_flat_grad"].data, state["d"].data * state["t"]
        curvature = float(y @ s)
        if curvature > 1e-10:
            if len(changes) == size:
                del changes[:1], moves[:1], ro[:1]
            changes.append(as_tensor(y))
            moves.append(as_tensor(s))
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / float(y @ y)
        pairs = [(y.data, s.data, float(r)) for y, s, r in zip(changes, moves, ro, strict=True)]
        q, weights = -g, []
        for y, s, r in reversed(pairs):
            weights.append(float(s @ q) * r)
            q -= y * weights[-1]
        q *= float(state["H_diag"])
        for (y, s, r), weight in zip(pairs, reversed(weights), strict=True):
            q += s * (weight - float(y @ q) * r)
        return q

    def _own_copy(self, name: str, value: Any, p: Tensor) -> Any:
        if isinstance(value, list):
            return [self._own_copy(name, x, p) for x in value]
        if name == "al" or value is None or isinstance(value, (int, float)):
            return value
        array = np.array(as_tensor(value).data)
        return as_tensor(array) if array.ndim else array.item()
