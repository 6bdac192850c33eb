"""PyTorch: eager with fused optimizers and images channels-last, and the same under torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.engines.arrays import Arrays, Engine, Problem, Training, Update
from benchmarks.row import Timed


class Torch(Engine):
    """Eager."""

    xp = torch

    def array(self, value: np.ndarray, **options: Any) -> Any:
        """Images and their weights are channels-last in memory."""
        made = torch.tensor(value)
        made = made.to(memory_format=torch.channels_last) if made.ndim == 4 else made
        return made.requires_grad_(**options) if options else made

    def best(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """What runs a function of tensors."""
        return function

    def training(self, problem: Problem) -> Training:
        """Gradients are dropped, not cleared."""
        p = {name: self.array(value, requires_grad=True) for name, value in problem.parameters.items()}
        s = {name: self.array(value) for name, value in problem.state.items()}
        batch = [self.array(value) for value in problem.batch]
        optimizer = self.optimizer(problem.update, p.values())
        loss = self.best(partial(problem.loss, self))
        last: list[Any] = []

        def step() -> None:
            optimizer.zero_grad(set_to_none=True)
            value = loss(p, s, *batch)
            value.backward()
            optimizer.step()
            last[:] = [value.detach()]

        def gradients() -> list[Any]:
            copies = {name: value.clone() for name, value in s.items()}
            value = loss(p, copies, *batch)
            return [value.detach(), *torch.autograd.grad(value, list(p.values()))]

        return Training(step, lambda: last, gradients=gradients)

    def optimizer(self, update: Update, parameters: Iterable[Any]) -> Any:
        """The fused kind."""
        return getattr(torch.optim, update.kind)(parameters, fused=True, **update.settings())

    def updating(self, update: Update, parameters: Arrays, gradients: Arrays) -> Timed:
        """The gradients are already there."""
        p = [torch.tensor(value, requires_grad=True) for value in parameters.values()]
        optimizer = self.optimizer(update, p)
        for t, g in zip(p, gradients.values(), strict=True):
            t.grad = torch.tensor(g)
        return Timed(optimizer.step, lambda: [t.detach() for t in p])

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """By torch.autograd.grad."""
        leaves = [self.array(v, requires_grad=True) for v in operands]
        others = [self.array(c) for c in constants]
        g = None if seed is None else self.array(seed)
        function = self.best(partial(formula, self))
        found: list[Any] = []

        def step() -> None:
            y = function(*leaves, *others)
            found[:] = [y.detach(), *torch.autograd.grad(y, leaves, g)]

        return Timed(step, lambda: found, operations)

    def forward(self, formula: Callable[..., Any], operands: Sequence[np.ndarray]) -> Timed:
        """Nothing recorded."""
        values = [self.array(v) for v in operands]
        function = self.best(partial(formula, self))
        found: list[Any] = []

        def step() -> None:
            with torch.no_grad():
                found[:] = [function(*values)]

        return Timed(step, lambda: found)

    def hessian_product(
        self, formula: Callable[..., Any], x: np.ndarray, direction: np.ndarray, constants: Sequence[np.ndarray]
    ) -> Timed:
        """Backward over backward: forward over reverse (torch.func) took twice as long."""
        leaf, v = torch.tensor(x, requires_grad=True), torch.tensor(direction)
        others = [torch.tensor(c) for c in constants]
        found: list[Any] = []

        def step() -> None:
            (g,) = torch.autograd.grad(formula(self, leaf, *others), leaf, create_graph=True)
            found[:] = torch.autograd.grad(g, leaf, v)

        return Timed(step, lambda: found)

    linear = staticmethod(F.linear)
    relu = staticmethod(F.relu)
    gelu = staticmethod(partial(F.gelu, approximate="tanh"))
    logsumexp = staticmethod(torch.logsumexp)
    cross_entropy = staticmethod(F.cross_entropy)
    max_pool2d = staticmethod(F.max_pool2d)

    def embedding(self, table: Any, tokens: Any) -> Any:
        """Rows."""
        return F.embedding(tokens, table)

    def layer_norm(self, x: Any, w: Any, b: Any) -> Any:
        """Over the last axis."""
        return F.layer_norm(x, x.shape[-1:], w, b)

    def batch_norm(self, x: Any, w: Any, b: Any, s: Any, name: str) -> Any:
        """It moves the running statistics itself."""
        return F.batch_norm(x, s[f"{name}.mean"], s[f"{name}.var"], w, b, training=True)

    def conv2d(self, x: Any, w: Any, b: Any | None = None, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
        """OneDNN's."""
        return F.conv2d(x, w, b, stride, padding, groups=groups)

    def mean_over_positions(self, x: Any) -> Any:
        """(N, C, H, W) to (N, C)."""
        return x.mean((2, 3))

    def lstm(self, x: Any, wx: Any, wh: Any, bx: Any, bh: Any) -> Any:
        """What torch.nn.LSTM calls."""
        zeros = x.new_zeros(1, x.shape[1], wh.shape[1])
        return torch.lstm(x, (zeros, zeros), (wx, wh, bx, bh), True, 1, 0.0, True, False, False)[0]

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Its fused kernel."""
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class TorchCompile(Torch):
    """The loss compiled with its backward pass; the fused optimizer beside it."""

    def best(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compiled at its first call."""
        compiled: Callable[..., Any] = torch.compile(function)
        return compiled
