"""Adafactor."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from nn.optim.optimizer import Group, Params, non_negative, switches
from nn.optim.single import SingleOptimizer


class Adafactor(SingleOptimizer):
    """Adam without a mean, whose mean square of a matrix is kept by rows and columns (https://arxiv.org/abs/1804.04235).

    `eps` bounds the mean square (None: the machine epsilon) and the relative step size from below, `d` the root mean
    square of an update from above. Of parameters of more than two dimensions the last two are factored.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0], requires_grad=True)
    >>> optimizer = Adafactor([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()  # 0.5 of its size
    [1.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        switches(foreach)
        non_negative(lr=float(lr), eps1=eps[0] or 0, eps2=eps[1], weight_decay=weight_decay)
        if beta2_decay > 0:
            raise ValueError(f"Invalid beta2_decay value: {beta2_decay}, expected a number <= 0")
        if not d >= 1:
            raise ValueError(f"Invalid clipping threshold d: {d}, expected a number >= 1")
        settings = {"lr": lr, "beta2_decay": beta2_decay, "eps": tuple(eps), "d": d, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "maximize": maximize})

    def _state(self, group: Group, p: Tensor) -> dict[str, tuple[int, ...]]:
        if p.ndim < 2:
            return {"variance": p.shape}
        return {"row_var": (*p.shape[:-1], 1), "col_var": (*p.shape[:-2], 1, p.shape[-1])}

    def _update(self, group: Group, dtype: Any, p: Any, g: Any, state: dict[str, Any], step: Any, lr: Any) -> Any:
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(dtype).eps) if eps1 is None else eps1
        take = np.power(step, group["beta2_decay"])
        rate = np.maximum(_spread(p), eps2) * np.minimum(lr, 1 / np.sqrt(step))
        if group["weight_decay"]:
            p = p * (1 - lr * group["weight_decay"])
        axes = {"variance": None, "row_var": -1, "col_var": -2}
        for name, old in state.items():
            square = g * g if axes[name] is None else np.mean(g * g, axis=axes[name], keepdims=True)
            state[name] = (old + (square - old) * take).astype(g.dtype)
        if "variance" in state:
            square = state["variance"]
        else:
            rows = state["row_var"]
            square = rows * state["col_var"] / np.maximum(np.mean(rows, axis=-2, keepdims=True), eps1)
        change = g / np.sqrt(np.maximum(square, eps1 * eps1))
        return p - change * (rate / np.maximum(_spread(change) / group["d"], 1.0))


def _spread(x: Any) -> Any:
    """Return the root mean square."""
    return np.sqrt(np.mean(x * x))
