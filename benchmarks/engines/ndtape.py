"""The engine of this repository, as its users write it: with NumPy and SciPy alone, and with each extra added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.functional import hvp
from autodiff.kernels import compiled
from benchmarks.engines.arrays import Arrays, Engine, Problem, Training, Update
from benchmarks.row import Timed
from nn import functional as F
from nn import optim


class Ndtape(Engine):
    """With neither Numba nor oneDNN."""

    xp = np
    extras: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Switch off what this engine is to do without, and load what it would load at its first step."""
        self.off = ExitStack()
        if "numba" not in self.extras:
            self.off.enter_context(compiled.without())
        else:
            self.gradient(lambda m, a: m.sum(m.relu(a)), [np.ones((64, 64), np.float32)]).step()
        if "onednn" not in self.extras:
            try:
                from autodiff.kernels.onednn import without
            except ImportError:
                return
            self.off.enter_context(without())

    def array(self, value: np.ndarray, **options: Any) -> Any:
        """Images and their weights are channels-last in memory."""
        if value.ndim == 4:
            value = np.ascontiguousarray(value.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
            return ad.as_tensor(value).requires_grad_(**options) if options else ad.as_tensor(value)
        return ad.tensor(value, **options)

    def training(self, problem: Problem) -> Training:
        """Plain define-by-run code."""
        p = {name: self.array(value, requires_grad=True) for name, value in problem.parameters.items()}
        s = {name: self.array(value) for name, value in problem.state.items()}
        batch = [self.array(value) for value in problem.batch]
        optimizer = self.optimizer(problem.update, p.values())
        last: list[Any] = []

        def step() -> None:
            optimizer.zero_grad()
            value = problem.loss(self, p, s, *batch)
            value.backward()
            optimizer.step()
            last[:] = [value.detach()]

        def gradients() -> list[Any]:
            copies = {name: ad.tensor(value.numpy()) for name, value in s.items()}
            value = problem.loss(self, p, copies, *batch)
            return [value.detach(), *ad.grad(value, list(p.values()))]

        return Training(step, lambda: last, gradients=gradients)

    def optimizer(self, update: Update, parameters: Iterable[Any]) -> Any:
        """As it comes."""
        return getattr(optim, update.kind)(parameters, **update.settings())

    def updating(self, update: Update, parameters: Arrays, gradients: Arrays) -> Timed:
        """The gradients are already there."""
        p = [ad.tensor(value, requires_grad=True) for value in parameters.values()]
        optimizer = self.optimizer(update, p)
        for t, g in zip(p, gradients.values(), strict=True):
            t.grad = ad.tensor(g)
        return Timed(optimizer.step, lambda: [t.detach() for t in p])

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """By ad.grad."""
        leaves = [self.array(v, requires_grad=True) for v in operands]
        others = [self.array(c) for c in constants]
        g = None if seed is None else self.array(seed)
        found: list[Any] = []

        def step() -> None:
            y = formula(self, *leaves, *others)
            found[:] = [y.detach(), *ad.grad(y, leaves, g)]

        return Timed(step, lambda: found, operations)

    def forward(self, formula: Callable[..., Any], operands: Sequence[np.ndarray]) -> Timed:
        """Nothing recorded."""
        return super().forward(ad.no_grad()(formula), operands)

    def hessian_product(
        self, formula: Callable[..., Any], x: np.ndarray, direction: np.ndarray, constants: Sequence[np.ndarray]
    ) -> Timed:
        """By autodiff.functional."""
        leaf, v = ad.tensor(x), ad.tensor(direction)
        others = [self.array(c) for c in constants]
        found: list[Any] = []

        def step() -> None:
            found[:] = hvp(lambda w: formula(self, w, *others), (leaf,), (v,))[1]

        return Timed(step, lambda: found)

    linear = staticmethod(F.linear)
    relu = staticmethod(F.relu)
    logsumexp = staticmethod(ad.logsumexp)
    cross_entropy = staticmethod(F.cross_entropy)

    def gelu(self, x: Any) -> Any:
        """By tanh."""
        return F.gelu(x, approximate="tanh")

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
        """By the kernel that its shape calls for."""
        return F.conv2d(x, w, b, stride, padding, groups=groups)

    def max_pool2d(self, x: Any, size: int) -> Any:
        """Windows that do not overlap."""
        return F.max_pool2d(x, size)

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """One operation."""
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def lstm(self, x: Any, wx: Any, wh: Any, bx: Any, bh: Any) -> Any:
        """One operation over the sequence."""
        from autodiff.kernels.recurrent import lstm

        return lstm(x, wx, wh, bx, bh)[0]


class WithNumba(Ndtape):
    """With Numba's kernels."""

    extras = ("numba",)


class WithNumbaAndOneDNN(Ndtape):
    """With Numba's kernels and oneDNN's convolutions."""

    extras = ("numba", "onednn")
