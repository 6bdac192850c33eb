"""Schedules that are a fraction of the base rates, or a function of the epoch."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable

from nn.optim.lr_scheduler.scheduler import LRScheduler, checked, each
from nn.optim.optimizer import Optimizer

Rule = Callable[[int], float]


class StepLR(LRScheduler):
    """Multiplies the rates by gamma every `step_size` epochs.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler, rates = StepLR(optimizer, 2), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 1.0, 0.1, 0.1]
    """

    _moves_at_once = True

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        return float(self.gamma ** (t // self.step_size))


class MultiStepLR(LRScheduler):
    """Multiplies the rates by gamma at each milestone; one that is given twice counts twice.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler, rates = MultiStepLR(optimizer, [1, 3], 0.5), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 0.5, 0.25]
    """

    _moves_at_once = True

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        return float(self.gamma ** bisect_right(sorted(self.milestones.elements()), t))


class ConstantLR(LRScheduler):
    """Takes a fraction of the rates for `total_iters` epochs, then the whole."""

    _moves_at_once = True

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor is expected to be between 0 and 1, got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        return 1.0 if t >= self.total_iters > 0 else self.factor


class LinearLR(LRScheduler):
    """Goes from a fraction of the rates to another in a straight line, in `total_iters` epochs.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler, rates = LinearLR(optimizer, 0.25, total_iters=3), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor is expected to be in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor is expected to be in [0, 1], got {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        part = min(t, self.total_iters) / self.total_iters if self.total_iters else 0.0
        return self.start_factor + (self.end_factor - self.start_factor) * part


class ExponentialLR(LRScheduler):
    """Multiplies the rates by gamma every epoch.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler, rates = ExponentialLR(optimizer, 0.5), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        return float(self.gamma**t)


class PolynomialLR(LRScheduler):
    """Lets the rates fall to 0 in `total_iters` epochs, as a power of the part that is left."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        left = 1.0 - min(t, self.total_iters) / self.total_iters if self.total_iters else 1.0
        return float(left**self.power)


class CosineAnnealingLR(LRScheduler):
    """Lets the rates fall to `eta_min` in T_max epochs along half a cosine (SGDR, https://arxiv.org/abs/1608.03983).

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler, rates = CosineAnnealingLR(optimizer, 3), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.75, 0.25, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def _whole(self, t: int) -> float:
        return (1 + math.cos(math.pi * t / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """CosineAnnealingLR that starts again after T_0 epochs, then T_0 * T_mult, T_0 * T_mult**2, ...

    `step(epoch + batch / batches)` follows the cosine within an epoch.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = self.T_i = T_0
        self.T_mult, self.eta_min, self.T_cur = T_mult, eta_min, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the one given, which need not be whole."""
        if epoch is None and self.last_epoch >= 0:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
            epoch = self.last_epoch + 1
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                if self.T_mult == 1:
                    self.T_cur %= self.T_i
                else:
                    self.T_cur -= self.T_i
                    self.T_i *= self.T_mult
        self._update_lr(math.floor(epoch))

    def _whole(self, t: int) -> float:
        return (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2

    _chained = LRScheduler._closed


class LambdaLR(LRScheduler):
    """Multiplies the base rates by a function of the epoch, or by one for each group.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.5)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step(), scheduler.step(), scheduler.get_last_lr()
    (None, None, [0.25])
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Rule | list[Rule], last_epoch: int = -1) -> None:
        self.lr_lambdas = each("lr_lambda", checked(optimizer), lr_lambda)
        for rule in self.lr_lambdas:
            if not callable(rule):
                raise TypeError(f"lr_lambda should be a function, but got {type(rule).__name__}")
        super().__init__(optimizer, last_epoch)

    def _factors(self) -> list[float]:
        return [rule(self.last_epoch) for rule in self.lr_lambdas]

    def _closed(self) -> list[float]:
        return [base * factor for base, factor in zip(self.base_lrs, self._factors(), strict=True)]

    def _chained(self) -> list[float]:
        return self._closed()


class MultiplicativeLR(LambdaLR):
    """Multiplies the rates at each epoch by a function of it, or by one for each group."""

    def _closed(self) -> list[float]:
        return [lr * factor for lr, factor in zip(self._rates(), self._factors(), strict=True)]

    def _chained(self) -> list[float]:
        return self._rates() if self._is_initial else self._closed()
