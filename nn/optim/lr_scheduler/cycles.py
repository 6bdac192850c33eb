"""Schedules that move rates and momentum in cycles."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from nn.optim.lr_scheduler.scheduler import LRScheduler, checked, each, write
from nn.optim.optimizer import Group, Optimizer


class _Cycle(LRScheduler):
    """A schedule that moves the momentum (or the first of the betas) against the rates."""

    def _take_momentum(self, cycle: bool, base: Any, top: Any, start: bool) -> None:
        self.cycle_momentum = cycle
        if not cycle:
            return
        if not {"momentum", "betas"} & self.optimizer.defaults.keys():
            raise ValueError(
                f"{type(self.optimizer).__name__} has neither momentum nor betas to be cycled; pass "
                f"cycle_momentum=False to {type(self).__name__}"
            )
        self.base_momentums = each("base_momentum", self.optimizer, base)
        self.max_momentums = each("max_momentum", self.optimizer, top)
        for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
            if start:
                group["base_momentum"], group["max_momentum"] = low, high
                self._set_momentum(group, high)

    def _set_momentum(self, group: Group, momentum: float) -> None:
        if "betas" in self.optimizer.defaults:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def _closed(self) -> list[float]:
        return self._chained()


class CyclicLR(_Cycle):
    """Lets the rates rise from `base_lr` to `max_lr` and fall again (https://arxiv.org/abs/1506.01186).

    mode: 'triangular', 'triangular2' (each cycle half as high) or 'exp_range' (the height times gamma**t); a `scale_fn`
    of the cycle, or with `scale_mode="iterations"` of t, stands before it.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0, momentum=0.9)
    >>> scheduler, rates = CyclicLR(optimizer, 0.25, 0.75, 2), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.5, 0.75, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                f"mode is 'triangular', 'triangular2' or 'exp_range', or a scale_fn is given; got {mode!r}"
            )
        base_lrs, self.max_lrs = each("base_lr", optimizer, base_lr), each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                write(group, lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self._take_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return the height of cycle x, or at epoch x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return float(2.0 ** (1 - x))
        return float(self.gamma**x) if self.mode == "exp_range" else 1.0

    def _chained(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            groups = self.optimizer.param_groups
            for group, low, high in zip(groups, self.base_momentums, self.max_momentums, strict=True):
                self._set_momentum(group, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class OneCycleLR(_Cycle):
    """Lets the rates rise to `max_lr` once and fall far below (https://arxiv.org/abs/1708.07120).

    They start at max_lr / div_factor, are highest after the part `pct_start` of all steps and end at a
    `final_div_factor`-th of the start; with `three_phase` they come back to the start first.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0, momentum=0.9)
    >>> scheduler, rates = OneCycleLR(optimizer, 1.0, 4, pct_start=0.5), []
    >>> for _ in range(4):
    ...     rates += [round(rate, 3) for rate in scheduler.get_last_lr()]
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.04, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
            total_steps = _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)
        self.total_steps = _positive("total_steps", total_steps)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy
        top, last = float(pct_start * total_steps) - 1, total_steps - 1  # where a phase ends, and where it leads
        self._phases = [(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            self._phases += [
                (2 * top, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._phases += [(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, each("max_lr", optimizer, max_lr), strict=True):
                group["initial_lr"], group["max_lr"] = peak / div_factor, peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._take_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start: float, end: float, part: float) -> float:
        if self._anneal_func_type == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    def _chained(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is {self.total_steps}")
        ends = [0.0, *(phase[0] for phase in self._phases)]
        now = min(bisect_left(ends, t, lo=1), len(self._phases)) - 1
        part = (t - ends[now]) / (ends[now + 1] - ends[now])
        _, *names = self._phases[now]
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            self._set_momentum(group, self._anneal(group[names[2]], group[names[3]], part))
        return [self._anneal(group[names[0]], group[names[1]], part) for group in self.optimizer.param_groups]


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value
