"""tinygrad on its CPU device: TinyJit replays the whole step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.engines import CLANG
from benchmarks.engines.arrays import Engine, Problem, Training, functional_update, moments
from benchmarks.row import Timed

os.environ.setdefault("DEV", "CPU")
os.environ.setdefault("CC", next(filter(None, map(shutil.which, CLANG)), "clang"))

from tinygrad import Tensor, TinyJit


class Root:
    """What an update needs of a namespace."""

    sqrt = staticmethod(Tensor.sqrt)


class Tinygrad(Engine):
    """Compiled kernels, replayed."""

    def __getattr__(self, name: str) -> Any:
        """Its functions are methods."""
        return getattr(Tensor, name)

    def array(self, value: np.ndarray) -> Any:
        """A realized tensor."""
        return Tensor(value).realize()

    def training(self, problem: Problem) -> Training:
        """The update is part of the step; parameters, state and the optimizer's memory are assigned."""
        p = {name: self.array(value) for name, value in problem.parameters.items()}
        s = {name: self.array(value) for name, value in problem.state.items()}
        batch = [self.array(value) for value in problem.batch]
        names = moments(problem.update)
        memory = {k: {n: Tensor.zeros(*v.shape).contiguous().realize() for n in names} for k, v in p.items()}
        count = Tensor.zeros(1).contiguous().realize()
        last: list[Any] = []

        @TinyJit
        def run() -> Any:
            moved = dict(s)
            value = problem.loss(self, p, moved, *batch)
            written = [count.assign(count + 1), *(s[name].assign(moved[name]) for name in s)]
            for (k, t), g in zip(p.items(), value.gradient(*p.values()), strict=True):
                new, remembered = functional_update(Root, problem.update, t, g, memory[k], count)
                written += [memory[k][n].assign(remembered[n]) for n in names] + [t.assign(new)]
            return value.realize(*written)

        def step() -> None:
            last[:] = [run().numpy()]  # reading the loss waits for the step

        def gradients() -> list[Any]:
            value = problem.loss(self, p, dict(s), *batch)
            found = value.gradient(*p.values())
            return [value.numpy(), *(g.numpy() for g in found)]

        return Training(step, lambda: last, gradients=gradients)

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """Value and gradients in one jitted function."""
        leaves = [self.array(v) for v in operands]
        others = [self.array(c) for c in constants]
        g = None if seed is None else self.array(seed)

        def both() -> Any:
            y = formula(self, *leaves, *others)
            found = [y, *y.gradient(*leaves, gradient=g)]
            return y.realize(*found[1:]), *found[1:]

        return self._timed(both, operations)

    def forward(self, formula: Callable[..., Any], operands: Sequence[np.ndarray]) -> Timed:
        """The value alone."""
        values = [self.array(v) for v in operands]
        return self._timed(lambda: (formula(self, *values).realize(),))

    def _timed(self, function: Callable[[], Any], operations: int = 1) -> Timed:
        from tinygrad import Device

        compiled = TinyJit(function)
        found: list[Any] = []

        def step() -> None:
            found[:] = compiled()
            Device[Device.DEFAULT].synchronize()

        return Timed(step, lambda: [x.numpy() for x in found], operations)

    linear = staticmethod(lambda x, w, b: x.linear(w.T, b))
    relu = staticmethod(Tensor.relu)
    gelu = staticmethod(Tensor.gelu)
    sigmoid = staticmethod(Tensor.sigmoid)

    def logsumexp(self, x: Any, axis: int) -> Any:
        """Its own."""
        return x.logsumexp(axis)

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        """The mean over (n, classes)."""
        return logits.sparse_categorical_crossentropy(labels)

    def batch_norm(self, x: Any, w: Any, b: Any, s: Any, name: str) -> Any:
        """By its batchnorm, given the statistics."""
        mean = x.mean(axis=(0, 2, 3))
        centred = x - mean.reshape(1, -1, 1, 1)
        var = (centred * centred).mean(axis=(0, 2, 3))
        self.remember(s, name, mean, var, x.numel() / x.shape[1])
        return x.batchnorm(w, b, mean, (var + 1e-5).rsqrt())

    def plain(self, x: Any) -> Any:
        """Without its history."""
        return x.detach()

    def layer_norm(self, x: Any, w: Any, b: Any) -> Any:
        """Over the last axis."""
        return x.layernorm(eps=1e-5) * w + b

    def conv2d(self, x: Any, w: Any, b: Any | None = None, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        """Its own."""
        return x.conv2d(w, b, groups, stride, 1, padding)

    def max_pool2d(self, x: Any, size: int) -> Any:
        """Its own."""
        return x.max_pool2d((size, size))

    def mean_over_positions(self, x: Any) -> Any:
        """(N, C, H, W) to (N, C)."""
        return x.mean((2, 3))

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Its own."""
        return q.scaled_dot_product_attention(k, v, is_causal=True)

    def heads(self, x: Any, count: int) -> Any:
        """(N, T, count x D) to (N, count, T, D)."""
        return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)

    def together(self, x: Any) -> Any:
        """(N, heads, T, D) to (N, T, heads x D)."""
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)
