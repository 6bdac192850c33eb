"""HIPS autograd: networks written in array functions, as its users write them, with optimizers by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import make_hvp, make_vjp, value_and_grad
from autograd.scipy.special import logsumexp

from benchmarks.byhand import InPlace
from benchmarks.engines.arrays import Engine, Problem, Training
from benchmarks.row import Timed


class Autograd(Engine):
    """Eager, on NumPy."""

    xp = anp

    def array(self, value: np.ndarray) -> Any:
        """It computes with NumPy's arrays."""
        return value

    def plain(self, x: Any) -> Any:
        """Without its history."""
        while hasattr(x, "_value"):
            x = x._value
        return x

    def training(self, problem: Problem) -> Training:
        """The gradient is a function of the parameters."""
        s = dict(problem.state)
        update = InPlace(problem.update, problem.parameters)
        gradient = value_and_grad(lambda p, s: problem.loss(self, p, s, *problem.batch))
        last: list[Any] = []

        def step() -> None:
            value, found = gradient(update.p, s)
            update.step(found)
            last[:] = [value]

        def gradients() -> list[Any]:
            value, found = gradient(update.p, dict(s))
            return [value, *found.values()]

        return Training(step, lambda: last, gradients=gradients)

    def gradient(
        self,
        formula: Callable[..., Any],
        operands: Sequence[np.ndarray],
        constants: Sequence[np.ndarray] = (),
        seed: np.ndarray | None = None,
        operations: int = 1,
    ) -> Timed:
        """Its vector-Jacobian product does forward and backward in one go."""
        function = make_vjp(lambda values: formula(self, *values, *constants))
        found: list[Any] = []

        def step() -> None:
            pullback, value = function(list(operands))
            found[:] = [value, *pullback(anp.ones_like(value) if seed is None else seed)]

        return Timed(step, lambda: found, operations)

    def hessian_product(
        self, formula: Callable[..., Any], x: np.ndarray, direction: np.ndarray, constants: Sequence[np.ndarray]
    ) -> Timed:
        """Its own."""
        function = make_hvp(lambda w: formula(self, w, *constants))
        found: list[Any] = []

        def step() -> None:
            found[:] = [function(x)[0](direction)]

        return Timed(step, lambda: found)

    logsumexp = staticmethod(logsumexp)
