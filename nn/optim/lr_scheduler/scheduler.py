"""What all schedules share: rates as fractions of the base rates, and a state dict."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any

from autodiff import Tensor, no_grad
from nn.optim.optimizer import Group, Optimizer


class LRScheduler:
    """Sets the learning rates of an optimizer's groups, first when it is made, then at each `step()`.

    A schedule is a fraction `_whole(t)` of the base rates after epoch t, above a floor `eta_min`. A step multiplies
    what is there by the ratio of two fractions, so that schedulers of one optimizer compound; `step(epoch)` sets the
    fraction itself. A schedule of one's own overrides `get_lr`, which returns a rate for each group.

    >>> import nn
    >>> from nn.optim.lr_scheduler import ExponentialLR
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.5)
    >>> scheduler = ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    eta_min: float = 0.0
    _moves_at_once = False  # whether a schedule made at epoch t > 0 takes the step to t, or finds it taken

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming {type(self).__name__} "
                    "with last_epoch >= 0; load the optimizer's state dict first, or start with last_epoch=-1"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the one given."""
        if self._step_count == 1 and not self.optimizer.stepped:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(), which skips the first value of the schedule; "
                "call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch  # type: ignore[assignment]
        self._within_step = True
        closed = epoch is not None and type(self).get_lr is LRScheduler.get_lr
        try:
            rates = self._closed() if closed else self.get_lr()
        finally:
            del self._within_step
        self._set(rates)

    def _set(self, rates: Iterable[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, rate)
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """Return the rates that were last set, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """Return the rates of the current epoch from those before it; within a step only."""
        if not hasattr(self, "_within_step"):
            warnings.warn("get_lr() is what step() asks; get_last_lr() returns the rates", UserWarning, stacklevel=2)
        return self._chained()

    def _chained(self) -> list[float]:
        """Return the rates of the current epoch from those of the last."""
        t, rates, floor = self.last_epoch, self._rates(), self.eta_min
        if self._is_initial and t > 0 and not self._moves_at_once:
            return rates
        before, now = self._whole(t - 1) if t > 0 else 1.0, self._whole(t)
        if before == 0:
            return [lr + (base - floor) * now for lr, base in zip(rates, self.base_lrs, strict=True)]
        return [lr if now == before else floor + (lr - floor) * (now / before) for lr in rates]

    def _closed(self) -> list[float]:
        """Return the rates of the current epoch from the base rates."""
        whole, floor = self._whole(self.last_epoch), self.eta_min
        return [floor + (base - floor) * whole for base in self.base_lrs]

    def _whole(self, t: int) -> float:
        """Return which fraction of the base rates is left after epoch t."""
        raise NotImplementedError(f"{type(self).__name__} says what its rates are in get_lr(), which is not written")

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer and functions; of a callable object, its attributes."""
        return {name: _saved(value) for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a scheduler of the same kind stood; the optimizer's own state dict holds the rates."""
        for name, value in state_dict.items():
            setattr(self, name, _restored(vars(self).get(name), value))


def _saved(value: Any) -> Any:
    if isinstance(value, list):
        return [_saved(x) for x in value]
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if callable(value):
        return None if isinstance(value, FunctionType) else dict(getattr(value, "__dict__", {}))
    return value


def _restored(own: Any, value: Any) -> Any:
    """Return a saved value, or what is there where only its attributes were saved."""
    if isinstance(own, list) and isinstance(value, list) and own and (callable(own[0]) or hasattr(own[0], "step")):
        return [_restored(a, b) for a, b in zip(own, value, strict=True)]
    if isinstance(own, LRScheduler):
        own.load_state_dict(value)
        return own
    if callable(own):
        if value:
            vars(own).update(value)
        return own
    return list(value) if isinstance(value, list) else value


def checked(optimizer: Any) -> Optimizer:
    """Demand an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def write(group: Group, rate: float) -> None:
    """Set a group's rate; a Tensor keeps its place, so that a compiled step sees it."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"][...] = rate
    else:
        group["lr"] = rate


def each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return one value for each group."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} is one value, or one for each of the {count} parameter groups, got {len(value)}")
    return list(value)
