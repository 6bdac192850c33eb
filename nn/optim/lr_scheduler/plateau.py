"""A schedule that waits for a metric."""

from __future__ import annotations

import math
from typing import SupportsFloat

from autodiff import Tensor
from nn.optim.lr_scheduler.scheduler import LRScheduler, checked, each, write
from nn.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a metric has not improved for more than `patience` epochs.

    Better is lower (mode 'min') or higher ('max') by more than the threshold, as a part of the best ('rel') or as such
    ('abs'). After a reduction, `cooldown` epochs are not counted.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.9, 0.9, 0.9):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode is 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = checked(optimizer)
        self.min_lrs = each("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch = 0
        self._last_lr = self._rates()
        self._reset()

    def _reset(self) -> None:
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted because the rates were reduced lately."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Go to the next epoch with the value of the metric."""
        current = metrics.item() if isinstance(metrics, Tensor) else float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self._is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()

    def _is_better(self, a: float, best: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        bound = best * (1 - sign * self.threshold) if self.threshold_mode == "rel" else best - sign * self.threshold
        return sign * a < sign * bound

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"the optimizer has {len(groups)} parameter groups, and {len(self.min_lrs)} when ReduceLROnPlateau "
                    "was made; add a value for each new group to min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least, old in zip(groups, self.min_lrs, self._rates(), strict=True):
            new = max(old * self.factor, least)
            if old - new > self.eps:
                write(group, new)
