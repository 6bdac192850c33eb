"""Muon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff import Tensor
from nn.optim.optimizer import Group, Params, non_negative
from nn.optim.single import SingleOptimizer


class Muon(SingleOptimizer):
    """Momentum whose matrix is made orthogonal, nearly, before each step (https://kellerjordan.github.io/posts/muon/).

    For the matrices of hidden layers; biases and embeddings go to another optimizer. A Newton-Schulz iteration takes
    the singular values near 1. It runs in the parameters' own precision here, where PyTorch rounds to bfloat16.

    adjust_lr_fn: None or 'original' multiplies the rate by sqrt(max(1, rows / columns)), 'match_rms_adamw' by
    0.2 * sqrt(max(rows, columns)), so that AdamW's rates and weight decay fit.

    >>> import autodiff as ad
    >>> w = ad.tensor([[3.0, 0.0], [0.0, 4.0]], requires_grad=True)
    >>> optimizer = Muon([w], lr=0.5, weight_decay=0)
    >>> (w**2).sum().backward()
    >>> optimizer.step()
    >>> bool((w.diagonal() < [3.0, 4.0]).all())
    True
    """

    _counts = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        non_negative(lr=float(lr), momentum=momentum, weight_decay=weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if ns_steps >= 100:
            raise ValueError(f"ns_steps must be less than 100, got {ns_steps}")
        if len(ns_coefficients) != 3:
            raise ValueError(f"ns_coefficients are exactly 3 numbers, got {len(ns_coefficients)}")
        settings: Group = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        settings |= {"eps": eps, "ns_coefficients": ns_coefficients, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn}
        super().__init__(params, settings)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}; give it to "
                    "another optimizer, such as AdamW"
                )

    def _state(self, group: Group, p: Tensor) -> dict[str, tuple[int, ...]]:
        return {"momentum_buffer": p.shape}

    def _update(self, group: Group, dtype: Any, p: Any, g: Any, state: dict[str, Any], step: Any, lr: Any) -> Any:
        momentum, (rows, columns) = group["momentum"], p.shape
        mean = state["momentum_buffer"]
        mean = state["momentum_buffer"] = mean + (g - mean) * (1 - momentum)
        change = orthogonal(
            g + (mean - g) * momentum if group["nesterov"] else mean,
            group["ns_coefficients"], group["ns_steps"], group["eps"],
        )  # fmt: skip
        if group["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(rows, columns))
        else:
            factor = math.sqrt(max(1, rows / columns))
        return p * (1 - lr * group["weight_decay"]) - change * (lr * factor)


def orthogonal(x: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Return x with singular values near 1, by an odd polynomial of fifth degree applied `steps` times."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = np.swapaxes(x, 0, 1)
    x = x / np.maximum(np.sqrt(np.sum(x * x)), eps)
    for _ in range(steps):
        square = x @ np.swapaxes(x, 0, 1)
        x = x * a + (square * b + square @ square * c) @ x
    return np.swapaxes(x, 0, 1) if tall else x
