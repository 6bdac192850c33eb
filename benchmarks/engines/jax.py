"""JAX: the whole step one jitted function whose arguments are donated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.engines.arrays import Arrays, Engine, Problem, Training, Update, functional_update, moments
from benchmarks.row import Timed

jax.config.update("jax_enable_x64", True)


def updated(update: Update, p: Any, g: Any, memory: Any, count: Any) -> tuple[Any, Any, Any]:
    """All parameters, the optimizer's memory and the count after a step."""
    moved = {k: functional_update(jnp, update, p[k], g[k], memory[k], count.astype(jnp.float32)) for k in p}
    return {k: m[0] for k, m in moved.items()}, {k: m[1] for k, m in moved.items()}, count + 1


class Jax(Engine):
    """Compiled by XLA."""

    xp = jnp

    def array(self, value: np.ndarray) -> Any:
        """A device array, here in main memory."""
        return jnp.asarray(value)

    def plain(self, x: Any) -> Any:
        """No gradient through it."""
        return lax.stop_gradient(x)

    def training(self, problem: Problem) -> Training:
        """Parameters, state and the optimizer's memory are given away to each step and come back from it."""
        p = {name: jnp.array(value) for name, value in problem.parameters.items()}
        s = {name: jnp.array(value) for name, value in problem.state.items()}
        batch = [jnp.asarray(value) for value in problem.batch]
        memory = {k: {n: jnp.zeros_like(v) for n in moments(problem.update)} for k, v in p.items()}
        update = problem.update

        def loss(p: Any, s: Any) -> Any:
            s = dict(s)
            return problem.loss(self, p, s, *batch), s

        def run(p: Any, s: Any, memory: Any, count: Any) -> Any:
            (value, s), g = jax.value_and_grad(loss, has_aux=True)(p, s)
            p, memory, count = updated(update, p, g, memory, count)
            return p, s, memory, count, value

        compiled = jax.jit(run, donate_argnums=(0, 1, 2, 3))
        current: list[Any] = [p, s, memory, jnp.ones((), jnp.int32), None]

        def step() -> None:
            current[:] = compiled(*current[:4])
            jax.block_until_ready(current)

        def gradients() -> list[Any]:
            (value, _), g = jax.jit(jax.value_and_grad(loss, has_aux=True))(*current[:2])
            return [value, *(g[k] for k in problem.parameters)]

        return Training(step, lambda: [current[4]], gradients=gradients)

    def updating(self, update: Update, parameters: Arrays, gradients: Arrays) -> Timed:
        """One jitted function; the gradients are already there."""
        g = {name: jnp.asarray(value) for name, value in gradients.items()}
        p = {name: jnp.array(value) for name, value in parameters.items()}
        memory = {k: {n: jnp.zeros_like(v) for n in moments(update)} for k, v in p.items()}

        def run(p: Any, memory: Any, count: Any, g: Any) -> Any:
            return updated(update, p, g, memory, count)

        compiled = jax.jit(run, donate_argnums=(0, 1, 2))
        current: list[Any] = [p, memory, jnp.ones((), jnp.int32)]

        def step() -> None:
            current[:] = jax.block_until_ready(compiled(*current, g))

        return Timed(step, lambda: [current[0][name] for name in parameters])

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """Value and gradients in one jitted function."""
        values, others = [jnp.asarray(v) for v in operands], [jnp.asarray(c) for c in constants]

        def both(values: Any) -> Any:
            y, pullback = jax.vjp(lambda *v: formula(self, *v, *others), *values)
            return y, *pullback(jnp.ones_like(y) if seed is None else jnp.asarray(seed))

        return self._timed(both, values, operations)

    def forward(self, formula: Callable[..., Any], operands: Sequence[np.ndarray]) -> Timed:
        """The value alone."""
        return self._timed(lambda values: (formula(self, *values),), [jnp.asarray(v) for v in operands])

    def hessian_product(
        self, formula: Callable[..., Any], x: np.ndarray, direction: np.ndarray, constants: Sequence[np.ndarray]
    ) -> Timed:
        """Forward over reverse."""
        others = [jnp.asarray(c) for c in constants]

        def product(values: Any) -> Any:
            return (jax.jvp(jax.grad(lambda w: formula(self, w, *others)), values[:1], values[1:])[1],)

        return self._timed(product, [jnp.asarray(x), jnp.asarray(direction)])

    def _timed(self, function: Callable[..., Any], values: list[Any], operations: int = 1) -> Timed:
        compiled = jax.jit(function)
        found: list[Any] = []

        def step() -> None:
            found[:] = jax.block_until_ready(compiled(values))

        return Timed(step, lambda: found, operations)

    relu = staticmethod(jax.nn.relu)
    gelu = staticmethod(jax.nn.gelu)
    sigmoid = staticmethod(jax.nn.sigmoid)
    logsumexp = staticmethod(jax.nn.logsumexp)

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        """The mean over (n, classes)."""
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -jnp.mean(chosen)

    def conv2d(self, x: Any, w: Any, b: Any | None = None, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        """XLA's."""
        names, pads = ("NCHW", "OIHW", "NCHW"), [(padding, padding)] * 2
        y = lax.conv_general_dilated(x, w, (stride, stride), pads, dimension_numbers=names, feature_group_count=groups)
        return y if b is None else y + b[:, None, None]

    def lstm(self, x: Any, wx: Any, wh: Any, bx: Any, bh: Any) -> Any:
        """By lax.scan, the products with the input taken out of it."""
        gates = x @ wx.T + bx
        zeros = jnp.zeros((x.shape[1], wh.shape[1]), x.dtype)

        def cell(carry: Any, gate: Any) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(gate + h @ wh.T + bh, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return lax.scan(cell, (zeros, zeros), gates)[1]

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """jax.nn's, which wants (N, T, heads, D)."""
        q, k, v = (jnp.swapaxes(t, 1, 2) for t in (q, k, v))
        return jnp.swapaxes(jax.nn.dot_product_attention(q, k, v, is_causal=True), 1, 2)
