"""MyGrad without its memory guard, as its performance tips advise; its own layers where it has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.layers import batchnorm, conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.byhand import InPlace
from benchmarks.engines.arrays import Engine, Problem, Training
from benchmarks.row import Timed

mygrad.turn_memory_guarding_off()


class MyGrad(Engine):
    """Eager, on NumPy."""

    xp = mygrad

    def array(self, value: np.ndarray) -> Any:
        """Constants are NumPy's arrays."""
        return value

    def plain(self, x: Any) -> Any:
        """Without its history."""
        return getattr(x, "data", x) if isinstance(x, mygrad.Tensor) else x

    def training(self, problem: Problem) -> Training:
        """The parameters are tensors on the arrays that are updated."""
        s = dict(problem.state)
        update = InPlace(problem.update, problem.parameters)
        p = {name: mygrad.tensor(value, copy=False) for name, value in update.p.items()}
        last: list[Any] = []

        def passes(s: Any) -> Any:
            value = problem.loss(self, p, s, *problem.batch)
            value.backward()
            return value.data

        def step() -> None:
            last[:] = [passes(s)]
            update.step({name: t.grad for name, t in p.items()})

        return Training(
            step, lambda: last, gradients=lambda: [passes(dict(s)), *(np.array(t.grad) for t in p.values())]
        )

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """By backward()."""
        leaves = [mygrad.tensor(v) for v in operands]
        found: list[Any] = []

        def step() -> None:
            for leaf in leaves:
                leaf.null_grad()
            y = formula(self, *leaves, *constants)
            y.backward(seed)
            found[:] = [y.data, *(leaf.grad for leaf in leaves)]

        return Timed(step, lambda: found, operations)

    relu = staticmethod(relu)
    sigmoid = staticmethod(sigmoid)
    cross_entropy = staticmethod(softmax_crossentropy)

    def conv2d(self, x: Any, w: Any, b: Any | None = None, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        """Its own, which knows no groups and wants strides to end at the border: each position, then every other."""
        y = conv_nd(x, w, stride=1, padding=padding)
        y = y if stride == 1 else y[:, :, ::stride, ::stride]
        return y if b is None else y + b.reshape(1, -1, 1, 1)

    def batch_norm(self, x: Any, w: Any, b: Any, s: Any, name: str) -> Any:
        """Its own, which keeps no statistics."""
        values = x.data
        self.remember(s, name, values.mean((0, 2, 3)), values.var((0, 2, 3)), x.size / x.shape[1])
        return batchnorm(x, gamma=w, beta=b, eps=1e-5)

    def max_pool2d(self, x: Any, size: int) -> Any:
        """Its own."""
        return max_pool(x, (size, size), size)
