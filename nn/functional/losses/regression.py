"""Losses of real numbers and counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.errors import ArgumentError
from nn.functional.losses.reducing import paired, reduced, weighted


def l1_loss(input: Tensor, target: Any, *, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Return the mean (or sum, or each) of the absolute differences; weight: a factor of each.

    >>> import autodiff as ad
    >>> l1_loss(ad.tensor([1.0, 2.0]), [0.0, 5.0]).item()
    2.0
    """
    target = paired("l1_loss", input, target, warn=True)
    return weighted(np.abs(input - target), weight, reduction)


def mse_loss(input: Tensor, target: Any, *, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Return the mean (or sum, or each) of the squared differences; weight: a factor of each.

    >>> import autodiff as ad
    >>> mse_loss(ad.tensor([1.0, 2.0]), [0.0, 5.0]).item()
    5.0
    """
    target = paired("mse_loss", input, target, warn=True)
    return weighted(np.square(input - target), weight, reduction)


def huber_loss(
    input: Tensor, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Return half the squared difference where that is below delta, and delta (|difference| - delta / 2) beyond.

    weight: a factor of each; other than that of l1_loss and mse_loss the mean divides by the number, as in PyTorch.
    Huber, "Robust estimation of a location parameter", 1964.

    >>> import autodiff as ad
    >>> huber_loss(ad.tensor([0.5, 4.0]), [0.0, 0.0], "none", delta=2.0).tolist()
    [0.125, 6.0]
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss does not support non-positive values for delta, got {delta}.")
    target = paired("huber_loss", input, target, warn=True)
    losses = weighted(_huber(input - target, delta), weight, "none")
    return reduced(losses, reduction)


def smooth_l1_loss(input: Tensor, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Return the Huber loss of threshold beta over beta: slope 1 far from 0. With beta 0 it is l1_loss.

    >>> import autodiff as ad
    >>> smooth_l1_loss(ad.tensor([0.5, 4.0]), [0.0, 0.0], reduction="none", beta=2.0).tolist()
    [0.0625, 3.0]
    """
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss does not support negative values for beta, got {beta}.")
    target = paired("smooth_l1_loss", input, target, warn=True)
    difference = input - target
    return reduced(_huber(difference, beta) / beta if beta else np.abs(difference), reduction)


def _huber(difference: Any, delta: float) -> Any:
    near = np.clip(difference, -delta, delta)  # not by the absolute value, whose second derivative misses that at 0
    return near * (difference - 0.5 * near)


def poisson_nll_loss(
    input: Tensor,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of counts under Poisson distributions of a mean, or of a mean's logarithm.

    full: add Stirling's approximation of log(target!) for targets above 1. eps: added to a mean of which the logarithm
    is taken.

    >>> import autodiff as ad
    >>> poisson_nll_loss(ad.zeros(2), [0.0, 3.0]).item()
    1.0
    """
    target = paired("poisson_nll_loss", input, target)
    losses = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        above = target > 1
        count = np.where(above, target, 1)
        losses = losses + np.where(above, count * np.log(count) - count + 0.5 * np.log(2 * math.pi * count), 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Return the negative log-likelihood of targets under normal distributions of a mean (input) and a variance.

    var: of the input's shape, or without its last axis or with one axis of 1, or a number. A variance below eps counts
    as eps, though its gradient is taken as if it did not. full: add log(2 pi) / 2.
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    >>> import autodiff as ad
    >>> gaussian_nll_loss(ad.zeros(2), [1.0, 3.0], 1.0).item()
    2.5
    """
    target = paired("gaussian_nll_loss", input, target)
    variance = _variance(input, var)
    variance = variance + (np.maximum(variance, eps) - variance).detach()
    losses = 0.5 * (np.log(variance) + np.square(input - target) / variance)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _variance(input: Tensor, var: Any) -> Any:
    """Return a variance that broadcasts to the input."""
    var = np.full_like(input.detach(), var) if isinstance(var, (int, float)) else as_tensor(var)
    if (var.data < 0).any():
        raise ArgumentError("gaussian_nll_loss: var has negative entry/entries; give a variance, e.g. np.exp(x).")
    if var.shape == input.shape:
        return var
    if var.shape == input.shape[:-1]:
        return var[..., None]
    different = [n for m, n in zip(input.shape, var.shape, strict=False) if m != n]
    if var.ndim != input.ndim or different != [1]:
        raise ArgumentError(
            f"gaussian_nll_loss: var is of incorrect size: {var.shape} for an input of {input.shape}; expected the "
            "same, or one axis of 1, or none for the last axis."
        )
    return var
