"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from nn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from nn.optim.lr_scheduler.scheduler import LRScheduler, checked, write
from nn.optim.optimizer import Optimizer


def _one_optimizer(name: str, schedulers: Sequence[Any], optimizer: Any) -> Optimizer:
    """Demand schedulers of one optimizer that step without arguments; return it."""
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support ReduceLROnPlateau, whose step() takes a metric; got it at index {i}"
            )
        optimizer = optimizer or scheduler.optimizer
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but {type(scheduler).__name__} at "
                f"index {i} has another {type(scheduler.optimizer).__name__}"
            )
    return checked(optimizer)


class _Composite(LRScheduler):
    """A schedule made of others."""

    _schedulers: list[LRScheduler]

    def _initial_step(self) -> None:
        before, self.optimizer.stepped = self.optimizer.stepped, True  # it is no mistake that nothing was stepped yet
        super()._initial_step()
        self.optimizer.stepped = before


class SequentialLR(_Composite):
    """Follows one scheduler after the other; number i + 1 begins at epoch `milestones[i]`.

    >>> import nn
    >>> from nn.optim.lr_scheduler import ExponentialLR, LinearLR
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> warm, cool = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
    >>> scheduler, rates = SequentialLR(optimizer, [warm, cool], milestones=[2]), []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = _one_optimizer(type(self).__name__, schedulers, optimizer)
        for i, scheduler in enumerate(schedulers):
            if i and isinstance(scheduler, _Composite):
                raise NotImplementedError(
                    f"SequentialLR cannot begin a {type(scheduler).__name__} at a milestone; got it at index {i}: list "
                    "the schedulers it is made of"
                )
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects one scheduler more than milestones, but got "
                f"{len(schedulers)} schedulers and {len(milestones)} milestones"
            )
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            write(group, group["initial_lr"])
        _undo(self)  # all were made with the first epoch taken; only one of them may
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _undo(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Composite):
        for inner in scheduler._schedulers:
            _undo(inner)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Composite):
    """Takes the steps of several schedulers, one upon the other."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = _one_optimizer(type(self).__name__, schedulers, optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = self._rates()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()
